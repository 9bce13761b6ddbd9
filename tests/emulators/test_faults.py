"""The faults that any service may have strike as their sentences say, and never an account's exactness."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import httpx
import pytest

from tests.emulators.striking import (
    BODIES,
    CREATE,
    created,
    every,
    query,
    raw_query,
    raw_query_url,
    result_url,
    send,
    strike,
)
from tests.emulators.visit import ear, visit

pytestmark = pytest.mark.anyio


@every
async def test_the_line_is_cut_and_the_job_exists_or_not(name: str, cache: Path) -> None:
    """`lost_create` and `cut_before` look the same to a client; only the books tell."""
    async with visit(name, cache) as visitor:
        for fault, count in (("cut_before", 0), ("lost_create", 1)):
            strike(visitor, fault)
            with pytest.raises(httpx.TransportError):
                await send(visitor)
            assert created(visitor) == count
        assert visitor.stand.log.of("create")[-1].answer == "(the line was cut)"
        assert (await send(visitor)).status_code == 200


@every
async def test_the_answer_takes_too_long(name: str, cache: Path) -> None:
    """`slow_create` has accepted, `hung_before` has not."""
    async with visit(name, cache) as visitor:
        for fault, count in (("hung_before", 0), ("slow_create", 1)):
            strike(visitor, fault, seconds=20)
            with pytest.raises(httpx.ReadTimeout):
                await visitor.post(CREATE[name], BODIES[name], timeout=httpx.Timeout(10, read=0.4))
            assert created(visitor) == count


@every
async def test_errors_before_and_after_acceptance(name: str, cache: Path) -> None:
    """429 with and without Retry-After, 500 and 502 as JSON and HTML; after acceptance the job goes on."""
    async with visit(name, cache, movie_errors="status", concurrency=None) as visitor:
        for fault, values, status, jobs in (
            ("rate_limited", {}, 429, 0),
            ("rate_limited", {"retry_after": 7}, 429, 0),
            ("server_error_before", {}, 500, 0),
            ("server_error_before", {"status": 503}, 503, 0),
            ("html_502", {}, 502, 0),
            ("refused", {"code": "SERVICE_BUSY", "status": 503}, 503, 0),
            ("moderated_at_create", {}, None, 0),
            ("server_error_after", {}, 500, 1),
            ("html_502_after", {}, 502, 2),
        ):
            strike(visitor, fault, **values)
            answer = await send(visitor)
            assert answer.status_code == status or (status is None and answer.status_code >= 400), fault
            assert answer.headers.get("retry-after") == ("7" if values.get("retry_after") else None)
            assert answer.text.startswith("<html>") == ("html" in fault)
            assert created(visitor) == jobs, fault
            assert fault in visitor.stand.log.of("create")[-1].fault
        assert (await send(visitor)).status_code == 200


@every
async def test_answers_that_are_no_answers(name: str, cache: Path) -> None:
    """Not JSON, no id, wrong types, a redirect, an error under 200."""
    async with visit(name, cache, concurrency=None) as visitor:
        strike(visitor, "error_in_200")
        answer = await send(visitor)
        assert (answer.status_code, created(visitor)) == (200, 0)
        assert "id" not in answer.json()
        strike(visitor, "not_json", on="create")
        answer = await send(visitor)
        assert (answer.status_code, answer.text, created(visitor)) == (200, "OK", 1)
        strike(visitor, "missing_id")
        answer = await send(visitor)
        assert created(visitor) == 2
        assert not any(word in answer.text.lower() for word in ('"id"', '"taskid"', '"task_id"'))
        job_id = await visitor.create(BODIES[name])
        before = await visitor.task(job_id)
        strike(visitor, "wrong_types")
        spoilt = await visitor.until(lambda: query(visitor, job_id), lambda text: True)
        assert json.loads(spoilt) != before
        strike(visitor, "redirected")
        answer = await raw_query(visitor, job_id)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/")


@every
async def test_a_body_without_end(name: str, cache: Path) -> None:
    """A client must stop reading by itself."""
    async with visit(name, cache) as visitor:
        job_id = await visitor.create(BODIES[name])
        await visitor.end(job_id)
        strike(visitor, "endless_body", on="query")
        read = 0
        request = visitor.client.build_request("GET", (await raw_query_url(visitor, job_id)), headers=visitor.headers())
        answer = await visitor.client.send(request, stream=True)
        async for piece in answer.aiter_raw():
            read += len(piece)
            if read > 1_000_000:
                break
        await answer.aclose()
        assert read > 1_000_000
        assert (await visitor.task(job_id))["status"]


@every
async def test_statuses_and_fields_nobody_knows(name: str, cache: Path) -> None:
    """Another case, another word, more fields: the rest of the answer stays what it was."""
    async with visit(name, cache) as visitor:
        job_id = await visitor.create(BODIES[name])
        true = await visitor.end(job_id)
        for fault in ("odd_case", "unknown_status", "extra_fields"):
            strike(visitor, fault, on="query")
            bent = await visitor.task(job_id)
            if fault == "extra_fields":
                assert bent.pop("x_new_field")
                assert bent["status"] == true["status"]
            elif fault == "odd_case":
                assert bent["status"] != true["status"]
                assert bent["status"].lower() == true["status"].lower()
            else:
                assert bent["status"] == "under_consideration"
        assert (await visitor.task(job_id))["status"] == true["status"]


@every
async def test_jobs_that_end_badly_cost_nothing(name: str, cache: Path) -> None:
    """Moderation, failure and, where there is the word, expiry; the books give everything back."""
    async with visit(name, cache) as visitor:
        for fault, word in (("moderated_later", "failed"), ("job_fails", "failed"), ("job_expires", None)):
            strike(visitor, fault)
            task = await visitor.end(await visitor.create(BODIES[name]))
            expired = "expired" if name in ("seedance2-movie", "naci") else "failed"
            assert task["status"].lower() == (word or expired)
        books = visitor.stand.books()
        assert (books["created"], books["totals"]["charged"], books["totals"]["held"]) == (3, 0, 0)


@every
async def test_a_job_that_takes_long_or_for_ever(name: str, cache: Path) -> None:
    """`slow_job` has a pace of its own; `frozen` never ends."""
    async with visit(name, cache) as visitor:
        strike(visitor, "slow_job", seconds=3600)
        strike(visitor, "frozen", match="frozen")
        slow = await visitor.create(BODIES[name])
        text = json.dumps(BODIES[name]).replace('"x"', '"frozen"')
        frozen = await visitor.create(json.loads(text))
        quick = await visitor.create(BODIES[name])
        await visitor.end(quick)
        assert (await visitor.task(slow))["status"].lower() in ("pending", "queued", "processing", "running")
        await anyio.sleep(0.1)
        assert (await visitor.task(frozen))["status"].lower() in ("processing", "expired")


@every
async def test_links_and_downloads(name: str, cache: Path, tmp_path: Path) -> None:
    """A dead link is replaced by asking again; half a file either breaks off or pretends to be whole; ranges work."""
    async with visit(name, cache) as visitor:
        job_id = await visitor.create(BODIES[name])
        url = result_url(await visitor.end(job_id))
        whole = (await visitor.client.get(url)).content
        strike(visitor, "link_expired")
        assert (await visitor.client.get(url)).status_code == 403
        assert (await visitor.client.get(url)).status_code == 403
        fresh = result_url(await visitor.task(job_id))
        assert (await visitor.client.get(fresh)).content == whole
        strike(visitor, "truncated_download")
        with pytest.raises(httpx.RemoteProtocolError):
            await visitor.client.get(fresh)
        strike(visitor, "short_download")
        assert (await visitor.client.get(fresh)).content == whole[: len(whole) // 2]
        part = await visitor.client.get(fresh, headers={"Range": "bytes=1000-"})
        assert (part.status_code, part.content) == (206, whole[1000:])
        strike(visitor, "no_range")
        part = await visitor.client.get(fresh, headers={"Range": "bytes=1000-"})
        assert (part.status_code, part.content) == (200, whole)
        await visitor.client.get(fresh, headers=visitor.headers())
        assert visitor.stand.log.of("download")[-1].notes == ("a key was sent to a place of files",)


@every
async def test_webhooks_that_come_wrong(name: str, cache: Path, shelf: Path) -> None:
    """Twice, out of order, not at all, and before the create is answered."""
    field = {"seegen": "callBackUrl"}.get(name, "callback_url")
    async with visit(name, cache, seconds_per_job=0.02) as visitor, ear(shelf) as heard:
        body = BODIES[name] | {field: f"{heard.url}/hook"}
        last = {"seegen": "COMPLETED", "naci": "succeeded"}.get(name, "completed")

        async def statuses(count: int) -> list[str]:
            found = [(b.get("result") or b.get("data") or b)["status"] for b in await heard.wait(count)]
            heard.heard.clear()
            return [status for status in found if name != "naci" or status != "running"]

        more = 1 if name == "naci" else 0  # Ark calls at each change
        strike(visitor, "webhook_duplicated", match="hook")
        if not more:
            await visitor.end(await visitor.create(body))
            assert await statuses(2) == [last, last]
            strike(visitor, "webhook_out_of_order")
            await visitor.end(await visitor.create(body))
            assert await statuses(2) == [last, {"seegen": "PROCESSING"}.get(name, "processing")]
        else:
            visitor.stand.faults.clear()
        strike(visitor, "webhook_lost", times=None)
        await visitor.end(await visitor.create(body))
        visitor.stand.faults.clear()
        strike(visitor, "webhook_before_create")
        job_id = await visitor.create(body)
        assert last in [(b.get("result") or b.get("data") or b)["status"] for b in await heard.wait(1)]
        assert job_id in heard.heard[-1][1].decode()
        assert (await visitor.task(job_id))["status"] == last
