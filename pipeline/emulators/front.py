"""The front of one stand: requests are logged, keys asked for, faults done, and then the service answers."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from pipeline.digest import dumps, loads
from pipeline.emulators.call import Answer, Call, Refused, Service, Way
from pipeline.emulators.desk import Desk
from pipeline.emulators.faults import Fault, Faults
from pipeline.emulators.files import Files, carried_key
from pipeline.emulators.log import Entry, Log, short
from pipeline.emulators.post import Post
from pipeline.emulators.server import Cut

HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_ACCESS_DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'
_DELIVERY_SECONDS = 10.0


class Front:
    """One service as a web application; `keys` empty takes any key as an account of its own."""

    def __init__(
        self, service: Service, *, desk: Desk, faults: Faults, files: Files, post: Post, log: Log, keys: tuple[str, ...]
    ) -> None:
        self.service, self.desk, self.faults, self.files, self.post = service, desk, faults, files, post
        self.log, self.keys = log, keys
        self._count = 0

    def app(self, more: list[Route]) -> Starlette:
        """The application, with `more` routes that are no service's."""
        routes = [
            Route(self.service.base_path + way.path, self._endpoint(way), methods=[way.method])
            for way in self.service.ways()
        ]
        files = Route("/files/{id}/{part}", self._file, methods=["GET"])
        handlers: Any = {404: self._nowhere, 405: self._nowhere}
        return Starlette(routes=[*routes, files, *more], exception_handlers=handlers)

    def _endpoint(self, way: Way) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.desk.advance()
            call = await self._call(way, request)
            fault = ""
            try:
                response, fault = await self._handled(way, call)
            except Refused as refused:
                response = plain(refused.answer)
            except Exception:
                call.notes.append(f"the stand-in's own mistake: {traceback.format_exc(limit=-4)}")
                response = plain(self.service.trouble("internal"))
            self._count += 1
            response.headers["x-request-id"] = f"rehearsal-{self._count:06d}"
            self._note(request, call, response, fault)
            return response

        return endpoint

    async def _call(self, way: Way, request: Request) -> Call:
        body = await request.body()
        headers = dict(request.headers)
        try:
            value = loads(body) if body and way.op != "put" else None
        except ValueError:
            value = None
        key = self.service.key(headers)
        return Call(
            op=way.op,
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers=headers,
            params=dict(request.path_params),
            body=body,
            json=value,
            key=key,
            account=account_of(key),
        )

    async def _handled(self, way: Way, call: Call) -> tuple[Response, str]:
        if way.bare:
            if carried_key(call.headers):
                call.notes.append("a key was sent to a place of files")
        elif not call.key or (self.keys and call.key not in self.keys):
            return plain(self.service.trouble("key")), ""
        text = f"{call.method} {call.path}?{'&'.join(f'{k}={v}' for k, v in call.query.items())} "
        text += "" if way.op == "put" else call.body.decode("utf-8", "replace")
        fault = self.faults.take("before", way.op, text)
        if fault is not None:
            return self._before(fault, call), fault.name
        bent = self.faults.take_all("shape", way.op, text)
        call.traits = bent
        if way.op in ("create", "asset"):
            call.traits = (*bent, *self.faults.take_all("job" if way.op == "create" else "asset", way.op, text))
        call.form = next((f.form for f in bent if f.name == "answer_form"), "")
        answer = await way.handler(call)
        names = [f.name for f in call.traits]
        if way.op != "create" or call.made:
            after = self.faults.take("after", way.op, text)
            if after is not None:
                names.append(after.name)
                return await self._after(after, call, answer), " ".join(names)
        return plain(bent_answer(answer, bent)), " ".join(names)

    def _before(self, fault: Fault, call: Call) -> Response:
        match fault.name:
            case "rate_limited":
                response = plain(self.service.trouble("rate"))
                if fault.retry_after is not None:
                    response.headers["retry-after"] = str(fault.retry_after)
                return response
            case "server_error_before":
                return plain(self.service.trouble("internal"), fault.status or 500)
            case "html_502":
                return Response(HTML_502, fault.status or 502, media_type="text/html")
            case "redirected":
                return RedirectResponse(fault.message or "https://elsewhere.example/", 302)
            case "hung_before" | "cut_before":
                return Cut(fault.seconds if fault.name == "hung_before" else 0.0)
            case "upload_refused":
                return Response(_ACCESS_DENIED, 403, media_type="application/xml")
            case "refused" | "moderated_at_create":
                code, message = self.service.verdict(fault)
                return plain(self.service.coded(code, message, fault.status))
            case _:
                own = self.service.spoilt(fault, call, None)
                return plain(own or self.service.trouble("internal"))

    async def _after(self, fault: Fault, call: Call, answer: Answer) -> Response:
        match fault.name:
            case "lost_create":
                return Cut()
            case "slow_create":
                await anyio.sleep(fault.seconds)
                return plain(answer)
            case "server_error_after":
                return plain(self.service.trouble("internal"), fault.status or 500)
            case "html_502_after":
                return Response(HTML_502, fault.status or 502, media_type="text/html")
            case "not_json":
                return Response("OK", 200, media_type="application/json")
            case "missing_id":
                return plain(Answer(json=without_ids(answer.json)))
            case "wrong_types":
                return plain(Answer(json=wrong(answer.json)))
            case "endless_body":
                return StreamingResponse(_endless(), media_type="application/json")
            case "webhook_before_create":
                await self._deliver_first(call)
                return plain(answer)
            case _:
                return plain(self.service.spoilt(fault, call, answer) or answer)

    async def _deliver_first(self, call: Call) -> None:
        for name in call.made:
            job = self.desk.jobs[name]
            while not self.desk.ready(job):
                await anyio.sleep(0.02)
            if not self.desk.jobs[name].over:
                self.desk.finish(job, job.fate, job.code, job.message)
            with anyio.move_on_after(_DELIVERY_SECONDS):
                while job.hook and name not in self.post.delivered:
                    await anyio.sleep(0.01)

    async def _file(self, request: Request) -> Response:
        self.desk.advance()
        params = request.path_params
        response, fault = await self.files.open(request, params["id"], params["part"])
        way = Way(method="GET", path="", op="download", handler=_no_handler, bare=True)
        call = await self._call(way, request)
        call.key = ""
        if carried_key(call.headers):
            call.notes.append("a key was sent to a place of files")
        self._note(request, call, response, fault)
        return response

    async def _nowhere(self, request: Request, error: Exception) -> Response:
        way = Way(method=request.method, path="", op="nowhere", handler=_no_handler)
        call = await self._call(way, request)
        response = plain(self.service.trouble("route", f"{request.method} {request.url.path}"))
        response.status_code = getattr(error, "status_code", 404)
        self._note(request, call, response, "")
        return response

    def _note(self, request: Request, call: Call, response: Response, fault: str) -> None:
        kind = response.headers.get("content-type", "")
        told = short(bytes(response.body)) if hasattr(response, "body") and ("json" in kind or "text" in kind) else kind
        cut = isinstance(response, Cut)
        self.log.add(
            Entry(
                at=self.desk.now(),
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                op=call.op,
                key=call.key[-4:],
                body=f"({len(call.body)} bytes)" if call.op == "put" else short(call.body),
                status=0 if cut else response.status_code,
                answer="(the line was cut)" if cut else told,
                fault=fault,
                notes=tuple(call.notes),
            )
        )


