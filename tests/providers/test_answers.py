"""What services answer: every documented status, every row of the error tables, every form of a body."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import AccountRefused, Advice, JobLost, Moderated, ProviderError
from pipeline.providers import answers, naci, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Asked, Reply, Service
from pipeline.providers.catalog import SERVICES
from tests.providers.wishes import D, ok

NACI = naci.page()
PAGES: dict[str, Any] = {**SERVICES, "older": seegen_older, "upscaler": seegen_upscaler}
NEVER, LATER, SLOW, DOUBT = Advice.NEVER, Advice.LATER, Advice.SLOW_DOWN, Advice.DOUBT

# Each row: HTTP status, body, class of the error, advice for a create, advice for a poll.
Row = tuple[int, Any, type[ProviderError], Advice, Advice]


def movie(code: str) -> dict[str, Any]:
    return {"code": code, "message": "it says so", "result": None}


def said(code: str, type: str = "x") -> dict[str, Any]:
    return {"error": {"code": code, "message": "it says so", "type": type}}


SEEGEN: list[Row] = [  # S0:536-544
    (400, {"message": "duration is wrong"}, ProviderError, NEVER, NEVER),
    (401, {"message": "no key"}, AccountRefused, NEVER, NEVER),
    (402, {"message": "no credits"}, AccountRefused, NEVER, NEVER),
    (403, {"message": "not yours"}, AccountRefused, NEVER, NEVER),
    (429, {"message": "3 tasks"}, ProviderError, SLOW, SLOW),
    (500, {"message": "broken"}, ProviderError, DOUBT, LATER),
    (502, None, ProviderError, DOUBT, LATER),
    (503, {"message": "maintenance"}, ProviderError, LATER, LATER),
    (503, None, ProviderError, DOUBT, LATER),  # a proxy's own page
    (504, None, ProviderError, DOUBT, LATER),
    (408, None, ProviderError, DOUBT, LATER),
    (301, None, AccountRefused, NEVER, NEVER),
    (303, None, ProviderError, DOUBT, LATER),
    (200, {}, answers.Unreadable, DOUBT, LATER),
    (200, None, answers.Unreadable, DOUBT, LATER),
    (400, {"message": "InputTextSensitiveContentDetected: no"}, Moderated, NEVER, NEVER),
    (400, {"code": "INVALID_URL", "message": "no https"}, ProviderError, NEVER, NEVER),  # S0:469-479, A21
    (400, {"error": {"code": "SOURCE_RESOLUTION_TOO_HIGH", "message": "4k"}}, ProviderError, NEVER, NEVER),
    (400, {"error": {"code": "INSUFFICIENT_CREDITS", "message": "top up"}}, AccountRefused, NEVER, NEVER),
]
MOVIE: list[Row] = [  # S2:245-273; under any HTTP status
    (status, movie(code), kind, create, poll)
    for code, kind, create, poll in (
        ("INVALID_API_KEY", AccountRefused, NEVER, NEVER),
        ("INVALID_PARAMETER", ProviderError, NEVER, NEVER),
        ("MISSING_PARAMETER", ProviderError, NEVER, NEVER),
        ("INSUFFICIENT_CREDIT", AccountRefused, NEVER, NEVER),
        ("CREDIT_DEDUCT_FAILED", ProviderError, DOUBT, LATER),
        ("TASK_NOT_FOUND", JobLost, NEVER, NEVER),
        ("TASK_SUBMIT_FAILED", ProviderError, DOUBT, LATER),
        ("TASK_CANCEL_NOT_ALLOWED", ProviderError, NEVER, NEVER),
        ("CONCURRENCY_LIMIT_REACHED", ProviderError, DOUBT, SLOW),
        ("FILE_UPLOAD_FAILED", ProviderError, LATER, LATER),
        ("VIDEO_DOWNLOAD_FAILED", ProviderError, DOUBT, LATER),
        ("CONTENT_MODERATION_FAILED", Moderated, NEVER, NEVER),
        ("COPYRIGHT_VIOLATION", Moderated, NEVER, NEVER),
        ("PRIVACY_VIOLATION", Moderated, NEVER, NEVER),
        ("SERVICE_BUSY", ProviderError, LATER, LATER),
        ("RATE_LIMIT_EXCEEDED", ProviderError, SLOW, SLOW),
        ("INTERNAL_ERROR", ProviderError, DOUBT, LATER),
    )
    for status in (200, 400, 500)
]
MOVIE += [
    (401, None, AccountRefused, NEVER, NEVER),
    (402, None, AccountRefused, NEVER, NEVER),
    (429, None, ProviderError, SLOW, SLOW),
    (200, movie("SOMETHING_NEW"), ProviderError, DOUBT, LATER),
    (200, {"code": 429, "message": "slow"}, ProviderError, SLOW, SLOW),
    (200, {"code": "200", "message": "Success", "result": {}}, ProviderError, DOUBT, LATER),
    (200, {"code": "200", "message": "Success", "result": None}, ProviderError, DOUBT, LATER),
]
SEEDANCEE2: list[Row] = [  # S3:396-404
    (400, said("invalid_request"), ProviderError, NEVER, NEVER),
    (401, said("invalid_api_key"), AccountRefused, NEVER, NEVER),
    (402, said("insufficient_credits"), AccountRefused, NEVER, NEVER),
    (404, said("model_not_found"), ProviderError, NEVER, NEVER),
    (404, said("task_not_found"), JobLost, NEVER, NEVER),
    (500, said("internal_error"), ProviderError, DOUBT, LATER),
    (403, said("forbidden"), AccountRefused, NEVER, NEVER),  # C3
    (409, said("conflict"), ProviderError, NEVER, NEVER),
    (429, said("rate_limited"), ProviderError, SLOW, SLOW),
    (503, said("unavailable"), ProviderError, LATER, LATER),
]
NESTED = '{"error":{"code":"InputImageSensitiveContentDetected.PrivacyInformation","message":"a real face"}}'
ROWS_NACI: list[Row] = [  # READINGS of the gateway's family
    (400, {"code": "invalid_request", "message": "prompt is required", "data": None}, ProviderError, NEVER, NEVER),
    (400, {"code": "task_not_exist", "message": "no task", "data": None}, JobLost, NEVER, NEVER),
    (400, {"code": "model_price_error", "message": "no price", "data": None}, AccountRefused, NEVER, NEVER),
    (401, {"error": {"message": "bad token", "type": "new_api_error", "code": ""}}, AccountRefused, NEVER, NEVER),
    (403, {"code": "insufficient_user_quota", "message": "quota", "data": None}, AccountRefused, NEVER, NEVER),
    (403, {"error": {"message": "banned", "type": "new_api_error"}}, AccountRefused, NEVER, NEVER),
    (413, {"code": "read_request_body_failed", "message": "too large"}, ProviderError, NEVER, NEVER),
    (429, {"code": "x", "message": "当前分组上游负载已饱和，请稍后再试"}, ProviderError, SLOW, SLOW),
    (500, {"code": "do_request_failed", "message": "upstream"}, ProviderError, DOUBT, LATER),
    (500, {"code": "unmarshal_response_body_failed", "message": "upstream"}, ProviderError, DOUBT, LATER),
    (501, {"code": "not_implemented", "message": "no"}, ProviderError, NEVER, NEVER),
    (503, said("model_not_found", "new_api_error"), ProviderError, LATER, LATER),
    (200, {"code": 400, "message": "fail_to_fetch_task", "data": None}, ProviderError, NEVER, NEVER),
    (400, {"code": "fail_to_fetch_task", "message": NESTED, "data": None}, Moderated, NEVER, NEVER),
    (500, {"error": {"code": "fail_to_fetch_task", "message": NESTED}}, Moderated, NEVER, NEVER),
    (400, {"error": "the text alone"}, ProviderError, NEVER, NEVER),
    (429, said("QuotaExceeded"), ProviderError, SLOW, SLOW),
    (429, said("ModelAccountRpmRateLimitExceeded"), ProviderError, SLOW, SLOW),
    (429, said("ServerOverloaded"), ProviderError, LATER, LATER),
    (400, said("InvalidParameter.UnsupportedParameter"), ProviderError, NEVER, NEVER),
    (403, said("AccountOverdueError"), AccountRefused, NEVER, NEVER),
    (404, said("InvalidEndpointOrModel.NotFound"), AccountRefused, NEVER, NEVER),
    (400, said("OutputVideoSensitiveContentDetected.PolicyViolation"), Moderated, NEVER, NEVER),
    (500, said("InternalServiceError"), ProviderError, DOUBT, LATER),
]
TABLE = [
    (name, *row)
    for name, rows in (
        ("seegen", SEEGEN),
        ("upscaler", SEEGEN),
        ("seedance2-movie", MOVIE),
        ("seedancee2", SEEDANCEE2),
        ("naci", ROWS_NACI),
    )
    for row in rows
]


@pytest.mark.parametrize(("name", "status", "body", "kind", "create", "poll"), TABLE)
def test_each_row_of_the_error_tables(
    name: str, status: int, body: Any, kind: type[ProviderError], create: Advice, poll: Advice
) -> None:
    """Its class, and the advice for what was asked: only a create can leave a doubt."""
    page: Service = PAGES[name]
    reply = Reply(status=status, json=body, text="" if body else "<html>no</html>", request_id="req-7")
    asked: tuple[tuple[Asked, Advice], ...] = (("create", create), ("poll", poll))
    for what, advice in asked:
        error = page.fault(reply, what)
        due = AccountRefused if kind is JobLost and what == "create" else kind  # there is no job yet to be lost
        assert (type(error), error.advice) == (due, advice), what
        assert "req-7" in error.fact
        assert error.fact.endswith(".")
        assert error.hint
    assert page.job_id(reply) is None


@pytest.mark.parametrize("name", ["seegen", "upscaler", "seedancee2", "naci"])
def test_a_404_is_a_lost_job_or_a_wrong_address(name: str) -> None:
    """Asked after a job, it is lost; a create that is not found has the wrong base URL."""
    reply = Reply(status=404, json={"message": "not found"})
    assert type(PAGES[name].fault(reply, "poll")) is JobLost
    assert type(PAGES[name].fault(reply, "create")) is AccountRefused


BODIES = [
    ({"error": {"code": "c", "message": "the words"}}, ("c",), "the words"),
    ({"code": "c", "message": "the words"}, ("c",), "the words"),
    ({"message": "the words"}, (), "the words"),
    ({"error": "the words"}, (), "the words"),
    ({"message": '{"error": {"code": "c", "message": "the words"}}'}, ("c",), "the words"),
    (
        {"code": "o", "message": '{"message": "{\\"code\\": \\"i\\", \\"message\\": \\"the words\\"}"}'},
        ("o", "i"),
        "the words",
    ),
    ({"message": "{no json"}, (), "{no json"),
    ({"error": {"message": "line\nbreak\x1b[31m"}}, (), "line break [31m"),
]


@pytest.mark.parametrize(("body", "codes", "message"), BODIES)
def test_the_order_in_which_a_body_is_read(body: Any, codes: tuple[str, ...], message: str) -> None:
    """The one order, for all services; JSON inside a message is opened, what is not printable is not kept."""
    told = answers.said(ok(body, 400))
    assert (told.codes, told.message) == (codes, message)


def test_a_success_without_an_id_is_said_as_that() -> None:
    """And remains a doubt; other words than of success are told as they are."""
    error = seedance2_movie.fault(Reply(status=200, json={"code": 200, "message": "Success", "data": {}}), "create")
    assert (error.advice, error.fact.partition(" (")[0]) == (
        Advice.DOUBT,
        "seedance2-movie answered success without a task id",
    )
    told = seedance2_movie.fault(Reply(status=200, json={"code": 200, "message": "Come back"}), "create")
    assert told.fact.startswith("seedance2-movie says: Come back")


def test_the_retry_after_of_a_service_is_kept() -> None:
    """Whoever sends one is obeyed."""
    assert seegen.fault(Reply(status=429, retry_after=7.0)).after_seconds == 7


# Statuses


def job(status: str, **said: Any) -> dict[str, Any]:
    return {"taskId": "task_abc123", "model": "sd2", "status": status, "creditsUsed": None, "output": None} | said


OUTPUT = [{"url": "https://static.seegen.ai/videos/result.mp4", "width": 1280, "height": 720}]


@pytest.mark.parametrize("page", [seegen, seegen_older])
def test_seegens_jobs(page: Service) -> None:
    """S0:517-531 and S1:198-212: four statuses in any case, anything else goes on."""
    assert page.job_id(ok({"taskId": "task_abc123"})) == "task_abc123"
    for word in ("PENDING", "PROCESSING", "processing", "REVIEWING", ""):
        assert not page.status(ok(job(word))).done
    done = page.status(ok(job("COMPLETED", creditsUsed=200, output=OUTPUT)))
    assert (done.done, done.links, done.charged) == (True, {"video": OUTPUT[0]["url"]}, 200)
    assert page.status(ok(job("Completed", output=OUTPUT))).charged is None
    failed = page.status(ok(job("FAILED", creditsUsed=200, error="upstream gave up")))
    assert failed.error is not None
    assert (failed.error.advice, failed.charged, failed.refunded) == (LATER, 0, 200)
    for why in ("OutputVideoSensitiveContentDetected.PolicyViolation", {"code": "x", "message": "content moderation"}):
        assert type(page.status(ok(job("FAILED", error=why))).error) is Moderated


def test_a_still_is_known_by_its_link() -> None:
    """S0:283: PNG, JPEG or WEBP."""
    output = [{"url": "https://static.seegen.ai/images/a.png?x=1"}]
    assert seegen.status(ok(job("COMPLETED", output=output))).links == {"image": output[0]["url"]}


@pytest.mark.parametrize("output", [None, [], [{}], [{"url": 3}], [{"url": "ftp://x/y"}], "x", [{"url": "https://"}]])
def test_a_completed_job_without_a_link_is_done_without_one(output: Any) -> None:
    """Paid and not delivered is not an error of the request."""
    status = seegen.status(ok(job("COMPLETED", creditsUsed=200, output=output)))
    assert (status.done, status.links, status.charged, status.error) == (True, {}, 200, None)


UPSCALED = {  # S0:435-448
    "taskId": "n770mo4sh6rpi690ff3gwymx",
    "status": "completed",
    "targetResolution": "2k",
    "creditsConsumed": 900,
    "result": {
        "url": "https://static.seedance2-pro.com/standalone-upscale/results/x.mp4",
        "probedDurationSeconds": 30,
        "probedSourceResolution": "1280x720",
    },
    "error": None,
    "createdAt": "2026-04-29T01:23:45.000Z",
    "finishedAt": "2026-04-29T01:35:01.000Z",
}
NOT_UPSCALED = {  # S0:449-458
    "taskId": "n770mo4sh6rpi690ff3gwymx",
    "status": "failed",
    "creditsConsumed": None,
    "result": None,
    "error": {"code": "SOURCE_RESOLUTION_TOO_HIGH", "message": "Source 3840x2160 is not below target 4k"},
}


def test_the_upscalers_jobs() -> None:
    """Another form than the videos': lower case, a result, an error object."""
    page = seegen_upscaler
    assert page.job_id(ok({"taskId": "n770", "orderId": "ord_2026", "status": "validating"})) == "n770"
    for word in ("validating", "processing", "PROCESSING"):
        assert not page.status(ok({"taskId": "n770", "status": word})).done
    done = page.status(ok(UPSCALED))
    assert (done.links["video"], done.charged) == (UPSCALED["result"]["url"], 900)  # type: ignore[index]
    failed = page.status(ok(NOT_UPSCALED))
    assert failed.error is not None
    assert (failed.error.advice, failed.charged) == (NEVER, 0)
    assert "SOURCE_RESOLUTION_TOO_HIGH" in failed.error.fact


