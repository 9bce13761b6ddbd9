"""A command typed in this process, before stand-ins of services: how it finds them, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.emulators.street import Stand
from pipeline.providers.catalog import SERVICES


def environ_of(street: Mapping[str, Stand]) -> dict[str, str]:
    """What leads to the stand-ins, in place of the services; the terminal is wide enough for a table."""
    found = {"COLUMNS": "100"}
    for name, stand in street.items():
        found |= {SERVICES[name].BASE_URL_ENV: stand.base_url, SERVICES[name].KEY_ENV: stand.key}
    return found


class Typed:
    """A command in this process: its exit code, and what it wrote."""

    def __init__(self, name: str, capsys: pytest.CaptureFixture[str], environ: Mapping[str, str], *args: str) -> None:
        capsys.readouterr()
        self.code = main([name, *args], House.of_user(environ))
        self.out, self.err = capsys.readouterr()
        self.words = " ".join(self.out.split())
