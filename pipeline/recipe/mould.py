"""Values with templates somewhere inside -> functions that make the values; what has none is left as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pipeline.recipe.allowance import Names, TemplateFault, Work
from pipeline.recipe.explain import At
from pipeline.recipe.template import compiled, is_template
from pipeline.recipe.texts import field_of
from pipeline.values import dataclass

_TEXT_FIELDS = frozenset(
    [
        "account",
        "chain",
        "first_frame",
        "from",
        "id",
        "image",
        "kind",
        "last_frame",
        "model",
        "needs",
        "prompt",
        "provider",
        "ratio",
        "references",
        "resolution",
        "shot",
        "shots",
        "title",
        "video",
    ]
)


@dataclass(frozen=True, slots=True)
class Mould:
    """Makes a value out of names. `names` are those that its templates may use."""

    names: frozenset[str]
    make: Callable[[Names, Work], Any]


def mould(value: Any, at: At, work: Work) -> Mould | None:
    """The mould of a value, None where no template is in it. Raises `TemplateFault` with the way to the text."""
    if isinstance(value, str):
        return _leaf(value, at, work) if is_template(value) else None
    if isinstance(value, list):
        parts: list[tuple[Any, Mould | None]] = [(part, mould(part, (*at, i), work)) for i, part in enumerate(value)]
        return _list(parts) if any(part for _, part in parts) else None
    if isinstance(value, dict):
        fields = {key: (part, mould(part, (*at, key), work)) for key, part in value.items()}
        return _map(fields) if any(part for _, part in fields.values()) else None
    return None


def _leaf(source: str, at: At, work: Work) -> Mould:
    last = next((step for step in reversed(at) if isinstance(step, str)), "")
    wants_text = last in _TEXT_FIELDS and not _is_option(at)
    try:
        template = compiled(source, work)
    except TemplateFault as fault:
        fault.at = fault.at or at
        raise

    def make(names: Names, work: Work) -> Any:
        try:
            value = work.settled(template.render(names, work))
        except TemplateFault as fault:
            fault.at = fault.at or at
            raise
        # A whole expression keeps its type, but an id that is counted is a text all the same.
        return str(value) if wants_text and isinstance(value, int | Decimal) and not isinstance(value, bool) else value

    return Mould(template.names, make)


def _is_option(at: At) -> bool:
    """Whether this is inside `options`, whose keys may be called like fields of a shot."""
    return field_of(at)[:1] == ("options",)


def _list(parts: list[tuple[Any, Mould | None]]) -> Mould:
    names = frozenset[str]().union(*(part.names for _, part in parts if part))
    return Mould(names, lambda at, work: [part.make(at, work) if part else value for value, part in parts])


def _map(fields: Mapping[str, tuple[Any, Mould | None]]) -> Mould:
    names = frozenset[str]().union(*(part.names for _, part in fields.values() if part))
    return Mould(
        names, lambda at, work: {key: part.make(at, work) if part else value for key, (value, part) in fields.items()}
    )
