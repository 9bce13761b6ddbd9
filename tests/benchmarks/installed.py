"""Rushes as it runs for whoever has installed nothing else: its packages alone, read from their compiled files.

The developer's would be measured with it: httpx and its parts import what they find of trio, rich and click.
"""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def environment(folder: Path) -> dict[str, str]:
    """The variables for a Python that is started with `-S` and finds Rushes and its packages in this folder, as links.

    Nothing of the user's own settings is in them.
    """
    for name in _needed("rushes"):
        found = importlib.metadata.distribution(name)
        for top in {Path(file.parts[0]) for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(str(top)))))
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(folder)}


def _needed(first: str) -> set[str]:
    """The distributions that this one needs, itself among them, without extras."""
    found: set[str] = set()
    todo = [first]
    while todo:
        name = canonicalize_name(todo.pop())
        if name not in found:
            found.add(name)
            needs = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
            todo += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found
