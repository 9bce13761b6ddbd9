"""Runs a recipe and kills its own process at the nth event that it hears: `self_killed.py RECIPE WORKSPACE N`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline import api
from pipeline.desk import House, Wants
from pipeline.errors import RushesError
from tests.killing import Killing


def main(recipe: Path, workspace: Path, at: int) -> int:
    """The exit code, where it lives to have one."""
    killing = Killing(at)
    try:
        return api.run(
            recipe, Wants(yes=True, workspace=workspace), House.of_user(os.environ), listen=lambda _: killing
        ).exit_code
    except RushesError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
