"""A prompt carries marks for the references it names, and reads as if it had none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe.allowance import Names, Work
from pipeline.recipe.mention import asked, changed, joined, marked, mentioned, naming, unmarked
from pipeline.recipe.template import compiled
from tests.made import shot
from tests.recipe.written import HEAD, faults, loaded, png

SHOTS = """\
references:
  keeper: {image: k.png}
  sea: {image: k.png}
shots:
- id: a
  references: [keeper, sea, k.png]
  prompt: PROMPT
"""
WORDS = {"keeper": "<1>", "sea": "<2>", "k.png": "<3>"}


def told(folder: Path, prompt: str, head: str = "") -> tuple[str, str]:
    """A prompt as people read it, and as a service that names references by number is asked."""
    quoted = "'" + prompt.replace("'", "''") + "'"
    (shot,) = loaded(folder, head + SHOTS.replace("PROMPT", quoted), k_png=png()).shots
    assert type(shot.prompt) is str
    assert type(shot.asked) is str
    return shot.prompt, mentioned(shot.asked, lambda name: WORDS.get(name, f"no {name}"))


NAMED = {
    "{{ ref('keeper') }}": ("keeper", "<1>"),
    "{{ ref('keeper') }} by the {{ ref('sea') }}": ("keeper by the sea", "<1> by the <2>"),
    "{{ ref('k.png') }}!": ("k.png!", "<3>!"),
    "{{ 'the ' ~ ref('keeper') ~ 1 }}": ("the keeper1", "the <1>1"),
    "{{ 'the ' + ref('keeper') }}": ("the keeper", "the <1>"),
    "{{ [ref('keeper'), ref('sea'), 'x'] | join(' and ') }}": ("keeper and sea and x", "<1> and <2> and x"),
    "{{ ['x', 'y'] | join(ref('sea')) }}": ("xseay", "x<2>y"),
    "{% for name in ['keeper', 'sea'] %}{{ ref(name) }} {% endfor %}.": ("keeper sea .", "<1> <2> ."),
    "{% set who = ref('keeper') %}{{ who }} {{ who }}": ("keeper keeper", "<1> <1>"),
    "{% with who = ref('sea') %}{{ who }}{% endwith %}": ("sea", "<2>"),
    "{{ ref('keeper') if ref('sea') == 'sea' else 'nobody' }}": ("keeper", "<1>"),
    "{{ ref('keeper') | default('x') }} {{ [ref('sea')] | first }}": ("keeper sea", "<1> <2>"),
    "{{ {'who': ref('keeper')}.who }}": ("keeper", "<1>"),
    "{{ ref(ref('keeper')) }}": ("keeper", "<1>"),
    # Filters that leave the names alone leave the marks where they are.
    "{{ ref('keeper') | lower | string }}": ("keeper", "<1>"),
    "{{ (' ' ~ ref('keeper') ~ ' ') | trim }}": ("keeper", "<1>"),
    "{{ (ref('keeper') ~ ' WALKS') | lower }}": ("keeper walks", "<1> walks"),
    "{{ (ref('keeper') ~ ' walks') | replace('walks', 'runs') }}": ("keeper runs", "<1> runs"),
    "{{ (ref('keeper') ~ ' walks') | truncate(12) }}": ("keeper walks", "<1> walks"),
    "{{ ('the ' ~ ref('keeper')) | capitalize }}": ("The keeper", "The <1>"),
    # What others make of a name are words like any other.
    "{{ ref('keeper') | upper }} {{ ref('sea') }}": ("KEEPER sea", "KEEPER <2>"),
    "{{ ref('keeper') | title }}": ("Keeper", "Keeper"),
    "{{ ref('keeper') | capitalize }}": ("Keeper", "Keeper"),
    "{{ ref('keeper') | reverse }} {{ ref('keeper')[0] }}": ("repeek k", "repeek k"),
    "{{ ref('keeper') | replace('ee', 'o') }}": ("koper", "koper"),
    "{{ (ref('keeper') ~ ' walks and walks') | truncate(9, true, leeway=0) }}": ("keeper...", "keeper..."),
    "{{ ref('keeper') | trim('k') }}": ("eeper", "eeper"),
    "{{ ref('k.png') | slug }}": ("k-png", "k-png"),
    "{{ ref('sea') * 2 }}": ("seasea", "seasea"),
    # Whatever looks at a name sees nothing but the name.
    "{{ ref('keeper') | length }} {{ ref('keeper') | wordcount }}": ("6 1", "6 1"),
    "{{ 'yes' if 'eep' in ref('keeper') and ref('keeper') in ['keeper'] }}": ("yes", "yes"),
    "{{ {'keeper': 'Tom'}[ref('keeper')] }}": ("Tom", "Tom"),
    "{{ 'yes' if ref('keeper') < ref('sea') and ref('sea') is string }}": ("yes", "yes"),
    # Whoever writes a mark by hand has written nothing.
    "a\ue000keeper\ue001b": ("akeeperb", "akeeperb"),
    "\ue001{{ ref('sea') }}\ue000": ("sea", "<2>"),
    "\ue000{{ ref('sea') | upper }}\ue001": ("SEA", "SEA"),
    "{{ ref('sea') | replace('s', '\ue000') }}": ("ea", "ea"),
    "{{ (ref('sea') ~ ' x') | replace('x', '\ue000keeper\ue001') }}": ("sea keeper", "sea keeper"),
    "no reference": ("no reference", "no reference"),
}


@pytest.mark.parametrize("prompt", NAMED)
def test_a_service_names_references_in_its_own_manner(tmp_path: Path, prompt: str) -> None:
    """The plain prompt has the names, the asked one the service's words, whatever stands around `ref`."""
    assert told(tmp_path, prompt) == NAMED[prompt]


