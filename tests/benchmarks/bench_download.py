"""How fast a download comes with its digest, beside curl: 300 MB over loopback (an argument: how many MB).

Two servers: an ordinary one, as the stand-ins have it, and a process that does nothing but sendfile, which makes curl
as fast as it can be. Beside both stand what bounds them: SHA-256 alone over the same bytes in memory, and writing them
alone. The rounds go in turn, so that a machine that drifts drifts for all.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import anyio

from pipeline.digest import file_digest
from pipeline.providers import seedancee2
from pipeline.providers.http import HttpWire

ROUNDS = 7
PIECE = 1 << 20
DIGESTS: dict[str, str] = {}  # by URL


def _serve(pipe: Connection, path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, path.open("rb") as file:
        pipe.send(listener.getsockname()[1])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {path.stat().st_size}\r\n\r\n"
        while True:
            line, _ = listener.accept()
            with line:
                line.recv(65_536)
                line.sendall(head.encode())
                line.sendfile(file)


def _serve_ordinarily(pipe: Connection, path: Path) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import FileResponse
    from starlette.routing import Route

    async def get(request: Request) -> FileResponse:
        return FileResponse(path)

    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/", get)]), log_level="critical"))
    server.run(sockets=[listener])


SERVERS = {"an ordinary server": _serve_ordinarily, "sendfile": _serve}


@contextmanager
def serving(path: Path, server: Callable[[Connection, Path], None]) -> Iterator[str]:
    """The URL of a file that a process of its own serves."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=server, args=(there, path))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"  # it listens already: what comes early waits
    finally:
        process.kill()
        process.join()


def curl(url: str, out: Path) -> None:
    """The floor: bytes into a file, and no digest."""
    subprocess.run(["curl", "--silent", "--fail", "--output", out, url], check=True)


def digested(url: str, out: Path) -> None:
    """The same work without any overlap."""
    curl(url, out)
    assert file_digest(out) == DIGESTS[url]


def ours(url: str, out: Path) -> tuple[float, float]:
    """What a run does with a link, over a wire that it has opened before."""

    async def main() -> tuple[float, float]:
        async with HttpWire(seedancee2, "a key", base=url) as wire:
            cpu, began = _cpu(), time.perf_counter()
            assert await wire.download(url, out) == DIGESTS[url]
            return time.perf_counter() - began, _cpu() - cpu

    return anyio.run(main)


def hashing(data: memoryview) -> None:
    """SHA-256 alone, a piece at a time as a download does it."""
    digest = hashlib.sha256()
    for start in range(0, len(data), PIECE):
        digest.update(data[start : start + PIECE])


def writing(data: memoryview, out: Path) -> None:
    """Writing alone, a piece at a time."""
    with out.open("wb", buffering=0) as file:
        for start in range(0, len(data), PIECE):
            file.write(data[start : start + PIECE])


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor with what was started and has ended."""
    cpu, began = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - began, _cpu() - cpu


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(megabytes: int) -> None:
    """Prints every figure."""
    if not shutil.which("curl"):
        print("no curl here, so there is nothing to compare with")
        return
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "clip", Path(name) / "out"
        path.write_bytes(os.urandom(1_000_000) * megabytes)
        for title, server in SERVERS.items():
            with serving(path, server) as url:
                DIGESTS[url] = file_digest(path)
                print(f"{title}:")
                tell(megabytes, rounds(url, path, out))


def rounds(url: str, path: Path, out: Path) -> dict[str, list[tuple[float, float]]]:
    """Seconds by the clock and of the processor of each work, round by round."""
    data = memoryview(path.read_bytes())
    works: dict[str, Callable[[], tuple[float, float]]] = {
        "curl": lambda: taken(lambda: curl(url, out)),
        "HttpWire.download, digest included": lambda: ours(url, out),
        "curl, and then its digest": lambda: taken(lambda: digested(url, out)),
        "SHA-256 alone": lambda: taken(lambda: hashing(data)),
        "writing alone": lambda: taken(lambda: writing(data, out)),
    }
    took: dict[str, list[tuple[float, float]]] = {title: [] for title in works}
    for turn in range(ROUNDS + 1):
        for title, work in works.items():
            out.unlink(missing_ok=True)
            figure = work()
            if turn:  # the first one warms up
                took[title].append(figure)
    return took


def tell(megabytes: int, took: dict[str, list[tuple[float, float]]]) -> None:
    """Prints the figures of one server, each beside curl's of the same round."""
    floors = [wall for wall, _ in took["curl"]]
    for title, figures in took.items():
        walls = [wall for wall, _ in figures]
        share = [floor / wall for floor, wall in zip(floors, walls, strict=True)]
        print(
            f"  {title:<36} {megabytes / statistics.median(walls):6.0f} MB/s"
            f" ({megabytes / max(walls):.0f} to {megabytes / min(walls):.0f}),"
            f" {statistics.median(cpu for _, cpu in figures):.2f} s of processor;"
            f" of curl {statistics.median(share):.2f} ({min(share):.2f} to {max(share):.2f})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
