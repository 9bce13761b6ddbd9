"""Result files and the links to them: signed where the document shows a signed link, dead when their time is over."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pipeline.emulators.desk import Desk
from pipeline.emulators.faults import Faults
from pipeline.emulators.jobs import Job
from pipeline.emulators.studio import TYPES, Studio

_SECRET = b"rehearsal links"  # the same after a restart, so that links given before it still open
_FORBIDDEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """How long links of a service open, in seconds (None: for ever), counted anew with each question or from the end.

    `get_only` links are signed for GET: a HEAD is refused, as Ark's are.
    """

    life_seconds: float | None = None
    renewed: bool = True
    get_only: bool = False


class Files:
    """The links of one service and what they open."""

    def __init__(self, desk: Desk, studio: Studio, faults: Faults, rule: LinkRule, root: str) -> None:
        self.desk, self.studio, self.faults, self.rule, self.root = desk, studio, faults, rule, root
        self._dead: set[str] = set()

    def link(self, job: Job, part: str) -> str:
        """A URL on this server that opens a part of a job's result: `video.mp4`, `last.png`, `poster.jpg` ..."""
        expires = 0
        if self.rule.life_seconds is not None:
            start = self.desk.now() if self.rule.renewed else job.ended
            expires = int((start + self.rule.life_seconds) * 1000)
        token = self._token(job, part, expires)
        while token in self._dead:
            job = self.desk.change(job, serial=job.serial + 1)
            token = self._token(job, part, expires)
        return f"{self.root}/files/{job.id}/{part}?token={token}"

    def _token(self, job: Job, part: str, expires: int) -> str:
        said = f"{expires}.{job.serial}"
        return f"{said}.{hmac.new(_SECRET, f'{job.id}/{part}/{said}'.encode(), hashlib.sha256).hexdigest()[:24]}"

    async def open(self, request: Request, id: str, part: str) -> tuple[Response, str]:
        """What a link answers, and the name of the fault that struck."""
        token = request.query_params.get("token", "")
        fault = self.faults.take("file", "download", f"{request.method} {request.url.path}")
        if fault is not None and fault.name == "link_expired":
            self._dead.add(token)
        job = self.desk.get(id)
        if job is None or job.stage != "done" or job.sheet is None:
            return Response("Not Found", 404), ""
        if not self._opens(job, part, token) or (request.method == "HEAD" and self.rule.get_only):
            return Response(_FORBIDDEN, 403, media_type="application/xml"), fault.name if fault else ""
        path = await self._path(job, part)
        kind = TYPES["jpeg" if path.suffix == ".jpg" else path.suffix[1:]]
        if fault is None:
            return FileResponse(path, media_type=kind), ""
        return _broken(fault.name, path, kind), fault.name

    def _opens(self, job: Job, part: str, token: str) -> bool:
        expires, _, rest = token.partition(".")
        serial, _, _ = rest.partition(".")
        if not expires.isdigit() or not serial.isdigit() or token in self._dead:
            return False
        said = f"{job.id}/{part}/{expires}.{serial}"
        mac = hmac.new(_SECRET, said.encode(), hashlib.sha256).hexdigest()[:24]
        in_time = expires == "0" or self.desk.now() * 1000 <= int(expires)
        return hmac.compare_digest(mac, token.rpartition(".")[2]) and in_time

    async def _path(self, job: Job, part: str) -> Path:
        assert job.sheet is not None
        which = part.partition(".")[0]
        return await self.studio.still(job.sheet, which) if which in ("last", "poster") else self.studio.path(job.sheet)


def _broken(fault: str, path: Path, kind: str) -> Response:
    """The file with a fault: half of what was promised, or half and nothing said; or whole, with no ranges."""
    data = path.read_bytes()
    if fault == "truncated_download":
        response = Response(data[: len(data) // 2], media_type=kind)
        response.headers["content-length"] = str(len(data))
        return response
    return Response(data if fault == "no_range" else data[: len(data) // 2], media_type=kind)


def carried_key(headers: Mapping[str, str]) -> bool:
    """Whether a request to a place of files carries a key, which it never should."""
    return any(name in headers for name in ("authorization", "x-api-key"))
