"""What is freed and what is not, over random histories: nothing that is needed, ever; and what a death leaves."""

from __future__ import annotations

import contextlib
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.digest import dumps
from pipeline.errors import Held, StoreError
from pipeline.events import Artifact, Result, RunEnded, RunStarted, Settled, Started, Submitted, Succeeded
from pipeline.store import leases, lost, sweeping
from pipeline.store.ledger import Ledger, Line, Run
from pipeline.store.workspace import Workspace, open_workspace
from tests.made import clock

AT = clock()
D = Decimal


@dataclass
class History:
    """A workspace in the making: what was made, by key, and what must stay whatever is freed."""

    folder: Path
    shelf: Workspace = field(init=False)
    made: dict[str, Artifact] = field(default_factory=dict)
    bought: set[str] = field(default_factory=set)
    stay: set[str] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        self.shelf = open_workspace(self.folder / ".rushes", create=True)

    def keep(self, data: bytes) -> Artifact:
        """A file in the store."""
        staged = self.shelf.artifacts.stage() / "clip.mp4"
        staged.write_bytes(data)
        sha256, size = self.shelf.artifacts.keep(staged)
        return Artifact(sha256=sha256, bytes=size, suffix=".mp4")

    def run(
        self, recipe: str, keys: list[str], *, paid: set[str], status: str = "complete", lines: bool = False
    ) -> Run:
        """A run that makes these keys, each with bytes of its own unless it was made before."""
        self._count += 1
        output = self.folder / "out" / recipe
        output.mkdir(parents=True, exist_ok=True)
        run = Run(
            id=f"r{self._count}", recipe=recipe, recipe_path=str(self.folder / f"{recipe}.yaml"), output=str(output),
            date="2026-01-01", started_at=AT, plan=[[f"{key}/generate", key, False, "", key, key] for key in keys],
        )  # fmt: skip
        with Ledger(self.shelf.ledger) as ledger:
            ledger.begin(run)
            ledger.append(run.id, RunStarted(at=AT, version="0"))
            for key in keys:
                if key not in self.made:
                    self._make(ledger, run, key, paid=key in paid)
            if lines:
                told = {f"{key}/generate": Line(key=key, base=key, own=key) for key in keys}
                ledger.remember(recipe, str(output), told)
                self.stay |= {self.made[key].sha256 for key in keys}
            ledger.append(run.id, RunEnded(at=AT, status=status))
        if status != "complete":
            self.stay |= {self.made[key].sha256 for key in keys}
        return run

    def _make(self, ledger: Ledger, run: Run, key: str, *, paid: bool) -> None:
        about: dict[str, Any] = {"at": AT, "step": f"{key}/generate", "key": key, "attempt": 1}
        artifact = self.made[key] = self.keep(key.encode())
        account = "seegen" if paid else ""
        ledger.append(run.id, Started(provider=account, account=account, credits=D(7) if paid else D(0), **about))
        if paid:
            settled = Settled(charged=D(7), refunded=D(0), usd=None, source="seegen", **about)
            ledger.append(run.id, Submitted(job_id=f"job-{key}", **about), settled)
            self.bought.add(artifact.sha256)
        ledger.append(run.id, Succeeded(result=Result(outputs={"video": artifact}), **about))

    def show(self, run: Run, keys: list[str]) -> None:
        """A manifest of these keys in the run's output."""
        shots = [{"sha256": self.made[key].sha256} for key in keys]
        (Path(run.output) / "manifest.json").write_text(dumps({"shots": shots}))

    def there(self) -> set[str]:
        """The digests of what is in the store, each with its bytes as they were."""
        found = {file.sha256 for file in self.shelf.artifacts.files()}
        for artifact in self.made.values():
            assert artifact.sha256 not in found or self.shelf.artifacts.damaged(artifact) is None
        return found

    def free(self, *, paid: bool) -> list[sweeping.Stray]:
        """As the command does it."""
        return sweeping.free(self.shelf, [s for s in sweeping.strays(self.shelf) if paid or not s.bought])


@contextlib.contextmanager
def history() -> Iterator[History]:
    with tempfile.TemporaryDirectory() as folder:
        yield History(Path(folder))


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_is_needed_is_freed(seed: int, paid: bool) -> None:
    """Over recipes with changed shots, unfinished runs, manifests and inputs: all the rest goes, and only once."""
    freed_is_not_needed(seed, paid)


@pytest.mark.slow
@given(seed=st.integers(0, 10**6), paid=st.booleans())
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_needed_is_ever_freed(seed: int, paid: bool) -> None:
    """Whatever the history."""
    freed_is_not_needed(seed, paid)


