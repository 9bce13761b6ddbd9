"""Which takes were approved: written beside the recipe, each with the digest of the file that was looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline import desk as desks
from pipeline import ways
from pipeline.desk import Desk, House, Reading, Wants
from pipeline.documents import read_manifest, write_documents
from pipeline.errors import Fault, Place, RushesError, StoreError, UserError
from pipeline.plan.model import take_id
from pipeline.providers.catalog import CHEAPEST
from pipeline.recipe import picks, picks_text, source
from pipeline.recipe.model import Pick, Recipe, Shot
from pipeline.report.story import output_path
from pipeline.store import faults, locks
from pipeline.store.copying import refuse_unless_file, write_text
from pipeline.values import dataclass, field
from pipeline.wants import of_drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What became of a recipe's picks: by shot those that were asked for, each with its file, and those let go.

    `stale` are picks by shot that do not hold any more, since what they stand on was picked otherwise.
    """

    path: Path
    wants: Wants  # of the takes: as they were last run, where nobody said otherwise
    picked: Mapping[str, Pick]
    files: Mapping[str, Path]
    cleared: tuple[str, ...]
    is_changed: bool
    stale: Mapping[str, Fault] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


def approve(recipe: Path, takes: Sequence[str], wants: Wants, house: House, *, clear: Sequence[str] = ()) -> Approved:
    """Picks takes by their ids or globs, and lets go of the picks of shots; all of it in one move, or nothing.

    Raises `UserError` for what names nothing, two takes of one shot, or one that is not made; `StoreError`.
    """
    path = picks.path_of(recipe)
    cleared = _cleared(path, clear)
    desk = _desk(_drafts(recipe, wants, house), takes, cleared, house) if takes else None
    named = {shot: desk.reading.recipe.picks[shot] for shot in _named(desk.recipe, takes)} if desk else {}
    picked = {shot: _made(desk, shot, pick) for shot, pick in named.items()} if desk else {}
    with _told(), locks.turn(path.parent):
        before = _text(path)
        after = picks_text.changed(before, str(path), picked=picked, cleared=cleared)
        if after != before:
            write_text(path, after)
    # WHY: the picks are written by now, and hold whether the documents of the takes can tell of them or not.
    with contextlib.suppress(RushesError, AttributeError, IndexError, KeyError, TypeError):
        if after != before:
            _mark(desk.output if desk else _drafts(recipe, wants, house).output, picked, cleared)
    return Approved(
        path=path,
        wants=desk.wants if desk else wants,
        picked=picked,
        files={shot: _file(desk, shot, pick) for shot, pick in picked.items()} if desk else {},
        cleared=cleared,
        is_changed=after != before,
        stale=_stale(desk) if desk else {},
        stages=desk.recipe.stages if desk else (),
    )


def _stale(desk: Desk) -> dict[str, Fault]:
    """The picks beside those that are being written that do not hold with them."""
    shots = {pick.place: shot for shot, pick in desk.reading.recipe.picks.items()}
    return {shots[fault.place]: fault for fault in desk.stale if fault.place != _NOWHERE}


def _mark(output: Path, picked: Mapping[str, Pick], cleared: Collection[str]) -> None:
    """Marks the takes in the documents that lie beside them. Raises what a manifest from elsewhere may lead to."""
    document = read_manifest(output / "manifest.json")
    for shot in document["shots"]:
        if pick := picked.get(shot["id"]):
            shot["picked"] = shot["take"] == pick.take
        elif shot["id"] in cleared:
            shot["picked"] = False
    write_documents(output, document)


_NOWHERE = Place(file="", line=0, column=0)


@contextmanager
def _told() -> Iterator[None]:
    """What the disk refuses inside is raised with the way out for picks, which lie beside their recipe."""
    try:
        yield
    except StoreError as error:
        raise StoreError(error.fact, _WAYS.get(error.hint, error.hint)) from error


_WAYS = {
    faults.FREE_SPACE: "Free some space there, then type it again: the picks are as they were.",
    faults.MAY_WRITE: "Make it and its folder writable for you: picks lie beside their recipe.",
}


def _text(path: Path) -> str:
    """What a picks file has, nothing where there is none. Raises `RecipeError`, `UserError`, `StoreError`: a link."""
    if not refuse_unless_file(path):
        return ""
    try:
        data = source.read(path)
    except UserError as error:
        raise UserError(error.fact, picks.UNREADABLE) from None
    return source.decoded(data, str(path), picks.WHAT).characters


def _cleared(path: Path, patterns: Sequence[str]) -> tuple[str, ...]:
    """The shots whose picks are let go. Raises `UserError` for a pattern that names none."""
    known = picks_text.names(_text(path), str(path)) if patterns else ()
    found: dict[str, None] = {}
    for pattern in patterns:
        hits = [name for name in known if fnmatchcase(name, pattern)]
        if not hits:
            near = difflib.get_close_matches(pattern, known, n=1)
            there = f"There are picks of: {', '.join(known)}." if known else "Nothing is picked there."
            hint = f"Did you mean {near[0]}?" if near else there
            raise UserError(f"--clear {pattern}: there is no such pick in {path}.", hint)
        found |= dict.fromkeys(hits)
    return tuple(found)


