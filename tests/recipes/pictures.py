"""Draws the picture of each recipe of the library: `python -m tests.recipes.pictures [NAME...]`, or `make pictures`.

Each is made on the animatic in a folder that is thrown away, and its shots laid out in their order. The animatic draws
the same each time, so a recipe that did not change keeps its picture to the byte.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
from PIL import Image

from pipeline import api
from pipeline.desk import House, Wants

LIBRARY = Path(__file__).resolve().parents[2] / "recipes"
WIDE = 960
GAP = 6
GROUND = (24, 24, 27)
MOMENT = 0.6  # of a clip: what is shown of it
MOST_BYTES = 120_000
DATE = "2026-11-21"  # of recipes that ask for it


def copy(name: str, folder: Path) -> Path:
    """The recipe of this name, with its files, in a folder of its own."""
    shutil.copytree(LIBRARY / name, folder / name, ignore=shutil.ignore_patterns("out", ".rushes"))
    return folder / name / "recipe.yaml"


def picture(name: str) -> Image.Image:
    """The shots of a recipe as the animatic draws them, side by side."""
    with tempfile.TemporaryDirectory() as scratch:
        recipe = copy(name, Path(scratch))
        outcome = api.run(recipe, Wants(preview=True, date=DATE), House(environ={}))
        assert outcome.exit_code == 0, name
        made = [shot["outputs"] for shot in outcome.manifest["shots"] if shot["take"] == 1]
        return _sheet([_seen(outcome.output, outputs) for outputs in made])


def _seen(out: Path, outputs: Any) -> Image.Image:
    """A still, or the picture of a clip at its moment."""
    if "image" in outputs:
        with Image.open(out / outputs["image"]["path"]) as still:
            return still.convert("RGB")
    with av.open(out / outputs["video"]["path"]) as clip:
        pictures = list(clip.decode(video=0))
        return pictures[int(len(pictures) * MOMENT)].to_image()


def _sheet(pictures: list[Image.Image]) -> Image.Image:
    shape = pictures[0].width / pictures[0].height
    columns = len(pictures) if shape < 1 else {1: 1, 2: 2, 4: 2, 8: 4}.get(len(pictures), 3)
    rows = -(-len(pictures) // columns)
    wide = (WIDE - GAP * (columns + 1)) // columns
    high = round(wide / shape)
    sheet = Image.new("RGB", (WIDE, rows * (high + GAP) + GAP), GROUND)
    for number, one in enumerate(pictures):
        row, column = divmod(number, columns)
        sheet.paste(
            one.resize((wide, high), Image.Resampling.LANCZOS), (GAP + column * (wide + GAP), GAP + row * (high + GAP))
        )
    return sheet


def main(names: list[str]) -> None:
    """Draws those named, or all."""
    for name in names or sorted(path.parent.name for path in LIBRARY.glob("*/README.md")):
        path = LIBRARY / name / "picture.jpg"
        picture(name).save(path, quality=82, optimize=True)
        print(f"{path.relative_to(LIBRARY.parent)}: {path.stat().st_size // 1000} kB")
        assert path.stat().st_size < MOST_BYTES


if __name__ == "__main__":
    main(sys.argv[1:])