def task(status: str, **said: Any) -> dict[str, Any]:
    result = {"task_id": "a1b2c3d4e5f6", "status": status, "seed": None, "credit_cost": D("14.4")} | said
    return {"code": "200", "message": "Success", "result": result}


def test_movies_jobs() -> None:
    """S2:132-176: seven statuses; fractional credits, charged for completed tasks alone."""
    page = seedance2_movie
    created = {"code": "200", "result": {"task_id": "a1b2", "status": "pending", "credit_cost": D("14.4")}}
    assert page.job_id(ok(created)) == page.job_id(ok(created | {"code": 200}, 500)) == "a1b2"
    for word in ("pending", "queued", "processing", "PENDING", "reviewing"):
        assert not page.status(ok(task(word))).done
    url = "https://cdn.example.com/video.mp4?token=x"
    done = page.status(
        ok(task("completed", video_url=url, last_frame_url="https://cdn.example.com/l.png", seed=7), 502)
    )
    assert done.links == {"video": url, "last_frame": "https://cdn.example.com/l.png"}
    assert (done.charged, done.facts) == (D("14.4"), {"seed": 7})
    for word in ("failed", "cancelled", "expired", "Failed"):
        failed = page.status(ok(task(word)))
        assert failed.error is not None
        assert (failed.error.advice, failed.charged, failed.cancelled) == (LATER, 0, word == "cancelled")
    flagged = page.status(ok(task("failed", error_code="COPYRIGHT_VIOLATION", error_message="a mouse")))
    assert type(flagged.error) is Moderated


