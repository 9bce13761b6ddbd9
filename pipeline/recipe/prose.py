"""Prompts that stand in files of their own: read once, whoever names them, their templates as in the recipe."""

from __future__ import annotations

from typing import Any

from pipeline.errors import RecipeError
from pipeline.recipe import source
from pipeline.recipe.allowance import TemplateFault, Work
from pipeline.recipe.explain import At
from pipeline.recipe.files import InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.mould import Mould, mould
from pipeline.recipe.texts import Prose
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A prompt of a file: where it stands, its text, and its mould where templates are in it."""

    at: At
    text: str
    moulds: dict[str, Mould]


class Prompts:
    """The prompts of one recipe that stand in files."""

    def __init__(self, findings: Findings, work: Work) -> None:
        self.findings, self.work = findings, work
        self._known: dict[str, Written | InputFault | None] = {}

    def named(self, name: str, at: At, of: str) -> Written | None:
        """The prompt in a file, named at a place by the row `of`; tells of it and answers None where there is none."""
        if name not in self._known:
            self._known[name] = self._read(name)
        found = self._known[name]
        if isinstance(found, InputFault):
            fact = f"{found.fact[:-1]} ({of})." if of else found.fact
            self.findings.add(at, fact, found.hint, cause=(at, name))
            return None
        return found

    def _read(self, name: str) -> Written | InputFault | None:
        try:
            text = self.findings.document.read(name, "prompt")
        except InputFault as fault:
            return fault
        except RecipeError as error:
            self.findings.foreign(error.faults)
            return None
        # Lines and columns stay what they are.
        text = source.changed(text, text.characters.replace("\r\n", "\n"))
        at = (*self.findings.document.add(Prose(text=text)), "prompt")
        written = text.characters.rstrip("\n")
        try:
            made: Any = mould(written, at, self.work)
        except TemplateFault as fault:
            self.findings.template(fault, at)
            return None
        return Written(at=at, text=written, moulds={"prompt": made} if made else {})
