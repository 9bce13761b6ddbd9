"""A file on its way: what has arrived of it, its digest, what to ask for next, and whether that is all.

Knows nothing of connections: `providers.http` hands it status, headers and bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from pathlib import Path

import anyio.to_thread

from pipeline.digest import BYTES_TAG
from pipeline.errors import Advice, ProviderError

BATCH = 1 << 20
_NO_FILE = ("text/html", "application/json", "text/plain", "text/xml", "application/xml", "application/problem+json")


class Download:
    """A file that is being downloaded: what is there, its digest, and whether that is all.

    Bytes are kept and digested a batch at a time in a thread, beside the next one's arrival: a digest takes as long as
    the bytes take to come.
    """

    def __init__(self, path: Path, most_bytes: int, pool: Executor) -> None:
        self.path, self.most_bytes = path, most_bytes
        self.bytes = 0
        self.whole = False
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._total: int | None = None
        self._tag = ""
        self._pool = pool
        self._chunks: list[bytes] = []
        self._waiting = 0  # bytes in the chunks
        self._batch: Future[None] | None = None

    def close(self) -> None:
        """Lets go of the file, whatever is still to be kept."""
        try:
            self._wait()
        finally:
            self._file.close()

    def _wait(self) -> None:
        batch, self._batch = self._batch, None
        if batch:
            batch.result()  # of a megabyte or so: milliseconds

    def _keep(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self._file.write(chunk)
            self._hash.update(chunk)

    def _taken(self) -> list[bytes]:
        """The chunks that are still to be kept, for whoever keeps them."""
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        return chunks

    def restart(self) -> None:
        """Forgets what has come."""
        self._wait()
        self._taken()
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.bytes, self._total, self._tag = 0, None, ""

    def headers(self) -> dict[str, str]:
        """What asks for the rest of it, of the same version."""
        if not self.bytes:
            return {}
        asked = {"Range": f"bytes={self.bytes}-"}
        return asked | {"If-Range": self._tag} if self._tag else asked

    def begin(self, status: int, headers: Mapping[str, str], host: str) -> None:
        """Looks at an answer before its bytes. Raises `ProviderError` for what is no file or too large."""
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if kind in _NO_FILE:
            raise ProviderError(f"{host} answered a download with {kind}.", advice=Advice.LATER)
        start, total = _range(headers.get("content-range", "")) if status == 206 else (0, None)
        if start != self.bytes:
            self.restart()
            if start:
                raise ProviderError(f"{host} sent another part than was asked for.", advice=Advice.LATER)
        length = headers.get("content-length", "")
        if total is None and length.isdecimal() and len(length) < 16:
            total = self.bytes + int(length)
        self._total = total
        tag = headers.get("etag", "")
        self._tag = tag if tag.startswith('"') else ""
        if total is not None and total > self.most_bytes:
            raise ProviderError(f"{host} has {total:,} bytes for us, too many to take.")

    async def write(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises `ProviderError` for a page or a message, or too many; `OSError`."""
        if not self.bytes and chunk.lstrip()[:1] in (b"<", b"{"):
            raise ProviderError("A download is a page or a message, not a file.", advice=Advice.LATER)
        self.bytes += len(chunk)
        if self.bytes > self.most_bytes:
            raise ProviderError(f"A download has more than {self.most_bytes:,} bytes.")
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting >= BATCH:
            if self._batch:
                await anyio.to_thread.run_sync(self._batch.result)
            self._batch = self._pool.submit(self._keep, self._taken())

    def ended(self) -> ProviderError | None:
        """What is wrong with it as it ended."""
        if self._total is not None and self.bytes < self._total:
            return ProviderError(f"A download was cut at {self.bytes:,} of {self._total:,} bytes.", advice=Advice.LATER)
        if not self.bytes or (self._total is not None and self.bytes > self._total):
            got = self.bytes
            self.restart()
            return ProviderError(f"A download has {got:,} bytes, not as many as it should.", advice=Advice.LATER)
        self.whole = True
        return None

    def digest(self) -> str:
        """The digest of all that has come, once that lies in the file."""
        self._wait()
        self._keep(self._taken())
        self._file.flush()
        return f"{BYTES_TAG}:{self._hash.hexdigest()}"


def _range(value: str) -> tuple[int, int | None]:
    """Start and whole size from `bytes 5-9/10`; start -1 for what is none."""
    unit, _, rest = value.partition(" ")
    span, _, size = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes" or not start.isdecimal() or len(start) > 15:
        return -1, None
    return int(start), int(size) if size.isdecimal() and len(size) < 16 else None
