"""Templates that borrow from files, and macros: what they see, what bounds them, and where their faults stand."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.errors import Fault
from pipeline.recipe.model import Shot
from tests.recipe.written import HEAD, faults, loaded, png

S = HEAD + "shots:\n"
MACROS = "{% macro portrait(who, age=30) %}{{ who }} at {{ age }}, {{ look }}{% endmacro %}{% set tone = 'dark' %}"


def shot(folder: Path, template: str, **files: str) -> Shot:
    """The one shot of a recipe with this prompt; `look_txt=…` writes `look.txt`."""
    written = {name: text.encode() for name, text in files.items()}
    text = f"vars: {{look: film, who: he}}\nshots:\n- id: a\n  references: [k.png]\n  prompt: |-\n    {template}\n"
    return loaded(folder, text, k_png=png(), **written).shots[0]


def fault(folder: Path, template: str, **files: str) -> tuple[str, Fault]:
    """What is wrong with it, and in which file."""
    written = {name: text.encode() for name, text in files.items()}
    (found,) = faults(folder, f"{S}- id: a\n  prompt: |-\n    {template}\n", **written)
    return os.path.relpath(found.place.file, folder), found


@pytest.mark.parametrize(
    "template, prompt",
    [
        ("{% include 'look.txt' %}!", "a film\nby a!"),
        ("{% for x in [1, 2] %}{% include 'x.txt' %}{% endfor %}", "<1><2>"),
        ("{% from 'm.j2' import portrait %}{{ portrait('she') }}", "she at 30, film"),
        (
            "{% from 'm.j2' import portrait as p, tone %}{{ p(age=70, who=who) | upper }} {{ tone }}",
            "HE AT 70, FILM dark",
        ),
        ("{% import 'm.j2' as m %}{{ m.portrait(who) }} {{ m.tone }}", "he at 30, film dark"),
        ("{% macro b(x, y=x) %}<{{ x }}{{ y }}>{% endmacro %}{{ b(b(1), 2) }}", "<<11>2>"),
        ("{% include 'ref.txt' %} walks", "k.png walks"),
        ("{% set x = 1 %}{% include 'set.txt' %}{{ x }}", "21"),
    ],
)
def test_what_is_borrowed_sees_the_names_of_who_borrows_it(tmp_path: Path, template: str, prompt: str) -> None:
    """And what it sets stays its own."""
    found = shot(
        tmp_path,
        template,
        look_txt="a {{ look }}\r\nby {{ shot.id }}\r\n",
        x_txt="<{{ x }}>",
        m_j2=MACROS,
        ref_txt="{{ ref('k.png') }}",
        set_txt="{% set x = 2 %}{{ x }}",
    )
    assert found.prompt == prompt


def test_references_named_in_a_file_or_a_macro_are_named_in_the_prompt(tmp_path: Path) -> None:
    """So that each service names them in its own manner."""
    template = "{% macro f(x) %}see {{ x }}{% endmacro %}{{ f(ref('k.png')) }}"
    assert shot(tmp_path, template).asked != shot(tmp_path, template).prompt


def test_a_date_in_a_file_is_a_date_in_the_prompt(tmp_path: Path) -> None:
    """It is made anew each date."""
    assert shot(tmp_path, "{% include 'a.txt' %}", a_txt="{% include 'b.txt' %}", b_txt="{{ run.date }}").dated
    assert not shot(tmp_path, "{% include 'a.txt' %}", a_txt="x").dated


def test_the_digest_counts_what_is_borrowed(tmp_path: Path) -> None:
    """As it does other texts."""
    text = "shots:\n- {id: a, prompt: \"{% include 'a.txt' %}\"}\n"
    assert loaded(tmp_path, text, a_txt=b"x").digest != loaded(tmp_path, text, a_txt=b"y").digest


@pytest.mark.parametrize(
    "template, file, line, column, fact",
    [
        ("x {% include 'bad.txt' %}", "bad.txt", 2, 4, "Nothing is called 'nobody'"),
        ("x {% include 'syntax.txt' %}", "syntax.txt", 2, 7, "breaks off here"),
        (
            "x {% include 'loop.txt' %}",
            "back.txt",
            2,
            4,
            "'loop.txt' includes itself: loop.txt -> back.txt -> loop.txt.",
        ),
        ("x {% include 'gone.txt' %}", "recipe.yaml", 6, 10, "There is no file 'gone.txt'"),
        ("x {% include '../bad.txt' %}", "recipe.yaml", 6, 10, "leads out of the recipe's folder"),
        ("x {% include name %}", "recipe.yaml", 6, 10, "stands in quotes"),
        ("x {% from 'm.j2' import portait %}", "recipe.yaml", 6, 10, "There is no 'portait' in 'm.j2'"),
        ("{% from 'm.j2' import portrait %}{{ portrait() }}", "recipe.yaml", 6, 41, "needs 'who'"),
        ("{% from 'm.j2' import portrait %}{{ portrait('x') }}", "m.j2", 1, 61, "Nothing is called 'look'"),
        ("{% macro f(n) %}x{% endmacro %}{{ f(m=1) }}", "recipe.yaml", 6, 39, "The macro 'f' has no 'm'"),
        ("{% macro f(n) %}x{% endmacro %}{{ f(1, n=2) }}", "recipe.yaml", 6, 39, "gets 'n' twice"),
        ("{% macro f() %}x{% endmacro %}{{ f(1) }}", "recipe.yaml", 6, 38, "takes 0 values, and here are 1"),
        ("{% macro f() %}x{% endmacro %}{{ f }}", "recipe.yaml", 6, 38, "A function stands in a text"),
        ("{% macro f() %}x{% endmacro %}{{ f.names }}", "recipe.yaml", 6, 40, "There is no '.names'"),
    ],
)
def test_faults_stand_in_the_file_they_are_in(
    tmp_path: Path, template: str, file: str, line: int, column: int, fact: str
) -> None:
    """Once, at their line and column."""
    where, found = fault(
        tmp_path,
        template,
        bad_txt="one\n{{ nobody }}",
        syntax_txt="one\r\n{% if %}",
        loop_txt="{% include 'back.txt' %}",
        back_txt="\n{% include 'loop.txt' %}",
        m_j2=MACROS,
    )
    assert fact in found.fact
    assert (where, found.place.line, found.place.column) == (file, line, column)


def test_a_file_with_a_fault_is_told_once(tmp_path: Path) -> None:
    """However many shots borrow from it."""
    text = S + "".join(f"- {{id: a{n}, prompt: \"{{% include 'bad.txt' %}}\"}}\n" for n in range(5))
    assert len(faults(tmp_path, text, bad_txt=b"{{ nobody }}")) == 1


HOSTILE = {
    "calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "calls each other": "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
    "deep and nested": "{% macro f(n) %}{{ " + "not " * 50 + "f(n) }}{% endmacro %}{{ f(1) }}",
    "calls without end": "".join(
        f"{{% macro f{n}() %}}" + f"{{{{ f{n - 1}() }}}}" * 30 + "{% endmacro %}" for n in range(1, 12)
    ).replace("{{ f0() }}", "x")
    + "{{ f11() }}",
    "imports without end": "{% for a in range(9999) %}{% for b in range(9999) %}{% import 'm.j2' as m %}"
    "{% endfor %}{% endfor %}",
    "includes without end": "{% for a in range(9999) %}{% include 'big.txt' %}{% endfor %}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_macros_and_files_end_soon_with_a_fault(tmp_path: Path, name: str) -> None:
    """Within the one allowance of all templates."""
    began = time.perf_counter()
    _, found = fault(tmp_path, HOSTILE[name], m_j2="{% macro f() %}x{% endmacro %}" * 500, big_txt="x" * 19_000)
    assert found.hint
    assert time.perf_counter() - began < 10
