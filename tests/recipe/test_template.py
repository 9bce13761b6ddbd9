"""Templates mean what they mean in jinja2, as far as recipes have them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.recipe.allowance import Names, TemplateFault, Work
from pipeline.recipe.functions import Call, slug
from pipeline.recipe.template import compiled

NAMES: dict[str, Any] = {"a": "storm", "n": 5, "items": ["x", "y", "Z"], "who": {"name": "Ada", "age": 7}, "yes": True}


def rendered(source: str, **names: Any) -> Any:
    return compiled(source, Work()).render(Names(names or NAMES), Work())


SAME = [
    "plain } text %}",
    "{{ a }} and {{ who.name }}",
    "{{a}}{{ n }}",
    "{{ a | upper }} {{ a | capitalize }} {{ 'MiXed case' | lower | title }}",
    "{{ a ~ n ~ '!' }}",
    "{{ n + 1 }} {{ n - 7 }} {{ n * 2 }} {{ n // 2 }} {{ n % 3 }} {{ n ** 2 }} {{ -n }}",
    "{{ 'big' if n > 3 and a == 'storm' else 'small' }}",
    "{% if n == 5 %}five{% elif n == 6 %}six{% else %}other{% endif %}",
    "{% for item in items %}{{ loop.index }}:{{ item }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for item in items if item != 'y' %}{{ item }}{% else %}none{% endfor %}",
    "{% for item in [] %}{{ item }}{% else %}none{% endfor %}",
    "{% for k, v in who.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% set x = 'outer' %}{% for i in items %}{% set x = i %}{% endfor %}{{ x }}",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% with x = 2 %}{{ x + n }}{% endwith %}",
    "{{ items | join(', ') }} {{ items | length }} {{ items | first }} {{ items | last }}",
    "{{ items[1] }} {{ items[-1] }}",
    "{{ items | sort | join }} {{ items | reverse | list | join }} {{ [3, 1, 2] | max }}",
    "{{ [3, 1] | min }} {{ [1, 2] | sum }}",
    "{{ ['a', 'b', 'a'] | unique | join }}",
    "{{ missing | default('none') }}",
    "{% if missing is undefined and a is defined %}ok{% endif %}",
    "{% if 'x' in items and 'q' not in items and 'to' in a %}ok{% endif %}",
    "{% if n is odd and n is number and a is string and who is mapping and n is divisibleby(5) %}ok{% endif %}",
    "{{ a | replace('o', '0') }} {{ '  x ' | trim }} {{ 'a b c' | wordcount }} {{ 'abcdefghijk' | truncate(8, true) }}",
    "{{ a[1:3] }} {{ a[::-1] }} {{ who['name'] }}",
    "{{ '7' | int + 1 }}",
    "{# a comment #}left{#- another -#} right",
    "  {%- if yes -%}  trimmed  {%- endif -%}  ",
    "{% raw %}{{ not read }}{% endraw %}",
    "line\n{{ a }}\n",
    "{% for i in range(2, 5) %}{{ i }}{% endfor %}",
    "{{ 1 < n < 10 and 'between' }}",
    "{{ who.nick | default('q') }}",
    "{{ who.nick is defined and 1 or 2 }}",
]


@pytest.mark.parametrize("source", SAME)
def test_templates_mean_what_jinja2_makes_of_them(source: str) -> None:
    """The text is that of jinja2's own sandbox."""
    jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    assert str(rendered(source)) == jinja.from_string(source).render(NAMES)


@pytest.mark.parametrize(
    "source, value",
    [
        ("{{ n }}", 5),
        ("{{ n + 0.5 }}", Decimal("5.5")),
        ("{{ 0.1 + 0.2 }}", Decimal("0.3")),
        ("{{ 10 / 4 }}", Decimal("2.5")),
        ("{{ 10 / 5 }}", 2),
        ("{{ yes }}", True),
        ("{{ not yes }}", False),
        ("{{ items }}", ["x", "y", "Z"]),
        ("{{ n | string }}", "5"),
        ("{{ n }}s", "5s"),
        ("{{ 2.675 | round(2) }}", Decimal("2.68")),
        ("is {{ yes }}", "is true"),
    ],
)
def test_one_whole_expression_keeps_its_type(source: str, value: Any) -> None:
    """Numbers are exact, and only text around an expression makes it a text."""
    found = rendered(source)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "source, offset, fact",
    [
        ("x {{ who.nme }}", 5, "There is no '.nme' here."),
        ("x {{ nope | upper }}", 5, "Nothing is called 'nope' here."),
        ("x\n  {{ a | nope }}", 11, "There is no filter 'nope' in recipes."),
        ("{{ a is nope }}", 5, "There is no test 'nope' in recipes."),
        ("{{ a }} {{ items }}", 11, "A list stands in a text."),
        ("{{ items[7] }} {{ a }}", 8, "There is no entry 7: there are 3, counted from 0."),
        ("{{ 1 / 0 }} x", 3, "This cannot be calculated"),
        ("{{ a + 1 }} x", 3, "A number is due here"),
        ("{{ 'a' {{ }}", 7, "The template breaks off here"),
        ("ab {% nope %}", 6, "There is no statement 'nope' here."),
    ],
)
def test_a_fault_knows_its_character(source: str, offset: int, fact: str) -> None:
    """What is wrong is told at the character where it begins, not at the beginning of the text."""
    with pytest.raises(TemplateFault) as caught:
        rendered(source)
    assert caught.value.fact.startswith(fact)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text, made",
    [
        ("Calm Sea!", "calm-sea"),
        ("Über die Brücke", "uber-die-brucke"),
        ("--a__b--", "a__b"),
        ("灯台", "u706f-u53f0"),
        ("a/../b", "a-b"),
    ],
)
def test_slug_makes_any_text_fit_an_id(text: str, made: str) -> None:
    """Accents go, other scripts keep their code points, everything else becomes a dash."""
    assert slug(Call(work=Work(), offset=0), text) == made


MARKS = ("{{", "}}", "{%", "%}", "{#", "#}", "**", *"|~+*()[]=.,9-\n")
WORDS = ("'x'", " a ", " in ", "if ", "endfor", "endif", "__class__", "range", "items")
PIECES = st.sampled_from((*MARKS, *WORDS))


@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_template_does_anything_but_answer_or_refuse(source: str) -> None:
    """Any text at all makes a value or a fault inside it."""
    told = None
    try:
        rendered(source)
    except TemplateFault as fault:
        told = fault.offset
    assert told is None or 0 <= told <= len(source)