async def _no_handler(call: Call) -> Answer:
    return Answer()


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"code": "success", "data": "'
    while True:
        yield b"x" * 65_536
        await anyio.sleep(0)


def account_of(key: str) -> str:
    """An account's name: never the key, yet another for each key."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:8]}-{key[-4:]}" if key else ""


def plain(answer: Answer, status: int = 0) -> Response:
    """An answer as it goes out, with another HTTP status where one is given."""
    content = answer.raw if answer.raw is not None else dumps(answer.json).encode()
    return Response(content, status or answer.status, dict(answer.headers), answer.media_type)


def bent_answer(answer: Answer, faults: tuple[Fault, ...]) -> Answer:
    """An answer with its statuses in another case or unknown, and with fields nobody knows."""
    names = {fault.name for fault in faults}
    if answer.raw is not None or not names & {"odd_case", "unknown_status", "extra_fields"}:
        return answer
    return Answer(json=_bent(json.loads(dumps(answer.json)), names), status=answer.status, headers=answer.headers)


def _bent(value: Any, names: set[str]) -> Any:
    if isinstance(value, list):
        return [_bent(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _bent(item, names) for name, item in value.items()}
    if isinstance(status := made.get("status"), str):
        if "odd_case" in names:
            made["status"] = status.title() if status.title() != status else status.swapcase()
        if "unknown_status" in names:
            made["status"] = "under_consideration"
    if "extra_fields" in names:
        made["x_new_field"] = {"since": "tomorrow", "values": [1, None, "two"]}
    return made


def without_ids(value: Any) -> Any:
    """An answer's value without anything that could be an id."""
    if not isinstance(value, Mapping):
        return value
    return {n: without_ids(v) for n, v in value.items() if n.lower() not in ("id", "taskid", "task_id", "orderid")}


def wrong(value: Any) -> Any:
    """An answer's value with numbers where texts are due and texts where numbers and objects are due."""
    if isinstance(value, Mapping):
        return {name: "none" if isinstance(item, list) else wrong(item) for name, item in value.items()}
    return 7 if isinstance(value, str) else "seven"
