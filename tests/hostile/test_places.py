"""A link that appears after a path was looked at leads nowhere: not as a file, and not as a folder on the way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RecipeError
from pipeline.recipe.files import Folder, InputFault
from pipeline.recipe.load import load
from tests.hostile.files import GOOD

INSIDE, OUTSIDE = GOOD + b"inside", GOOD + b"outside, which is longer"
_armed: list[tuple[str, Callable[[], object]]] = []
_hooked: list[bool] = []


@pytest.fixture
def before_open() -> Iterator[Callable[[str, Callable[[], object]], None]]:
    """Lets something be done right before a file of this name is opened for the first time."""

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and _armed and given[0] == _armed[0][0]:
            _armed.pop()[1]()

    if not _hooked:  # a hook stays for as long as the process lives
        _hooked.append(True)
        sys.addaudithook(heard)
    yield lambda name, act: _armed.append((name, act))
    _armed.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe's folder with `assets/deep/k.png` in it, and beside it another with the same in it."""
    for name, data in (("theirs", INSIDE), ("outside", OUTSIDE)):
        (tmp_path / name / "assets" / "deep").mkdir(parents=True)
        (tmp_path / name / "assets" / "deep" / "k.png").write_bytes(data)
    return tmp_path / "theirs"


def exchange(path: Path, to: Path) -> Callable[[], None]:
    """Takes a file or folder away and puts a link in its place."""

    def done() -> None:
        path.rename(path.with_name("was"))
        path.symlink_to(to)

    return done


@pytest.mark.parametrize("part", ["assets", "assets/deep", "assets/deep/k.png"])
def test_what_is_exchanged_right_before_it_is_opened_is_not_followed(
    folder: Path, before_open: Callable[[str, Callable[[], object]], None], part: str
) -> None:
    """Whichever part of the path it is."""
    outside = folder.parent / "outside" / part
    before_open(Path(part).name, exchange(folder / part, outside))
    with pytest.raises(InputFault) as caught:
        Folder(folder).file("assets/deep/k.png", None)
    assert not _armed
    assert "cannot be read" in caught.value.fact or "no file" in caught.value.fact


@pytest.mark.parametrize("part", ["assets", "assets/deep"])
def test_what_is_exchanged_after_it_was_opened_changes_nothing(
    folder: Path, before_open: Callable[[str, Callable[[], object]], None], part: str
) -> None:
    """The way goes on from the folder that was opened, wherever its name leads now."""
    before_open("k.png", exchange(folder / part, folder.parent / "outside" / part))
    found, _ = Folder(folder).file("assets/deep/k.png", None)
    assert not _armed
    assert found.bytes == len(INSIDE)


def test_nobody_who_exchanges_a_folder_all_the_time_gets_in(folder: Path) -> None:
    """While another thread makes a link of it and a folder again, what is read is inside, or nothing."""
    stop = threading.Event()

    def exchanging() -> None:
        while not stop.is_set():
            exchange(folder / "assets", folder.parent / "outside" / "assets")()
            (folder / "assets").unlink()
            (folder / "was").rename(folder / "assets")

    thread = threading.Thread(target=exchanging)
    thread.start()
    read, refused = 0, 0
    try:
        for _ in range(2_000):
            try:
                found, _ = Folder(folder).file("assets/deep/k.png", None)
            except InputFault:
                refused += 1
            else:
                assert found.bytes == len(INSIDE)
                read += 1
    finally:
        stop.set()
        thread.join()
    assert read + refused == 2_000


def test_links_inside_the_folder_are_followed(folder: Path) -> None:
    """By their parts, wherever they stand in the path, absolute ones too; a path has no links in it in the end."""
    (folder / "near").symlink_to("assets/../assets/deep")
    (folder / "far").symlink_to(folder / "assets")
    (folder / "assets" / "up").symlink_to("../near/k.png")
    for name in ("near/k.png", "far/deep/k.png", "assets/up", "near/../deep/k.png", "./assets//deep/./k.png"):
        found, _ = Folder(folder).file(name, "image")
        assert (found.name, found.bytes) == (name, len(INSIDE))
        assert found.path == folder / "assets" / "deep" / "k.png"


