"""What a step says when its work fails: in the user's words for the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline import api
from tests.recipe.written import png


def test_an_input_that_cannot_be_read_is_called_by_its_own_name(write: Callable[..., Path], tmp_path: Path) -> None:
    """The path that the recipe names, not the digest that the store calls its copy by."""
    (tmp_path / "keeper.png").write_bytes(png(64, 64)[:48])
    path = write(
        "defaults: {duration: 0.5, resolution: 480p}\nreferences: {k: {image: keeper.png}}\n"
        "shots:\n  - {id: a, prompt: x, references: [k]}\n"
    )
    outcome = api.run(path)
    assert outcome.exit_code == 1
    error = outcome.manifest["shots"][0]["error"]
    assert error.startswith(str(tmp_path / "keeper.png"))
