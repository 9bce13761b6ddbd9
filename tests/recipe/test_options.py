"""Options go to one provider alone, as plain JSON values, with the defaults' beneath a shot's own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest import canonical
from pipeline.errors import Fault, RecipeError
from pipeline.recipe.load import load
from pipeline.recipe.model import Recipe, Shot
from tests.made import shot
from tests.recipe.written import DATE, HEAD, write

PROVIDERS = ("animatic", "seegen", "seedancee2", "naci")


def loaded(folder: Path, text: str) -> Recipe:
    """The recipe of this text, where there are services."""
    return load(write(folder, HEAD + text), date=DATE, providers=PROVIDERS)


def faults(folder: Path, text: str) -> list[Fault]:
    """What is wrong with this text."""
    with pytest.raises(RecipeError) as caught:
        loaded(folder, text)
    return list(caught.value.faults)


def said(shot: Shot) -> dict[str, dict[str, Any]]:
    """A shot's options as plain maps."""
    return {name: dict(inner) for name, inner in shot.options.items()}


def test_options_arrive_as_the_reader_gives_them(tmp_path: Path) -> None:
    """Each value keeps its type, down to the innermost of four levels; no options are no options."""
    text = (
        "shots:\n- id: a\n  prompt: p\n  options:\n    seegen: {quality: high, n: 3, weight: 0.25, quiet: true}\n"
        "    naci: {camera: {moves: [{by: 1.50}, left]}, empty: '', none: {}}\n- {id: b, prompt: p}\n"
    )
    first, second = loaded(tmp_path, text).shots
    assert said(first) == {
        "seegen": {"quality": "high", "n": 3, "weight": Decimal("0.25"), "quiet": True},
        "naci": {"camera": {"moves": [{"by": Decimal("1.50")}, "left"]}, "empty": "", "none": {}},
    }
    assert first.options["seegen"]["quiet"] is True
    assert canonical(dict(first.options["naci"])) == b'{"camera":{"moves":[{"by":1.5},"left"]},"empty":"","none":{}}'
    assert second.options == {}
    assert shot("c").options == {}


def test_options_cannot_be_changed(tmp_path: Path) -> None:
    """Neither the providers nor their options can be set anew, and nothing in them is the recipe's own."""
    text = "vars: {x: [1]}\nshots:\n- {id: a, prompt: p, options: {naci: {x: '{{ x }}'}}}\n"
    recipe = loaded(tmp_path, text)
    options: Any = recipe.shots[0].options
    for part in (options, options["naci"]):
        with pytest.raises(TypeError):
            part["x"] = {}
    options["naci"]["x"].append(2)
    assert recipe.vars["x"] == [1]


def test_a_shot_adds_its_own_to_those_of_the_defaults(tmp_path: Path) -> None:
    """They are one map by provider and key, where the shot's own win as a whole value."""
    text = (
        "defaults: {options: {seegen: {quality: low, size: {w: 1}}, naci: {x: 1}}}\nshots:\n- {id: a, prompt: p}\n"
        "- {id: b, prompt: p, options: {seegen: {quality: high, size: {h: 2}}, seedancee2: {frame: true}}}\n"
        "- {id: c, prompt: p, options: {}}\n"
    )
    first, second, third = loaded(tmp_path, text).shots
    assert said(first) == said(third) == {"seegen": {"quality": "low", "size": {"w": 1}}, "naci": {"x": 1}}
    assert said(second) == {
        "seegen": {"quality": "high", "size": {"h": 2}},
        "naci": {"x": 1},
        "seedancee2": {"frame": True},
    }


def test_texts_of_options_may_be_templates(tmp_path: Path) -> None:
    """One whole expression keeps its type, also under a key that is called like a field of a shot."""
    text = (
        'vars: {high: 2, all: {seegen: {model: x}}}\ndefaults: {options: {seegen: {size: "{{ n }}", k: 1}}}\nshots:\n'
        '- {id: "a{{ n }}", each: {n: [1, 2]}, prompt: p, options: {naci: {model: "{{ n }}", s: ["{{ shot.id }}!"]}}}\n'
        '- {id: "b{{ n }}", each: {n: [3]}, prompt: p, options: {seegen: {size: 7}}}\n'
        '- {id: "c{{ n }}", each: {n: [4]}, prompt: p, options: "{{ all }}"}\n'
    )
    one, two, three, four = map(said, loaded(tmp_path, text).shots)
    assert one == {"seegen": {"size": 1, "k": 1}, "naci": {"model": 1, "s": ["a1!"]}}
    assert two == {"seegen": {"size": 2, "k": 1}, "naci": {"model": 2, "s": ["a2!"]}}
    assert three == {"seegen": {"size": 7, "k": 1}}
    assert four == {"seegen": {"size": 4, "k": 1, "model": "x"}}


def test_options_that_use_the_date_make_a_shot_dated(tmp_path: Path) -> None:
    """As any other part of the request; also from the defaults."""
    text = (
        'defaults: {options: {naci: {day: "{{ run.date }}"}}}\nshots:\n- {id: a, prompt: p, options: {naci: {x: 1}}}\n'
    )
    (made,) = loaded(tmp_path, text).shots
    assert made.dated
    assert said(made) == {"naci": {"day": DATE, "x": 1}}


