"""Rows of `each` in a file of their own: a CSV table, or lists of JSON or YAML; and the place of every cell."""

from __future__ import annotations

import csv
import io
import re
from pathlib import PurePath
from typing import Any

from pipeline.errors import Fault, Place, RecipeError
from pipeline.recipe import source
from pipeline.recipe.explain import At
from pipeline.recipe.files import InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.rows import Each
from pipeline.recipe.source import Text
from pipeline.recipe.texts import Way
from pipeline.recipe.words import clipped, counted
from pipeline.values import dataclass, field

MOST_ROWS = 100_000
MOST_COLUMNS = 100
MOST_CELL = 20_000  # characters, as many as a prompt may have
MOST_FLAWS = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_PAIR = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The text of a CSV file; ways into it are the number of a row, from 0, and the name of a column."""

    text: Text
    names: list[str]
    lines: list[int]  # where each row begins, from 0
    rows: list[dict[str, str]] = field(repr=False)

    def place(self, path: Way, *, key: bool = False) -> Place:
        """The place of a cell, of its row, or of the table."""
        return self.text.at(self._index(path))

    def inside(self, path: Way, offset: int) -> Place:
        """The place of a cell."""
        return self.place(path)

    def written(self, path: Way) -> str:
        """The text of a cell."""
        return str(self._cell(path))

    def has(self, path: Way) -> bool:
        """Whether there is such a cell."""
        return bool(self._cell(path))

    def _cell(self, path: Way) -> str:
        row: Any = path[0] if path else -1
        return self.rows[row].get(str(path[1]), "") if len(path) == 2 and row < len(self.rows) else ""

    def _index(self, path: Way) -> int:
        row: Any = path[0] if path else -1
        if not 0 <= row < len(self.lines):
            return 0
        start = self.text.starts[self.lines[row]]
        column = self.names.index(str(path[1])) if len(path) > 1 and path[1] in self.names else 0
        return cell_index(self.text.characters, start, column)


def cell_index(characters: str, start: int, column: int) -> int:
    """Where a cell begins in a row that begins at `start`; cells in quotes may have commas and line breaks in them."""
    for _ in range(column):
        if quoted := _QUOTED.match(characters, start):
            start = quoted.end()
        while start < len(characters) and characters[start] not in ",\n":
            start += 1
        if characters[start : start + 1] != ",":
            break
        start += 1
    return start


class Tables:
    """The tables of one recipe, each read once."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._known: dict[str, Each | InputFault | None] = {}

    def named(self, name: str, at: At) -> Each | None:
        """The rows in a file, named at a place; tells of it and answers None where there are none."""
        if name not in self._known:
            try:
                self._known[name] = self._read(name)
            except InputFault as fault:
                self._known[name] = fault
            except RecipeError as error:
                self.findings.foreign(error.faults)
                self._known[name] = None
        found = self._known[name]
        if isinstance(found, InputFault):
            self.findings.add(at, found.fact, found.hint)
            return None
        if found is None:
            self.findings.mark(at)
        return found

    def _read(self, name: str) -> Each:
        ending = PurePath(name).suffix.casefold()
        if ending not in (".csv", ".json", ".yaml", ".yml"):
            fact = f"'{clipped(name)}' is no table: its name ends neither in .csv, .json, .yaml nor .yml."
            raise InputFault(fact, "Name such a file, or write lists by name.")
        text = self.findings.document.read(name, "table")
        if ending == ".csv":
            table = _table(text)
            return self._each(table.rows, table, name, cells=True)
        if ending == ".json":
            text = source.changed(text, _PAIR.sub(_whole, text.characters).replace("\t", " "))
        document = source.document(text, "table")
        if document.faults:
            raise RecipeError(document.faults)
        _check(document.value, text)
        return self._each(document.value, document, name)

    def _each(self, value: Any, text: Any, name: str, *, cells: bool = False) -> Each:
        at = self.findings.document.add(text)
        bare = Each(value=value, at=at)
        first = next(iter(value)) if isinstance(value, dict) else ""

        def told(number: int) -> str:
            way = bare.way(number, first) if first else (*at, number - 1)
            return f"{name}:{text.lines[number - 1] + 1 if cells else text.place(way[2:]).line}"

        return Each(value=value, at=at, told=told, cells=cells)


