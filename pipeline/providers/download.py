"""A file on its way: what has arrived of it, how fast, its digest, what to ask for next, and whether that is all.

Knows nothing of connections: `providers.http` hands it status, headers and bytes.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline.digest import BYTES_TAG
from pipeline.errors import Advice, LinkDied, ProviderError
from pipeline.values import dataclass

BATCH = 1 << 20
_NO_FILE = ("text/html", "application/json", "text/plain", "text/xml", "application/xml", "application/problem+json")
AGAIN = "Run the same command again: the file is asked for again, and nothing more is paid."


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long others are waited for: one call, one whole file, and the `slow_bytes` that `slow_seconds` must bring."""

    call_seconds: float = 90.0  # from the first byte sent to the last byte read
    file_seconds: float = 7200.0
    slow_seconds: float = 60.0
    slow_bytes: int = 10_000


PATIENCE = Patience()


def is_inside(host: str) -> bool:
    """Whether a host given by number is no public address: this machine, a private net, link-local, or none at all.

    Names are not resolved here, so that one that leads inside is not found out; numbers are read in every spelling that
    a resolver takes (`127.1`, `0x7f000001`), and IPv4 also inside IPv6.
    """
    address: IPv4Address | IPv6Address
    try:
        address = ip_address(host)
    except ValueError:
        try:
            address = IPv4Address(socket.inet_aton(host.rstrip(".")))
        except (OSError, ValueError):
            return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    return not address.is_global or address.is_multicast


def too_slow(fact: str) -> ProviderError:
    """A file that does not come in any time that can be waited."""
    return ProviderError(fact, AGAIN, advice=Advice.LATER)


def refusal(service: str, host: str, status: int, after_seconds: float | None) -> ProviderError:
    """What a status other than success says of a link: `LinkDied` for 401, 403, 404 and 410."""
    if status in (401, 403, 404, 410):
        fact = f"{service}: the link to {host} is dead ({status})."
        return LinkDied(fact, "A fresh link is asked for.", advice=Advice.LATER)
    return ProviderError(
        f"{service}: {host} answered {status} to a download.",
        "It is tried again.",
        advice=Advice.LATER if status in (408, 416, 425, 429) or status >= 500 else Advice.NEVER,
        after_seconds=after_seconds,
    )


class Download:
    """A file that is being downloaded: what is there, its digest, and whether that is all.

    Bytes are kept and digested a batch at a time in a thread, beside the next one's arrival: a digest takes as long as
    the bytes take to come.
    """

    def __init__(self, path: Path, most_bytes: int, pool: Executor, patience: Patience = PATIENCE) -> None:
        self.path, self.most_bytes = path, most_bytes
        self._patience = patience
        self._since, self._had = 0.0, 0  # when it was last looked at how fast it comes, and the bytes by then
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
            raise ProviderError(f"{host} answered a download with {kind}.", AGAIN, advice=Advice.LATER)
        start, total = _range(headers.get("content-range", "")) if status == 206 else (0, None)
        if start != self.bytes:
            self.restart()
            if start:
                raise ProviderError(f"{host} sent another part than was asked for.", AGAIN, advice=Advice.LATER)
        length = headers.get("content-length", "")
        if total is None and length.isdecimal() and len(length) < 16:
            total = self.bytes + int(length)
        self._total = total
        tag = headers.get("etag", "")
        self._tag = tag if tag.startswith('"') else ""
        if total is not None and total > self.most_bytes:
            raise ProviderError(f"{host} has {total:,} bytes for us, too many to take.", self._most())
        self._since, self._had = anyio.current_time(), self.bytes

    def _most(self) -> str:
        return f"Files of at most {self.most_bytes:,} bytes are taken."

    async def write(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises `ProviderError` for a page or a message, too many or too slow; `OSError`."""
        if not self.bytes and chunk.lstrip()[:1] in (b"<", b"{"):
            raise ProviderError("A download is a page or a message, not a file.", AGAIN, advice=Advice.LATER)
        self.bytes += len(chunk)
        if self.bytes > self.most_bytes:
            raise ProviderError(f"A download has more than {self.most_bytes:,} bytes.", self._most())
        self._look_at_the_pace()
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting >= BATCH:
            if self._batch:
                await anyio.to_thread.run_sync(self._batch.result)
            self._batch = self._pool.submit(self._keep, self._taken())

    def _look_at_the_pace(self) -> None:
        now = anyio.current_time()
        if now - self._since < self._patience.slow_seconds:
            return
        came = self.bytes - self._had
        if came < self._patience.slow_bytes:
            raise too_slow(f"A download is too slow: {came:,} bytes in {now - self._since:.0f} seconds.")
        self._since, self._had = now, self.bytes

    def ended(self) -> ProviderError | None:
        """What is wrong with it as it ended."""
        if self._total is not None and self.bytes < self._total:
            fact = f"A download was cut at {self.bytes:,} of {self._total:,} bytes."
            return ProviderError(fact, AGAIN, advice=Advice.LATER)
        if not self.bytes or (self._total is not None and self.bytes > self._total):
            got = self.bytes
            self.restart()
            return ProviderError(f"A download has {got:,} bytes, not as many as it should.", AGAIN, advice=Advice.LATER)
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
