"""Bytes by digest: kept once, whole, found when changed, and never lost to a copy."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.digest import bytes_digest
from pipeline.errors import StepError, StoreError
from pipeline.events import Artifact
from pipeline.store.artifacts import Artifacts
from pipeline.store.copying import write_text

STAGER = """
import sys
from pathlib import Path
from pipeline.store.artifacts import Artifacts
store = Artifacts(Path(sys.argv[1]))
folder = store.stage()
(folder / "half.mp4").write_bytes(b"half")
print(folder, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> Artifacts:
    """An empty store."""
    return Artifacts(tmp_path / "store")


def kept(store: Artifacts, data: bytes, suffix: str = ".mp4") -> Artifact:
    """An artifact of these bytes that is in the store."""
    path = store.stage() / f"clip{suffix}"
    path.write_bytes(data)
    sha256, size = store.keep(path)
    return Artifact(sha256=sha256, bytes=size, suffix=suffix)


def overwrite(path: Path, data: bytes) -> None:
    """Writes into a file in its place, as an editor with enough rights would."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(data)


def test_a_kept_file_has_its_digest_as_name_and_cannot_be_written(store: Artifacts, tmp_path: Path) -> None:
    """`keep` moves the file to where `path` says, names its digest and size, and makes it read-only."""
    artifact = kept(store, b"frames")
    assert (artifact.sha256, artifact.bytes) == (bytes_digest(b"frames"), 6)
    hexes = artifact.sha256.removeprefix("sha256:")
    assert store.path(artifact) == tmp_path / "store" / "sha256" / hexes[:2] / f"{hexes}.mp4"
    assert store.path(artifact).read_bytes() == b"frames"
    assert stat.S_IMODE(store.path(artifact).stat().st_mode) == 0o444
    assert store.missing([artifact]) == set()
    assert store.damaged(artifact) is None


def test_equal_bytes_are_kept_once(store: Artifacts) -> None:
    """Keeping the same bytes again leaves the first file as it is and takes the second away."""
    first = kept(store, b"same")
    before = store.path(first).stat()
    second = store.stage() / "again.mp4"
    second.write_bytes(b"same")
    assert store.keep(second) == (first.sha256, 4)
    assert not second.exists()
    after = store.path(first).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_many_at_once_keep_the_same_bytes(store: Artifacts) -> None:
    """Threads that keep equal bytes together all succeed and leave one sound file."""
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: kept(store, b"z" * 100_000), range(32)))
    (artifact,) = found
    assert store.damaged(artifact) is None


def test_keeping_mends_what_was_damaged(store: Artifacts) -> None:
    """Bytes that are made again replace a file that was changed or cut short."""
    artifact = kept(store, b"original")
    overwrite(store.path(artifact), b"ORIGINAL")
    assert kept(store, b"original") == artifact
    assert store.damaged(artifact) is None


def test_a_change_in_place_is_noticed(store: Artifacts) -> None:
    """Other bytes of the same length, a cut, and a removal are each missing, and `damaged` says what is wrong."""
    same_length, cut, gone, whole = (kept(store, data) for data in (b"abcd", b"efgh", b"ijkl", b"mnop"))
    overwrite(store.path(same_length), b"x")
    store.path(cut).chmod(0o644)
    os.truncate(store.path(cut), 2)
    store.path(gone).unlink()
    assert store.missing([same_length, cut, gone, whole]) == {same_length.sha256, cut.sha256, gone.sha256}
    assert "other bytes" in str(store.damaged(same_length))
    assert "2 bytes instead of 4" in str(store.damaged(cut))
    assert "gone" in str(store.damaged(gone))
    assert store.damaged(whole) is None


def test_a_time_alone_costs_nothing(store: Artifacts) -> None:
    """A sound file whose time was lost, as in a copied folder, is not missing, and its time is set right again."""
    artifact = kept(store, b"abcd")
    before = store.path(artifact).stat().st_mtime_ns
    os.utime(store.path(artifact), ns=(0, 0))
    assert store.missing([artifact]) == set()
    assert store.path(artifact).stat().st_mtime_ns % 10**9 == before % 10**9


def test_a_time_set_right_does_not_hide_a_later_change(store: Artifacts) -> None:
    """After its time was set right, a change in place is still noticed."""
    artifact = kept(store, b"abcd")
    os.utime(store.path(artifact), ns=(0, 0))
    store.missing([artifact])
    overwrite(store.path(artifact), b"x")
    assert store.missing([artifact]) == {artifact.sha256}


@pytest.mark.parametrize(
    ("sha256", "suffix"),
    [
        ("sha256:../../../etc/passwd", ""),
        ("sha256:" + "0" * 64, "/../../x"),
        ("sha256:" + "0" * 64, ".mp4\n"),
        ("md5:" + "0" * 64, ".mp4"),
        ("", ""),
    ],
)
def test_a_name_never_leads_out_of_the_store(store: Artifacts, sha256: str, suffix: str) -> None:
    """What is no digest with a plain ending has no place in the store."""
    with pytest.raises(StoreError, match="not the name"):
        store.path(Artifact(sha256=sha256, bytes=1, suffix=suffix))


def test_only_a_real_file_is_kept(store: Artifacts, tmp_path: Path) -> None:
    """A link, a folder, a pipe or nothing at all is refused, and what a link shows stays where it is."""
    (tmp_path / "secret").write_text("secret")
    link, pipe, folder = (store.stage() / name for name in ("link.mp4", "pipe.mp4", "folder.mp4"))
    link.symlink_to(tmp_path / "secret")
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (link, pipe, folder, store.stage() / "none.mp4"):
        with pytest.raises(StoreError):
            store.keep(path)
    assert (tmp_path / "secret").read_text() == "secret"


def test_an_input_is_adopted_as_it_was_planned(store: Artifacts, tmp_path: Path) -> None:
    """`adopt` copies a file of the right digest and leaves the original alone; twice is once."""
    source = tmp_path / "keeper.png"
    source.write_bytes(b"picture")
    path = store.adopt(source, sha256=bytes_digest(b"picture"))
    assert path.read_bytes() == b"picture"
    assert path.suffix == ".png"
    source.write_bytes(b"edited later")
    assert path.read_bytes() == b"picture"
    source.write_bytes(b"picture")
    assert store.adopt(source, sha256=bytes_digest(b"picture")) == path


def test_an_input_that_changed_is_refused(store: Artifacts, tmp_path: Path) -> None:
    """Other bytes, nothing, a folder or a pipe in its place fail the step and leave nothing behind."""
    changed, folder, pipe = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"
    changed.write_bytes(b"other")
    folder.mkdir()
    os.mkfifo(pipe)
    with pytest.raises(StepError, match="changed since the plan was made") as caught:
        store.adopt(changed, sha256=bytes_digest(b"picture"))
    assert "Plan again" in caught.value.hint
    for path in (folder, pipe, tmp_path / "none.png"):
        with pytest.raises(StepError):
            store.adopt(path, sha256=bytes_digest(b"picture"))
    assert not list((tmp_path / "store").rglob("*.png"))


def test_an_export_is_a_copy_that_may_be_edited(store: Artifacts, tmp_path: Path) -> None:
    """The exported file is writable, shares no bytes with the store, and is not written again while it is the same."""
    artifact, to = kept(store, b"frames"), tmp_path / "out" / "shots" / "dawn.mp4"
    assert store.export(artifact, to) is True
    assert store.export(artifact, to) is False
    assert to.stat().st_mode & stat.S_IWUSR
    overwrite(to, b"FRAMES")
    assert store.damaged(artifact) is None
    assert store.export(artifact, to) is True
    assert to.read_bytes() == b"frames"
    assert [path.name for path in to.parent.iterdir()] == ["dawn.mp4"]


def test_another_result_of_the_same_size_is_exported(store: Artifacts, tmp_path: Path) -> None:
    """Size and time tell two results of one size apart, even when they were kept in the same second."""
    to = tmp_path / "dawn.mp4"
    first, second = kept(store, b"first "), kept(store, b"second")
    store.export(first, to)
    assert store.export(second, to) is True
    assert to.read_bytes() == b"second"


def test_nothing_is_written_through_a_link(store: Artifacts, tmp_path: Path) -> None:
    """A link or a folder at the place of an export is refused, and what the link shows stays as it is."""
    artifact = kept(store, b"frames")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "mine")
    (tmp_path / "folder.mp4").mkdir()
    for name, word in (("link.mp4", "symlink"), ("folder.mp4", "not a file")):
        with pytest.raises(StoreError, match=word):
            store.export(artifact, tmp_path / name)
        with pytest.raises(StoreError, match=word):
            write_text(tmp_path / name, "text")
    assert (tmp_path / "mine").read_text() == "mine"


def test_what_is_gone_cannot_be_exported(store: Artifacts, tmp_path: Path) -> None:
    """Exporting an artifact whose file is gone says so and makes no file."""
    artifact = kept(store, b"frames")
    store.path(artifact).unlink()
    with pytest.raises(StoreError, match="gone from the store"):
        store.export(artifact, tmp_path / "dawn.mp4")
    assert not (tmp_path / "dawn.mp4").exists()


def test_a_stage_is_swept_when_its_process_is_dead_and_not_before(tmp_path: Path, spawn: Callable[..., Any]) -> None:
    """What a killed process had staged is gone at the next opening; a living one's is left alone."""
    process = spawn(STAGER, tmp_path)
    staged = Path(process.stdout.readline().strip())
    Artifacts(tmp_path)
    assert (staged / "half.mp4").exists()
    process.kill()
    process.wait()
    Artifacts(tmp_path)
    assert not staged.exists()
    assert list((tmp_path / "stage").iterdir()) == []


def test_closing_removes_what_is_staged_and_nothing_else(store: Artifacts, tmp_path: Path) -> None:
    """`discard` removes one stage, `close` the rest; kept files stay, and more can be staged afterwards."""
    artifact = kept(store, b"frames")
    first, second = store.stage(), store.stage()
    assert first != second
    store.discard(first)
    assert (first.exists(), second.exists()) == (False, True)
    store.close()
    assert list((tmp_path / "store" / "stage").iterdir()) == []
    assert store.damaged(artifact) is None
    assert store.stage().is_dir()


def test_a_full_disk_loses_nothing(disk: Any) -> None:
    """Where the disk is full, keeping and exporting are refused with that reason; room makes them work again."""
    store = Artifacts(disk.folder / "store")
    artifact = kept(store, b"a" * 10_000)
    source = disk.folder.parent / "big.png"
    source.write_bytes(b"b" * 600_000)
    filler = disk.fill()
    with pytest.raises(StoreError, match="disk is full"):
        store.export(artifact, disk.folder / "out.mp4")
    assert not (disk.folder / "out.mp4").exists()
    filler.unlink()
    with pytest.raises(StoreError, match="disk is full"):
        store.adopt(source, sha256=bytes_digest(source.read_bytes()))
    assert not list((disk.folder / "store").rglob("*.png"))
    assert store.export(artifact, disk.folder / "out.mp4")
    assert store.damaged(artifact) is None


def test_a_text_is_replaced_whole(tmp_path: Path) -> None:
    """`write_text` makes the folders, replaces the file, takes half characters too, and leaves nothing beside it."""
    to = tmp_path / "out" / "manifest.json"
    write_text(to, "one")
    write_text(to, "two \udc80 ü")
    assert to.read_text() == "two ? ü"
    assert [path.name for path in to.parent.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("mode", [0o664, 0o600, 0o444])
def test_a_replaced_text_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    """Whoever shared it or shut it meant it; a new one is as all new files are."""
    to, new = tmp_path / "recipe.picks.yaml", tmp_path / "manifest.json"
    to.touch()
    to.chmod(mode)
    before = os.umask(0o027)
    try:
        write_text(to, "one")
        write_text(new, "one")
    finally:
        os.umask(before)
    assert (to.read_text(), stat.S_IMODE(to.stat().st_mode)) == ("one", mode)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_what_is_kept_is_listed_and_can_be_taken_away(store: Artifacts, tmp_path: Path) -> None:
    """By digest, ending and size; what bears another name is passed over, and what is gone may be taken away again."""
    first, second = kept(store, b"one"), kept(store, b"second", suffix=".png")
    (tmp_path / "store" / "sha256" / first.sha256[7:9] / "notes.txt").write_text("mine")
    found = sorted(store.files(), key=lambda file: file.bytes)
    assert [file[:3] for file in found] == [(first.sha256, ".mp4", 3), (second.sha256, ".png", 6)]
    for _ in range(2):
        store.remove(found[0])
    assert [file.sha256 for file in store.files()] == [second.sha256]
    assert list(Artifacts(tmp_path / "none").files()) == []


def test_what_is_distrusted_is_read_by_whoever_looks_next(store: Artifacts) -> None:
    """A change that its time does not show is seen then; a sound file is found sound, once."""
    artifact = kept(store, b"abcd")
    before = store.path(artifact).stat().st_mtime_ns
    overwrite(store.path(artifact), b"x")
    os.utime(store.path(artifact), ns=(before, before))
    assert store.missing([artifact]) == set()
    store.distrust(artifact)
    assert store.missing([artifact]) == {artifact.sha256}
    overwrite(store.path(artifact), b"a")
    assert store.missing([artifact]) == set()
    store.path(artifact).unlink()
    store.distrust(artifact)
