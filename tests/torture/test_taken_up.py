"""A job that one run has begun and another takes up: one job is one charge, wherever its number comes from."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.digest import loads
from tests.journeys.services import Street
from tests.torture.hardship import machine

NAME = "seegen"
STILL = """
rushes: 1
name: {name}
defaults: {{provider: seegen}}
budget: {{run: {{credits: {{seegen: 30}}}}}}
shots: [{{id: common, kind: image, model: gpt-image-2, prompt: a red door}}]
"""


@pytest.mark.slow
def test_a_job_is_taken_up_by_a_run_whose_own_request_was_refused(street: Street, tmp_path: Path) -> None:
    """Run A's first request was not taken; run B's was, and died; A takes B's job up: it is paid once."""
    with street(NAME, seconds_per_job=2) as quarter:
        one = machine(quarter, tmp_path)
        paths = {name: tmp_path / f"{name}.yaml" for name in ("a", "b")}
        for name, path in paths.items():
            path.write_text(STILL.format(name=name))

        quarter.stand.faults.add("cut_before")
        assert one.rushes("run", str(paths["a"]), "--yes").returncode == 4
        assert one.rushes("recover", str(paths["a"]), "--resubmit", "common").returncode == 0

        command = [sys.executable, "-m", "pipeline", "run", str(paths["b"]), "--yes", "--workspace", str(one.workspace)]
        with subprocess.Popen(command, env=dict(one.environ), stderr=subprocess.DEVNULL) as other:
            while not quarter.stand.books()["created"]:
                time.sleep(0.05)
            time.sleep(0.5)
            other.kill()

        done = one.rushes("run", str(paths["a"]), "--yes")
        assert done.returncode == 0, done.stderr
        books = quarter.stand.books()
        (row,) = loads(one.rushes("ledger", "--format", "json").stdout)["totals"]
        assert books["created"] == 1
        assert (row["charged"], row["reserved"], row["unknown"]) == (books["totals"]["charged"], 0, 0)
