"""Every attack of the corpus ends as it must: a fault at its place or a plain plan, soon, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.corpus import CASES
from tests.hostile.watched import Reader

WAITED = 15  # so many times its own seconds: those are the processor's, and others may be at work on it too
SLOW = {name for name, case in CASES.items() if case.seconds > 2}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("reader"))
    yield made
    made.close()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES]
)
def test_an_attack_comes_to_nothing(tmp_path: Path, reader: Reader, name: str) -> None:
    """No code is run, no socket opened, nothing read outside the folder; what is wrong is told at its line."""
    case = CASES[name]
    folder = tmp_path / "theirs"
    folder.mkdir()
    if case.lay:
        case.lay(folder)
    path = folder / "recipe.yaml"
    path.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode("utf-8", "surrogatepass"))
    found = reader.ask(case.seconds * WAITED, path=str(path))
    assert found["touched"] == []
    assert found["strange"] == []
    assert found["seconds"] <= case.seconds
    if not case.fact:
        assert found["outcome"] == "plan", found["faults"]
        return
    assert found["outcome"] in ("faults", "refused")
    line, _, fact, hint = found["faults"][0]
    assert case.fact in fact
    assert case.hint in hint
    assert line == case.at
