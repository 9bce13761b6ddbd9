"""What is found wrong while a recipe is read: collected, each cause once, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Hashable

from pipeline.errors import Fault, Place, RecipeError
from pipeline.recipe.allowance import TemplateFault
from pipeline.recipe.explain import At, Misfit
from pipeline.recipe.source import Document
from pipeline.recipe.words import counted

MOST_FAULTS = 1_000


class Findings:
    """Faults and warnings of one recipe. Two at one place are one cause, unless `cause` says otherwise."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = list(document.faults)
        self.warnings: list[Fault] = []
        self._seen: set[Hashable] = set()
        self._flawed = {fault.place for fault in document.faults}
        self.shots: set[object] = set()  # the numbers of those in which something was found wrong

    def add(self, at: At, fact: str, hint: str, *, key: bool = False, cause: Hashable = None) -> None:
        """A fault of the value (or the key) at the end of a way from the top."""
        self._mark(at)
        if self._new(cause or (at, key)):
            place = self.document.place(at, key=key)
            if place not in self._flawed:
                self._keep(Fault(place=place, fact=fact, hint=hint))

    def warn(self, at: At, fact: str, hint: str, *, offset: int | None = None) -> None:
        """Something that stops nothing, at a value or at a character of a text."""
        if self._new((at, "warning", fact)):
            place = self.document.place(at) if offset is None else self.document.inside(at, offset)
            self.warnings.append(Fault(place=place, fact=fact, hint=hint, warning=True))

    def template(self, fault: TemplateFault, at: At) -> None:
        """A template that cannot be worked out, at its character inside the text."""
        at = fault.at if fault.at is not None else at
        self._mark(at)
        if self._new((at, "template")):
            self._keep(Fault(place=self.document.inside(at, fault.offset), fact=fault.fact, hint=fault.hint))

    def misfit(self, misfit: Misfit, of: str = "") -> None:
        """A value that does not fit the grammar; `of` names the row it comes from."""
        fact = f"{misfit.fact[:-1]} ({of})." if of else misfit.fact
        self.add(misfit.at, fact, misfit.hint, key=misfit.key, cause=(misfit.at, misfit.key, misfit.fact[:60]))

    def _mark(self, at: At) -> None:
        if at[:1] == ("shots",) and len(at) > 1:
            self.shots.add(at[1])

    def _keep(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) >= MOST_FAULTS:
            fact = f"There are more than {counted(MOST_FAULTS)} faults; reading stopped here."
            raise RecipeError([*self.faults, Fault(place=fault.place, fact=fact, hint="Mend the others first.")])

    def _new(self, cause: Hashable) -> bool:
        known = cause in self._seen
        self._seen.add(cause)
        return not known


class Places:
    """Where the fields of a shot stand: in its entry, else in the defaults, else the entry itself."""

    __slots__ = ("defaults", "document", "index", "own")

    def __init__(self, document: Document, index: int, own: frozenset[str], defaults: frozenset[str]) -> None:
        self.document, self.index, self.own, self.defaults = document, index, own, defaults

    def way(self, field: str = "") -> At:
        """The way to a field from the top of the recipe; `seconds` is what others call a shot's `duration`."""
        field = "duration" if field == "seconds" else field
        if field and field not in self.own and field in self.defaults:
            return ("defaults", field)
        return ("shots", self.index, field) if field in self.own else ("shots", self.index)

    def way_to(self, field: str, *keys: str) -> At:
        """The way into a map that the entry adds to the defaults: to where its first two keys stand."""
        ways: list[At] = [("shots", self.index, field), ("defaults", field)]
        held = [way for way in ways if self.document.has((*way, *keys[:2]))]
        return (*(held[0] if held else self.way(field)), *keys)

    def __call__(self, field: str = "") -> Place:
        """The place of a field, or of the entry."""
        return self.document.place(self.way(field))
