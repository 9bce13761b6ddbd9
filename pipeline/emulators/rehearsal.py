"""All that a rehearsal needs: services that stand, and a folder of published inputs that they can read."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.from_thread import start_blocking_portal

from pipeline.emulators.published import showing
from pipeline.emulators.server import bound
from pipeline.emulators.settings import Settings
from pipeline.emulators.street import Stand, serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Services that stand, by name; what is put into `folder` can be read at `folder_url` + "/" + its name."""

    stands: Mapping[str, Stand]
    folder: Path
    folder_url: str


@asynccontextmanager
async def rehearse(names: Sequence[str], *, settings: Settings, port: int = 0) -> AsyncIterator[Rehearsal]:
    """Let a rehearsal stand while the block runs: on `port`, `port` + 1 ... in the order of `names`, the folder last.

    Port 0 takes free ones. The folder lies in `settings.state`, or is taken away after the block. Raises `ValueError`
    for a name that is none and `PortRefused` for a port that cannot be had.
    """
    ports = {name: port + n if port else 0 for n, name in enumerate(names)}
    failed: Exception | None = None
    async with AsyncExitStack() as stack:
        root = settings.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rushes-rehearsal-")))
        folder = root.resolve() / "published"
        folder.mkdir(parents=True, exist_ok=True)
        stands = await stack.enter_async_context(serve(names, settings=settings, ports=ports))
        sock = bound(port + len(names) if port else 0)
        stack.callback(sock.close)
        url = await stack.enter_async_context(showing(folder, sock))
        try:
            yield Rehearsal(stands=stands, folder=folder, folder_url=url)
        except Exception as error:  # told as it is, not in a task group's wrapping
            failed = error
    if failed is not None:
        raise failed


@contextmanager
def rehearse_beside(names: Sequence[str], *, settings: Settings, port: int = 0) -> Iterator[Rehearsal]:
    """As `rehearse`, in a thread of its own, for programs that are not asynchronous."""
    rehearsal = rehearse(names, settings=settings, port=port)
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(rehearsal) as standing:
        yield standing


def run(names: Sequence[str], *, settings: Settings, port: int = 0, tell: Callable[[Rehearsal], None]) -> None:
    """Let a rehearsal stand until the process is interrupted, terminated or hung up; `tell` hears when it stands."""
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup is heeded
        ends.append(signal.SIGHUP)

    async def main() -> None:
        with anyio.open_signal_receiver(*ends) as heard:
            async with rehearse(names, settings=settings, port=port) as rehearsal:
                tell(rehearsal)
                async for _ in heard:
                    return

    try:
        anyio.run(main)
    except KeyboardInterrupt:  # before anybody listened for it
        return
