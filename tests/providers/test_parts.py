"""Which part of a request a service's rules forbid, by its codes and its words; what has no such code is not told."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import AccountRefused, Moderated, Part, ProviderError
from pipeline.providers import naci, seedance2_movie, seedancee2, seegen, seegen_assets
from pipeline.providers.base import Asked, Reply, Service

NACI = naci.page()
ARK = {  # ark-cli error-codes.md:50-106
    "InputTextSensitiveContentDetected": Part.PROMPT,
    "InputTextSensitiveContentDetected.PolicyViolation": Part.PROMPT,
    "InputImageSensitiveContentDetected.PrivacyInformation": Part.IMAGE,
    "InputVideoSensitiveContentDetected.PolicyViolation": Part.VIDEO,
    "InputAudioSensitiveContentDetected": Part.AUDIO,
    "OutputVideoSensitiveContentDetected.PolicyViolation": Part.OUTPUT,
    "OutputImageSensitiveContentDetected": Part.OUTPUT,
    "OutputAudioSensitiveContentDetected": Part.OUTPUT,
    "SensitiveContentDetected.SevereViolation": Part.UNTOLD,
}
MOVIE = {  # S2:259-261
    "CONTENT_MODERATION_FAILED": Part.UNTOLD,
    "COPYRIGHT_VIOLATION": Part.UNTOLD,
    "PRIVACY_VIOLATION": Part.IMAGERY,
}


def moderated(error: ProviderError | None) -> Part:
    assert isinstance(error, Moderated)
    return error.part


@pytest.mark.parametrize("code", ARK)
def test_arks_codes_say_which_input_or_that_it_is_the_output(code: str) -> None:
    """At create and of a job that failed, behind naci's envelopes and behind SeeGen's, with and without a code."""
    upstream = {"error": {"code": code, "message": "No."}}
    nested = {"code": "fail_to_fetch_task", "message": str(upstream).replace("'", '"'), "data": None}
    assert moderated(NACI.fault(Reply(status=400, json=nested))) is ARK[code]
    failed = {
        "code": "success",
        "data": {"task_id": "t", "status": "FAILURE", "data": {"status": "failed", **upstream}},
    }
    assert moderated(NACI.status(Reply(status=200, json=failed)).error) is ARK[code]
    assert moderated(seegen.fault(Reply(status=400, json=upstream))) is ARK[code]
    job: dict[str, Any] = {"taskId": "t", "status": "FAILED", "error": f"{code}: No."}
    assert moderated(seegen.status(Reply(status=200, json=job)).error) is ARK[code]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("The request failed because the input text may contain sensitive information.", Part.PROMPT),
        ("The request failed because the input image may contain real person.", Part.IMAGE),
        ("The request failed because the output video may be related to copyright restrictions.", Part.OUTPUT),
        ("Content moderation failed: input or output contains sensitive content", Part.UNTOLD),
    ],
)
def test_arks_words_do_as_well_as_its_codes(words: str, part: Part) -> None:
    """SeeGen passes them on without any code (S0:528)."""
    job = {"taskId": "t", "status": "FAILED", "error": words}
    assert moderated(seegen.status(Reply(status=200, json=job)).error) is part


@pytest.mark.parametrize("code", MOVIE)
def test_movies_three_codes(code: str) -> None:
    """Whatever the HTTP status (S2:266), and of a task that failed."""
    for status in (200, 400):
        assert (
            moderated(seedance2_movie.fault(Reply(status=status, json={"code": code, "message": "No"}))) is MOVIE[code]
        )
    job = {"code": "200", "result": {"task_id": "t", "status": "failed", "error_code": code, "error_message": "No"}}
    assert moderated(seedance2_movie.status(Reply(status=200, json=job)).error) is MOVIE[code]


def test_seedancee2_has_no_code_for_it_and_its_words_do() -> None:
    """Its public codes name none (S3:396-404); a failure whose words ask for another prompt is not one."""
    for code in ("content_policy_violation", "x"):
        error = {"code": code, "message": "content moderation"}
        assert moderated(seedancee2.fault(Reply(status=400, json={"error": error}))) is Part.UNTOLD
    plain = {"code": "generation_failed", "message": "Please try again with a different prompt."}
    status = seedancee2.status(Reply(status=200, json={"data": {"id": "v", "status": "failed", "error": plain}}))
    assert not isinstance(status.error, Moderated)


def test_a_review_that_says_no_forbids_its_input() -> None:
    """`failReason` (S0:362)."""
    asset = {"assetId": 1, "volcAssetId": "a", "status": "FAILED", "failReason": "A face."}
    assert moderated(seegen_assets.asset(Reply(status=200, json=asset)).error) is Part.INPUT


@pytest.mark.parametrize(("asked", "kind"), [("create", True), ("poll", False)])
def test_what_is_not_found_at_a_create_is_no_job(asked: Asked, kind: bool) -> None:
    """Ark's NotFound is about an endpoint then, and the same request is not at fault."""
    service: Service = NACI
    error = service.fault(Reply(status=404, json={"error": {"code": "NotFound.Endpoint", "message": "x"}}), asked)
    assert isinstance(error, AccountRefused) is kind
