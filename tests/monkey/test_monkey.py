"""Random sequences of different commands on one workspace: a wish is paid for once, whatever was typed."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.monkey.machine import Monkey
from tests.monkey.theatre import Theatre

QUICK = hypothesis.settings(
    max_examples=10, stateful_step_count=12, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(hypothesis.HealthCheck), print_blob=False,
)  # fmt: skip
LONG = hypothesis.settings(QUICK, max_examples=80, stateful_step_count=25, derandomize=False)


@pytest.fixture(scope="module")
def monkey() -> Iterator[type[Monkey]]:
    """A monkey with a theatre to itself."""
    theatre = Theatre()
    yield type("Monkey", (Monkey,), {"theatre": theatre})
    theatre.close()


def test_a_few_sequences_of_commands(monkey: type[Monkey]) -> None:
    """The same ones each time."""
    run_state_machine_as_test(monkey, settings=QUICK)


@pytest.mark.slow
def test_many_sequences_of_commands(monkey: type[Monkey]) -> None:
    """Others each time."""
    run_state_machine_as_test(monkey, settings=LONG)
