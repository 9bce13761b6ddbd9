"""What templates may name: `vars` in their order, `--var` over them, and the date of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.errors import UserError
from pipeline.recipe import yaml12
from pipeline.recipe.allowance import Names, TemplateFault, Work
from pipeline.recipe.findings import Findings
from pipeline.recipe.mould import mould
from pipeline.recipe.words import choice, clipped, said

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


def settle(
    declared: Mapping[str, Any], given: Mapping[str, str], date: str, findings: Findings, work: Work
) -> Variables:
    """Works out `vars`. Raises `UserError` for a `--var` that is not declared or not of its kind."""
    replaced = {name: _given(name, value, declared) for name, value in given.items()}
    names = Names({"run": {"date": date}})
    dated = {"run"}
    done: dict[str, Any] = {}
    for name, written in declared.items():
        at = ("vars", name)
        if name in RESERVED:
            findings.add(
                at, f"'{name}' has a meaning of its own in templates.", "Give the variable another name.", key=True
            )
        value = replaced.get(name, written)
        # Whoever names a later variable would otherwise be told that there is none.
        names.absent = {later: "comes further down." for later in declared if later not in done and later != name}
        names.absent = {**names.absent, name: "is what is being worked out here."}
        try:
            if name not in replaced and (made := mould(written, at)):
                value = made.make(names, work)
                if made.names & dated:
                    dated.add(name)
        except TemplateFault as fault:
            findings.template(fault, at)
        names[name] = done[name] = value
    names.absent = {}
    return Variables(names=names, dated=frozenset(dated), declared=done)


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
