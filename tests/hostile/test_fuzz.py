"""A little of what `make fuzz` does, on every run of the tests."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.fuzz import fuzz
from tests.hostile.mutate import Mutator
from tests.hostile.watched import Reader


def test_no_changed_recipe_does_harm(tmp_path: Path) -> None:
    """A thousand of them end as a plan or as faults, soon, and reach for nothing outside."""
    tally = fuzz(1_000, 0, tmp_path)
    assert tally.failed == {}
    assert tally.outcomes["plan"] > 50
    assert tally.outcomes["faults"] > 250


def test_a_seed_makes_one_recipe() -> None:
    """Whoever fuzzes elsewhere can make again what failed there."""
    one, other = Mutator(), Mutator()
    assert [one.recipe(seed) for seed in range(50)] == [other.recipe(seed) for seed in range(50)]


def test_the_watch_hears_what_is_reached_for(tmp_path: Path) -> None:
    """Or else its silence would prove nothing: the user's own workspace, above the recipe's folder, is told."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".rushes").mkdir()
    (tmp_path / ".rushes" / "version").write_text("1\n", encoding="utf-8")
    path = tmp_path / "theirs" / "recipe.yaml"
    path.write_text("rushes: 1\nname: t\nshots: [{id: a, prompt: p}]\n", encoding="utf-8")
    reader = Reader(tmp_path / "reader")
    found = reader.ask(30, path=str(path))
    reader.close()
    assert any("version" in touched for touched in found["touched"])
