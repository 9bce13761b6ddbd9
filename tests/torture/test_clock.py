"""Clocks that jump: back and forward, between processes and while one runs; the money stays where it was."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.journeys.services import Street
from tests.torture.hardship import NAME, machine, shim

pytestmark = pytest.mark.slow
JUMPS = (-3600, 3600, -400, 400, 7, -7, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_jumps_while_a_run_is_killed_and_resumed(seed: int, street: Street, tmp_path: Path) -> None:
    """However the clock stood, each shot is made once, and no run waits for a moment that is long past."""
    chance = random.Random(seed)
    library, clock = shim(tmp_path), tmp_path / "clock"
    clock.write_text("0")
    with street(NAME, seconds_per_job=0.5) as quarter:
        one = machine(quarter, tmp_path)
        bent = {"LD_PRELOAD": library, "SHIM_CLOCK": str(clock)}
        command = [sys.executable, "-m", "pipeline", "run", str(one.recipe), "--yes", "--workspace",
                   str(one.workspace), "--output", str(one.output)]  # fmt: skip
        for _ in range(4):
            clock.write_text(str(chance.choice(JUMPS)))
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**one.environ, **bent}
            )
            jump = threading.Timer(chance.uniform(0.5, 1.5), clock.write_text, [str(chance.choice(JUMPS))])
            jump.start()
            try:
                process.wait(chance.uniform(0.8, 2.5))
            except subprocess.TimeoutExpired:
                process.kill()
            out, err = process.communicate()
            jump.join()
            assert process.returncode in (0, 4, -signal.SIGKILL), out + err
            assert "Traceback" not in err
        clock.write_text(str(chance.choice(JUMPS)))
        one.is_told_well(one.run(**bent), 0, 4)
        one.finishes()


@pytest.mark.parametrize("days", [-40, -1, 1, 40])
def test_a_clock_that_is_days_off_between_two_processes(days: int, street: Street, tmp_path: Path) -> None:
    """The second process lives in another day: what was made is there, and the caps of both days hold."""
    library, clock = shim(tmp_path), tmp_path / "clock"
    clock.write_text(str(days * 86400))
    with street(NAME) as quarter:
        one = machine(quarter, tmp_path)
        first = one.rushes(
            "run", str(one.recipe), "--yes", "--output", str(one.output), "--only", "a",
            LD_PRELOAD=library, SHIM_CLOCK=str(clock),
        )  # fmt: skip
        one.is_told_well(first, 0)
        one.finishes()
