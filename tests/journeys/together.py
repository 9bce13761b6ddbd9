"""Gets ready, waits for a line, then runs a recipe and says how it ended, as JSON: `together.py RECIPE WORKSPACE`."""

from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import House, Wants
from pipeline.digest import dumps
from pipeline.errors import RushesError
from pipeline.media import probe
from pipeline.providers import http


def main(recipe: Path, workspace: Path) -> None:
    assert probe, http  # what takes long is there before the others begin
    print("ready", flush=True)
    sys.stdin.readline()
    wants = Wants(yes=True, max_credits=Decimal(10_000), workspace=workspace)
    try:
        ended = api.run(recipe, wants, House.of_user(os.environ))
    except RushesError as error:
        print(dumps({"code": error.exit_code, "fact": error.fact, "shots": {}}))
        return
    shots = {shot["id"]: shot for shot in ended.manifest["shots"]}
    told = {name: [shot["status"], shot["error"]] for name, shot in shots.items()}
    print(dumps({"code": ended.exit_code, "run": ended.manifest["run"]["id"], "shots": told}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