def test_a_file_is_read_once_by_whatever_name(folder: Path) -> None:
    """And a fault of it is found once: a thousand shots may name it."""
    looked = Folder(folder)
    first, _ = looked.file("assets/deep/k.png", None)
    (folder / "assets" / "deep" / "k.png").chmod(0)
    os.link(folder / "assets" / "deep" / "k.png", folder / "other.png")
    (folder / "other.png").chmod(0o600)
    again, _ = looked.file("other.png", None)
    assert (again.sha256, again.name) == (first.sha256, "other.png")


def test_no_descriptor_is_left_open(folder: Path) -> None:
    """Neither where a file is read nor where it is refused."""
    before = len(list(Path("/dev/fd").iterdir()))
    looked = Folder(folder)
    for n in range(50):
        for name in ("assets/deep/k.png", "./" * n + "gone.png", "../" * n + "x.png", "./" * n + "assets/"):
            try:
                looked.file(name, None)
            except InputFault:
                continue
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_recipe_may_lie_behind_a_link(folder: Path) -> None:
    """The user named it: its folder is where that path leads."""
    (folder / "recipe.yaml").write_text(
        "rushes: 1\nname: t\nshots: [{id: a, prompt: p, references: [assets/deep/k.png]}]\n", encoding="utf-8"
    )
    (folder.parent / "here").symlink_to(folder)
    found = load(folder.parent / "here" / "recipe.yaml", date="2026-11-21").shots[0].references[0].file
    assert found is not None
    assert found.path == folder / "assets" / "deep" / "k.png"


_NAMED = {
    "an included file": (
        "look.yaml",
        "vars: {x: inside}\n",
        "include: [parts/look.yaml]\n",
        "{id: a, prompt: '{{ x }}'}",
    ),
    "a table": ("rows.csv", "x\ninside\n", "", "{id: 'a{{ x }}', each: parts/rows.csv, prompt: '{{ x }}'}"),
    "rows of YAML": ("rows.yaml", "- {x: inside}\n", "", "{id: 'a{{ x }}', each: parts/rows.yaml, prompt: '{{ x }}'}"),
    "a prompt": ("p.txt", "inside", "", "{id: a, prompt_file: parts/p.txt}"),
    "a borrowed text": ("p.txt", "inside", "", "{id: a, prompt: \"{% include 'parts/p.txt' %}\"}"),
}


@pytest.fixture(params=_NAMED)
def naming(folder: Path, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A recipe that reads a text in `parts/`, and that text; beside the folder lies another that says `outside`."""
    name, data, top, shot = _NAMED[request.param]
    for place, text in ((folder, data), (folder.parent / "outside", data.replace("inside", "outside"))):
        (place / "parts").mkdir()
        (place / "parts" / name).write_text(text, encoding="utf-8")
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"rushes: 1\nname: t\n{top}shots:\n- {shot}\n", encoding="utf-8")
    return recipe, folder / "parts" / name


def test_a_text_that_is_exchanged_right_before_it_is_opened_is_not_followed(
    naming: tuple[Path, Path], before_open: Callable[[str, Callable[[], object]], None]
) -> None:
    """A link that was looked at, or was no link then, brings nothing of another folder into a prompt or a fault."""
    recipe, named = naming
    before_open(named.name, exchange(named, recipe.parents[1] / "outside" / "parts" / named.name))
    with pytest.raises(RecipeError) as caught:
        load(recipe, date="2026-11-21")
    assert not _armed
    assert "outside" not in str(caught.value.faults)


def test_a_text_that_is_exchanged_after_it_was_read_changes_nothing(naming: tuple[Path, Path]) -> None:
    """What was read is what is planned; the next reading follows no link out of the folder either."""
    recipe, named = naming
    before = load(recipe, date="2026-11-21")
    assert before.shots[0].prompt == "inside"
    exchange(named, recipe.parents[1] / "outside" / "parts" / named.name)()
    with pytest.raises(RecipeError, match="leads out of the recipe's folder"):
        load(recipe, date="2026-11-21")
    assert before.shots[0].prompt == "inside"


def test_a_text_that_another_takes_the_place_of_is_another_recipe(naming: tuple[Path, Path]) -> None:
    """A file of other words in the folder itself: other prompts, and another digest, so that a saved plan is stale."""
    recipe, named = naming
    before = load(recipe, date="2026-11-21")
    named.write_text(named.read_text(encoding="utf-8").replace("inside", "within"), encoding="utf-8")
    after = load(recipe, date="2026-11-21")
    assert (before.shots[0].prompt, after.shots[0].prompt) == ("inside", "within")
    assert before.digest != after.digest