def _table(text: Text) -> Table:
    """The rows of a CSV text. Raises `RecipeError` with all that is wrong with them."""
    flaws: list[Fault] = []

    def flaw(line: int, column: int, fact: str, hint: str) -> None:
        place = text.at(cell_index(text.characters, text.starts[min(line, len(text.starts) - 1)], column))
        flaws.append(Fault(place=place, fact=fact, hint=hint))
        if len(flaws) >= MOST_FLAWS:
            raise RecipeError(flaws)

    names: list[str] = []
    lines: list[int] = []
    rows: list[dict[str, str]] = []
    reader = csv.reader(io.StringIO(text.characters, newline=""), strict=True)
    line = 0
    try:
        for cells in reader:
            began, line = line, reader.line_num
            if not cells:
                continue
            if not names:
                names = _header(cells, began, flaw)
                if len(names) > MOST_COLUMNS:
                    break
                continue
            if len(cells) != len(names):
                fact = f"This row has {counted(len(cells))} cells, and the header has {counted(len(names))}."
                flaw(began, min(len(cells), len(names)), fact, 'Quote a cell that has a comma: "calm, then storm".')
                continue
            for column, cell in enumerate(cells):
                if len(cell) > MOST_CELL:
                    fact = f"This cell has {counted(len(cell))} characters; at most {counted(MOST_CELL)} are read."
                    flaw(began, column, fact, "Shorten it, or close its quote.")
            if len(rows) >= MOST_ROWS:
                flaw(began, 0, f"The table has more than {counted(MOST_ROWS)} rows.", "Make several tables.")
                break
            rows.append(dict(zip(names, cells, strict=True)))
            lines.append(began)
    except csv.Error as error:
        flaw(line, 0, f"This row cannot be read: {error}.", "Put two quotes for one inside a quoted cell; close them.")
    if not flaws and not rows:
        flaw(line, 0, "The table has no rows below its header." if names else "The table is empty.", "Write some.")
    if flaws:
        raise RecipeError(flaws)
    return Table(text=text, names=names, lines=lines, rows=rows)


def _header(cells: list[str], line: int, flaw: Any) -> list[str]:
    if len(cells) > MOST_COLUMNS:
        flaw(line, 0, f"The table has {counted(len(cells))} columns.", f"At most {MOST_COLUMNS} are read.")
        return cells
    names = [cell.strip() for cell in cells]
    for column, name in enumerate(names):
        if name in names[:column]:
            flaw(line, column, f"There are two columns '{clipped(name)}'.", "Rename one of them.")
        elif not _NAME.match(name):
            apart = " Cells are separated by commas." if re.search("[;\t]", name) else ""
            hint = f"A name has letters, digits and '_', and begins with a letter.{apart}"
            flaw(line, column, f"'{clipped(name)}' cannot be the name of a column.", hint)
    return names


def _check(value: Any, text: Text) -> None:
    """Raises `RecipeError` where a value has neither rows nor columns."""
    lists = isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
    maps = isinstance(value, dict) and bool(value) and all(isinstance(part, list) and part for part in value.values())
    if not lists and not maps:
        hint = "Write a list of maps, `[{weather: calm}]`, or lists by name, `{weather: [calm, storm]}`."
        raise RecipeError([Fault(place=text.at(0), fact="This is no table of rows.", hint=hint)])
    names: set[Any] = set(value) if isinstance(value, dict) else {name for row in value for name in row}
    if bad := next((name for name in sorted(names) if not _NAME.match(name)), None):
        hint = "A name has letters, digits and '_', and begins with a letter."
        raise RecipeError([Fault(place=text.at(0), fact=f"'{clipped(bad)}' is no name in a template.", hint=hint)])


def _whole(pair: re.Match[str]) -> str:
    """One character that JSON writes as two halves, as YAML writes it."""
    high, low = int(pair[1], 16), int(pair[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"
