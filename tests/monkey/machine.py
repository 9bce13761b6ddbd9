"""The monkey: what it may type, in any order, and what must hold after each command and in the end."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.monkey.model import Model, Seen
from tests.monkey.services import ACCOUNTS, MOVES, Books, Job, books
from tests.monkey.tales import SIZES, Shot, Tale
from tests.monkey.theatre import Theatre

PLENTY = 100_000
NAMES = [account for accounts in ACCOUNTS.values() for account in accounts]
SHOTS = ("a", "b", "c")
EXPECTED = {0, 1, 3, 4}
"""How a command may end that nobody kills; 5 too beside another."""

DAY_SECONDS = 86_400
MOMENTS = 45
dies = st.one_of(st.just(0), st.just(0), st.integers(1, MOMENTS))
caps = st.sampled_from([PLENTY, PLENTY, PLENTY, 6, 13])
numbers = st.integers(0, 6)
edits = st.sampled_from(
    [("words", 0), ("words", 1), ("takes", 1), ("takes", 2), ("there", None), ("who", NAMES[0]), ("who", NAMES[1]),
     ("who", NAMES[2]), ("chained", None), ("larger", None), ("falls", None), ("retry", 0), ("retry", 1)]
)  # fmt: skip
tales = st.integers(0, 1)
shot_ids = st.sampled_from(SHOTS)


class Monkey(RuleBasedStateMachine):
    """Random sequences of commands on one workspace that two recipes share."""

    theatre: Theatre

    @initialize()
    def begin(self) -> None:
        self.folder = self.theatre.folder / str(next(self.theatre.numbers))
        self.folder.mkdir()
        self.tales = [
            Tale(name="tale", staged=True, shots=[Shot(id="a"), Shot(id="b"), Shot(id="c", there=False)]),
            Tale(name="other", shots=[Shot(id="b"), Shot(id="a", there=False), Shot(id="c", there=False)]),
        ]
        self.model, self.seen = Model(), Seen()
        self.log: list[str] = []
        self.caps: dict[str, dict[str, Decimal]] = {}
        for tale in self.tales:
            self._write(tale)

    # what is typed

    @rule(tale=tales, dies=dies, most=caps)
    def run(self, tale: int, dies: int, most: int) -> None:
        self._run(self.tales[tale], dies=dies, most=most)

    @rule(tale=tales, dies=dies, number=numbers)
    def only(self, tale: int, dies: int, number: int) -> None:
        self._run(self.tales[tale], "--only", self._names(tale, number)[0], dies=dies)

    @rule(tale=tales, dies=dies, first=numbers, second=st.one_of(st.none(), numbers), most=caps)
    def redo(self, tale: int, dies: int, first: int, second: int | None, most: int) -> None:
        names = self._names(tale, *(number for number in (first, second) if number is not None))
        self._run(self.tales[tale], dies=dies, most=most, redo=dict.fromkeys(names))

    @rule(tale=tales, dies=st.integers(8, MOMENTS), between=st.integers(0, 2), number=numbers)
    def redo_that_is_cut_short(self, tale: int, dies: int, between: int, number: int) -> None:
        """The same command again, after another one or none."""
        names = self._names(tale, number)
        self._run(self.tales[tale], dies=dies, redo=names)
        if between:
            self._run(self.tales[tale], *(["--only", self._names(tale, number + 1)[0]] if between == 2 else []))
        self._run(self.tales[tale], redo=names)

    @rule(first=tales, second=tales, at=st.integers(1, MOMENTS), dies=dies, again=st.booleans())
    def beside(self, first: int, second: int, at: int, dies: int, again: bool) -> None:
        """Two commands at once: the first waits at a moment for a while, and the second begins meanwhile."""
        redo = self._names(first, 0) if again else []
        self._run(self.tales[first], redo=redo, waits=at, other=self.tales[second], dies=dies)

    @rule(tale=tales, dies=dies, way=st.sampled_from(["books", "books", "write-off", "resubmit"]))
    def recover(self, tale: int, dies: int, way: str) -> None:
        self._decide(self.tales[tale], way, dies)

    @rule(tale=tales, dies=dies)
    def cancel(self, tale: int, dies: int) -> None:
        self._type("cancel", str(self.tales[tale].path), "--yes", dies=dies)

    @rule(tale=tales, dies=dies, number=numbers, other=st.booleans())
    def approve(self, tale: int, dies: int, number: int, other: bool) -> None:
        mine = self.tales[tale]
        flags = ["--clear", self._names(tale, number)[0].partition("@")[0]] if other else self._names(tale, number)
        self._type("approve", str(mine.path), *flags, dies=dies)

    @rule(tale=tales, what=st.sampled_from(["gc", "gc --paid", "verify", "look"]), dies=dies)
    def house(self, tale: int, what: str, dies: int) -> None:
        """What is to do about the house, or only to see."""
        mine = self.tales[tale]
        if what.startswith("gc") and (self.folder / "shelf").exists():
            self._type(*what.split(), "--yes", dies=dies)
        if what == "verify" and (self.folder / mine.output / "manifest.json").exists():
            assert self._type("verify", str(mine.output / "manifest.json")) in (0, 1), self._story()
        if what == "look":
            before = self._state()
            words = ["status", str(mine.path), *self._stage(mine)]
            for command in (["plan", *self._flags(mine)], words, ["ledger"]):
                assert self._type(*command) in (0, 2, 3, 4), self._story()
            assert self._state() == before, self._story()

    # what is edited

    @rule(tale=tales, shot=shot_ids, edit=edits)
    def edit(self, tale: int, shot: str, edit: tuple[str, Any]) -> None:
        mine, (name, value) = self._shot(self.tales[tale], shot), edit
        if name == "there" and list(self.tales[tale].there()) == [mine]:
            return
        setattr(mine, name, not getattr(mine, name) if value is None else value)
        self._write(self.tales[tale])

    @rule(tale=tales, exceed=st.sampled_from(["refuse", "stop", "skip"]), day=st.sampled_from([0, 0, 19]))
    def budget(self, tale: int, exceed: str, day: int) -> None:
        self.tales[tale].exceed, self.tales[tale].day = exceed, day
        self._write(self.tales[tale])

    @rule(stage=st.sampled_from(list(SIZES)))
    def stage(self, stage: str) -> None:
        self.tales[0].stage = stage

    # what happens

    @rule(letter=st.sampled_from([*SHOTS, ""]), moves=st.lists(st.sampled_from(MOVES), min_size=1, max_size=3))
    def fate(self, letter: str, moves: list[str]) -> None:
        """What the next requests of a shot come to; those without a prompt are for larger clips."""
        with books(self.folder) as now:
            now.moves[letter] = moves

    @rule(what=st.sampled_from(["goes on", "forgets", "full", "short", "shut", 30, 1000, DAY_SECONDS, 3 * DAY_SECONDS]))
    def world(self, what: str | int) -> None:
        """Jobs go on, services let go of what they have delivered, their list is another, or time passes."""
        made = self.seen.made()
        with books(self.folder) as now:
            for job in now.jobs:
                job.move = "" if job.move == "stuck" and what == "goes on" else job.move
                job.forgotten = job.forgotten or (what == "forgets" and job.id in made)
            now.listing = str(what) if what in ("full", "short", "shut") else now.listing
            now.late_seconds += what if isinstance(what, int) else 0

    @rule(tale=tales, number=numbers, how=st.sampled_from(["gone", "cut", "turned", "results"]))
    def damage(self, tale: int, number: int, how: str) -> None:
        """A stored file is lost, cut short or altered, and what was put out of it is lost; or the latter alone."""
        shutil.rmtree(self.folder / self.tales[tale].output, ignore_errors=True)
        files = sorted(self.folder.glob("shelf/store/sha256/*/*"))
        if files and how != "results":
            spoil(files[number % len(files)], how)
        self.log.append(f"# {how} {number % len(files) if files else ''}")

    # how it is done

    def _shot(self, tale: Tale, name: str) -> Shot:
        return next(shot for shot in tale.shots if shot.id == name)

    def _names(self, tale: int, *some: int) -> list[str]:
        """Shots and takes that are there, by numbers."""
        known = [name for shot in self.tales[tale].there() for name in (shot.id, *shot.names)]
        return [known[number % len(known)] for number in some]

    def _stage(self, tale: Tale) -> list[str]:
        return ["--stage", tale.stage] if tale.stage else []

    def _write(self, tale: Tale) -> None:
        path = self.folder / tale.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(tale.text())
        self.log.append(f"{tale.path}:\n{tale.text()}")

    def _flags(self, tale: Tale, most: int = PLENTY) -> list[str]:
        caps = [word for name in NAMES for word in ("--max-credits", f"{name}={most}")]
        return [str(tale.path), *self._stage(tale), "--follow", *caps]

    def _run(
        self, tale: Tale, *words: str, dies: int = 0, most: int = PLENTY, redo: Iterable[str] = (), waits: int = 0,
        other: Tale | None = None,
    ) -> int:  # fmt: skip
        takes = [take for shot in tale.there() for take in shot.names if {take, shot.id} & set(redo)]
        fresh = self.model.fresh.copy()
        with books(self.folder, change=False) as now:
            self.model.ask(tale, now, self.seen.coming(), takes, beside=other is not None)
            if other:
                self.model.ask(other, now, self.seen.coming(), beside=True)
        self.caps = {one.name: dict.fromkeys(NAMES, Decimal(most)) for one in (tale, *([other] if other else []))}
        before = self.seen.noted
        argv = ["run", *self._flags(tale, most), "--yes", *words, *(word for name in redo for word in ("--redo", name))]
        beside = ["run", *self._flags(other, most), "--yes"] if other else None
        day = tale.day if other is None or other.day == tale.day else 0
        code = self._type(*argv, dies=dies, waits=waits, beside=beside, day=day)
        if other is None:
            # WHY: a pick of what is not there any more is the user's to let go.
            picked = tale.stage == "final" or (self.folder / tale.name / "recipe.picks.yaml").exists()
            assert code in {*EXPECTED, -9, *((2,) if picked else ())}, self._story()
        if takes and self.seen.noted == before:
            self.model.fresh = fresh  # nothing was begun: typed again, it is the same wish
        elif takes:
            for take in takes:
                shot = self._shot(tale, take.partition("@")[0])
                tale.begun.setdefault(f"{tale.stage}{take}", set()).add(shot.asks)
        if takes and (code == 0 or (code == -9 and self._has_ended(tale, takes))):
            for take in takes:
                tale.begun.pop(f"{tale.stage}{take}", None)
        if code == 0:
            self._is_whole(tale, words, takes)
        return code

    def _manifest(self, tale: Tale) -> dict[str, Any]:
        path = self.folder / tale.output / "manifest.json"
        return dict(json.loads(path.read_bytes())) if path.exists() else {"shots": [], "run": {"status": ""}}

    def _has_ended(self, tale: Tale, takes: list[str]) -> bool:
        """Whether a command that was killed had told the user that it was done."""
        shots = self._manifest(tale)["shots"]
        there = {f"{shot['id']}@{shot['take']}": shot["status"] for shot in shots}
        return self._manifest(tale)["run"]["status"] != "running" and all(
            there.get(take) in ("done", "reused") for take in takes
        )

    def _is_whole(self, tale: Tale, words: tuple[str, ...], redo: list[str]) -> None:
        """A command that says that all is done has left what it was asked for."""
        if tale.stage == "final":
            return  # of what was picked alone
        named = {word.partition("@")[0] for word in words[1:]} | {take.partition("@")[0] for take in redo}
        document = self._manifest(tale)
        there = {(shot["id"], shot["take"]): shot for shot in document["shots"]}
        for shot in tale.there():
            if named and shot.id not in named:
                continue
            for take in range(1, shot.takes + 1):
                if named and not {shot.id, f"{shot.id}@{take}"} & {*words, *redo}:
                    continue
                told = there[shot.id, take]
                story = f"{self._story()}\n{told}"
                assert told["status"] in ("done", "reused"), story
                assert not told["stale"], story
                assert ("upscaled" in told["outputs"]) == shot.larger, story
                for output in told["outputs"].values():
                    file = self.folder / tale.output / output["path"]
                    assert file.stat().st_size == output["bytes"], story
        if not named:
            assert document["run"]["status"] == "complete", self._story()

    def _type(self, *words: str, dies: int = 0, waits: int = 0, beside: list[str] | None = None, day: int = 0) -> int:
        shelf = ["--workspace", "shelf"]
        told = {
            "folder": str(self.folder), "argv": [*words, *shelf], "dies": dies if beside is None else 0, "waits": waits,
            "beside": [*beside, *shelf] if beside else None, "beside_dies": dies,
        }  # fmt: skip
        ends = self.theatre.ask(told)
        short = " ".join(word for word in words if word != "--max-credits" and not word.endswith(f"={PLENTY}"))
        how = f" (dies at {dies})" if dies else ""
        how += f" (waits at {waits}, and beside it {' '.join(beside[:2])})" if beside else ""
        told_ends = "\n".join(f"{end['code']}: {end['told'].strip()}" for end in ends)
        self.log.append(f"$ {short}{how}\n{told_ends}")
        for end in ends:
            assert end["code"] in {0, 1, 2, 3, 4, 5, -9}, self._story()
            assert "Traceback" not in end["told"], self._story()
        self._check(day)
        return int(ends[0]["code"])

    def _check(self, day: int) -> None:
        """What must hold at every moment."""
        ledger = self.folder / "shelf" / "ledger.sqlite3"
        with books(self.folder) as now:
            self.seen.look(ledger, self.caps, Decimal(day) if day else None)
            for job in now.jobs:
                if job.id in self.seen.gone:
                    assert job.forgotten, f"{self._story()}\n{job.id} is not gone"
                    job.waived = True
            wrong = [*self.model.too_many(now), *self.seen.broken, *self.seen.differs(now)]
        assert not wrong, "\n".join([self._story(), *wrong])

    def _story(self) -> str:
        return "\n".join(self.log)

    def _state(self) -> tuple[object, ...]:
        ledger = self.folder / "shelf" / "ledger.sqlite3"
        with books(self.folder, change=False) as now:
            return len(now.jobs), self.seen.last, ledger.exists()

    def _decide(self, tale: Tale, way: str, dies: int) -> None:
        """The user decides on what is unknown: by the services' books, or to give it up, or without a look."""
        if not (self.folder / "shelf" / "ledger.sqlite3").exists() or not self._was_run(tale):
            return
        code = self._type("recover", str(tale.path), "--format", "json")
        told = self.log[-1]
        if code != 4:
            return
        document = json.loads(told[told.index("{") : told.rindex("}") + 1])
        for one in document["submissions"]:
            if one["outcome"] not in ("asked", "left"):
                continue
            with books(self.folder) as now:
                lost = self._lost(now, one)
                if way == "books" and lost:
                    words = ["--adopt", f"{one['name']}={lost[0].id}"]
                elif way == "write-off":
                    words = ["--write-off", one["name"]]
                    self._waive(lost)
                else:
                    words = ["--resubmit", one["name"]]
                    self._waive(lost)
            self._type("recover", str(tale.path), *words, dies=dies)

    def _waive(self, lost: list[Job]) -> None:
        for job in lost:
            job.waived = True

    def _lost(self, now: Books, one: dict[str, Any]) -> list[Job]:
        """The jobs that a submission of unknown outcome may have made."""
        named = {attempt.job for attempt in self.seen.attempts.values()}
        seen = next(
            a for a in self.seen.attempts.values()
            if (a.run, a.key, a.attempt) == (one["run"], one["key"], one["attempt"]) and a.step == one["step"]
        )  # fmt: skip
        return [
            job for job in now.jobs
            if job.account == seen.account and job.id not in named and not job.waived
            and job.bare.get("seed") == seen.seed and job.cost == seen.credits
        ]  # fmt: skip

    def _was_run(self, tale: Tale) -> bool:
        with closing(sqlite3.connect(f"file:{self.folder}/shelf/ledger.sqlite3?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM runs WHERE recipe = ?", (tale.name,)).fetchone())

    # the end

    def teardown(self) -> None:
        """Undisturbed and decided, all that is asked for comes to be there, and then there is nothing to do."""
        try:
            if sys.exc_info()[0] is None and hasattr(self, "tales"):
                self._comes_to_an_end()
        finally:
            shutil.rmtree(getattr(self, "folder", self.theatre.folder / "none"), ignore_errors=True)

    def _comes_to_an_end(self) -> None:
        with books(self.folder) as now:
            now.moves.clear()
            now.listing = "full"
            for job in now.jobs:
                job.move = "" if job.move == "stuck" else job.move
        for tale in self.tales:
            tale.exceed, tale.day, tale.stage = "refuse", 0, ""
            (self.folder / tale.name / "recipe.picks.yaml").unlink(missing_ok=True)
            self._write(tale)
        for tale in self.tales:
            for _ in range(8):
                code = self._run(tale)
                if code == 0:
                    break
                if code == 4:
                    self._decide(tale, "books", 0)
                elif code == 1:
                    failed = [s for s in self._manifest(tale)["shots"] if s["status"] in ("failed", "skipped")]
                    names = sorted({f"{shot['id']}@{shot['take']}" for shot in failed})
                    self._run(tale, redo=names)
            assert code == 0, self._story()
        with books(self.folder) as now:
            for tale in self.tales:
                shown = {f"{shot['id']}@{shot['take']}": shot["key"] for shot in self._manifest(tale)["shots"]}
                left = list(self.seen.left(now, shown, self.model.left))
                assert not left, "\n".join([self._story(), *left])
        before = self._state()
        for tale in self.tales:
            assert self._run(tale) == 0, self._story()
            assert self._type("verify", str(tale.output / "manifest.json")) == 0, self._story()
        assert self._state() == before, self._story()


def spoil(file: Path, how: str) -> None:
    """Takes a file away, its end, or turns its last byte."""
    data = file.read_bytes()
    file.chmod(0o644)
    file.unlink() if how == "gone" else file.write_bytes(data[:-1] + (b"" if how == "cut" else bytes([data[-1] ^ 1])))
