"""One campaign: recipes by chance on services that fail by chance, their processes killed again and again, to the end.

Everything that was decided by chance follows from the seed; how the processes fall in with each other does not.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.digest import loads
from pipeline.emulators.settings import ALL
from tests.torture import checks, deciding
from tests.torture.recipes import FRAGILE, Tale, tales
from tests.torture.standing import ROOT, Faults, Standing
from tests.torture.watcher import Watcher, settled

D = Decimal
CONFIG = """
[providers.seegen]
concurrency = 40
poll_seconds = 0.05
[providers.seedance2-movie]
concurrency = 40
poll_seconds = 0.05
[providers.seedancee2]
concurrency = 40
poll_seconds = 0.05
[providers.naci]
concurrency = 40
poll_seconds = 0.05
prices = {"sd2.0" = {480p = 9, 720p = 18}}
"""
# WHY: what a killed process has begun takes a place for minutes where no list tells what became of it; with few places
# a campaign would mostly wait. Places are tortured in tests/journeys/test_together.py.
_SELF_KILLED = Path(__file__).with_name("self_killed.py")
_IN_THE_AIR_SECONDS = 1.5  # after this nothing that a dead process has sent is still on its way
_MOST_ENDS = 60
_LONGEST_SECONDS = 600.0
_GOES_ON = {0: "done", 1: "undelivered", 3: "a cap", 4: "unknown", 5: "held", 130: "interrupted"}


@dataclass(slots=True)
class Report:
    """What a campaign came to."""

    seed: int
    kills: int = 0  # processes that lived when `kill -9` struck them
    other_signals: int = 0
    starts: int = 0
    decisions: int = 0
    restarts: int = 0
    creates: int = 0
    steps: int = 0
    looks: int = 0
    seconds: float = 0.0
    struck: Mapping[str, int] = field(default_factory=dict)
    most: Mapping[str, Decimal] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def faults_of(chance: random.Random) -> Faults:
    """What goes wrong at each service, with which probability; every campaign has some of all there is."""
    kinds: list[dict[str, Any]] = [
        {"name": "lost_create", "probability": 0.06},
        {"name": "slow_create", "probability": 0.1, "seconds": 0.4},
        {"name": "server_error_before", "probability": 0.05},
        {"name": "server_error_after", "probability": 0.05},
        {"name": "html_502", "probability": 0.03},
        {"name": "html_502_after", "probability": 0.04},
        {"name": "rate_limited", "probability": 0.06, "retry_after": 1},
        {"name": "hung_before", "probability": 0.04, "seconds": 0.4},
        {"name": "cut_before", "probability": 0.03},
        {"name": "missing_id", "probability": 0.02},
        {"name": "not_json", "probability": 0.02},
        {"name": "truncated_download", "probability": 0.1},
        {"name": "link_expired", "probability": 0.08},
        {"name": "job_fails", "probability": 0.4, "match": FRAGILE},
    ]
    # WHY: at naci a link that has died is never renewed, so that nobody could deliver the clip any more.
    return {
        name: [
            {**kind, "times": None}
            for kind in kinds
            if chance.random() < 0.8 and not (name == "naci" and kind["name"] == "link_expired")
        ]
        for name in ALL
    }


class Campaign:
    """A folder with recipes, the services they meet, and everybody who works on them."""

    def __init__(self, folder: Path, seed: int, *, shots: int, kills: int) -> None:
        self.folder, self.seed = folder, seed
        self.report = Report(seed=seed)
        self.tales = tales(seed, shots)
        self.workspace = folder / "workspace"
        self.outputs: list[str] = []
        self._kills_of_each = max(1, kills // len(self.tales))
        self._lock = threading.Lock()
        self._over = threading.Event()
        chance = random.Random(f"{seed}/services")
        self.standing = Standing(folder / "services", faults_of(chance))
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))},
            **self.standing.environ(),
            "RUSHES_CONFIG": str(folder / "config.toml"),
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "",
        }
        self.environ.pop("RUSHES_WORKSPACE", None)

    def recipe(self, tale: Tale) -> Path:
        """Where a recipe lies."""
        return self.folder / tale.name / "recipe.yaml"

    def go(self) -> Report:
        """The whole campaign; what was wrong stands in the report's `faults`."""
        began = time.monotonic()
        try:
            day, naci = self._prepare()
            watcher = Watcher(self.workspace / "ledger.sqlite3", self.standing, self.tales, day, naci)
            threads = [threading.Thread(target=self._safely, args=(self._drive, tale)) for tale in self.tales]
            unrest = threading.Thread(target=self._safely, args=(self._restart_services,))
            for thread in (*threads, unrest):
                thread.start()
            for thread in threads:
                thread.join()
            self._over.set()
            unrest.join()
            settled(self.standing, list(ALL))
            watcher.close()
            self.report.looks = watcher.looks
            self.report.most = watcher.books.most
            self.report.faults += watcher.books.broken
            self.report.faults += checks.all_of(self, watcher, naci)
        finally:
            self._over.set()
            self.standing.close()
        self.report.struck = Counter(self.standing.struck)
        self.report.restarts = self.standing.lives - 1
        self.report.faults += checks.of_text("".join(self.outputs), "an output")
        self.report.seconds = time.monotonic() - began
        return self.report

    def _prepare(self) -> tuple[Mapping[str, Decimal], Decimal]:
        """Writes the recipes and caps that leave room for everything once; the day's, and naci's price of a clip."""
        from pipeline.media.animatic import Drawing, draw_still

        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.joinpath("config.toml").write_text(CONFIG)
        day: Counter[str] = Counter()
        seen: set[str] = set()
        naci = D(72)
        for number, tale in enumerate(self.tales):
            path = self.recipe(tale)
            path.parent.mkdir()
            drawing = Drawing(shot="x", prompt="a keeper", width=640, height=640, seconds=D(0), seed=1)
            draw_still(drawing, path.with_name("keeper.png"))
            path.write_text(tale.text())
            shown = self.rushes("plan", path, "--format", "json")
            if shown.returncode:
                raise RuntimeError(f"{path} cannot be planned: {shown.stderr}")
            run: Counter[str] = Counter()
            shot: dict[str, Decimal] = {}
            takes: Counter[tuple[str, str]] = Counter()
            keys: set[str] = set()
            for step in loads(shown.stdout)["steps"]:
                if not step["account"] or step["key"] in keys:
                    continue
                keys.add(step["key"])
                account, high = step["account"].removesuffix("@rehearsal"), D(step["credits"]["high"])
                run[account] += high  # type: ignore[assignment]
                takes[account, step["id"].partition("/")[0]] += high  # type: ignore[assignment]
                if step["key"] not in seen:
                    day[account] += high  # type: ignore[assignment]
                    seen.add(step["key"])
            for (account, _), amount in takes.items():
                shot[account] = max(shot.get(account, D(0)), D(amount))
            self.report.steps = len(seen)
            self.tales[number] = tale.capped({name: D(amount) for name, amount in run.items()}, shot)
            path.write_text(self.tales[number].text())
        caps = {name: D(amount) for name, amount in day.items()}
        table = ", ".join(f'{name} = "{amount}"' for name, amount in caps.items())
        self.folder.joinpath("config.toml").write_text(f"{CONFIG}[budget.day]\ncredits = {{{table}}}\n")
        return caps, naci

    # processes

    def command(self, *words: object) -> list[str]:
        """A command of Rushes on this workspace, as a shell would run it."""
        return [sys.executable, "-m", "pipeline", *map(str, words), "--workspace", str(self.workspace)]

    def rushes(self, *words: object) -> subprocess.CompletedProcess[str]:
        """A command that nobody disturbs."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            env=self.environ,
            cwd=self.folder,
            timeout=_LONGEST_SECONDS,
        )
        self._note(words, done.returncode, done.stdout, done.stderr)
        return done

    def _note(self, words: Sequence[object], code: int | None, out: str, err: str) -> None:
        with self._lock:
            self.outputs.append(f"$ {' '.join(map(str, words))}\n{out}{err}(exit code {code})\n")
            self.report.starts += 1
            if code == 70:
                self.report.faults.append(f"{words[0]} ended with 70: {err[-400:]}")

    def _struck(self, chance: random.Random, command: Sequence[str], *, longest: float) -> int:
        """The code with which a process ends that is sent a signal at a random moment."""
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environ, cwd=self.folder
        )
        # WHY: an interpreter that has not yet reached our code dies of SIGINT in its own way.
        way = chance.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP), (85, 5, 5, 5))[0]
        time.sleep(chance.uniform(0.1 if way == signal.SIGKILL else 1.2, longest))
        with self._lock:
            self.report.other_signals += way != signal.SIGKILL and process.poll() is None
        process.send_signal(way)
        if way == signal.SIGSTOP:
            time.sleep(chance.uniform(0.2, 6))
            process.send_signal(signal.SIGCONT)
            time.sleep(chance.uniform(0.0, 0.5))
            process.kill()
        out, err = process.communicate(timeout=_LONGEST_SECONDS)
        self._note(command[2:], process.returncode, out, err)
        return process.returncode

    def _self_killed(self, chance: random.Random, tale: Tale) -> int:
        """The code of a run that kills itself at the nth event it hears."""
        command = [sys.executable, str(_SELF_KILLED), str(self.recipe(tale)), str(self.workspace)]
        done = subprocess.run(
            [*command, str(chance.randint(1, 20))],
            capture_output=True, text=True, env=self.environ, cwd=self.folder, timeout=_LONGEST_SECONDS,
        )  # fmt: skip
        self._note(command[1:], done.returncode, done.stdout, done.stderr)
        return done.returncode

    # what threads do

    def _safely(self, work: Any, *values: object) -> None:
        try:
            work(*values)
        except BaseException as error:
            with self._lock:
                self.report.faults.append(f"{work.__name__}{[getattr(v, 'name', v) for v in values]}: {error!r}")

    def _drive(self, tale: Tale) -> None:
        """Starts the same command again and again until it ends by itself with everything done."""
        chance = random.Random(f"{self.seed}/{tale.name}")
        left, ends = self._kills_of_each, 0
        run = self.command("run", self.recipe(tale), "--yes")
        while ends < _MOST_ENDS:
            if left > 0:
                boundary = chance.random() < 0.35
                code = self._self_killed(chance, tale) if boundary else self._struck(chance, run, longest=2.6)
                left -= 1
            else:
                ends += 1
                code = self.rushes("run", self.recipe(tale), "--yes").returncode
            self._count(code)
            if code == 0 and left <= 0:
                return
            if code == 0:
                left = 0 if chance.random() < 0.5 else left  # nothing is left to be disturbed
                continue
            if code not in _GOES_ON and code not in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
                raise RuntimeError(f"a run ended with {code}: {self.outputs[-1][-600:]}")
            if chance.random() < 0.15:
                words = chance.choice((("recover",), ("plan",), ("status",)))
                self._count(self._struck(chance, self.command(*words, self.recipe(tale)), longest=1.5))
            if code == 4 or left <= 0 or chance.random() < 0.2:
                time.sleep(_IN_THE_AIR_SECONDS)
                made = deciding.decide(self, tale)
                with self._lock:
                    self.report.decisions += made
        raise RuntimeError(f"{tale.name} did not come to an end: {self.outputs[-1][-600:]}")

    def _count(self, code: int) -> None:
        with self._lock:
            self.report.kills += code == -signal.SIGKILL

    def _restart_services(self) -> None:
        """The services die too, and come back with their books."""
        chance = random.Random(f"{self.seed}/restarts")
        for _ in range(chance.choice((0, 1, 1, 2))):
            if self._over.wait(chance.uniform(4, 15)):
                return
            self.standing.restart(chance.choice((signal.SIGKILL, signal.SIGTERM)))
