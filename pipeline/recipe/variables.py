"""What templates may name: `vars` in their order, `--var` over them, and the date of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipeline.errors import UserError
from pipeline.recipe import yaml12
from pipeline.recipe.allowance import Names, TemplateFault, Work
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings
from pipeline.recipe.mould import mould
from pipeline.recipe.texts import FILES
from pipeline.recipe.words import choice, clipped, said
from pipeline.values import dataclass

RESERVED = frozenset(
    [
        "shot",
        "scene",
        "run",
        "ref",
        "range",
        "loop",
        "true",
        "false",
        "none",
        "and",
        "or",
        "not",
        "if",
        "else",
        "in",
        "is",
        "for",
        "set",
        "vars",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The names every template has, and those whose values come from the date."""

    names: Names
    dated: frozenset[str]
    declared: Mapping[str, Any]  # the values of `vars`, worked out


Declared = Mapping[str, tuple[Any, At]]
"""Variables as they are written, each with the way to it."""


def settle(declared: Declared, given: Mapping[str, str], date: str, findings: Findings, work: Work) -> Variables:
    """Works out `vars`. Raises `UserError` for a `--var` that is not declared or not of its kind."""
    written = {name: value for name, (value, _) in declared.items()}
    replaced = {name: _given(name, value, written) for name, value in given.items()}
    return _settled(declared, replaced, Names({"run": {"date": date}}), frozenset({"run"}), findings, work)


def inside(above: Variables, declared: Declared, scene: Mapping[str, Any], findings: Findings, work: Work) -> Variables:
    """The variables that the shots of a scene have: its own over those of the recipe, which they may name."""
    names = Names(above.names)
    names["scene"] = scene
    return _settled(declared, {}, names, above.dated, findings, work)


def _settled(
    declared: Declared, replaced: Mapping[str, Any], names: Names, before: Iterable[str], findings: Findings, work: Work
) -> Variables:
    dated, done = set(before), dict[str, Any]()
    declared = _in_order(declared, work)
    # Whoever names a later variable would otherwise be told that there is none.
    absent = names.absent = dict.fromkeys(declared, "comes further down.")
    for name, (written, at) in declared.items():
        if name in RESERVED:
            findings.add(
                at, f"'{name}' has a meaning of its own in templates.", "Give the variable another name.", key=True
            )
        value = replaced.get(name, written)
        absent[name] = "is what is being worked out here."
        of_date = False
        try:
            if name not in replaced and (made := mould(written, at, work)):
                value = made.make(names, work)
                of_date = not made.names.isdisjoint(dated)
        except TemplateFault as fault:
            findings.template(fault, at)
        (dated.add if of_date else dated.discard)(name)
        names[name] = done[name] = value
        del absent[name]
    names.absent = {}
    return Variables(names=names, dated=frozenset(dated), declared=done)


def _in_order(declared: Declared, work: Work) -> Declared:
    """Variables of several files in an order in which each comes after those it names; else as they are."""
    if len({at[:2] if at[0] == FILES else () for _, at in declared.values()}) < 2:
        return declared
    names = dict[str, list[str]]()
    for name, (value, at) in declared.items():
        with suppress(TemplateFault):  # it is told of when it is worked out
            made = mould(value, at, work)
            names[name] = sorted(made.names & declared.keys()) if made else []
    try:
        return {name: declared[name] for name in (*TopologicalSorter(names).static_order(), *declared)}
    except CycleError:
        return declared


def _given(name: str, value: str, declared: Mapping[str, Any]) -> Any:
    if name not in declared:
        otherwise = "Declare it under `vars` of the recipe."
        raise UserError(
            f"--var {clipped(name)}: the recipe has no such variable.", choice(name, list(declared), otherwise)
        )
    was = declared[name]
    if isinstance(was, str):
        return value
    if isinstance(was, list | dict):
        raise UserError(
            f"--var {name}: its value is {said(was)}; --var gives a single one.", "Change it in the recipe."
        )
    try:
        found = yaml12.scalar(value)
    except ValueError as error:
        raise UserError(f"--var {name}: {error}", f"Write it like the recipe's {was}.") from None
    kinds = {bool: bool, int: int | Decimal, Decimal: int | Decimal}
    if was is not None and (
        not isinstance(found, kinds[type(was)]) or isinstance(found, bool) != isinstance(was, bool)
    ):
        due = "true or false" if isinstance(was, bool) else "a number"
        raise UserError(f"--var {name} cannot be {said(found)}.", f"Write {due}, as the recipe does.")
    return found
