"""`rushes init`: copies a recipe of the library, with all that it needs, to where there is none yet."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pipeline.cli.console import Console
from pipeline.digest import dumps
from pipeline.errors import UserError
from pipeline.recipe.words import choice
from pipeline.report import legible

SCHEMA = "recipe.schema.json"
STARTER = "starter"


def library() -> Path:
    """The folder of ready-made recipes: in the package where it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "library"
    return packed if packed.is_dir() else package.parent / "recipes"


def recipes() -> dict[str, str]:
    """The recipes of the library by name, and what each is in a line: the first comment of its file."""
    found = sorted(library().glob("*/recipe.yaml"), key=lambda path: (path.parent.name != STARTER, path))
    return {path.parent.name: _summary(path) for path in found}


def init(given: argparse.Namespace, console: Console, show: Callable[[str], None], width: int) -> int:
    """Writes a recipe of the library into a folder, with the schema that an editor needs for it; or tells of all."""
    known = recipes()
    if given.list:
        told = [{"name": name, "summary": summary} for name, summary in known.items()]
        rows = [[one["name"], one["summary"]] for one in told]
        table = legible.table(["NAME", "WHAT IT SHOWS"], rows, width, whole=True)
        show(dumps(told, indent=2) if given.format == "json" else "\n".join(table))
        return 0
    if given.recipe not in known:
        hint = f"{choice(given.recipe, list(known))} `rushes init --list` says what each is."
        raise UserError(f"the library has no recipe {given.recipe}.", hint.strip())
    folder = Path(given.folder)
    _lay(library() / given.recipe, folder)
    recipe = folder / "recipe.yaml"
    more = f" More is in {folder / 'README.md'}." if (folder / "README.md").exists() else ""
    console.say(f"Wrote {recipe}. Now: rushes plan {recipe}, then rushes run {recipe}.{more}")
    return 0


def _summary(recipe: Path) -> str:
    lines = recipe.read_text(encoding="utf-8").splitlines()
    return next((line[2:] for line in lines if line.startswith("# ") and "$schema=" not in line), "")


def _lay(source: Path, folder: Path) -> None:
    """Writes all files of a recipe and the schema. Raises `UserError` before any, where one of them is there."""
    from pipeline.recipe.schema import schema

    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is no folder.", "Name one that is there, or one that can be made.")
    files = {name: (source / name).read_bytes() for name in _files(source)}
    files = {Path(SCHEMA): (dumps(schema(), indent=2) + "\n").encode(), **files}
    for name in reversed(files):
        if (folder / name).exists() or (folder / name).is_symlink():
            raise UserError(f"{folder / name} is already there.", "Name another folder; nothing is written over.")
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)


def _files(source: Path) -> list[Path]:
    """The files of a recipe by their names in its folder, itself last; what runs of it left in a checkout is not."""
    names = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    own = [name for name in names if name.parts[0] != "out" and not any(part.startswith(".") for part in name.parts)]
    return sorted(own, key=lambda name: (name.name == "recipe.yaml", name))
