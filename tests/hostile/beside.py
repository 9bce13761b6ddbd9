"""Attacks by the parts of a recipe: files that it includes, its scenes, and the rows of tables beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.hostile.case import HEAD, SHOTS, Case
from tests.hostile.files import GOOD, linked, written

Files = Mapping[str, str | bytes]
MIB4 = 4 * 1024 * 1024
_PLAIN = "shots:\n- {id: a, prompt: p}\n"
_OUT = "out of the recipe's folder"


def _laid(files: Files) -> Callable[[Path], object]:
    """Puts several files beside the recipe."""

    def lay(folder: Path) -> None:
        for name, data in files.items():
            written(name, data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))(folder)

    return lay


def _including(fact: str = "", files: Files | None = None, *, at: int = 3, **more: object) -> Case:
    """A recipe that includes `a.yaml` in its third line, and has one plain shot."""
    lay = more.pop("lay", None) or _laid(files or {})
    return Case(text=HEAD + "include: [a.yaml]\n" + _PLAIN, fact=fact, at=at, lay=lay, **more)  # type: ignore[arg-type]


def _rows(name: str, data: str | bytes, fact: str = "", *, at: int = 1, **more: object) -> Case:
    """A recipe with a shot for each row of a table that has a column `x`."""
    text = SHOTS + f"- {{id: 'a{{{{ x | slug }}}}', prompt: '{{{{ x }}}}', each: {name}}}\n"
    lay = more.pop("lay", None) or _laid({name: data})
    return Case(text=text, fact=fact, at=at, lay=lay, **more)  # type: ignore[arg-type]


def _hard(folder: Path) -> None:
    (folder / "a.yaml").write_text("include: [b.yaml]\n", encoding="utf-8")
    os.link(folder / "a.yaml", folder / "b.yaml")


def _fan(folder: Path) -> None:
    """A hundred files that include a hundred each."""
    for n in range(100):
        names = ", ".join(f"f{n}-{m}.yaml" for m in range(100))
        (folder / f"f{n}.yaml").write_text(f"include: [{names}]\n", encoding="utf-8")
        for m in range(100):
            (folder / f"f{n}-{m}.yaml").write_text(f"vars: {{v{n}_{m}: 1}}\n", encoding="utf-8")


_DEEP = {f"d{n}.yaml": f"include: [d{n + 1}.yaml]\n" for n in range(60)}
_LAUGHS = "vars:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]\n" for n in range(1, 9)
)

INCLUDED = {
    "a recipe that includes itself": Case(
        text=HEAD + "include: [recipe.yaml]\n" + _PLAIN, fact="'recipe.yaml' includes itself", at=3
    ),
    "a recipe that includes itself by another path": Case(
        text=HEAD + "include: [./x/../recipe.yaml]\n" + _PLAIN,
        fact="includes itself",
        at=3,
        lay=lambda folder: (folder / "x").mkdir(),
    ),
    "two files that include each other": _including(
        "includes itself: recipe.yaml -> a.yaml -> b.yaml -> a.yaml",
        {"a.yaml": "include: [b.yaml]\n", "b.yaml": "include: [a.yaml]\n"},
        at=1,
    ),
    "a file that includes itself by a link": _including(
        "includes itself",
        lay=lambda f: (written("a.yaml", b"include: [b.yaml]\n")(f), linked("b.yaml", "a.yaml")(f)),
        at=1,
    ),
    "a file that includes itself by a hard link": _including("'b.yaml' includes itself", lay=_hard, at=1),
    "a ring of links": _including(
        "cannot be read", lay=lambda f: (linked("a.yaml", "b.yaml")(f), linked("b.yaml", "a.yaml")(f))
    ),
    "sixty files deep": Case(
        text=HEAD + "include: [d0.yaml]\n" + _PLAIN, fact="more than 20 deep", at=1, lay=_laid(_DEEP)
    ),
    "one file by many names": Case(
        text=HEAD + "include: [" + ", ".join("./" * n + "a.yaml" for n in range(100)) + "]\n" + _PLAIN,
        fact="is included twice",
        at=3,
        lay=_laid({"a.yaml": "vars: {x: 1}\n"}),
    ),
    "more files than may be included": Case(
        text=HEAD + "include: [" + ", ".join(f"f{n}.yaml" for n in range(101)) + "]\n" + _PLAIN,
        fact="'include' has 101 entries",
        at=3,
    ),
    "ten thousand files": Case(
        text=HEAD + "include: [" + ", ".join(f"f{n}.yaml" for n in range(100)) + "]\n" + _PLAIN,
        fact="more than 10,000 texts",
        at=1,
        lay=_fan,
        seconds=20,
    ),
    "twenty mebibytes of files": Case(
        text=HEAD + "include: [" + ", ".join(f"f{n}.yaml" for n in range(6)) + "]\n" + _PLAIN,
        fact="more than 16 MiB",
        at=3,
        lay=_laid({f"f{n}.yaml": f"vars: {{v{n}: 1}}\n" + "#" * (MIB4 - 20) for n in range(6)}),
        seconds=8,
    ),
    "an included file of more than four mebibytes": _including("more than 4.0 MiB", {"a.yaml": "#" * (MIB4 + 1)}),
    "an included file that leads out": Case(
        text=HEAD + "include: [../a.yaml]\n" + _PLAIN, fact=_OUT, at=3, lay=lambda f: written("../a.yaml", b"")(f)
    ),
    "an included file from the root": Case(text=HEAD + "include: [/etc/passwd]\n" + _PLAIN, fact="absolute path", at=3),
    "an included address": Case(text=HEAD + "include: ['https://example.com/a.yaml']\n" + _PLAIN, fact="no file", at=3),
    "an included template": Case(
        text=HEAD + "vars: {x: a}\ninclude: ['{{ x }}.yaml']\n" + _PLAIN,
        fact="no file",
        at=4,
        lay=_laid({"a.yaml": "vars: {y: 1}\n"}),
    ),
    "an included link that leads out": _including(_OUT, lay=linked("a.yaml", "/etc/passwd")),
    "an included device": _including(_OUT, lay=linked("a.yaml", "/dev/zero")),
    "an included pipe": _including("no ordinary file", lay=lambda folder: os.mkfifo(folder / "a.yaml")),
    "an included folder": _including("is a folder", lay=lambda folder: (folder / "a.yaml").mkdir()),
    "an included picture": _including("not a", {"a.yaml": GOOD}, at=1),
    "an included nothing": _including("is empty", {"a.yaml": b""}, at=1),
    "an included list": _including("cannot be", {"a.yaml": "- 1\n"}, at=1),
    "an included recipe": _including("Unknown key 'rushes'", {"a.yaml": HEAD + _PLAIN}, at=1),
    "an included budget": _including("Unknown key 'budget'", {"a.yaml": "budget: {run: {usd: 1}}\n"}, at=1),
    "an included tag": _including("The tag !!python", {"a.yaml": "vars: {x: !!python/name:os.system }\n"}, at=1),
    "included laughs": _including("unfolds to more than 400,000", {"a.yaml": _LAUGHS}, at=7),
    "an included NUL": _including("A NUL", {"a.yaml": b"vars: {x: a\0}\n"}, at=1),
    "an included file in UTF-16": _including("UTF-16", {"a.yaml": "vars: {x: 1}\n".encode("utf-16")}, at=1),
    "included files that disagree": Case(
        text=HEAD + "include: [a.yaml, b.yaml]\n" + _PLAIN,
        fact="is said otherwise here",
        at=1,
        lay=_laid({"a.yaml": "vars: {x: 1}\n", "b.yaml": "vars: {x: true}\n"}),
    ),
    "an included variable of itself": _including(
        "'x' is what is being worked out here", {"a.yaml": "vars: {x: '{{ x }}'}\n"}, at=1
    ),
    "included files with many faults": _including(
        "'id' is missing", {"a.yaml": "shots:\n" + "- {ie: a}\n" * 30_000}, at=2, seconds=8
    ),
}

SCENES = {
    "a scene twice, but for its case": Case(
        text=HEAD + "scenes:\n- {id: S, shots: [{id: a, prompt: p}]}\n- {id: s, shots: [{id: b, prompt: p}]}\n",
        fact="a scene 's' already",
        at=5,
    ),
    "a scene in a scene": Case(
        text=HEAD + "scenes:\n- {id: s, scenes: [{id: t, shots: [{id: a, prompt: p}]}]}\n",
        fact="'shots' is missing in a scene",
    ),
    "scenes that are a map": Case(text=HEAD + "scenes: {s: {shots: [{id: a, prompt: p}]}}\n", fact="'scenes'", at=3),
    "a scene that climbs": Case(
        text=HEAD + "scenes:\n- {id: ../../x, shots: [{id: a, prompt: p}]}\n", fact="'id' cannot be"
    ),
    "a scene that is a template": Case(
        text=HEAD + "scenes:\n- {id: '{{ 1 }}', shots: [{id: a, prompt: p}]}\n", fact="'id' cannot be"
    ),
    "a shot that takes another scene's name": Case(
        text=HEAD + "scenes:\n- {id: s, shots: [{id: 'a.b', prompt: p}]}\n", fact="cannot be an id"
    ),
    "a scene and its shot, too long together": Case(
        text=HEAD + f"scenes:\n- {{id: {'s' * 60}, shots: [{{id: {'a' * 60}, prompt: p}}]}}\n", fact="at most 100"
    ),
    "a scene's variable of itself": Case(
        text=HEAD + "scenes:\n- {id: s, vars: {x: '{{ x }}'}, shots: [{id: a, prompt: '{{ x }}'}]}\n", fact="'x'"
    ),
    "a title that grows from scene to scene": Case(
        text=HEAD + "scenes:\n- {id: s, title: '" + "t" * 201 + "', shots: [{id: a, prompt: p}]}\n", fact="'title'"
    ),
    "a chain that goes round through scenes": Case(
        text=HEAD
        + "scenes:\n- {id: s, shots: [{id: a, prompt: p, chain: t.b}]}\n"
        + "- {id: t, shots: [{id: b, prompt: p, chain: s.a}]}\n",
        fact="wait for each other",
    ),
    "scenes beside shots": Case(
        text=HEAD + "scenes:\n- {id: s, shots: [{id: a, prompt: p}]}\n" + _PLAIN, fact="beside `shots`", at=3
    ),
    "a matrix in each of many scenes": Case(
        text=HEAD
        + "scenes:\n"
        + "".join(
            f"- {{id: s{n}, shots: [{{id: 'a{{{{i}}}}', prompt: p, each: {{i: '{{{{ range(10000) }}}}'}}}}]}}\n"
            for n in range(20)
        ),
        fact="110,000 shots",
        at=14,
        seconds=8,
    ),
    "five thousand scenes": Case(
        text=HEAD + "scenes:\n" + "".join(f"- {{id: s{n}, shots: [{{id: a, prompt: p}}]}}\n" for n in range(5_000)),
        seconds=8,
    ),
    "a scene that chains three thousand shots": Case(
        text=HEAD
        + "scenes:\n- id: s\n  chain: true\n  shots: [{id: 'a{{ i }}', prompt: p, each: {i: '{{ range(3000) }}'}}]\n",
        seconds=20,
    ),
    "four mebibytes of empty scenes": Case(
        text=HEAD + "scenes:\n" + "- {}\n" * 190_000, fact="'id' is missing in a scene", at=4, seconds=20
    ),
}

_WIDE = ",".join(f"c{n}" for n in range(100_000))

TABLES = {
    "a table of four mebibytes of commas": _rows("t.csv", "x" + "," * (MIB4 - 9) + "\n", "columns"),
    "a table of a hundred thousand columns": _rows("t.csv", f"x,{_WIDE}\n" + "1," * 100_000 + "1\n", "100,001 columns"),
    "a table of four mebibytes of line breaks": _rows(
        "t.csv", "\n" * (MIB4 - 9), "The table is empty", at=MIB4 - 8, seconds=4
    ),
    "a table of a row without end": _rows("t.csv", "x\n" + "1," * 2_000_000, "cells", at=2, seconds=4),
    "a table of rows without end": _rows(
        "t.csv", "x\n" + "1\n" * 100_001, "more than 100,000 rows", at=100_002, seconds=4
    ),
    "a table of rows of one id": _rows("t.csv", "x\n" + "1\n" * 99_999, "make the id", at=4, seconds=20),
    "a table of faulty rows": _rows("t.csv", "x\n" + "1,2\n" * 900_000, "has 2 cells", at=2, seconds=4),
    "a huge cell": _rows("t.csv", "x\n" + "w" * 20_001 + "\n", "20,001 characters", at=2),
    "a cell of four mebibytes": _rows(
        "t.csv", 'x\n"' + "w\n" * 2_000_000 + '"\n', "field larger than field limit", at=2, seconds=4
    ),
    "a cell that is never closed": _rows(
        "t.csv", 'x\n"' + "w\n" * 2_000_000, "field larger than field limit", at=2, seconds=4
    ),
    "a table of quotes": _rows(
        "t.csv", "x\n" + '"' * 4_000_000 + "\n", "field larger than field limit", at=2, seconds=4
    ),
    "a column twice": _rows("t.csv", "x,x\n1,2\n", "two columns 'x'"),
    "a column that is a template": _rows("t.csv", "x,{{ y }}\n1,2\n", "cannot be the name of a column"),
    "a column of the language": _rows("t.csv", "x,__class__\n1,2\n", "cannot be the name of a column"),
    "a column that hides what shots are": _rows("t.csv", "x,shot\n1,2\n", "has a meaning of its own", at=4),
    "a cell that is a template": _rows("t.csv", "x\n{{ 7 * 7 }}\n{{ ().__class__ }}\n{% include 'recipe.yaml' %}\n"),
    "a cell that a spreadsheet would run": _rows("t.csv", "x\n\"=cmd|'/c calc'!A1\"\n@SUM(1)\n"),
    "a cell with an escape sequence": _rows("t.csv", b"x\n\x1b[2J\n", "control character", at=2),
    "a table with a NUL": _rows("t.csv", b"x\n\0\n", "A NUL", at=2),
    "a table in UTF-16": _rows("t.csv", "x\n1\n".encode("utf-16"), "UTF-16"),
    "a table of half a character": _rows("t.csv", b"x\n\xed\xa0\x80\n", "not UTF-8", at=2),
    "a table with a mark of order": _rows("t.csv", b"\xef\xbb\xbfx\n1\n"),
    "a table of carriage returns": _rows("t.csv", b"x\r1\r2\r", "", at=1),
    "a table that is a picture": _rows("t.csv", GOOD, "not a", at=1),
    "a table that is empty": _rows("t.csv", b"", "empty"),
    "a table without rows": _rows("t.csv", "x\n", "no rows", at=2),
    "a table that leads out": _rows("t.csv", "", _OUT, at=4, lay=linked("t.csv", "/etc/passwd")),
    "a table that is a device": _rows("t.csv", "", _OUT, at=4, lay=linked("t.csv", "/dev/zero")),
    "a table that is a pipe": _rows("t.csv", "", "no ordinary file", at=4, lay=lambda f: os.mkfifo(f / "t.csv")),
    "a table that is no table": _rows("t.png", GOOD, "is no table", at=4),
    "rows of JSON, deep": _rows("t.json", '[{"x": ' + "[" * 100_000, "more than 40 levels"),
    "rows of JSON with a hundred thousand columns": _rows(
        "t.json", json.dumps([{"x": 1, **{f"c{n}": n for n in range(100_000)}}]), "", seconds=8
    ),
    "rows of JSON that say a key twice": _rows("t.json", '[{"x": 1, "x": 2}]', "twice"),
    "rows of JSON with a number without end": _rows("t.json", '[{"x": 1e99999999999}]', "beyond"),
    "rows of JSON with no number": _rows("t.json", '[{"x": NaN}]', "", at=1),
    "rows of JSON with half a character": _rows("t.json", '[{"x": "\\ud800"}]', "invalid Unicode character escape"),
    "rows of JSON that are a million": _rows(
        "t.json", json.dumps({"x": list(range(1000)), "y": list(range(1000))}), "1,000,000 shots", at=4
    ),
    "rows of JSON of JSON": _rows("t.json", json.dumps("[" * 100_000), "no table"),
    "rows of YAML that laugh": _rows(
        "t.yaml",
        "- {x: &a [1,1,1,1,1,1,1,1,1,1]}\n"
        + "".join(f"- {{x: &a{n} [{', '.join([f'*a{n - 1}' if n else '*a'] * 10)}]}}\n" for n in range(9)),
        "unfolds to more than 400,000",
        at=6,
    ),
    "rows of YAML with a tag": _rows("t.yaml", "- {x: !!python/object/apply:os.system [id]}\n", "The tag"),
    "rows of YAML that are one map": _rows("t.yaml", "x: 1\n", "no table"),
    "a template in rows of YAML": _rows("t.yaml", "- {x: '{{ range(3) }}'}\n", "", at=4),
    "one table by many names": Case(
        text=SHOTS + "".join(f"- {{id: 'a{n}-{{{{ x }}}}', prompt: p, each: '{'./' * n}t.csv'}}\n" for n in range(400)),
        fact="come to more than 16 MiB",
        at=190,
        lay=_laid({"t.csv": "x\n" + "1\n" * 3 + "#" * 90_000 + "\n"}),
        seconds=8,
    ),
    "a table named by a template": Case(
        text=SHOTS + "- {id: 'a{{ x }}', prompt: p, each: \"{{ '../t' }}.csv\"}\n", fact=_OUT, at=4
    ),
}

CASES = {**INCLUDED, **SCENES, **TABLES}
