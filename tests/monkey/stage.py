"""Where the monkey's commands are carried out: a process that forks one for each, which may die at any moment.

A command that is killed leaves just what its process had written, and nothing it would have written afterwards. Asked
by lines of JSON on standard input; run as `python -m tests.monkey.stage CLIPS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.monkey.services import ACCOUNTS, Counter, Lens, Listed, Wire, books, clip

CHANGES = ("open", "os.rename", "os.remove")
"""What a process does to files that counts as a moment."""
BESIDE_SECONDS = 0.05
_GO, _END = b"g", b"e"


class Moments:
    """Counts the moments of a process; at the nth it is dead, or waits until it is told to go on."""

    def __init__(self, folder: Path, at: int, waits: tuple[int, int] | None) -> None:
        self.count, self.at, self.waits, self.folder = 0, at, waits, str(folder)

    def __call__(self) -> None:
        self.count += 1
        if self.count != self.at:
            return
        if self.waits is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            told, heard = self.waits
            os.write(told, _GO)
            os.read(heard, 1)

    def look(self, name: str, told: tuple[Any, ...]) -> None:
        """What Python says of a process as it does it."""
        if name in CHANGES and isinstance(told[0], str) and told[0].startswith(self.folder):
            if "/books" in told[0] or (name == "open" and not (told[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
                return
            self()


class Child(NamedTuple):
    """A command under way, what it says it has come to, and how it is told to go on."""

    pid: int
    heard: int
    tell: int
    out: Path


class Stage:
    """Carries out commands in one folder; `clips` is where what services deliver is kept."""

    def __init__(self, clips: Path) -> None:
        self.clips = clips

    def ask(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        """The ends of a command and of the one beside it, if any: exit code, -9 where it was killed, and its words."""
        folder = Path(told["folder"])
        first = self._begin(folder, told["argv"], told["dies"], told["waits"], "first")
        ended = []
        if told["beside"]:
            os.read(first.heard, 1)
            second = self._begin(folder, told["beside"], told["beside_dies"], 0, "second")
            select.select([second.heard], [], [], BESIDE_SECONDS)
            with contextlib.suppress(BrokenPipeError):  # it came to its end before that moment
                os.write(first.tell, _GO)
            ended = [second]
        return [self._end(one) for one in (first, *ended)]

    def _begin(self, folder: Path, argv: list[str], dies: int, waits: int, name: str) -> Child:
        heard, tell = os.pipe()
        hears, tells = os.pipe()
        out = folder / f"{name}.txt"
        pid = os.fork()
        if pid:
            os.close(tell)
            os.close(hears)
            return Child(pid, heard, tells, out)
        os.close(heard)
        os.close(tells)
        code = 70
        try:
            file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(file, 1)
            os.dup2(file, 2)
            moments = Moments(folder, waits or dies, (tell, hears) if waits else None)
            sys.addaudithook(moments.look)
            code = carry_out(folder, self.clips, argv, moments)
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(tell, _END)
        except BaseException:
            import traceback

            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _end(self, child: Child) -> dict[str, Any]:
        _, status = os.waitpid(child.pid, 0)
        os.close(child.heard)
        os.close(child.tell)
        return {"code": os.waitstatus_to_exitcode(status), "told": child.out.read_text(errors="replace")}


def carry_out(folder: Path, clips: Path, argv: list[str], moments: Moments) -> int:
    """The command, in a house whose services are those of the monkey and whose clock is the world's."""
    from pipeline.cli.main import main
    from pipeline.config import Config, Publish
    from pipeline.desk import House
    from pipeline.providers.catalog import PROVIDERS

    with books(folder, change=False) as now:
        late = timedelta(seconds=now.late_seconds)

    def clock() -> datetime:
        moments()
        return datetime.now(UTC) + late

    os.chdir(folder)
    home = House(
        providers={**PROVIDERS, "till": Listed("till"), "box": Counter("box"), "lens": Counter("lens")},  # type: ignore[dict-item]
        wires={
            account: Wire(folder, clips, page, account, moments) for page, some in ACCOUNTS.items() for account in some
        },
        upscalers={"lens": Lens()},
        now=clock,
        config=Config(
            publish=Publish(store=f"file://{folder}/public", base_url="https://public.example"),
            video_seconds=0.15,
            upscale_seconds=0.15,
            usd_per_credit={"till": Decimal("0.01")},
        ),
        processors=2,
        rest_seconds=0.02,
    )
    return main(argv, home)


_FIRST = """
rushes: 1
name: first
defaults: {provider: till, account: till@rehearsal, duration: 1}
budget: {run: {credits: {till@rehearsal: 9, lens: 9}}}
shots:
  - {id: a, prompt: a, upscale: {to: 1080p, by: service}}
  - {id: b, prompt: b, chain: a}
"""


def warm_up(clips: Path) -> None:
    """Imports whatever a command needs, so that those that are forked need not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.yaml").write_text(_FIRST)
        for words in ("run recipe.yaml --yes", "verify recipe.yaml", "gc"):
            carry_out(folder, clips, [*words.split(), "--quiet"], Moments(folder, 0, None))
        os.chdir("/")


def main() -> None:
    """Answers until nobody asks any more."""
    clips = Path(sys.argv[1])
    for number in range(1, 25):
        clip(clips, number)
    warm_up(clips)
    stage = Stage(clips)
    for line in sys.stdin:
        print(json.dumps(stage.ask(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