def test_options_are_found_in_the_text(tmp_path: Path) -> None:
    """Those of a shot stand in its entry, inherited ones in the defaults."""
    text = (
        "defaults: {options: {naci: {x: 1}}}\nshots:\n- {id: a, prompt: p}\n- id: b\n  prompt: p\n"
        "  options: {seegen: {y: 1}}\n"
    )
    first, second = loaded(tmp_path, text).shots
    assert [(made.where("options").line, made.where("options").column) for made in (first, second)] == [
        (3, 21),
        (8, 12),
    ]


def test_many_shots_share_one_copy(tmp_path: Path) -> None:
    """Options without templates are looked at once, however many shots have them."""
    text = 'defaults: {options: {naci: {x: 1}}}\nshots:\n- {id: "a{{ n }}", each: {n: [1, 2, 3]}, prompt: p}\n'
    assert len({id(made.options) for made in loaded(tmp_path, text).shots}) == 1


DEEP = "{a: {b: {c: {d: {}}}}}"  # five levels, of which the provider's own map is the first
KEYS = ", ".join(f"k{n}: 1" for n in range(21))
BAD: Mapping[str, tuple[str, int, str, str]] = {
    # name: (options, column, fact, part of the hint)
    "provider": ("{seegn: {x: 1}}", 32, "There is no provider 'seegn'.", "Did you mean 'seegen'?"),
    "far provider": ("{q: {x: 1}}", 32, "There is no provider 'q'.", "There are: animatic, seegen"),
    "no map": ("high", 31, "'options' cannot be the text 'high'.", "by provider"),
    "empty": ("", 31, "'options' cannot be empty.", "by provider"),
    "provider without a map": ("{seegen: high}", 40, "'seegen' cannot be the text 'high'.", "by provider"),
    "value missing": ("{seegen: {x: }}", 44, "'x' cannot be empty.", "true, false"),
    "value missing inside": ("{seegen: {x: [1, ~]}}", 48, "The option seegen.x.1 is empty.", "leave it out"),
    "depth": (f"{{seegen: {DEEP}}}", 56, "The option seegen.a.b.c.d is nested more than 4 levels deep.", "document"),
    "depth of lists": ("{seegen: {x: [[[[]]]]}}", 47, "The option seegen.x.0.0.0 is nested more than 4", "document"),
    "keys": (f"{{seegen: {{{KEYS}}}}}", 40, "'seegen' has 21 keys.", "At most 20"),
    "keys inside": (f"{{seegen: {{x: {{{KEYS}}}}}}}", 44, "'seegen.x' has 21 keys.", "At most 20"),
    "entries": (f"{{seegen: {{x: [{'1, ' * 101}]}}}}", 44, "The option seegen.x has 101 entries.", "At most 100"),
    "text": (f"{{seegen: {{x: {'y' * 20_001}}}}}", 44, "The option seegen.x has 20,001 characters.", "20,000"),
    "control": ('{seegen: {x: "a\\0"}}', 44, "The option seegen.x has the control character U+0000.", "Delete"),
    "digits": ("{seegen: {x: 0.12345678901234567890}}", 44, "The option seegen.x has more digits than", "15 digits"),
    "key": ("{seegen: {'': 1}}", 41, "'' cannot be the name of an option.", "at most 100"),
    "made key": ("{seegen: {x: '{{ {1: 2} }}'}}", 45, "The key 1 is no text.", "string"),
    "made nothing": ("{seegen: {x: ['{{ none }}']}}", 45, "The option seegen.x.0 is empty.", "leave it out"),
    "made function": ("{seegen: {x: ['{{ (range) }}']}}", 46, "A function stands here for a value.", "Call it"),
    "made text": ("'{{ 1 }}'", 31, "'options' cannot be the number 1.", "by provider"),
    "template": ("{seegen: {x: '{{ who }}'}}", 48, "Nothing is called 'who' here.", ""),
    "reference": ("{seegen: {x: \"{{ ref('a') }}\"}}", 48, "Nothing is called 'ref' here.", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_options_that_cannot_stand_are_told_at_their_place(tmp_path: Path, name: str) -> None:
    """One cause is one fault, at its column, with the fact and the way out."""
    options, column, fact, hint = BAD[name]
    (found,) = faults(tmp_path, f"shots:\n- {{id: a, prompt: p, options: {options}}}\n")
    assert (found.place.line, found.place.column) == (4, column)
    assert found.fact.startswith(fact)
    assert hint in found.hint


def test_a_fault_of_the_defaults_is_told_there_once(tmp_path: Path) -> None:
    """Also where each shot adds options of its own; a fault of the whole is told at the shot."""
    inherited = ", ".join(f"d{n}: 1" for n in range(15))
    own = ", ".join(f"k{n}: 1" for n in range(6))
    text = (
        f"defaults: {{options: {{nacy: {{x: 1}}, naci: {{y: [~]}}, seegen: {{{inherited}}}}}}}\nshots:\n"
        "- {id: a, prompt: p, options: {naci: {x: 1}}}\n- {id: b, prompt: p}\n"
        f"- {{id: c, prompt: p, options: {{seegen: {{{own}}}}}}}\n"
    )
    found = faults(tmp_path, text)
    assert [(fault.place.line, fault.place.column) for fault in found] == [(3, 22), (3, 47), (7, 40)]
    assert found[0].hint == "Did you mean 'naci'?"
    assert found[2].fact == "'seegen' has 21 keys."
