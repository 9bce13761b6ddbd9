"""`each` from files: CSV tables, lists in JSON and YAML, and where their cells are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.recipe.written import HEAD, faults, loaded

ENTRY = "shots:\n- {id: '{{ city | slug }}-{{ text | string | slug }}', each: FILE, prompt: '{{ city }}: {{ text }}'}\n"


def prompts(folder: Path, file: str, data: bytes) -> list[str]:
    """The prompts of the rows in this file."""
    (folder / file).write_bytes(data)
    return [shot.prompt for shot in loaded(folder, ENTRY.replace("FILE", file)).shots]


@pytest.mark.parametrize(
    "file, data",
    [
        ("t.csv", b"city,text\nParis,1\nOslo,b\n"),
        ("t.csv", b"\xef\xbb\xbfcity,text\r\nParis,1\r\nOslo,b"),
        ("t.csv", b'\ncity , text\n\n"Paris","1"\n\nOslo,b\n'),
        ("t.json", b'[{"city": "Paris", "text": 1},\n\t{"city": "Oslo", "text": "b"}]'),
        ("t.yaml", b"- {city: Paris, text: 1}\n- city: Oslo\n  text: b\n"),
        ("t.CSV", b"city,text\nParis,1\nOslo,b\n"),
    ],
)
def test_each_row_of_a_file_is_a_shot(tmp_path: Path, file: str, data: bytes) -> None:
    """Whatever its line breaks and quotes, with or without a mark at its beginning."""
    assert prompts(tmp_path, file, data) == ["Paris: 1", "Oslo: b"]


def test_cells_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    """In quotes."""
    assert prompts(tmp_path, "t.csv", b'city,text\nParis,"a, ""b""\nc"\n') == ['Paris: a, "b"\nc']


def test_lists_by_name_in_a_file_are_combined(tmp_path: Path) -> None:
    """As they are in the recipe."""
    assert prompts(tmp_path, "t.yml", b"city: [Paris, Oslo]\ntext: [1, 2]\n") == [
        "Paris: 1",
        "Paris: 2",
        "Oslo: 1",
        "Oslo: 2",
    ]


def test_json_may_write_a_character_in_two_halves(tmp_path: Path) -> None:
    """As most programs write those beyond U+FFFF."""
    assert prompts(tmp_path, "t.json", b'[{"city": "x", "text": "\\ud83c\\udf0a"}]') == ["x: \U0001f30a"]


BAD: dict[str, tuple[str, bytes, int, int, str, str]] = {
    # name: (file, data, line, column, part of the fact, part of the hint)
    "short row": ("t.csv", b"city,text\nParis\n", 2, 6, "1 cells, and the header has 2", "Quote"),
    "long row": ("t.csv", b"city,text\nParis,a,b\n", 2, 9, "3 cells", "Quote"),
    "twice": ("t.csv", b"city,text,city\na,b,c\n", 1, 11, "two columns 'city'", "Rename"),
    "no name": ("t.csv", b"city,te xt\na,b\n", 1, 6, "'te xt' cannot be the name", "letters"),
    "semicolons": ("t.csv", b"city;text\na;b\n", 1, 1, "cannot be the name", "separated by commas"),
    "open quote": ("t.csv", b'city,text\na,"b\nc,d\n', 2, 1, "This row cannot be read", "quotes"),
    "no rows": ("t.csv", b"city,text\n", 2, 1, "no rows below its header", ""),
    "empty": ("t.csv", b"", 1, 1, "The table is empty", ""),
    "latin": ("t.csv", b"city,text\nN\xeemes,x\n", 2, 2, "0xee is not UTF-8", "Save the table as UTF-8"),
    "NUL": ("t.csv", b"city,text\na,\0\n", 2, 3, "A NUL", "Delete"),
    "long cell": ("t.csv", b"city,text\na," + b"x" * 30_000, 2, 3, "30,000 characters", "Shorten"),
    "columns": ("t.csv", b",".join(b"c%d" % n for n in range(200)) + b"\n", 1, 1, "200 columns", "100"),
    "no list": ("t.json", b'{"city": 1}', 1, 1, "no table of rows", "list of maps"),
    "empty list": ("t.json", b"[]", 1, 1, "no table of rows", "list of maps"),
    "broken": ("t.yaml", b"- city: [", 1, 10, "", ""),
    "key twice": ("t.yaml", b"- {city: a, city: b}\n", 1, 13, "is here twice", ""),
    "name of ours": ("t.yaml", b"- {city: a, te-xt: b}\n", 1, 1, "'te-xt' is no name", "letters"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_table_is_told_in_it(tmp_path: Path, name: str) -> None:
    """At its line and column, once, with a way out."""
    file, data, line, column, fact, hint = BAD[name]
    (tmp_path / file).write_bytes(data)
    first = faults(tmp_path, HEAD + ENTRY.replace("FILE", file))[0]
    assert (first.place.file, first.place.line, first.place.column) == (str(tmp_path / file), line, column)
    assert fact in first.fact
    assert hint in first.hint


@pytest.mark.parametrize(
    "file, fact", [("t.txt", "is no table"), ("no.csv", "There is no file"), ("../t.csv", "leads")]
)
def test_what_is_no_table_is_told_where_it_is_named(tmp_path: Path, file: str, fact: str) -> None:
    """In the recipe."""
    (tmp_path / "t.txt").write_text("x")
    (fault,) = faults(tmp_path, HEAD + ENTRY.replace("FILE", file))
    assert (fault.place.line, fault.place.column) == (4, 62)
    assert fact in fault.fact


def test_a_fault_of_a_row_names_it_and_stands_in_its_cell(tmp_path: Path) -> None:
    """Where the value came from the cell whole; else where the template is."""
    text = HEAD + "shots:\n- {id: '{{ city }}', each: t.csv, duration: '{{ s }}', prompt: p, seed: '{{ s }}1'}\n"
    cell, template, *_ = faults(tmp_path, text, t_csv=b'city,s\nParis,"5\n"\n')[::-1]
    assert cell.fact == "'duration' cannot be the text '5\\n' (t.csv:2: city 'Paris', s '5\\n')."
    assert (cell.place.line, cell.place.column) == (2, 7)
    assert (template.place.line, template.place.column) == (4, 73)
    text = HEAD + "shots:\n- {id: '{{ city }}', each: t.csv, duration: '{{ s }}', prompt: p}\n"
    (fault,) = faults(tmp_path, text, t_csv=b"city,s\nParis,5\n")
    assert "`{{ s | float }}` is a number" in fault.hint


def test_a_template_may_name_the_table(tmp_path: Path) -> None:
    """By a variable."""
    text = "vars: {rows: t.csv}\nshots:\n- {id: '{{ city }}', each: '{{ rows }}', prompt: p}\n"
    assert [shot.id for shot in loaded(tmp_path, text, t_csv=b"city\na\nb\n").shots] == ["a", "b"]


def test_a_table_without_end_is_refused_soon(tmp_path: Path) -> None:
    """By its size, before it is read whole, or by its rows."""
    began = time.perf_counter()
    (fault,) = faults(tmp_path, HEAD + ENTRY.replace("FILE", "t.csv"), t_csv=b"city,text\n" + b"a,b\n" * 2_000_000)
    assert "more than 4.0 MiB" in fault.fact
    (fault,) = faults(tmp_path, HEAD + ENTRY.replace("FILE", "t.csv"), t_csv=b"city,text\n" + b"a,b\n" * 100_001)
    assert "more than 100,000 rows" in fault.fact
    assert time.perf_counter() - began < 10