def test_movies_limit_with_a_task_is_an_accepted_task() -> None:
    """S2:256: "task is queued"; only with its id (B8)."""
    body = {"code": "CONCURRENCY_LIMIT_REACHED", "message": "queued", "result": {"task_id": "a1b2"}}
    assert seedance2_movie.job_id(ok(body, 429)) == "a1b2"
    assert seedance2_movie.job_id(ok(body | {"result": None}, 429)) is None


def test_movies_storage_balance_and_cancel() -> None:
    """S2:55-63, S2:203-223."""
    result = {"presigned_url": "https://s3.example/x?sig=1", "file_path": "api/uploads/1/x.png", "expires_in": 3600}
    slot = seedance2_movie.slot(ok({"code": "200", "result": result}))
    assert (slot.url, slot.address, slot.seconds) == (result["presigned_url"], "api/uploads/1/x.png", 3600)
    balance = {"code": "200", "result": {"total_credits": 10000, "remain_credits": D("6749.5")}}
    assert seedance2_movie.balance_of(ok(balance)) == D("6749.5")
    call = seedance2_movie.cancel("a1b2")
    assert (call.method, call.path, call.repeatable) == ("POST", "/api/v1/video/task/a1b2/cancel", True)
    for word, done in (("cancelled", True), ("processing", False)):  # read as the answer to a poll is (B19)
        assert seedance2_movie.status(ok({"code": "200", "result": {"task_id": "a1b2", "status": word}})).done is done
    with pytest.raises(ProviderError) as late:
        seedance2_movie.status(ok(movie("TASK_CANCEL_NOT_ALLOWED"), 400))
    assert late.value.advice is NEVER
    for reply in (ok(movie("FILE_UPLOAD_FAILED")), ok({"code": "200", "result": None}), ok(None, 500)):
        with pytest.raises(ProviderError) as caught:
            seedance2_movie.slot(reply)
        assert caught.value.advice is LATER


