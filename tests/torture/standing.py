"""The stand-ins in a process of their own: `standing.py STATE PORT FAULTS`, FAULTS being JSON by service.

As `rushes emulate --state` lets them stand, but with small clips instead of drawn ones.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.digest import loads
from pipeline.emulators.settings import ALL, KEYS
from pipeline.providers.catalog import SERVICES
from tests.emulators import ports

ROOT = Path(__file__).resolve().parents[2]
_PORTS = len(ALL) + 1
_PATIENCE_SECONDS = 60.0

Faults = Mapping[str, Sequence[Mapping[str, Any]]]


class Standing:
    """Four services that keep their books in `state`; they can be killed, and stand again at the same addresses."""

    def __init__(self, state: Path, faults: Faults) -> None:
        self.state, self.faults = state, faults
        self.port = ports.free(_PORTS)
        self.struck: list[str] = []
        self.lives = 0
        self._process: subprocess.Popen[str] | None = None
        self._start()

    @property
    def urls(self) -> dict[str, str]:
        """Each service's own address."""
        return {name: f"http://127.0.0.1:{self.port + n}" for n, name in enumerate(ALL)}

    def environ(self) -> dict[str, str]:
        """What a user who rehearses with these services has in the environment."""
        found = {
            "RUSHES_PUBLISH": (self.state.resolve() / "published").as_uri(),
            "RUSHES_PUBLISH_BASE_URL": f"http://127.0.0.1:{self.port + len(ALL)}/published",
        }
        for name, url in self.urls.items():
            page = SERVICES[name]
            found[page.BASE_URL_ENV] = url + ("/api/v1" if name == "seegen" else "")
            found[page.KEY_ENV] = KEYS[name][0]
        return found

    def _start(self) -> None:
        command = [sys.executable, str(Path(__file__)), str(self.state), str(self.port), json.dumps(self.faults)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "they stand\n"
        self.lives += 1

    def books(self, name: str) -> Any:
        """One service's books, amounts exact; waits while it does not stand."""
        return self._ask(name, "books")

    def _ask(self, name: str, what: str) -> Any:
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with urlopen(f"{self.urls[name]}/_emulator/{what}", timeout=_PATIENCE_SECONDS) as answer:
                    return loads(answer.read())
            except (OSError, HTTPException):
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _end(self, number: int) -> None:
        process = self._process
        assert process is not None
        for name in ALL:
            self.struck += self._ask(name, "faults")["struck"]
        process.send_signal(number)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def restart(self, number: int) -> None:
        """Ends the services by this signal, and lets them stand again."""
        self._end(number)
        time.sleep(0.2)
        self._start()

    def close(self) -> None:
        """Ends the services for good."""
        self._end(signal.SIGKILL)


def main(state: Path, port: int, faults: Faults) -> None:
    """Stands until it is ended."""
    from pipeline.emulators import rehearsal
    from pipeline.emulators.settings import Settings

    def tell(standing: rehearsal.Rehearsal) -> None:
        for name, waiting in faults.items():
            for fault in waiting:
                standing.stands[name].faults.add(**fault)
        print("they stand", flush=True)

    settings = Settings(draw=False, seconds_per_job=1, seconds_per_review=0.05, state=state, credits=Decimal(10**6))
    rehearsal.run(ALL, settings=settings, port=port, tell=tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
