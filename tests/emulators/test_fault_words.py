"""Faults as people write them."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import pipeline.emulators
from pipeline.emulators.faults import CATALOG, FIELDS, OPERATIONS, Fault, Faults, written_fault


@pytest.mark.parametrize("name", CATALOG)
def test_a_name_is_enough(name: str) -> None:
    """Once, and as the catalog says."""
    assert written_fault(name) == Fault(name=name)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("html_502:times=all,on=query", Fault(name="html_502", times=None, on="query")),
        ("rate_limited:times=3,retry_after=0", Fault(name="rate_limited", times=3, retry_after=0)),
        ("frozen:probability=0.25,match=taskId=7", Fault(name="frozen", probability=0.25, match="taskId=7")),
        ("refused:message=bad, very bad,status=418", Fault(name="refused", message="bad, very bad", status=418)),
        ("redirected:message=https://a.example/x", Fault(name="redirected", message="https://a.example/x")),
        ("answer_form:form=raw", Fault(name="answer_form", form="raw")),
        ("slow_job:seconds=1.5", Fault(name="slow_job", seconds=1.5)),
    ],
)
def test_fields_are_told_after_a_colon(text: str, fault: Fault) -> None:
    """Commas, colons and equals signs may stand in a value."""
    assert written_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no fault."),
        ("lost", "'lost' is no fault"),
        ("frozn", "did you mean frozen?"),
        ("frozen:", None),
        ("frozen:times", "'times' is no field=value"),
        ("frozen:name=x", "'name=x' is no field=value"),
        ("frozen:times=0", "times: '0' is no whole number above 0"),
        ("frozen:probability=2", "not above 0 and at most 1"),
        ("frozen:probability=0", "not above 0 and at most 1"),
        ("frozen:seconds=inf", "'inf' is no number"),
        ("frozen:seconds=-1", "'-1' is no number"),
        ("frozen:on=creat", "'creat' is none of create"),
        ("answer_form:form=xml", "'xml' is none of wrapped"),
    ],
)
def test_what_is_no_fault_is_told(text: str, complaint: str | None) -> None:
    """With the word that is wrong."""
    if complaint is None:
        assert written_fault(text) == Fault(name="frozen")
        return
    with pytest.raises(ValueError) as caught:
        written_fault(text)
    assert complaint in str(caught.value)


def test_every_field_and_operation_can_be_told() -> None:
    """The words are those of the class, and of the services' endpoints."""
    assert set(FIELDS) == {field.name for field in fields(Fault)} - {"name"}
    folder = Path(pipeline.emulators.__file__ or "").parent
    known = {op for path in folder.glob("*.py") for op in re.findall(r'\bop="(\w+)"', path.read_text(encoding="utf-8"))}
    assert known - {"nowhere"} <= set(OPERATIONS)
    assert {kind.on for kind in CATALOG.values()} - {""} <= set(OPERATIONS)


def test_what_never_struck_is_known() -> None:
    """A fault that struck once of three times is not among it."""
    faults = Faults([Fault(name="frozen"), Fault(name="rate_limited", times=3), Fault(name="html_502", times=None)])
    assert faults.unspent() == ["frozen", "rate_limited", "html_502"]
    assert faults.take("before", "create", "") is not None
    assert faults.unspent() == ["frozen", "html_502"]