def video(status: str, **said: Any) -> dict[str, Any]:
    return {"data": {"id": "vid_01", "status": status, "model": "pro"} | said}


def test_seedancee2s_jobs() -> None:
    """S3:174-243: reserved, charged and refunded as the payload says; a poster is no last frame (C12, C14)."""
    page = seedancee2
    assert page.job_id(ok(video("pending", credits_reserved=100), 201)) == "vid_01"
    for word in ("pending", "processing", "Processing", "paused"):
        assert not page.status(ok(video(word))).done
    output = {
        "video_url": "https://media.seedancee2.ai/v.mp4",
        "thumbnail_url": "https://media.seedancee2.ai/p.jpg",
        "last_frame_url": "https://media.seedancee2.ai/p.jpg",
    }
    done = page.status(ok(video("completed", credits_charged=100, output=output)))
    assert (done.links, done.charged) == ({"video": output["video_url"]}, 100)
    frame = output | {"last_frame_url": "https://media.seedancee2.ai/l.png"}
    assert page.status(ok(video("completed", output=frame))).links["last_frame"] == frame["last_frame_url"]
    why = {"code": "generation_failed", "message": "Please try again.", "type": "generation_error"}
    failed = page.status(ok(video("failed", credits_charged=0, credits_refunded=100, error=why)))
    assert failed.error is not None
    assert (failed.error.advice, failed.charged, failed.refunded) == (LATER, 0, 100)


