"""A folder that a server of its own shows, so that services which take only public URLs can read what lies in it."""

from __future__ import annotations

import re
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from pipeline.emulators.server import HOST, listening

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
}
_PATH = "/published"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")  # no hidden file, so none that is still being written


@asynccontextmanager
async def showing(folder: Path, sock: socket.socket) -> AsyncIterator[str]:
    """Show the files that lie right in `folder`, read-only and without a listing, while the block runs.

    Gives the URL before their names. A link, a folder and whatever is not there are all the same 404.
    """

    async def file(request: Request) -> Response:
        path = folder / request.path_params["name"]
        if not _NAME.fullmatch(path.name) or path.parent != folder or not _is_file(path):
            return Response("Not Found", 404, media_type="text/plain")
        kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
        return FileResponse(path, media_type=kind, headers={"x-content-type-options": "nosniff"})

    app = Starlette(routes=[Route(f"{_PATH}/{{name}}", file, methods=["GET"])])
    async with listening(app, sock):
        yield f"http://{HOST}:{sock.getsockname()[1]}{_PATH}"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
