"""The pinned plans are what recipes still mean, whoever plans them, wherever, and whenever."""

from __future__ import annotations

import difflib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest import dumps
from pipeline.recipe import yaml12
from tests.golden.pinned import PLANS, RECIPES, RENEW, ROOT, RULE, laid, planned, written

ORDERED = ("vars", "each", "scenes")  # maps in which the order of keys says something


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_keeps_its_meaning_and_its_keys(name: str, tmp_path: Path) -> None:
    """Whatever changed in the code: steps, what they need, what they cost, and above all their keys are as pinned."""
    file = PLANS / f"{name}.txt"
    pinned = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    now = written(laid(name, tmp_path / "elsewhere")).splitlines()
    diff = "\n".join(difflib.unified_diff(pinned, now, f"{file.name} as pinned", "as planned now", lineterm="", n=2))
    assert not diff, f"{RULE}.\n{diff}\n{RENEW}"


def test_every_pinned_plan_has_its_recipe() -> None:
    """Nothing is pinned that nobody looks at."""
    assert {path.stem for path in PLANS.iterdir()} == set(RECIPES)


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"},
        pytest.param({"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "America/Anchorage"}, marks=pytest.mark.slow),
        pytest.param({"PYTHONHASHSEED": "77", "LC_ALL": "de_DE.ISO-8859-1", "LANG": "de"}, marks=pytest.mark.slow),
        pytest.param({"PYTHONHASHSEED": "0", "PYTHONOPTIMIZE": "1", "COLUMNS": "40"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_nothing_around_a_recipe_is_in_its_plan(surroundings: dict[str, str], tmp_path: Path) -> None:
    """Neither the seed of hashes nor language, time zone, folder or user: another process plans to the same byte."""
    folder = tmp_path / "ein anderer Ort, größer"
    (home := folder / "home").mkdir(parents=True)
    (out := folder / "plans").mkdir()
    environ = {**os.environ, **surroundings, "HOME": str(home), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "tests.golden", out], cwd=folder, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    found = {path.name: path.read_bytes() for path in out.iterdir()}
    assert found == {path.name: path.read_bytes() for path in PLANS.iterdir()}, RULE


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_fields_are_written_is_in_no_key(seed: int, tmp_path: Path) -> None:
    """Whoever sorts the fields of shots, or has a program write them, buys nothing again."""
    chance = random.Random(seed)
    for name in RECIPES:
        path = laid(name, tmp_path / name)
        before = {step.id: step.key for step in planned(path, "seegen").plan.steps}
        tree = _shuffled(yaml12.build(path.read_text(encoding="utf-8")).value, chance)
        path.write_text(dumps(tree, indent=1), encoding="utf-8")
        assert {step.id: step.key for step in planned(path, "seegen").plan.steps} == before, RULE


def _shuffled(value: Any, chance: random.Random, key: str = "") -> Any:
    if isinstance(value, list):
        return [_shuffled(part, chance, key) for part in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if key not in ORDERED:
        chance.shuffle(keys)
    return {name: _shuffled(value[name], chance, name) for name in keys}
