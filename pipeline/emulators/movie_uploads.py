"""Presigned uploads (S2:40-75): a URL that takes one PUT of one content type for an hour, and needs no key."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.parse
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.emulators.call import Answer, Call
from pipeline.emulators.inputs import Seen, Unreadable
from pipeline.emulators.kit import Kit
from pipeline.emulators.movie_rules import Bad

TYPES = {  # S2:49-54
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "video/mp4": (".mp4",),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
}
EXPIRES_SECONDS = 3600  # S2:62
_SECRET = b"rehearsal uploads"


class Uploads:
    """What was uploaded, by file_path; kept with the state, so that a restart forgets nothing."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        state = kit.settings.state
        self._list: Path | None = state / "seedance2-movie" / "uploads.jsonl" if state else None
        self._files: dict[str, dict[str, Any]] = {}
        if self._list is not None and self._list.exists():
            for line in self._list.read_text(encoding="utf-8").splitlines():
                if line.endswith("}"):
                    kept = json.loads(line)
                    self._files[kept["path"]] = kept

    def presign(self, call: Call) -> dict[str, Any]:
        """S2:43-68. Raises `Bad`."""
        filename, kind = call.query.get("filename", ""), call.query.get("content_type", "")
        if not filename or not kind:
            raise Bad("MISSING_PARAMETER", f"Missing parameter: {'content_type' if filename else 'filename'}")
        if len(filename) > 128:
            raise Bad("INVALID_PARAMETER", "Invalid parameter: filename must be at most 128 characters")
        if kind not in TYPES:
            raise Bad("INVALID_PARAMETER", f"Invalid parameter: content_type must be one of {', '.join(TYPES)}")
        if not filename.lower().endswith(TYPES[kind]):
            call.notes.append(f"{filename} is not named as {kind} is (S2:49-54)")
        safe = filename.replace("/", "_")
        path = f"api/uploads/{call.account}/{self.kit.word(8)}_{safe}"
        expires = int(self.kit.desk.now()) + EXPIRES_SECONDS
        query = urllib.parse.urlencode(
            {"X-Amz-Expires": EXPIRES_SECONDS, "Expires": expires, "X-Amz-Signature": _signed(path, kind, expires)}
        )
        url = f"{self.kit.root}/bucket/{urllib.parse.quote(path)}?{query}"
        return {"presigned_url": url, "file_path": path, "expires_in": EXPIRES_SECONDS}

    async def put(self, call: Call) -> Answer:
        """S2:69-75: the type must be the one presigned, and the time not over."""
        path, kind = call.params["path"], call.headers.get("content-type", "")
        expires = call.query.get("Expires", "")
        if not expires.isdigit() or not hmac.compare_digest(
            call.query.get("X-Amz-Signature", ""), _signed(path, kind, int(expires))
        ):
            return _denied("SignatureDoesNotMatch", "The request signature does not match, or its Content-Type")
        if self.kit.desk.now() > int(expires):
            return _denied("AccessDenied", "Request has expired")
        try:
            seen = await self.kit.inputs.keep(call.body)
        except Unreadable as error:  # a bucket takes any bytes; what they are is found out when a task names them
            call.notes.append(str(error))
            seen = Seen(name="", kind="unknown", format="", width=0, height=0, seconds=Decimal(0), size=len(call.body))
        kept = {"path": path, "account": path.split("/")[2], **_plain(seen)}
        self._files[path] = kept
        if self._list is not None:
            with self._list.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept) + "\n")
        return Answer(raw=b"", media_type="text/plain", headers={"ETag": f'"{hashlib.md5(call.body).hexdigest()}"'})

    def find(self, account: str, path: str) -> Seen | None:
        """What lies under a file_path of this account; None where nothing does."""
        kept = self._files.get(path)
        if kept is None or kept["account"] != account:
            return None
        values = {name: value for name, value in kept.items() if name not in ("path", "account", "seconds")}
        return Seen(**values, seconds=Decimal(kept["seconds"]))


def _signed(path: str, kind: str, expires: int) -> str:
    return hmac.new(_SECRET, f"{path}\n{kind}\n{expires}".encode(), hashlib.sha256).hexdigest()


def _denied(code: str, message: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(raw=text.encode(), status=403, media_type="application/xml")


def _plain(seen: Seen) -> dict[str, Any]:
    return {
        "name": seen.name,
        "kind": seen.kind,
        "format": seen.format,
        "width": seen.width,
        "height": seen.height,
        "seconds": str(seen.seconds),
        "size": seen.size,
    }