def freed_is_not_needed(seed: int, paid: bool) -> None:
    chance = random.Random(seed)
    with history() as tale:
        keys = [f"k1:{n}" for n in range(12)]
        for _ in range(chance.randrange(1, 6)):
            mine = chance.sample(keys, chance.randrange(1, 6))
            status = chance.choice(["complete", "complete", "partial", "interrupted"])
            of_money = {key for key in mine if chance.random() < 0.4}
            recipe = chance.choice(["one", "two", "three"])
            run = tale.run(recipe, mine, paid=of_money, status=status, lines=chance.random() < 0.3)
            if chance.random() < 0.5:
                tale.show(run, chance.sample(mine, chance.randrange(len(mine) + 1)))
        shown = {path: path.read_text() for path in tale.folder.glob("out/*/manifest.json")}
        stay = tale.stay | {a.sha256 for a in tale.made.values() if any(a.sha256 in text for text in shown.values())}
        for n in range(chance.randrange(3)):
            tale.keep(f"input {n}".encode())
        before = tale.there()
        freed = {stray.file.sha256 for stray in tale.free(paid=paid)}
        after = tale.there()
        assert stay <= after
        assert after == before - freed
        assert after == (stay if paid else stay | (tale.bought & before))
        assert tale.free(paid=paid) == []
        with Ledger(tale.shelf.ledger) as ledger:
            held = ledger.last()
            ledger.rebuild()
            assert ledger.last() == held
        told = lost.makers(tale.shelf.ledger, tale.made)
        assert {key for key, maker in told.items() if maker.gone} == {
            key for key, artifact in tale.made.items() if artifact.sha256 in freed
        }


def test_a_manifest_that_cannot_be_understood_keeps_what_its_runs_made() -> None:
    """Cut short by a full disk, it may have named anything."""
    with history() as tale:
        run = tale.run("one", ["k1:a", "k1:b"], paid=set())
        (Path(run.output) / "manifest.json").write_text('{"shots": [{"sha2')
        assert tale.free(paid=True) == []


def test_picks_are_needed() -> None:
    """An older take that was picked is shown as soon as the recipe is run again."""
    with history() as tale:
        tale.run("one", ["k1:a", "k1:b"], paid=set())
        (tale.folder / "one.picks.yaml").write_text(f"dawn: {{take: 2, sha256: '{tale.made['k1:a'].sha256}'}}\n")
        assert [stray.file.sha256 for stray in tale.free(paid=True)] == [tale.made["k1:b"].sha256]


def test_what_is_older_than_the_ledger_may_have_been_bought() -> None:
    """A ledger that was lost and begun anew frees nothing of it without being told to."""
    with history() as tale:
        tale.keep(b"bought long ago")
        assert tale.free(paid=False) == []
        assert [stray.kind for stray in tale.free(paid=True)] == ["unknown"]


def test_nothing_is_freed_beside_a_run_and_no_run_begins_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second is told who is at work."""
    monkeypatch.setattr(sweeping, "PATIENCE_SECONDS", 0.2)
    with history() as tale:
        tale.run("one", ["k1:a"], paid=set())
        with leases.hold(tale.shelf, "one-12345678", who="A run of one"):
            with pytest.raises(Held, match="A run of one is at work in"):
                tale.free(paid=False)
            sweeping.wait_for_end(tale.shelf)
        with leases.hold(tale.shelf, sweeping.NAME, who="gc"), pytest.raises(Held, match="gc frees space in"):
            sweeping.wait_for_end(tale.shelf)
        assert len(tale.free(paid=False)) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.store import artifacts, sweeping
from pipeline.store.workspace import open_workspace

left = int(sys.argv[2])

class Dying(artifacts.Artifacts):
    def remove(self, file):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        super().remove(file)

shelf = open_workspace(Path(sys.argv[1]), create=False)
object.__setattr__(shelf, "artifacts", Dying(shelf.folder / "store"))
sweeping.free(shelf, sweeping.strays(shelf))
"""


@pytest.mark.parametrize("at", [0, 2])
def test_a_death_in_the_middle_leaves_all_consistent(at: int, spawn: Callable[..., Any], tmp_path: Path) -> None:
    """What was written down and is still there is simply there; the next time it goes."""
    tale = History(tmp_path)
    shown = tale.run("one", ["k1:s"], paid=set())
    tale.show(shown, ["k1:s"])
    tale.run("two", ["k1:a", "k1:b", "k1:c", "k1:d"], paid={"k1:a"})
    process = spawn(KILLED, tale.shelf.folder, at)
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    assert len(tale.there()) == 5 - at
    with Ledger(tale.shelf.ledger, read_only=True) as ledger:
        kept = ledger.kept(tale.made)
    assert set(kept) == set(tale.made)
    missing = tale.shelf.artifacts.missing(tale.made.values())
    assert len(missing) == at
    assert len(tale.free(paid=True)) == 4 - at
    assert tale.there() == {tale.made["k1:s"].sha256}


def test_a_folder_that_is_read_only_is_named(read_only: tuple[Path, Callable[[], None]]) -> None:
    """Nothing is gone then."""
    folder, close = read_only
    tale = History(folder)
    tale.run("one", ["k1:a"], paid=set())
    found = sweeping.strays(tale.shelf)
    tale.shelf.artifacts.close()
    close()
    with pytest.raises(StoreError) as caught:
        sweeping.free(tale.shelf, found)
    assert str(folder) in caught.value.fact
    assert tale.shelf.artifacts.damaged(tale.made["k1:a"]) is None