@pytest.mark.parametrize("prompt", NAMED)
def test_a_name_with_a_mark_is_to_a_template_what_the_bare_name_is(prompt: str) -> None:
    """The plain text is the same to the last character, whether `ref` marks its names or not."""
    made = [
        str(compiled(prompt, Work()).render(Names({"ref": lambda _, name, ref=ref: ref(str(name))}), Work()))
        for ref in (naming, str)
    ]
    assert made[0] == made[1]


def test_a_variable_cannot_bring_a_mark(tmp_path: Path) -> None:
    """A mark in a variable is dropped, beside a `ref` and without one."""
    head = 'vars: {x: "\\ue000sea\\ue001"}\n'
    assert told(tmp_path, "{{ x }} and {{ ref('keeper') }}", head) == ("sea and keeper", "sea and <1>")
    assert told(tmp_path, "{{ x }}", head) == ("sea", "sea")


def test_checks_judge_the_prompt_as_it_is_read(tmp_path: Path) -> None:
    """Marks make no prompt longer than it may be, nor an empty one a prompt."""
    room = 20_000 - len("keeper")
    assert len(told(tmp_path, f"{{{{ 'x' * {room} }}}}{{{{ ref('keeper') }}}}")[0]) == 20_000
    (long,) = faults(
        tmp_path, HEAD + SHOTS.replace("PROMPT", f"\"{{{{ 'x' * {room + 1} }}}}{{{{ ref('keeper') }}}}\""), k_png=png()
    )
    assert "20,001 characters" in long.fact
    (empty,) = faults(tmp_path, HEAD + 'shots:\n- {id: a, prompt: "\\ue000 \\ue001"}\n')
    assert empty.fact == "The prompt of 'a' is empty."
    (control,) = faults(tmp_path, HEAD + SHOTS.replace("PROMPT", "\"{{ ref('keeper') }}\\a\""), k_png=png())
    assert "U+0007" in control.fact


def test_a_shot_with_another_prompt_asks_for_that_one() -> None:
    """What a shot asks for is its prompt, unless it is the same with marks."""
    made = shot("a", prompt="keeper walks")
    assert made.asked == "keeper walks"
    named = dataclasses.replace(made, asked=f"{marked('keeper')} walks")
    assert named.asked == f"{marked('keeper')} walks"
    assert dataclasses.replace(named, prompt="new").asked == "new"


@pytest.mark.parametrize(
    "text, made",
    [
        (marked("a"), "[a]"),
        (f"x{marked('a')}{marked('b')}y", "x[a][b]y"),
        ("\ue000a", "a"),
        ("a\ue001", "a"),
        ("\ue001a\ue000", "a"),
        ("\ue000\ue001", ""),
        (f"\ue000{marked('a')}\ue001", "[a]"),
        (marked("a\ue001b\ue000"), "[ab]"),
        ("", ""),
    ],
)
def test_stray_marks_are_dropped(text: str, made: str) -> None:
    """Every mark becomes a word; half of one becomes nothing."""
    assert mentioned(text, lambda name: f"[{name}]") == made


TEXTS = st.text("ab \ue000\ue001", max_size=6)
PARTS = st.lists(TEXTS | TEXTS.map(naming), max_size=6)


@given(PARTS, TEXTS | TEXTS.map(naming), st.sampled_from([str.upper, str.strip, str.title, lambda text: text[:3]]))
def test_what_is_asked_always_reads_as_the_plain_text(parts: list[str], between: str, change: object) -> None:
    """Joined and changed in any way, the text with marks is the plain text once they are taken out."""
    assert callable(change)
    for text in (whole := joined(parts, between), changed(whole, change)):
        assert mentioned(asked(text), str) == unmarked(text)
    assert str.__eq__(whole, str(between).join(map(str, parts)))