def _drafts(recipe: Path, wants: Wants, house: House) -> Reading:
    """The recipe in the stage that picks are of, as that was last run where nobody says otherwise."""
    if wants.preview:
        raise UserError("a preview's takes are drawings, and none is picked.", "Leave --preview out.")
    reading = desks.read(recipe, wants, house)
    drafts = reading.recipe.drafts
    if wants.stage not in ("", drafts):
        raise UserError(
            f"picks are of takes {f'of {drafts}, the stage before the last' if drafts else 'as declared'}.",
            f"Say --stage {drafts}, or nothing." if drafts else "Leave --stage out.",
        )
    found = of_drafts(wants, reading.recipe, reading.folder, (*house.providers, CHEAPEST))
    return reading if found == wants else desks.read(recipe, found, house)


def _desk(reading: Reading, takes: Sequence[str], cleared: Sequence[str], house: House) -> Desk:
    """The desk as it is with these takes picked, each the result of it that lies there now."""
    read, shown = reading.recipe, _shown(reading.output)
    named = {
        shot: dataclasses.replace(pick, sha256=shown.get(take_id(shot, pick.take), ""))
        for shot, pick in _named(read, takes).items()
    }
    asked = {name: pick for name, pick in read.picks.items() if name not in cleared} | named
    shots = picks.applied(asked, read.shots, final=False)
    return desks.lay(dataclasses.replace(reading, recipe=dataclasses.replace(read, picks=asked, shots=shots)), house)


def _shown(output: Path) -> dict[str, str]:
    """By take id, the digest of the file that its documents show, where there are any."""
    try:
        document = read_manifest(output / "manifest.json")
    except UserError:
        return {}
    return {
        take_id(shot["id"], shot["take"]): file["sha256"]
        for shot in document["shots"]
        if (file := shot["outputs"].get("video") or shot["outputs"].get("image"))
    }


def _named(recipe: Recipe, patterns: Sequence[str]) -> dict[str, Pick]:
    """The takes that patterns name, by shot: `dawn` is a shot's first. Raises `UserError`."""
    found: dict[str, Pick] = {}
    for pattern in patterns:
        hits = list(_hits(recipe.shots, pattern))
        if not hits:
            raise _unknown(recipe, pattern)
        for shot, take in hits:
            if shot in found and found[shot].take != take:
                both = f"{take_id(shot, found[shot].take)} and {take_id(shot, take)}"
                raise UserError(f"{both} are takes of one shot.", "Pick one of them.")
            found[shot] = Pick(take=take, sha256="", place=_NOWHERE)
    return found


def _hits(shots: Iterable[Shot], pattern: str) -> Iterable[tuple[str, int]]:
    for shot in shots:
        if "@" not in pattern and fnmatchcase(shot.id, pattern):
            yield shot.id, 1
        elif "@" in pattern:
            yield from ((shot.id, take) for take in shot.numbers if fnmatchcase(f"{shot.id}@{take}", pattern))


def _unknown(recipe: Recipe, pattern: str) -> UserError:
    takes = [take_id(shot.id, number) for shot in recipe.shots for number in shot.numbers]
    near = difflib.get_close_matches(pattern, takes, n=1)
    where = f" in {recipe.stage}" if recipe.stage else ""
    hint = f"Did you mean {near[0]}?" if near else f"The takes are {', '.join(takes[:12])}."
    return UserError(f"{pattern} names no take of this recipe{where}.", hint)


def _made(desk: Desk, shot: str, pick: Pick) -> Pick:
    """The pick with the digest of its file. Raises `UserError` for a take that is not there as it is asked for now."""
    name = take_id(shot, pick.take)
    step = next(step for step in desk.plan.steps if step.id == f"{name}/generate")
    if step.result is None:
        make = ways.command(desk, dataclasses.replace(desk.wants, only=(name,)))
        first = "Pick what it follows first, then make it" if step.follows else "Make it first"
        raise UserError(f"{name} is not made as it would be now: {step.why}.", f"{first}: {make}")
    made = step.result.outputs["video" if "video" in step.result.outputs else "image"]
    if pick.sha256 not in ("", made.sha256):
        look = ways.command(desk, dataclasses.replace(desk.wants, only=(name,)))
        raise UserError(f"{name} as it would be reused now is not what {desk.output} shows.", f"Look at it: {look}")
    return dataclasses.replace(pick, sha256=made.sha256)


def _file(desk: Desk, shot: str, pick: Pick) -> Path:
    step = next(step for step in desk.plan.steps if step.id == f"{take_id(shot, pick.take)}/generate")
    assert step.result is not None
    found = ((name, one.suffix) for name, one in step.result.outputs.items() if one.sha256 == pick.sha256)
    return desk.output / output_path(desk.plan, step, *next(found))
