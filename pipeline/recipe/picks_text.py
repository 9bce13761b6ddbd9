"""The text of a picks file with other picks in it: comments, order and all other picks stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import Fault, RecipeError, UserError
from pipeline.recipe import source
from pipeline.recipe.explain import misfits
from pipeline.recipe.model import Pick
from pipeline.recipe.picks import WHAT, grammar, is_bare
from pipeline.recipe.source import Document

HEAD = "# The takes that were approved, written by `rushes approve`; comments stay.\n"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")
_WORDS = frozenset({"true", "false", "null"})


def changed(characters: str, file: str, *, picked: Mapping[str, Pick], cleared: Sequence[str] = ()) -> str:
    """The text with these picks in it, and without those that are cleared.

    Raises `RecipeError` for a text that holds no picks, `UserError` where it is written so that it cannot be changed.
    """
    before = _value(characters, file)
    after = {name: said for name, said in before.items() if name not in cleared}
    after |= {name: {"take": pick.take, "sha256": pick.sha256} for name, pick in picked.items()}
    for name in cleared:
        if name in before:
            characters = _without(characters, file, name)
    for name, pick in picked.items():
        characters = _with(characters, file, name, pick)
    try:
        found = _value(characters, file)
    except RecipeError:
        found = {}
    if found != after:
        raise UserError(
            f"{file} is written in a way that cannot be changed without loss.",
            'Write it as one `dawn: {take: 2, sha256: "sha256:..."}` a line, or change it by hand.',
        )
    return characters


def names(characters: str, file: str) -> tuple[str, ...]:
    """The shots that a text has picks of. Raises `RecipeError` for a text that holds no picks."""
    return tuple(_value(characters, file))


def _value(characters: str, file: str) -> dict[str, Any]:
    document = _document(characters, file)
    return document.value if document else {}


def _document(characters: str, file: str) -> Document | None:
    """The text read as YAML, None where nothing is in it. Raises `RecipeError` for what are no picks."""
    text = source.decoded(characters.encode(), file, WHAT)
    if is_bare(text):
        return None
    document = source.document(text, WHAT)
    schema = grammar()
    wrong = next(misfits(document.value, schema, schema), None)
    if document.faults:
        raise RecipeError(document.faults)
    if wrong:
        place = document.place(wrong.at, key=wrong.key)
        raise RecipeError([Fault(place=place, fact=wrong.fact, hint=wrong.hint)])
    return document


def _with(characters: str, file: str, name: str, pick: Pick) -> str:
    """The text with one pick: its own two values changed where it is there, else as a line at the end."""
    document = _document(characters, file)
    if document and name in document.value:
        entry = document.value[name]
        spots = [(document.tree.spot(entry, field)[0], said) for field, said in _said(pick)]
        for spot, said in sorted(spots, key=lambda one: -one[0].start):
            characters = characters[: spot.start] + said + characters[spot.end :]
        return characters
    line = f"{_key(name)}: {{{', '.join(f'{field}: {said}' for field, said in _said(pick))}}}"
    if document is None:
        return (characters.rstrip("\n") + "\n" if characters.strip() else HEAD) + line + "\n"
    if _is_flow(document, characters):
        end = characters.rindex("}")
        head = characters[:end].rstrip()
        return f"{head}{'' if head[-1] in '{,' else ','} {line}{characters[end:]}"
    indent = min(_column(characters, at) for at in _starts(document)) if document.value else 0
    return characters.rstrip("\n") + "\n" + " " * indent + line + "\n"


def _said(pick: Pick) -> Iterator[tuple[str, str]]:
    yield "take", str(pick.take)
    yield "sha256", f'"{pick.sha256}"'


def _key(name: str) -> str:
    return name if _PLAIN.match(name) and name.lower() not in _WORDS else f'"{name}"'


def _without(characters: str, file: str, name: str) -> str:
    """The text without one pick: its lines, and no comment that stands before the next."""
    document = _document(characters, file)
    assert document is not None
    starts = list(_starts(document))
    at = list(document.value).index(name)
    start, last = starts[at], at + 1 == len(starts)
    if _is_flow(document, characters):
        end = characters.rindex("}") if last else starts[at + 1]
        head = characters[:start].rstrip().removesuffix(",") if last else characters[:start]
        return head + characters[end:]
    start -= _column(characters, start)
    end = len(characters) if last else starts[at + 1] - _column(characters, starts[at + 1])
    lines = characters[start:end].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return characters[:start] + characters[start + sum(map(len, lines)) :]


def _starts(document: Document) -> Iterator[int]:
    """Where the key of each pick begins."""
    for name in document.value:
        yield document.tree.spot(document.value, name)[1] or 0


def _is_flow(document: Document, characters: str) -> bool:
    return characters[document.tree.root.start] == "{"


def _column(characters: str, index: int) -> int:
    return index - (characters.rfind("\n", 0, index) + 1)
