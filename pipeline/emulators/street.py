"""The street where the stand-ins stand: `serve` them inside a program, or beside one."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal

from pipeline.emulators import books as bookkeeping
from pipeline.emulators.call import Service
from pipeline.emulators.desk import Desk
from pipeline.emulators.faults import Faults
from pipeline.emulators.files import Files, LinkRule
from pipeline.emulators.front import Front
from pipeline.emulators.inputs import Inputs
from pipeline.emulators.kit import Kit
from pipeline.emulators.log import Log
from pipeline.emulators.movie import Movie
from pipeline.emulators.naci import Naci
from pipeline.emulators.page import routes
from pipeline.emulators.post import Delivery, Post
from pipeline.emulators.seedancee2 import Seedancee2
from pipeline.emulators.seegen import SeeGen
from pipeline.emulators.server import HOST, bound, listening
from pipeline.emulators.settings import ALL, Settings
from pipeline.emulators.studio import Studio

_WEEK_SECONDS, _DAY_SECONDS = 604_800.0, 86_400.0
_SERVICES: Mapping[str, tuple[Callable[[Kit], Service], LinkRule]] = {
    "seegen": (SeeGen, LinkRule()),
    "seedance2-movie": (Movie, LinkRule(life_seconds=_WEEK_SECONDS)),
    "seedancee2": (Seedancee2, LinkRule()),
    "naci": (Naci, LinkRule(life_seconds=_DAY_SECONDS, renewed=False, get_only=True)),
}
_REST_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A service that stands: `base_url` as its document writes it, `root` the server's own address, `keys` its keys."""

    name: str
    root: str
    base_url: str
    keys: tuple[str, ...]
    faults: Faults
    log: Log
    deliveries: Sequence[Delivery]
    desk: Desk

    @property
    def key(self) -> str:
        """A key of the first account."""
        return self.keys[0] if self.keys else "any-key"

    def books(self) -> dict[str, Any]:
        """Accounts, jobs and creates by mark, as they are now; may be asked from any thread."""
        return bookkeeping.books(self.desk)


@asynccontextmanager
async def serve(
    names: Sequence[str] = ALL, *, settings: Settings | None = None, ports: Mapping[str, int] | None = None
) -> AsyncIterator[Mapping[str, Stand]]:
    """Let these services stand while the block runs, each on a port of its own, 0 taking a free one.

    Needs asyncio under anyio, for uvicorn does. Raises `ValueError` for a name that is none and `PortRefused` for a
    port that cannot be had.
    """
    settings = settings or Settings()
    for name in names:
        if name not in _SERVICES:
            raise ValueError(f"{name!r} is no service that can be rehearsed; there are {', '.join(_SERVICES)}.")
    failed: Exception | None = None
    socks: dict[str, socket.socket] = {}
    async with AsyncExitStack() as stack:
        for name in names:
            socks[name] = bound((ports or {}).get(name, 0))
            stack.callback(socks[name].close)
        folder = settings.state or Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        group = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(group.cancel_scope.cancel)
        stands = {}
        for name, sock in socks.items():
            stands[name], app = _stand(name, settings, folder, f"http://{HOST}:{sock.getsockname()[1]}", group)
            stack.callback(stands[name].desk.close)
            await stack.enter_async_context(listening(app, sock))
            group.start_soon(_keep_time, stands[name].desk)
        try:
            yield stands
        except Exception as error:  # told as it is, not in the task group's wrapping
            failed = error
    if failed is not None:
        raise failed


@contextmanager
def serve_beside(
    names: Sequence[str] = ALL, *, settings: Settings | None = None, ports: Mapping[str, int] | None = None
) -> Iterator[Mapping[str, Stand]]:
    """As `serve`, in a thread of its own: for programs that are not asynchronous, or run on trio."""
    street = serve(names, settings=settings, ports=ports)
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(street) as stands:
        yield stands


def _stand(name: str, settings: Settings, folder: Path, root: str, group: TaskGroup) -> tuple[Stand, Any]:
    make, rule = _SERVICES[name]
    if settings.link_seconds is not None:
        rule = LinkRule(life_seconds=settings.link_seconds, renewed=rule.renewed, get_only=rule.get_only)

    def spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        group.start_soon(work)

    faults, log = Faults(settings.faults, settings.chance), Log()
    inputs = Inputs(folder / "inputs")
    studio = Studio(settings.cache or folder / "results", inputs, draw=settings.draw)
    studio.spawn = spawn
    waits = name in ("seedance2-movie", "naci")  # S2:256 and Ark let tasks wait; S0:543 refuses; S3 names no limit
    desk = Desk(
        opening=settings.credits,
        now=settings.now,
        slots=settings.concurrency if waits else None,
        store=settings.state / name if settings.state else None,
        ready=studio.ready,
    )
    studio.drawn = desk.wake
    files = Files(desk, studio, faults, rule, root)
    service = make(Kit(root=root, settings=settings, desk=desk, inputs=inputs, studio=studio, files=files))
    post = Post(service=service, desk=desk, faults=faults, seconds_per_retry=settings.seconds_per_retry, spawn=spawn)
    desk.changed = post.changed
    front = Front(service, desk=desk, faults=faults, files=files, post=post, log=log, keys=settings.keys_of(name))
    stand = Stand(
        name=name,
        root=root,
        base_url=root + service.base_path,
        keys=settings.keys_of(name),
        faults=faults,
        log=log,
        deliveries=post.deliveries,
        desk=desk,
    )
    return stand, front.app(routes(name, desk, faults, log, post))


async def _keep_time(desk: Desk) -> None:
    """Bring jobs on when nobody asks, so that webhooks are sent and accounts settled."""
    while True:
        desk.advance()
        due = desk.due()
        await anyio.sleep(_REST_SECONDS if due is None else min(max(due - desk.now(), 0.005), _REST_SECONDS))