def test_seedancee2s_models_and_usage() -> None:
    """S3:254-264 and S3:275-290."""
    models = {
        "data": [{"id": "pro", "status": "active", "resolutions": ["480p", "720p"]}, {"id": "x", "status": "off"}]
    }
    assert seedancee2.models_of(ok(models)) == {"pro": ("480p", "720p")}
    summary = {"credits_charged": 280, "credits_refunded": 40, "net_credits": 240, "total_jobs": 12}
    usage = seedancee2.usage_of(ok({"data": {"summary": summary}}))
    assert usage == {"credits_charged": 280, "credits_refunded": 40, "net_credits": 240}
    assert seedancee2.usage(start="2026-07-01T00:00:00.000Z").query == {"start": "2026-07-01T00:00:00.000Z"}


# SeeGen's review and credits

ASSET = {  # S0:345-354
    "assetId": 123,
    "volcAssetId": "asset-20260326-abc123",
    "type": "IMAGE",
    "status": "PROCESSING",
    "failReason": None,
    "url": "https://example.com/photo.jpg",
    "name": "my-photo",
    "createdAt": 1711234567890,
}


def test_seegens_review() -> None:
    """Handed in, asked after, approved or refused (S0:327-362)."""
    name = "ab" * 32
    call = seegen.review("https://example.com/photo.jpg", "image", name)
    assert call.body == {"url": "https://example.com/photo.jpg", "type": "IMAGE", "name": name}
    assert call.repeatable
    assert seegen.ask_asset("asset-1").query == {"assetId": "asset-1"}
    for word in ("PROCESSING", "NONE", "processing"):
        assert not seegen.asset(ok(ASSET | {"status": word})).done
    active = seegen.asset(ok(ASSET | {"status": "ACTIVE"}))
    assert (active.done, active.address, active.name) == (True, "asset://asset-20260326-abc123", "my-photo")
    failed = seegen.asset(ok(ASSET | {"status": "FAILED", "failReason": "a face"}))
    assert failed.done
    assert type(failed.error) is Moderated


