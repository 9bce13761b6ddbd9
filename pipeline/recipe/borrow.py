"""Macros, and what a template borrows from other files: `include`, `import` and `from … import`.

What is borrowed sees the names of who borrows it. A fault in it stands in its own file.
"""

from __future__ import annotations

from typing import Any, Protocol

from jinja2 import nodes

from pipeline.recipe.allowance import At, Borrowed, Names, TemplateFault, Work
from pipeline.recipe.functions import Call
from pipeline.recipe.mention import joined
from pipeline.recipe.words import choice, clipped
from pipeline.values import dataclass

MOST_CALLS = 20
BORROWING = (nodes.Include, nodes.Import, nodes.FromImport)


class Evaluation(Protocol):
    """What works out templates; one a rendering."""

    work: Work
    source: At | None

    def write(self, body: list[Any], names: Names, parts: list[str]) -> None:
        """Appends what statements print."""

    def value(self, node: Any, names: Names) -> Any:
        """The value of an expression."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro that can be called, and what it sees: the names where it stands, in the file `source`."""

    node: nodes.Macro
    names: Names
    kind: type[Any]
    source: At | None

    def __call__(self, call: Call, /, *given: Any, **named: Any) -> Any:
        """The text it makes. Raises `TemplateFault`."""
        due = [argument.name for argument in self.node.args]
        shown = f"The macro '{clipped(self.node.name)}'"
        if len(given) > len(due):
            raise call.fault(f"{shown} takes {len(due)} values, and here are {len(given)}.", "Leave some out.")
        values = dict(zip(due, given, strict=False))
        for name, value in named.items():
            if name not in due or name in values:
                fact = (
                    f"{shown} gets '{clipped(name)}' twice." if name in values else f"{shown} has no '{clipped(name)}'."
                )
                raise call.fault(fact, choice(name, due, "Look at its first line."))
            values[name] = value
        defaults = dict(zip(reversed(due), reversed(self.node.defaults), strict=False))
        if missing := [name for name in due if name not in values and name not in defaults]:
            raise call.fault(f"{shown} needs '{clipped(missing[0])}'.", f"Call it with {', '.join(due)}.")
        call.work.spend(1 + len(self.node.body), call.offset)
        with call.work.deeper(MOST_CALLS, call.offset), standing(self.source):
            evaluation: Evaluation = self.kind(call.work, self.source)
            inner = Names(self.names, self.names.absent)
            for name in due:
                inner[name] = values[name] if name in values else evaluation.value(defaults[name], inner)
            parts: list[str] = []
            evaluation.write(self.node.body, inner, parts)
            return call.work.made(joined(parts))


class standing:
    """Lets the faults of a block stand in this file, unless they know better."""

    def __init__(self, source: At | None) -> None:
        self.source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, TemplateFault) and error.at is None:
            error.at = self.source


def borrowed(node: Any, work: Work) -> Borrowed:
    """The template that a statement names. Raises `TemplateFault`."""
    if not isinstance(node.template, nodes.Const) or not isinstance(node.template.value, str):
        raise TemplateFault(
            "The name of a file stands in quotes here.", "Write `{% include 'look.txt' %}`.", node.lineno
        )
    if work.library is None:
        raise TemplateFault("No file can be named here.", "Write the text itself.", node.lineno)
    return work.library.template(node.template.value, node.lineno)


def statement(evaluation: Evaluation, node: Any, names: Names, parts: list[str]) -> None:
    """Carries out one of the statements of this module."""
    work = evaluation.work
    if isinstance(node, nodes.Macro):
        names[node.name] = Macro(node, names, type(evaluation), evaluation.source)
        return
    found = borrowed(node, work)
    work.spend(1 + len(found.body), node.lineno)
    inner, written = Names(names, names.absent), list[str]()
    with work.deeper(MOST_CALLS, node.lineno), standing(found.at):
        lent: Evaluation = type(evaluation)(work, found.at)  # type: ignore[call-arg]
        lent.write(found.body, inner, written)
    if isinstance(node, nodes.Include):
        parts.append(work.made(joined(written), node.lineno))
        return
    own = dict(inner)
    if isinstance(node, nodes.Import):
        names[node.target] = own
    else:
        for wanted in node.names:
            name, called = wanted if isinstance(wanted, tuple) else (wanted, wanted)
            if name not in own:
                fact = f"There is no '{clipped(name)}' in '{clipped(node.template.value)}'."
                raise TemplateFault(fact, choice(name, list(own), "Look at its macros."), node.lineno)
            names[called] = own[name]
