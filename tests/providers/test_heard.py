"""What the pages hear in a webhook: the job's id, or nothing; and whom they believe where a secret is known."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.digest import dumps
from pipeline.providers import seedancee2
from pipeline.providers.hooks import Hooks, told
from tests.providers.test_hostile import JSON, PAGES

VECTOR = b'{"data":{"id":"vid_test","status":"completed"}}'  # C1
MOMENT = 1_770_000_000
MAC = "91942a927981689dffb58cef7afb9faf04d4bc8c3c8f23c512a152d7ab0632f7"
SECRET = "whsec_test"


def heard(header: str | None, body: bytes = VECTOR, *, secret: str = SECRET, now: float = MOMENT) -> str | None:
    headers = {"content-type": "application/json"} | ({"x-seedancee2-signature": header} if header is not None else {})
    return seedancee2.heard(body, headers, secret, now)


@pytest.mark.parametrize("name", PAGES)
def test_every_service_hears(name: str) -> None:
    """Each page has the members, and only Seedancee2 names a secret."""
    assert isinstance(PAGES[name], Hooks)
    secret = "SEEDANCEE2_WEBHOOK_SECRET" if name == "seedancee2" else ""
    assert secret == PAGES[name].SECRET_ENV


@pytest.mark.parametrize(
    "name, body, job",
    [
        ("seegen", {"taskId": "task_abc123", "status": "COMPLETED", "error": None}, "task_abc123"),
        ("older", {"taskId": "task_abc123", "status": "FAILED", "error": "no"}, "task_abc123"),
        ("upscaler", {"taskId": "up_1", "status": "failed", "error": {"code": "INVALID_URL"}}, "up_1"),
        ("seedance2-movie", {"code": "200", "message": "Success", "result": {"task_id": "t1"}}, "t1"),
        ("seedance2-movie", {"code": "PRIVACY_VIOLATION", "result": {"task_id": "t1"}}, "t1"),
        ("seedance2-movie", {"task_id": "t1", "status": "completed"}, "t1"),
        ("seedancee2", {"data": {"id": "vid_1", "status": "failed", "error": {"code": "x"}}}, "vid_1"),
        ("naci", {"id": "cgt-1", "status": "running"}, "cgt-1"),
        ("naci", {"id": "cgt-1", "status": "failed", "error": {"code": "X", "message": "y"}}, "cgt-1"),
        ("naci", {"code": "success", "data": {"id": 7, "task_id": "cgt-1", "data": {"id": "cgt-2"}}}, "cgt-1"),
        ("naci", {"code": "success", "message": "", "data": None}, None),
    ],
)
def test_the_id_is_found_where_the_poll_has_it(name: str, body: Any, job: str | None) -> None:
    """Whether the job is done, failed or under way."""
    assert PAGES[name].heard(dumps(body).encode(), {}, "", MOMENT) == job


def test_the_vector_is_believed() -> None:
    """READINGS C1; header names in any case, several signatures, five minutes either way."""
    assert heard(f"t={MOMENT},v1={MAC}") == "vid_test"
    assert heard(f"t={MOMENT},v1={'0' * 64},v1={MAC},v0=x") == "vid_test"
    assert heard(f" v1={MAC} , t={MOMENT} ") == "vid_test"
    assert heard(f"t={MOMENT},v1={MAC}", now=MOMENT + 300) == "vid_test"
    assert seedancee2.heard(VECTOR, {"X-Seedancee2-Signature": f"t={MOMENT},v1={MAC}"}, SECRET, MOMENT) == "vid_test"


@pytest.mark.parametrize(
    "header",
    [None, "", "v1=" + MAC, f"t={MOMENT}", f"t={MOMENT},v1=", f"t={MOMENT},v1={MAC[:-1]}", f"t={MOMENT},v1={'é' * 64}",
     f"t={MOMENT + 1},v1={MAC}", f"t={MOMENT},t={MOMENT + 1},v1={MAC}", f"t=-{MOMENT},v1={MAC}", f"t= ,v1={MAC}",
     f"t={'9' * 40},v1={MAC}", f"t=١٧٧٠٠٠٠٠٠٠,v1={MAC}", f"t={MOMENT},v1=\ud800", "=,=,,"],
)  # fmt: skip
def test_a_missing_or_wrong_signature_is_not(header: str | None) -> None:
    """Where the secret is known; without it the same delivery is a hint like any other."""
    assert heard(header) is None
    assert heard(header, secret="") == "vid_test"


def test_an_old_signature_an_altered_body_and_another_secret_are_not() -> None:
    """The signature is over the raw bytes, and for five minutes."""
    good = f"t={MOMENT},v1={MAC}"
    assert heard(good, now=MOMENT + 300.5) is None
    assert heard(good, now=MOMENT - 301) is None
    assert heard(good, VECTOR + b" ") is None
    assert heard(good, secret="whsec_tesu") is None


def test_a_good_signature_of_what_names_no_job_is_no_hint() -> None:
    """Signed or not, a body without an id says nothing."""
    for body in (b"", b"{}", b'{"data": {"id": ""}}', b"\xff\xfe", b"[" * 100_000):
        mac = hmac.new(SECRET.encode(), f"{MOMENT}.".encode() + body, hashlib.sha256).hexdigest()
        assert heard(f"t={MOMENT},v1={mac}", body) is None


@given(body=JSON.map(lambda value: json.dumps(value, default=str).encode()) | st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_an_id_or_nothing(body: bytes) -> None:
    """No page raises, whatever is sent."""
    for page in PAGES.values():
        job = page.heard(body, {"x-seedancee2-signature": "t=1,v1=2"}, "", 0.0)
        assert job is None or (isinstance(job, str) and job)
        page.heard(body, {"x-seedancee2-signature": "t=1,v1=2"}, SECRET, 1.0)


@pytest.mark.parametrize("body", [b"1e" + b"9" * 30, b"9" * 5000, b"nope", b"\xff", b"{" * 5000, b'{"a": 1e999999999}'])
def test_a_body_that_is_no_json_is_nothing(body: bytes) -> None:
    """Numbers beyond any measure among them."""
    assert told(body) is None