def test_seegens_assets_are_listed_by_pages() -> None:
    """S0:363-398: what is approved, by its name, with the cursor of the next page."""
    call = seegen.assets("image")
    assert call.query == {"type": "IMAGE", "status": "ACTIVE", "limit": "50"}
    page = seegen.asset_list(ok({"items": [ASSET | {"status": "ACTIVE"}, {"odd": 1}], "nextCursor": 122}), "image")
    assert [item.name for item in page.items] == ["my-photo"]
    assert page.next is not None
    assert page.next.query["cursor"] == "122"
    assert seegen.asset_list(ok({"items": [], "nextCursor": None}), "image").next is None


def test_seegens_credits() -> None:
    """What is available, not what is there (S0:532-535)."""
    assert seegen.balance_of(ok({"credits": 5000, "availableCredits": 4800})) == 4800
    with pytest.raises(AccountRefused):
        seegen.balance_of(ok({"message": "no"}, 401))


# Finding a job again


def test_movies_list_finds_a_task_by_its_seed() -> None:
    """The seed, and nothing that contradicts the request; a task that shows no seed is only possible."""
    request = {"model": "seedance-2.0", "resolution": "720p", "ratio": "16:9", "duration": 8, "seed": 7}
    mine = {**request, "task_id": "mine", "created_at": "2025-01-15T10:30:00Z"}
    items = [
        mine,
        mine | {"task_id": "b", "seed": 8},
        mine | {"task_id": "c", "duration": 5},
        mine | {"task_id": "d", "seed": None},
    ]
    page = {"data": [*items, "{ ... }", None], "total": 101, "page": 1, "page_size": 100}
    listing = seedance2_movie.listed(ok({"code": "200", "result": page}), request | {"generate_audio": False}, "")
    assert [found.job_id for found in listing.found] == ["mine"]
    assert [found.job_id for found in listing.possible] == ["d"]
    assert not listing.complete
    assert listing.next is not None
    assert listing.next.query == {"page": "2", "page_size": "100"}
    last = seedance2_movie.listed(ok({"code": "200", "result": page | {"page": 2}}), request, "")
    assert (last.complete, last.next, last.oldest) == (True, None, "2025-01-15T10:30:00Z")


def test_seedancee2s_list_finds_a_task_by_its_mark() -> None:
    """`metadata` is echoed; a full page is not the whole list (C5)."""
    items = [
        {
            "id": "vid_1",
            "model": "pro",
            "metadata": {"customer_job_id": "k1:a r1"},
            "created_at": "2026-06-29T10:00:00.000Z",
        },
        {"id": "vid_2", "model": "pro", "metadata": {"customer_job_id": "k1:b r1"}},
        {"id": "vid_3", "model": "pro"},
        {"id": "vid_4", "model": "mini"},
    ]
    listing = seedancee2.listed(ok({"data": items}), {"model": "pro"}, "k1:a r1")
    assert [found.job_id for found in listing.found] == ["vid_1"]
    assert [found.job_id for found in listing.possible] == ["vid_3"]
    assert (listing.complete, listing.next, listing.oldest) == (True, None, "2026-06-29T10:00:00.000Z")
    assert not seedancee2.listed(ok({"data": items * 25}), {"model": "pro"}, "x").complete
    assert seedancee2.listing().query == {"limit": "100"}
