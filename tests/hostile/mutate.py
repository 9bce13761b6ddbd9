"""Recipes changed at random and always the same way for the same seed: bytes, tokens, trees, templates, numbers."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.recipe import yaml12
from pipeline.recipe.functions import FILTERS, TESTS
from tests.hostile.corpus import TEXTS

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 60_000
SOURCES = sorted(
    [*ROOT.glob("examples/*/*.yaml"), *ROOT.glob("recipes/*/recipe.yaml"), *ROOT.glob("tests/golden/recipes/*.yaml")]
)

TOKENS = [
    *"{}[]:,-?&*!|>'\"%@`#~<=\\\t\n ",
    *("---", "...", "<<", "? ", ": ", "- ", "|+2", ">-", "&a", "*a", "!!str", "!!python/object:os.system", "!<x>"),
    *("{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{ ref('", "') }}"),
    *("null", "true", "no", "0x1F", "0o17", "1e400", "-0", ".inf", ".nan", "9:16", "1_000", "2026-11-21", "12e03"),
    *("\ufeff", "\u2028", "\x85", "\u202e", "\u0301", "\U0001f3a5", "\ue000", "\ue001", "\x00", "\x1b[2J", "ﷺ", "ß"),
    *("../", "/etc/passwd", "~/x.png", "k.png", "a.mp3", "out.png", "fifo.png", "https://u:p@x/k.png", "file:///k.png"),
]
KEYS = [
    *("rushes", "name", "title", "vars", "defaults", "budget", "references", "shots", "film", "id", "kind", "prompt"),
    *("prompt_file", "provider", "model", "account", "duration", "resolution", "ratio", "seed", "audio", "watermark"),
    *("people", "first_frame", "last_frame", "chain", "upscale", "each", "exclude", "takes", "when", "needs"),
    *("priority", "fallback", "retry", "pin", "options", "scenes", "include", "stages", "from", "offset", "to", "by"),
    *("image", "video", "shot", "seconds", "usd", "credits", "run", "day", "week", "on_exceed"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 5, 99, 10**6, 2**53, 10**39, "", " ", "a", "k.png", "a.mp3", "5s", "720p", "2k"),
    *("animatic", "seegen", "naci", "cheapest", "image", "video", "{{ 1 }}", "{{ x }}", "{{ shot.id }}", "0.1", "1e9"),
    *([], {}, [[]], [{}], {"a": {}}, [1, "a", None], {"x": [1, 2]}, {"{{ x }}": "{{ x }}"}, "a" * 300),
]
LIKELY: dict[str, list[Any]] = {  # what a shot may well say
    "kind": ["video", "image"],
    "duration": [1, 5, "7s", 5.5, "{{ x }}", "{{ 2 + 3 }}", 3600],
    "seed": [0, 7, 2**53 - 1, "{{ range(3) | last }}"],
    "takes": [1, 2, 100, "{{ 1 + 1 }}"],
    "resolution": ["480p", "720p", "4k"],
    "ratio": ["16:9", "9:16", "1:1", "21:9"],
    "provider": ["animatic", "seegen", "seedance2-movie", "seedancee2", "naci", "cheapest"],
    "model": ["seedance-2", "seedance-2-fast", "gpt-image-2", "happyhorse-1", "x/y:1"],
    "account": ["agency", "seegen"],
    "audio": [True, False],
    "people": [True, False],
    "upscale": ["1080p", "2k", {"to": "4k", "by": "local"}, {"to": "2k", "by": "provider"}],
    "references": [["k.png"], ["v.mp4", "a.mp3"], ["https://example.com/k.png"], ["a", "b"], ["./k.png", "k.png"]],
    "first_frame": ["k.png", "a", "https://example.com/k.png"],
    "last_frame": ["k.png", "b"],
    "chain": ["a", "b", {"from": "a", "offset": "0.2s"}],
    "needs": [["a"], ["a", "b"]],
    "each": [
        *({"i": [1, 2, 3]}, {"i": ["x", "y"], "x": [1, 2]}, [{"i": 1}, {"i": 2}], {"i": "{{ range(5) }}"}),
        *("rows.csv", "rows.json", "rows.yaml"),
    ],
    "priority": [0, 5, -5],
    "retry": [0, 1, 3],
    "pin": [True],
    "fallback": [[{"provider": "naci"}], [{"model": "seedance-2-mini"}, {"provider": "animatic", "duration": 3}]],
    "options": [{"seegen": {"quality": "high"}}, {"animatic": {"x": 1}}, {"naci": {"x": "{{ i }}"}}],
    "prompt": ["p", "{{ i }}", "{{ ref('k.png') }} walks", "{% for i in [1, 2] %}{{ i }}{% endfor %}", "ﷺ \u202e"],
}
BESIDE = {  # what lies beside each recipe, before it is changed
    "look.yaml": "vars: {look: grey, x: 2}\ndefaults: {duration: 4, options: {seegen: {quality: high}}}\n"
    "references: {k: {image: k.png}}\nshots:\n- {id: z, prompt: '{{ look }}'}\n",
    "rows.csv": 'i,x\n1,2\n3,"four, five"\n',
    "rows.json": '[{"i": 1, "x": "a"}, {"i": 2, "x": [true, null, 0.5]}]',
    "rows.yaml": "- {i: 1, x: a}\n- {i: 2, x: {y: z}}\n",
}
NAMES = ["x", "i", "keeper", "look", "shot", "shot.id", "run.date", "loop.index", "ref", "range", "nope", "__class__"]
STATEMENTS = [
    "{{% if {0} %}}{1}{{% else %}}{2}{{% endif %}}",
    "{{% for i in {0} %}}{1}{{% endfor %}}",
    "{{% for i, x in {0} if {1} %}}{2}{{% endfor %}}",
    "{{% set x = {0} %}}{1}",
    "{{% with x = {0} %}}{1}{{% endwith %}}",
    "{{% macro m(x) %}}{0}{{% endmacro %}}{1}",
    "{{% include {0} %}}",
    "{{% import {0} as x %}}",
    "{{% block b %}}{0}{{% endblock %}}",
    "{{% raw %}}{0}{{% endraw %}}",
    "{{% filter upper %}}{0}{{% endfilter %}}",
    "{{% set x %}}{0}{{% endset %}}",
    "{{% call m() %}}{0}{{% endcall %}}",
    "{{% do {0} %}}",
]
LITERALS = [
    "0",
    "1",
    "-1",
    "7",
    "10000",
    "100000",
    "1e3",
    "0.1",
    "1e308",
    "0xff",
    "9" * 31,
    "'a'",
    "''",
    "'a' * 9",
    "[]",
]
LITERALS += ["{}", "[1, 2]", "{'a': 1}", "{1: 2}", "none", "true", "'\\ud800'", "'%s'", "'{0.__class__}'", "range(3)"]
SHAPES = [
    "({0} {op} {1})",
    "{0} {op} {1}",
    "{0} | {filter}",
    "{0} | {filter}({1})",
    "{0} | {filter}({1}, {2})",
    "{0} is {test}",
    "{0} is {test}({1})",
    "{0}[{1}]",
    "{0}[{1}:{2}]",
    "{0}.{name}",
    "{0}({1})",
    "{0} if {1} else {2}",
    "not {0}",
    "-{0}",
    "[{0}, {1}]",
    "{{{0}: {1}}}",
    "{0}(*{1}, **{2})",
    "range({0})",
    "ref({0})",
]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "and", "or", "==", "!=", "<", ">=", "in", "not in"]


class Mutator:
    """Makes a recipe of a seed."""

    def __init__(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in SOURCES]
        self.texts = [*texts * (2 * len(TEXTS) // len(texts)), *TEXTS]
        read = {text: yaml12.build(text) for text in self.texts}
        trees = [read[text] for text in self.texts]
        self.trees = [tree.value for tree in trees if isinstance(tree.value, dict) and not tree.flaws]
        ways = [self.fields] * 3 + [self.tree] * 2 + [self.template, self.tokens, self.numbers]
        self.ways: list[Callable[[random.Random], str]] = ways

    def recipe(self, seed: int) -> bytes:
        """The recipe of a seed; at most 60,000 bytes and a little."""
        chance = random.Random(seed)
        text = chance.choice(self.ways)(chance)
        if chance.random() < 0.15:
            text = self.tokens(chance, text)
        data = text.encode("utf-8", "surrogatepass")[:MOST_BYTES]
        return _bytes(chance, data) if chance.random() < 0.08 else data

    def beside(self, seed: int) -> dict[str, bytes]:
        """What lies beside the recipe of a seed, by name: a file to include, and tables; some of them changed too."""
        chance = random.Random(f"beside {seed}")
        return {name: self._other(chance, name) for name in BESIDE}

    def _other(self, chance: random.Random, name: str) -> bytes:
        text = BESIDE[name]
        if chance.random() < 0.2:
            tree = copy.deepcopy(yaml12.build(text).value) if name != "rows.csv" else None
            if isinstance(tree, dict | list) and chance.random() < 0.6:
                _change(chance, tree, chance.choice(self.trees))
                text = _written(chance, tree)
            else:
                text = self.tokens(chance, text)
        data = text.encode("utf-8", "surrogatepass")[:MOST_BYTES]
        return _bytes(chance, data) if chance.random() < 0.05 else data

    def tree(self, chance: random.Random) -> str:
        """A tree with parts exchanged, doubled, taken away, nested or replaced."""
        tree = copy.deepcopy(chance.choice(self.trees))
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            _change(chance, tree, chance.choice(self.trees))
        return _written(chance, tree)

    def fields(self, chance: random.Random) -> str:
        """Shots that say what shots may say: many of them can be planned."""
        shots = []
        for name in "abcd"[: chance.choice((1, 2, 2, 4))]:
            told = chance.sample(sorted(LIKELY), chance.choice((1, 2, 3, 6)))
            entry = {"id": name, "prompt": "p", **{key: copy.deepcopy(chance.choice(LIKELY[key])) for key in told}}
            if "each" in entry and chance.random() < 0.9:
                entry["id"] = name + "-{{ i }}" + chance.choice(("", "-{{ shot }}", "-{{ x }}"))
            if chance.random() < 0.15:
                entry["prompt"] = template(chance)
            shots.append(entry)
        tree: dict[str, Any] = {"rushes": 1, "name": "t", "vars": {"x": 1, "i": "y"}, "shots": shots}
        if chance.random() < 0.25:
            half = chance.randrange(len(shots) + 1)
            scene = {"chain": chance.choice((True, False)), "vars": {"x": chance.choice(VALUES)}}
            parts = (("s", shots[:half]), ("S2", shots[half:]))
            tree["scenes"] = [{"id": name, **scene, "shots": part} for name, part in parts if part]
            del tree["shots"]
        if chance.random() < 0.3:
            tree["include"] = chance.choice((["look.yaml"], ["look.yaml"], ["look.yaml", "./look.yaml"], ["rows.yaml"]))
        if chance.random() < 0.3:
            tree["film"] = chance.choice((True, ["a"], {"shots": ["a", "b"], "audio": "a.mp3", "resolution": "4k"}))
        if chance.random() < 0.3:
            caps = chance.choice(({"usd": 8}, {"credits": 99}, {"credits": {"seegen": 5, "naci": "0.5"}}))
            tree["budget"] = {chance.choice(("run", "shot", "day", "month")): caps, "on_exceed": "skip"}
        if chance.random() < 0.2:
            keys = [key for key in chance.sample(sorted(LIKELY), 2) if key not in ("each", "prompt")]
            tree["defaults"] = {key: chance.choice(LIKELY[key]) for key in keys}
        return _written(chance, tree)

    def template(self, chance: random.Random) -> str:
        """A tree in which some texts are templates made by the grammar."""
        tree = copy.deepcopy(chance.choice(self.trees))
        tree.setdefault("vars", {})
        if isinstance(tree["vars"], dict):
            tree["vars"].setdefault("x", chance.choice(VALUES))
        for _ in range(chance.choice((1, 2, 4))):
            holder, key = _place(chance, tree)
            holder[key] = template(chance)
        return _written(chance, tree)

    def tokens(self, chance: random.Random, text: str | None = None) -> str:
        """A text with tokens put in, taken out, or doubled."""
        text = chance.choice(self.texts) if text is None else text
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(text) + 1)
            match chance.randrange(4):
                case 0:
                    text = text[:at] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 50)) + text[at:]
                case 1:
                    text = text[:at] + text[at + chance.choice((1, 1, 5, 80)) :]
                case 2:
                    end = at + chance.choice((1, 10, 200))
                    text = text[:end] + text[at:end] * chance.choice((1, 2, 30)) + text[end:]
                case _:
                    lines = text.split("\n")
                    chance.shuffle(lines) if chance.random() < 0.1 else lines.insert(
                        chance.randrange(len(lines)), chance.choice(lines)
                    )
                    text = "\n".join(lines)
        return text

    def numbers(self, chance: random.Random) -> str:
        """A text whose numbers and lengths are others."""
        text = list(chance.choice(self.texts))
        digits = [at for at, c in enumerate(text) if c.isdigit()]
        for at in chance.sample(digits, min(len(digits), chance.choice((1, 2, 5)))):
            text[at] = chance.choice(("0", "-1", "9" * chance.choice((2, 9, 40, 400)), "1e9", "1e-9", ".5", "1_0", "٣"))
        return "".join(text)


def template(chance: random.Random, depth: int = 3) -> str:
    """A text with templates, of which most are right by the grammar."""
    parts = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.3:
            parts.append("he walks ")
        if depth and chance.random() < 0.35:
            inner = [expression(chance) if chance.random() < 0.4 else template(chance, depth - 1) for _ in range(3)]
            parts.append(chance.choice(STATEMENTS).format(expression(chance), *inner))
        else:
            parts.append("{{ " + expression(chance) + " }}")
    return "".join(parts)


def expression(chance: random.Random, depth: int = 4) -> str:
    """An expression of the template grammar."""
    if not depth or chance.random() < 0.35:
        return chance.choice(NAMES) if chance.random() < 0.4 else chance.choice(LITERALS)
    shape = chance.choice(SHAPES)
    parts = [expression(chance, depth - 1) for _ in range(3)]
    words: Mapping[str, str] = {
        "op": chance.choice(OPERATORS),
        "filter": chance.choice([*sorted(FILTERS), "map", "attr", "pprint", "format", "tojson"]),
        "test": chance.choice([*sorted(TESTS), "defined", "callable"]),
        "name": chance.choice(["a", "items", "keys", "format", "__init__", "mro", "func_globals"]),
    }
    return shape.format(*parts, **words)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    ahead = [tree]
    while ahead and len(found) < 2_000:
        here = ahead.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here))
        for key in keys:
            found.append((here, key))
            if isinstance(here[key], dict | list):
                ahead.append(here[key])
    return found


def _place(chance: random.Random, tree: Any) -> tuple[Any, Any]:
    return chance.choice(_places(tree) or [({"x": 0}, "x")])


def _change(chance: random.Random, tree: Any, other: Any) -> None:
    holder, key = _place(chance, tree)
    match chance.randrange(9):
        case 0:
            holder[key] = copy.deepcopy(chance.choice(VALUES))
        case 1:
            donor, at = _place(chance, other)
            holder[key] = copy.deepcopy(donor[at])
        case 2:
            one, at = _place(chance, tree)
            holder[key], one[at] = copy.deepcopy(one[at]), copy.deepcopy(holder[key])
        case 3:
            del holder[key]
        case 4 if isinstance(holder, list):
            holder.extend(copy.deepcopy(holder[key]) for _ in range(chance.choice((1, 3, 40))))
        case 4 | 5 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = copy.deepcopy(chance.choice([holder[key], *VALUES]))
        case 6:
            for _ in range(chance.choice((1, 3, 45))):
                holder[key] = [holder[key]] if chance.random() < 0.5 else {chance.choice(KEYS): holder[key]}
        case 7:
            size = chance.choice((2, 30, 400))
            holder[key] = {f"k{n}": n for n in range(size)} if chance.random() < 0.5 else list(range(size))
        case _:
            holder[key] = chance.choice(TOKENS) * chance.choice((1, 3, 200))


def _written(chance: random.Random, tree: Any) -> str:
    """The tree as YAML: in brackets on one line, or indented."""
    indent = chance.choice((None, None, 1, 2))
    return json.dumps(tree, ensure_ascii=False, indent=indent, default=_number)


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)


def _bytes(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(3):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + chance.randbytes(chance.choice((1, 4, 30))) + data[at:]
            case _:
                data = data[:at] + data[at + chance.choice((1, 9, 400)) :]
    return data
