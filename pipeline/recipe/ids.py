"""What shots may be called, and that no two are called the same."""

from __future__ import annotations

import re

from pipeline.recipe.explain import At
from pipeline.recipe.findings import Findings
from pipeline.recipe.words import clipped, counted
from pipeline.values import dataclass

MOST_ID = 100
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin", "conout"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Who has an id: the way to its entry, the number of its row, and the row in words."""

    id: str
    at: At
    number: int
    row: str


class Ids:
    """The ids of one recipe, and those of its shots that are left out."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.left: dict[str, str] = {}  # id of a shot that is not there -> why, and where that stands
        self.scenes: dict[str, At] = {}  # folded id of a scene -> the way to it
        self._taken: dict[str, _Taken] = {}  # by the id without regard to case

    def take(self, id: str, local: str, at: At, number: int, row: str) -> bool:
        """Whether a row can be told from the others by its id; tells of an id that cannot stand.

        `local` is what the entry itself calls it: a scene puts its own id before that.
        """
        flaw = id_flaw(local) or _too_long(id)
        clash = self._clash(id, at, number, row)
        if fact := flaw or clash:
            told = f"{fact[0][:-1]} ({row})." if row and flaw else fact[0]
            self.findings.add((*at, "id"), told, fact[1])
        return clash is None

    def leave(self, id: str, field: str, at: At) -> None:
        """Remembers a shot that a field of its entry leaves out, for those who name it."""
        self.left.setdefault(id, f"`{field}` at {self.findings.document.told(at)}")

    def scene(self, id: str, at: At) -> None:
        """Remembers a scene's id; tells of one that cannot stand."""
        if flaw := id_flaw(id):
            self.findings.add((*at, "id"), *flaw)
        first = self.scenes.setdefault(id.casefold(), at)
        if first != at:
            where = self.findings.document.told((*first, "id"))
            fact = f"There is a scene '{id}' already: see {where}."
            self.findings.add((*at, "id"), fact, "Give one of them another id.")

    def _clash(self, id: str, at: At, number: int, row: str) -> tuple[str, str] | None:
        """What is wrong where an id is there already; remembers it where not."""
        if scene := self.scenes.get(id.casefold()):  # the files of its shots begin like those of this one
            where = self.findings.document.told((*scene, "id"))
            return f"'{id}' is a shot and a scene: see {where}.", "Give one of them another id."
        known = self._taken.setdefault(id.casefold(), _Taken(id, at, number, row))
        if (known.at, known.number) == (at, number):
            return None
        if known.at == at:
            hint = "Put what differs into the id, as in `dawn-{{ name }}`."
            return f"Two rows of `each` make the id '{id}': ({known.row}) and ({row}).", hint
        where = self.findings.document.told((*known.at, "id"))
        same = "" if known.id == id else f" as '{known.id}', which is the same to some file systems"
        return f"The id '{id}' is taken{same}: see {where}.", "Give one of them another id."


def id_flaw(id: str) -> tuple[str, str] | None:
    """What is wrong with a text as an id, and the way out; None where nothing is."""
    if long := _too_long(id):
        return long
    if not ID.match(id):
        hint = (
            "Use letters, digits, '_' and '-', beginning with a letter or digit; the filter `slug` makes any text fit."
        )
        return f"'{clipped(id)}' cannot be an id.", hint
    if id.casefold() in DEVICES:
        return f"'{id}' cannot be an id: on Windows it is a device, not a file.", f"Write {id}-1, or another name."
    return None


def _too_long(id: str) -> tuple[str, str] | None:
    if len(id) <= MOST_ID:
        return None
    fact = f"The id '{clipped(id)}' has {counted(len(id))} characters; at most {MOST_ID} are allowed."
    return fact, "Shorten it."
