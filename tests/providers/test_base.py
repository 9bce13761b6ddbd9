"""The words that pages speak in: values, compared by what they say."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.providers.base import Call, Complaint, Input, Reply, Status, is_local
from pipeline.providers.catalog import PROVIDERS
from tests import stub, till


@pytest.mark.parametrize(
    "value",
    [
        Call(method="GET", path="/jobs/1"),
        Reply(status=200),
        Status(done=False),
        Complaint(field="ratio", fact="no.", hint="so."),
        Input(role="reference", media="image", name="keeper"),
    ],
)
def test_values_are_equal_by_what_they_hold(value: object) -> None:
    """A copy is the same; a field that is none cannot be set."""
    with pytest.raises(AttributeError):
        value.other = 1  # type: ignore[attr-defined]
    assert dataclasses.replace(value) == value  # type: ignore[type-var]


def test_who_draws_here_is_known_by_what_the_page_can_do() -> None:
    """A page that can `make` is local, whoever wrote it."""
    assert is_local(stub)
    assert is_local(PROVIDERS["animatic"])
    assert not is_local(till)
