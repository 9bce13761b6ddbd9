"""What is found wrong while a recipe is read: collected, each cause once, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

from pipeline.errors import Fault, Place, RecipeError
from pipeline.recipe.allowance import TemplateFault
from pipeline.recipe.explain import At, Misfit
from pipeline.recipe.texts import Texts, entry_of
from pipeline.recipe.words import counted, legible

MOST_FAULTS = 1_000


class Findings:
    """Faults and warnings of one recipe. Two at one place are one cause, unless `cause` says otherwise."""

    def __init__(self, document: Texts) -> None:
        self.document = document
        self.faults: list[Fault] = list(document.faults)
        self.warnings: list[Fault] = []
        self._seen: set[Hashable] = set()
        self._flawed = {fault.place for fault in document.faults}
        self.shots: set[At] = set()  # the ways to those in which something was found wrong

    def add(self, at: At, fact: str, hint: str, *, key: bool = False, cause: Hashable = None) -> None:
        """A fault of the value (or the key) at the end of a way from the top."""
        self.mark(at)
        if self._new(cause or (at, key)):
            place = self.document.place(at, key=key)
            if place not in self._flawed:
                self._keep(_fault(place, fact, hint))

    def warn(self, at: At, fact: str, hint: str, *, offset: int | None = None) -> None:
        """Something that stops nothing, at a value or at a character of a text."""
        if self._new((at, "warning", fact)):
            place = self.document.place(at) if offset is None else self.document.inside(at, offset)
            self.warnings.append(_fault(place, fact, hint, warning=True))

    def template(self, fault: TemplateFault, at: At) -> None:
        """A template that cannot be worked out, at its character inside the text."""
        at = fault.at if fault.at is not None else at
        self.mark(at)
        if self._new((at, "template")):
            self._keep(_fault(self.document.inside(at, fault.offset), fault.fact, fault.hint))

    def foreign(self, faults: Iterable[Fault]) -> None:
        """Faults of another text, which know their places; each once."""
        for fault in faults:
            if self._new((fault.place, fault.fact)):
                self._keep(fault)

    def astray(self, place: Place, fact: str, hint: str) -> None:
        """A fault at a place in another text."""
        if self._new((place, fact)):
            self._keep(_fault(place, fact, hint))

    def misfit(self, misfit: Misfit, of: str = "") -> None:
        """A value that does not fit the grammar; `of` names the row it comes from."""
        fact = f"{misfit.fact[:-1]} ({of})." if of else misfit.fact
        self.add(misfit.at, fact, misfit.hint, key=misfit.key, cause=(misfit.at, misfit.key, misfit.fact[:60]))

    def mark(self, at: At) -> None:
        """Remembers that something is wrong with the shot that this is a part of."""
        if entry := entry_of(at):
            self.shots.add(entry)

    def _keep(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) >= MOST_FAULTS:
            fact = f"There are more than {counted(MOST_FAULTS)} faults; reading stopped here."
            raise RecipeError([*self.faults, Fault(place=fault.place, fact=fact, hint="Mend the others first.")])

    def _new(self, cause: Hashable) -> bool:
        known = cause in self._seen
        self._seen.add(cause)
        return not known


def _fault(place: Place, fact: str, hint: str, *, warning: bool = False) -> Fault:
    """A fault in whose words no character of the recipe hides, whoever put it there."""
    return Fault(place=place, fact=legible(fact), hint=legible(hint), warning=warning)


class Places:
    """Where the fields of a shot stand: in its entry, else in the defaults, else the entry itself.

    `at` is the way to the entry, `shared` are those to the defaults it has, the nearest first; a field that is made
    of something elsewhere stands where `moved` says; `rows` is the way to a value of its row, if that is in a file;
    `over` is the way to what is laid over all of these, empty where nothing is.
    """

    __slots__ = ("at", "document", "moved", "over", "own", "rows", "shared")

    def __init__(self, document: Texts, at: At, own: frozenset[str], shared: tuple[At, ...]) -> None:
        self.document, self.at, self.own, self.shared = document, at, own, shared
        self.moved: Mapping[str, At] = {}
        self.over: At = ()
        self.rows: Callable[[str], At] = _nowhere

    def way(self, field: str = "") -> At:
        """The way to a field from the top of the recipe; `seconds` is what others call a shot's `duration`."""
        field = "duration" if field == "seconds" else field
        if field in self.moved:
            return self.moved[field]
        if field and self.over and self.document.has((*self.over, field)):
            return (*self.over, field)
        if field in self.own:
            return (*self.at, field)
        held = [way for way in self.shared if self.document.has((*way, field))] if field else []
        return (*held[0], field) if held else self.at

    def way_to(self, field: str, *keys: str) -> At:
        """The way into a map that the entry adds to the defaults: to where its first two keys stand."""
        ways: list[At] = [(*way, field) for way in (self.over, self.at, *self.shared) if way]
        held = [way for way in ways if self.document.has((*way, *keys[:2]))]
        return (*(held[0] if held else self.way(field)), *keys)

    def __call__(self, field: str = "") -> Place:
        """The place of a field, or of the entry."""
        return self.document.place(self.way(field))


def _nowhere(_name: str) -> At:
    return ()
