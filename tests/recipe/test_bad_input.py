"""Whatever is wrong with a recipe is told at its place, with a fact and a way out, and never by a traceback."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.recipe.written import HEAD, MP3, MP4, faults, loaded, png

A = "- {id: a, prompt: p}\n"
S = HEAD + "shots:\n"  # the first shot is in line 4

BAD: dict[str, tuple[str | bytes, int, int, str, str]] = {
    # name: (text, line, column, part of the fact, part of the hint)
    "empty": ("", 1, 1, "The recipe is empty.", "rushes init"),
    "comments alone": ("# nothing\n", 1, 1, "The recipe is empty.", "rushes init"),
    "a png": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 1, 1, "a file of kind image (png)", "Name the YAML file"),
    "NUL": (S + "- {id: a, prompt: 'a\0b'}\n", 4, 21, "A NUL is here", "Delete"),
    "UTF-16": ("rushes: 1".encode("utf-16"), 1, 1, "written in UTF-16", "UTF-8"),
    "latin-1": (HEAD.encode() + b"title: caf\xe9\n", 3, 11, "0xe9 is not UTF-8", "UTF-8"),
    "line separator": (S + "- {id: a, prompt: 'a\u2028b'}\n", 4, 21, "U+2028", "ordinary line break"),
    "tab": (HEAD + "vars:\n\ta: b\n", 4, 1, "A tab indents this line", "spaces"),
    "tab after spaces": (HEAD + "vars:\n  b: c\n  \ta: b\n", 5, 3, "A tab indents this line", "spaces"),
    "duplicate key": (
        S + "- {id: a, prompt: p, id: b}\n",
        4,
        22,
        "'id' is here twice; the first is in line 4",
        "Delete",
    ),
    "two documents": (S + A + "---\nrushes: 1\n", 5, 1, "A second document", "one recipe a file"),
    "tag": (S + "- {id: a, prompt: !!python/name:os.system x}\n", 4, 19, "The tag !!python/name:os.system", "quotes"),
    "merge key": (
        HEAD + "vars: {x: &x {a: 1}}\nshots:\n- <<: *x\n  id: a\n  prompt: p\n",
        5,
        3,
        "merge key",
        "defaults",
    ),
    "number key": (HEAD + "vars: {1: 2}\nshots:\n" + A, 3, 8, "This key is no text", "quotes"),
    "unknown alias": (S + "- {id: a, prompt: *nope}\n", 4, 19, "*nope is unknown", "Write it out"),
    "alias of itself": (HEAD + "vars: &v {a: [*v]}\n", 3, 15, "part of", "Write it out"),
    "open quote": (S + '- {id: a, prompt: "p}\n', 4, 19, "never closed", "Close it"),
    "colon in text": (S + "- id: a\n  prompt: he said: go\n", 5, 18, "': ' inside an unquoted text", "quotes"),
    "bare template": (S + "- id: a\n  prompt: {{ a }} walks\n", 5, 11, "not in quotes", '"{{ name }}'),
    "bare template alone": (S + "- id: a\n  prompt: {{ a }}\n", 5, 11, "not in quotes", '"{{ name }}'),
    "depth": (HEAD + "vars: {a: " + "[" * 100_000, 3, 49, "more than 40 levels", "Is it"),
    "a list": ("- 1\n", 1, 1, "A recipe cannot be a list", "a map of keys"),
    "a word": ("hello\n", 1, 1, "A recipe cannot be the text 'hello'", "a map of keys"),
    "no version": ("name: a\nshots:\n" + A, 1, 1, "'rushes' is missing", "rushes: 1"),
    "another version": ("rushes: 2\nname: a\nshots:\n" + A, 1, 9, "'rushes' cannot be the number 2", "rushes: 1"),
    "no shots": (HEAD, 1, 1, "'shots' is missing", "at least one"),
    "shots empty": (HEAD + "shots: []\n", 3, 8, "'shots' cannot be an empty list", "at least one"),
    "name": ("rushes: 1\nname: My Film\nshots:\n" + A, 2, 7, "'name' cannot be the text 'My Film'", "small letters"),
    "misspelt key": (S + "- {id: a, promt: p}\n", 4, 11, "Unknown key 'promt' in a shot.", "Did you mean 'prompt'?"),
    "misspelt at the top": (S + A + "flim: true\n", 5, 1, "Unknown key 'flim'", "Did you mean 'film'?"),
    "misspelt inside": (
        S + "- {id: a, prompt: p, upscale: {too: 2k}}\n",
        4,
        32,
        "Unknown key 'too' in `upscale`",
        "'to'",
    ),
    "no prompt": (S + "- id: a\n", 4, 3, "'a' has no prompt", "Say what is to be seen"),
    "shot is a text": (S + "- dawn\n", 4, 3, "An entry of 'shots' cannot be the text 'dawn'", "a map of keys"),
    "wrong type": (S + "- {id: a, prompt: [p]}\n", 4, 19, "'prompt' cannot be a list", "text"),
    "number as id": (S + "- {id: 12, prompt: p}\n", 4, 8, "'id' cannot be the number 12", "quotes"),
    "no where true is due": (
        S + "- {id: a, prompt: p, audio: no}\n",
        4,
        29,
        "'audio' cannot be the text 'no'",
        "true or false",
    ),
    "duration": (S + "- {id: a, prompt: p, duration: 5 min}\n", 4, 32, "'duration' cannot be", "5s"),
    "duration 0": (
        S + "- {id: a, prompt: p, duration: 0}\n",
        4,
        32,
        "'duration' cannot be the number 0",
        "more than 0",
    ),
    "endless number": (S + "- {id: a, prompt: p, duration: .inf}\n", 4, 32, ".inf is no number", ""),
    "long number": (S + f"- {{id: a, prompt: p, seed: {'9' * 5000}}}\n", 4, 28, "5,000 digits", ""),
    "large exponent": (S + "- {id: a, prompt: p, duration: 1e999999999}\n", 4, 32, "beyond what", ""),
    "resolution": (
        S + "- {id: a, prompt: p, resolution: 720}\n",
        4,
        34,
        "'resolution' cannot be the number 720",
        "720p",
    ),
    "kind": (
        S + "- {id: a, prompt: p, kind: vidoe}\n",
        4,
        28,
        "'kind' cannot be the text 'vidoe'",
        "Did you mean 'video'?",
    ),
    "seed": (S + "- {id: a, prompt: p, seed: -1}\n", 4, 28, "'seed' cannot be the number -1", "zero or more"),
    "takes": (S + "- {id: a, prompt: p, takes: 101}\n", 4, 29, "'takes' cannot be the number 101", "1 to 100"),
    "provider": (S + "- {id: a, prompt: p, provider: anmatic}\n", 4, 32, "no provider 'anmatic'", "'animatic'"),
    "unknown reference": (
        S + A + "- {id: b, prompt: p, references: [aa]}\n",
        5,
        35,
        "no shot or reference 'aa'",
        "'a'",
    ),
    "unknown chain": (S + A + "- {id: b, prompt: p, chain: c}\n", 5, 29, "no shot 'c'", "There are: a, b"),
    "unknown need": (S + A + "- {id: b, prompt: p, needs: [zz]}\n", 5, 30, "no shot 'zz'", "There are: a, b"),
    "unknown film shot": (S + A + "film: [zz]\n", 5, 8, "no shot 'zz'", "a"),
    "chain from a still": (
        S + "- {id: a, kind: image, prompt: p}\n- {id: b, chain: a, prompt: p}\n",
        5,
        18,
        "'a' is a still",
        "first_frame",
    ),
    "chain from itself": (S + "- {id: a, chain: a, prompt: p}\n", 4, 18, "chained to itself", "before"),
    "needs itself": (S + "- {id: a, needs: [a], prompt: p}\n", 4, 19, "needs itself", "another"),
    "uses itself": (S + "- {id: a, references: [a], prompt: p}\n", 4, 24, "uses itself", "another"),
    "frame of a clip": (S + A + "- {id: b, first_frame: a, prompt: p}\n", 5, 24, "'a' is a video shot", "Say `chain`"),
    "chain and frame": (
        S + A + "- {id: b, chain: a, first_frame: k.png, prompt: p}\n",
        5,
        34,
        "both `chain` and `first_frame`",
        "Keep one",
    ),
    "frame and references": (
        S + A + "- {id: b, chain: a, references: [k.png], prompt: p}\n",
        5,
        33,
        "`references` beside `chain`",
        "sheet -> keyframe",
    ),
    "still with a chain": (
        S + A + "- {id: b, kind: image, chain: a, prompt: p}\n",
        5,
        31,
        "stills have no `chain`",
        "",
    ),
    "still in the film": (S + "- {id: a, kind: image, prompt: p}\nfilm: [a]\n", 5, 8, "'a' is a still", "first_frame"),
    "film of stills": (
        S + "- {id: a, kind: image, prompt: p}\nfilm: true\n",
        5,
        7,
        "no video shot",
        "leave `film` out",
    ),
    "picture as sound": (S + A + "film: {audio: k.png}\n", 5, 15, "is a picture, and `audio` is a sound", ""),
    "equal ids": (S + "- {id: a, prompt: p}\n- {id: A, prompt: p}\n", 5, 8, "'A' is taken as 'a'", "another id"),
    "equal ids of rows": (
        S + '- {id: "a-{{ n // 2 }}", each: {n: [2, 3]}, prompt: p}\n',
        4,
        8,
        "Two rows of `each` make the id 'a-1': (n 2) and (n 3).",
        "Put what differs",
    ),
    "a shot and a reference": (
        HEAD + "references: {a: {image: k.png}}\nshots:\n" + A,
        3,
        14,
        "'a' is a shot and a reference",
        "Rename",
    ),
    "two sources": (
        HEAD + "references: {r: {image: k.png, shot: a}}\nshots:\n" + A,
        3,
        17,
        "image and shot",
        "exactly one",
    ),
    "id that climbs": (S + "- {id: ../../x, prompt: p}\n", 4, 8, "'../../x' cannot be an id", "slug"),
    "id of a device": (S + "- {id: CON, prompt: p}\n", 4, 8, "'CON' cannot be an id: on Windows", "CON-1"),
    "id of 300": (S + f"- {{id: {'x' * 300}, prompt: p}}\n", 4, 8, "300 characters; at most 100", "Shorten"),
    "id turned around": (S + "- {id: 'a\u202eb', prompt: p}\n", 4, 8, "'a\\u202eb' cannot be an id", "slug"),
    "each too large": (
        HEAD
        + "vars: {r: [0,1,2,3,4,5,6,7,8,9]}\nshots:\n- id: x{{a}}{{b}}\n  prompt: p\n  each: {"
        + ", ".join(f"{c}: '{{{{ r }}}}'" for c in "abcdef")
        + "}\n",
        7,
        9,
        "makes 1,000,000 shots",
        "Shorten",
    ),
    "each of nothing": (
        S + "- {id: a, prompt: p, each: {n: []}}\n",
        4,
        32,
        "'n' cannot be an empty list",
        "list of values",
    ),
    "each name taken": (
        S + "- {id: 'a{{ shot }}', prompt: p, each: {shot: [1]}}\n",
        4,
        40,
        "meaning of its own",
        "another",
    ),
    "too many results": (
        HEAD
        + "vars: {r: [0,1,2,3,4,5,6,7,8,9]}\nshots:\n- {id: 'x{{a}}{{b}}{{c}}{{d}}', prompt: p, takes: 100, each: {"
        + ", ".join(f"{c}: '{{{{ r }}}}'" for c in "abcd")
        + "}}\n",
        5,
        51,
        "more than 100,000 results",
        "fewer takes",
    ),
    "row of wrong type": (
        S + '- {id: "a{{ n }}", prompt: p, duration: "{{ n }}", each: {n: [1, x]}}\n',
        4,
        41,
        "'duration' cannot be the text 'x' (n 'x')",
        "seconds",
    ),
    "undefined name": (
        HEAD + 'vars: {keeper: k}\nshots:\n- id: a\n  prompt: "see {{ keper }}"\n',
        6,
        19,
        "Nothing is called 'keper'",
        "Did you mean 'keeper'?",
    ),
    "undefined in a block": (
        S + "- id: a\n  prompt: |\n    he walks\n    and {{ who }}\n",
        7,
        12,
        "Nothing is called 'who'",
        "",
    ),
    "undefined in a folded text": (
        S + "- id: a\n  prompt: >-\n    he walks\n    on\n\n    and {{ who }}\n",
        9,
        12,
        "Nothing is called 'who'",
        "",
    ),
    "undefined after escapes": (S + '- {id: a, prompt: "\\u00e9 \\"x\\" {{ who }}"}\n', 4, 36, "called 'who'", ""),
    "template cut off": (S + '- {id: a, prompt: "{% if 1 %}x"}\n', 4, 30, "'if' is never closed", "endif"),
    "template syntax": (S + '- {id: a, prompt: "x {{ 1 + }}"}\n', 4, 29, "breaks off here", ""),
    "later variable": (
        HEAD + 'vars: {a: "{{ b }}", b: 1}\nshots:\n' + A,
        3,
        15,
        "'b' comes further down",
        "move it up",
    ),
    "variable of itself": (HEAD + 'vars: {a: "{{ a }}"}\nshots:\n' + A, 3, 15, "'a' is what is being worked out", ""),
    "reserved variable": (
        HEAD + "vars: {run: 1}\nshots:\n" + A,
        3,
        8,
        "'run' has a meaning of its own",
        "another name",
    ),
    "no such reference of the shot": (
        S + "- {id: a, prompt: \"{{ ref('x') }}\"}\n",
        4,
        23,
        "this shot has no such reference",
        "references",
    ),
    "class": (S + "- {id: a, prompt: \"{{ ''.__class__.__mro__ }}\"}\n", 4, 26, "begins with an underscore", ""),
    "include": (S + "- {id: a, prompt: \"{% include '/etc/passwd' %}\"}\n", 4, 23, "an absolute path", "Copy"),
    "extends": (S + "- {id: a, prompt: \"{% extends 'k.txt' %}\"}\n", 4, 23, "'extends' are not for recipes", "Use"),
    "prompt of 100 kB": (S + f"- {{id: a, prompt: {'x' * 102_400}}}\n", 4, 19, "102,400 characters", "at most 20,000"),
    "rendered prompt of 100 kB": (
        S + "- {id: a, prompt: \"{{ 'x' * 90000 }}\"}\n",
        4,
        19,
        "90,000 characters",
        "at most 20,000",
    ),
    "empty prompt": (S + "- {id: a, prompt: ' '}\n", 4, 19, "The prompt of 'a' is empty", "seen"),
    "escaped NUL": (S + '- {id: a, prompt: "a\\0b"}\n', 4, 19, "control character U+0000", "Delete"),
    "out by dots": (
        S + "- {id: a, prompt: p, references: [../k.png]}\n",
        4,
        35,
        "out of the recipe's folder by '..'",
        "Copy",
    ),
    "absolute": (S + "- {id: a, prompt: p, references: [/etc/passwd]}\n", 4, 35, "absolute path", "Copy"),
    "home": (S + "- {id: a, prompt: p, references: [~/k.png]}\n", 4, 35, "absolute path", "Copy"),
    "backslash": (S + "- {id: a, prompt: p, references: ['..\\k.png']}\n", 4, 35, "no path", "'/'"),
    "no file": (S + "- {id: a, prompt: p, references: [kk.png]}\n", 4, 35, "no file 'kk.png'", "'k.png'"),
    "no picture": (S + "- {id: a, prompt: p, references: [no.png]}\n", 4, 35, "not a picture, video or sound", "again"),
    "cut picture": (
        S + "- {id: a, prompt: p, references: [cut.png]}\n",
        4,
        35,
        "begins like a picture and is none",
        "again",
    ),
    "huge picture": (S + "- {id: a, prompt: p, references: [big.png]}\n", 4, 35, "65,536 x 65,536 pixels", "smaller"),
    "sound as picture": (
        HEAD + "references: {r: {image: a.mp3}}\nshots:\n" + A,
        3,
        25,
        "a sound, not a picture",
        "picture",
    ),
    "a folder": (S + "- {id: a, prompt: p, references: [./]}\n", 4, 35, "is a folder", "file in it"),
    "plain http": (S + "- {id: a, prompt: p, references: ['http://x.org/a.png']}\n", 4, 35, "plain http", "https"),
    "ftp": (
        S + "- {id: a, prompt: p, references: ['ftp://x.org/a.png']}\n",
        4,
        35,
        "no URL that services can fetch",
        "https",
    ),
    "password in a URL": (S + "- {id: a, prompt: p, references: ['https://u:p@x.org/a.png']}\n", 4, 35, "password", ""),
    "broken URL": (S + "- {id: a, prompt: p, references: ['https://[x/a.png']}\n", 4, 35, "is no URL", ""),
    "amount": (HEAD + "budget: {run: {usd: -1}}\nshots:\n" + A, 3, 21, "'usd' cannot be the number -1", "zero or more"),
    "credits": (HEAD + "budget: {run: {credits: {s: x}}}\nshots:\n" + A, 3, 29, "'s' cannot be the text 'x'", "number"),
    "digits of money": (HEAD + f"budget: {{run: {{usd: 0.{'1' * 30}}}}}\nshots:\n" + A, 3, 21, "more digits", "15"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_kind_of_bad_input_is_told_at_its_place(tmp_path: Path, name: str) -> None:
    """One cause is one fault, at its line and column, with the fact and the way out, in less than two seconds."""
    text, line, column, fact, hint = BAD[name]
    files = {"k_png": png(), "no_png": b"hello", "cut_png": png()[:12], "big_png": png(65536, 65536)}
    began = time.perf_counter()
    found = faults(tmp_path, text, a_mp3=MP3, b_mp4=MP4, **files)
    assert time.perf_counter() - began < 10
    first = found[0]
    assert fact in first.fact
    assert hint in first.hint
    assert (first.place.line, first.place.column) == (line, column)
    assert first.fact.endswith(".")
    assert first.hint
    assert [str(fault) for fault in found[1:]] == [] or name in SEVERAL


SEVERAL = {"merge key"}
"""Those texts hold more than one cause."""

HOSTILE = {
    "endless loop": "{% for a in range(9999) %}" * 3 + "{% endfor %}" * 3,
    "doubling text": "{% set x = 'aaaaaaaa' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
    "doubling list": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x == x }}",
    "repeated text": "{{ 'a' * 10000000000 }}",
    "power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "product": "{{ 10**29 * 10**29 }}",
    "wide range": "{{ range(10 ** 12) | list }}",
    "wide format": "{{ '%999999999d' % 1 }}",
    "center": "{{ 'a' | center(999999999) }}",
    "format": "{{ '%999999999d' | format(1) }}",
    "replace": "{% set x = 'a' * 9000 %}{{ x | replace('a', x) }}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep sum": "{{ 1" + " + 1" * 4000 + " }}",
    "recursive macro": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "attribute": "{{ run.__class__ }}",
    "item": "{{ run['__class__'] }}",
    "attribute of a function": "{{ range.__globals__ }}",
    "globals": "{{ lipsum.__globals__ }}",
    "attr filter": "{{ run | attr('__class__') }}",
    "map filter": "{{ [run] | map(attribute='__class__') | list }}",
    "method": "{{ 'a'.format(1) }}",
    "huge exponent": "{{ 1e999999 }}",
    "decimal to int": "{{ ('1e99999999' | float) | int }}",
    "long number": "{{ " + "9" * 9000 + " }}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_ends_soon_with_a_fault(tmp_path: Path, name: str) -> None:
    """No template loops for ever, grows without bounds or reaches anything behind its values."""
    quoted = "'" + HOSTILE[name].replace("'", "''") + "'"
    began = time.perf_counter()
    (fault,) = faults(tmp_path, f"{S}- {{id: a, prompt: {quoted}}}\n")
    assert time.perf_counter() - began < 10
    assert fault.place.line == 4
    assert fault.place.column >= 19


def test_many_hostile_templates_share_one_allowance(tmp_path: Path) -> None:
    """A thousand loops are bounded together, and told once each cause."""
    loop = "{% for a in range(9999) %}{% endfor %}"
    text = S + "".join(f'- {{id: a{n}, prompt: "{loop}x{n}"}}\n' for n in range(1000))
    began = time.perf_counter()
    found = faults(tmp_path, text)
    assert time.perf_counter() - began < 20
    assert "too much work" in found[0].fact


def test_an_alias_bomb_is_counted_and_not_unfolded(tmp_path: Path) -> None:
    """Nine lists of nine aliases each are refused by their number."""
    lines = ["  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (fault,) = faults(tmp_path, HEAD + "vars:\n" + "\n".join(lines) + "\nshots:\n" + A)
    assert "unfolds to more than 400,000 values" in fault.fact


def test_all_faults_are_told_at_once_in_order(tmp_path: Path) -> None:
    """Faults of shape, templates, names and files come together, sorted by place."""
    text = S + (
        "- {id: a, promt: p}\n- {id: b, prompt: '{{ c }}', takes: 0}\n- {id: b, prompt: p}\n"
        "- {id: d, prompt: p, chain: z, references: [../x.png]}\n- {id: e, prompt: p, first_frame: a}\nfilm: [y]\n"
    )
    found = faults(tmp_path, text)
    assert [fault.place.line for fault in found] == [4, 5, 5, 6, 7, 7, 7, 8, 9]
    assert list(found) == sorted(found, key=lambda fault: fault.place)


def test_marks_that_turn_text_around_are_a_warning_in_a_prompt(tmp_path: Path) -> None:
    """A right-to-left override is named with its place, and stops nothing."""
    (warning,) = loaded(tmp_path, "shots:\n- {id: a, prompt: 'ab\u202ecd'}\n").warnings
    assert "U+202E" in warning.fact
    assert (warning.place.line, warning.place.column) == (4, 22)


def test_a_broken_reference_is_told_once_and_not_at_its_users(tmp_path: Path) -> None:
    """Shots that use a reference whose file is missing add no faults of their own."""
    text = HEAD + "references: {r: {image: gone.png}}\nshots:\n- {id: a, prompt: p, references: [r]}\n"
    (fault,) = faults(tmp_path, text)
    assert fault.place.line == 3


def test_reading_stops_at_a_thousand_faults(tmp_path: Path) -> None:
    """Faults without end are not told without end, and the last one says so."""
    text = S + "".join(f"- {{id: a{n}, prompt: p, chain: z{n}}}\n" for n in range(3000))
    found = faults(tmp_path, text)
    assert len(found) == 1001
    assert any("more than 1,000 faults" in fault.fact for fault in found)
