"""What reading a recipe costs, beside the floor of the same run: PyYAML's C loader on the same text."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from pipeline.recipe.load import load
from pipeline.recipe.source import parse

SHOTS = 10_000
DATE = "2026-11-21"


def recipe(shots: int, expression: str) -> str:
    """A recipe of as many shots, each with a template of its own."""
    entries = (
        f'- id: s{n}\n  prompt: "shot {n}: {{{{ {expression} }}}} on the stairs"\n  duration: 5\n  needs: [s1]\n'
        for n in range(2, shots + 2)
    )
    return "rushes: 1\nname: bench\nvars: {look: 35mm film}\nshots:\n- {id: s1, prompt: p}\n" + "".join(entries)


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Prints each figure beside its floor."""
    plain, filtered = recipe(SHOTS, "look"), recipe(SHOTS, "look | upper")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recipe.yaml"
        floor = seconds(lambda: yaml.load(plain, Loader=yaml.CSafeLoader))
        print(f"floor, yaml.load with CSafeLoader, {SHOTS:,} shots: {floor:.2f} s")
        print(f"text -> values with places: {seconds(lambda: parse(plain.encode(), 'bench')):.2f} s")
        for name, text in (("{{ name }}", plain), ("{{ name | filter }}", filtered)):
            path.write_text(text)
            taken = seconds(lambda: load(path, date=DATE))
            print(f"text -> Recipe, distinct prompts with {name}: {taken:.2f} s, {taken / floor:.1f} times the floor")
        each = '{n: "{{ range(1000) | list }}", m: "{{ range(100) | list }}"}'
        path.write_text(f'rushes: 1\nname: b\nshots:\n- {{id: "s{{{{ n }}}}-{{{{ m }}}}", each: {each}, prompt: p}}\n')
        print(f"one entry -> 100,000 shots: {seconds(lambda: load(path, date=DATE)):.2f} s")
        path.write_text(recipe(20, "look"))
        code = (
            f"from pathlib import Path; from pipeline.recipe.load import load; load(Path({str(path)!r}), date='{DATE}')"
        )
        fresh = seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))
        bare = seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
        print(f"20 shots in a fresh process: {fresh * 1000:.0f} ms, of which Python itself {bare * 1000:.0f} ms")


if __name__ == "__main__":
    main()
