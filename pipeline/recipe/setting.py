"""What shots have in common before any of them is worked out: names for templates, defaults, the scene they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.recipe.allowance import Names, TemplateFault, Work
from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings
from pipeline.recipe.ladder import Override
from pipeline.recipe.mould import Mould, mould
from pipeline.recipe.options import added
from pipeline.recipe.variables import Variables
from pipeline.values import dataclass

BROKEN = object()
"""What is made of a template that has been told of: its field is left out."""

Part = tuple[Any, Mould | None]
"""A field's value, and its mould where templates are in it."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A scene while its shots are worked out; `before` is the video shot that the next one goes on from."""

    id: str
    at: At
    chain: bool
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the shots of one scene, or those in none, have in common; `shared` are the ways to its defaults."""

    variables: Variables
    fields: Mapping[str, Part]
    fallback: tuple[Override, ...]
    shared: tuple[At, ...]
    scene: Scene | None = None


class Settings:
    """Makes the settings of one recipe."""

    def __init__(self, findings: Findings, work: Work) -> None:
        self.findings, self.work = findings, work

    def bare(self, variables: Variables) -> Setting:
        """A setting without defaults."""
        return Setting(variables=variables, fields={}, fallback=(), shared=())

    def over(
        self, below: Setting, at: At, defaults: Mapping[str, Any], variables: Variables, scene: Scene | None = None
    ) -> Setting:
        """A setting with these defaults over those of another; options are added by provider and key."""
        fields, fallback = dict(below.fields), below.fallback
        for key, value in defaults.items():
            if key == "fallback":
                fallback = self.overrides(value, (*at, key))
                continue
            part = value, self.moulded(value, (*at, key))
            fields[key] = both(fields[key], part) if key == "options" and key in fields else part
        return Setting(variables=variables, fields=fields, fallback=fallback, shared=(at, *below.shared), scene=scene)

    def moulded(self, value: Any, at: At) -> Mould | None:
        """The mould of a value; a template that cannot be read is told, and its field left out."""
        try:
            return mould(value, at, self.work)
        except TemplateFault as fault:
            self.findings.template(fault, at)
            return Mould(frozenset(), nothing)

    def overrides(self, given: Iterable[dict[str, Any]], at: At) -> tuple[Override, ...]:
        """The fallbacks at this place, their templates read."""
        found = []
        for number, fields in enumerate(given):
            one_prompt(fields, (*at, number), self.findings)
            made = {key: self.moulded(value, (*at, number, key)) for key, value in fields.items()}
            plain = {key: value for key, value in fields.items() if made[key] is None}
            moulds = {key: part for key, part in made.items() if part is not None}
            found.append(Override(at=(*at, number), plain=plain, moulds=moulds))
        return tuple(found)


def both(below: Part, above: Part) -> Part:
    """Two options as one, by provider and key, where those above win."""
    (shared, made), (own, own_made) = below, above
    if made is None and own_made is None:
        return added(shared, own), None

    def make(names: Names, work: Work) -> Any:
        beneath = made.make(names, work) if made else shared
        over = own_made.make(names, work) if own_made else own
        return BROKEN if BROKEN in (beneath, over) else added(beneath, over)

    told = [part.names for part in (made, own_made) if part]
    return None, Mould(frozenset[str]().union(*told), make)


def one_prompt(fields: Mapping[str, Any], at: At, findings: Findings) -> None:
    """Tells of a prompt that is given twice."""
    if "prompt" in fields and "prompt_file" in fields:
        fact = "Here is a prompt, and a file of one."
        findings.add((*at, "prompt_file"), fact, "Keep `prompt` or `prompt_file`.", key=True)


def nothing(_names: Names, _work: Work) -> Any:
    """Makes what is broken."""
    return BROKEN
