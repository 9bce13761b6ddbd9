"""`rushes emulate`: local stand-ins of the services, for as long as a person or another command needs them."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.cli.console import Console
from pipeline.config import Config
from pipeline.emulators import faults
from pipeline.emulators.settings import ALL, ARK_MODELS, KEYS, NACI_MODELS, Settings
from pipeline.errors import UserError
from pipeline.providers.catalog import SERVICES
from pipeline.providers.hooks import Hooks

if TYPE_CHECKING:
    from pipeline.emulators.rehearsal import Rehearsal
    from pipeline.emulators.street import Stand

Show = Callable[[str], None]

_LAST_PORT = 65_535
_LONGEST_SECONDS = 86_400
_LISTENS_EVERY = 0.5  # seconds
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def emulate(given: argparse.Namespace, config: Config, console: Console, show: Show) -> int:
    """Lets the services stand until they are stopped, or until the command that was given has ended."""
    if "list" in given.fault:
        show(_fault_list())
        return 0
    command = None if given.rehearsed is None else _command(given.rehearsed)
    names = _names(given.services)
    settings, port = _settings(given, config), _port(given.port, len(names) + 1)
    try:
        from pipeline.emulators import rehearsal
        from pipeline.emulators.server import PortRefused
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise UserError(
            "`rushes emulate` needs the extra `emulators`.", "Install it: pip install 'rushes[emulators]'"
        ) from None
    try:
        with _alone(settings.state):
            if command is not None:
                with _Relay() as relay, rehearsal.rehearse_beside(names, settings=settings, port=port) as standing:
                    _introduce(standing, console)
                    code = relay.run(command, _environment(standing, settings, config, console))
                    _sum_up(standing, console)
                    return code

            def tell(standing: Rehearsal) -> None:
                _introduce(standing, console)
                exports = _exports(standing, settings, config)
                show("\n".join(f"export {name}={shlex.quote(value)}" for name, value in exports.items()))
                console.say("They stand until Ctrl-C. Another shell that has the lines above rehearses with them.")

            rehearsal.run(names, settings=settings, port=port, tell=tell)
            return 0
    except PortRefused as error:
        raise UserError(
            f"port {error.port} of this machine cannot be had: {error.strerror}.",
            "Name another with --port, or none: free ones are then taken.",
        ) from None


def _names(services: Sequence[str]) -> tuple[str, ...]:
    for name in services:
        if name not in ALL:
            raise UserError(f"{name} is no service that can be rehearsed.", f"There are {', '.join(ALL)}.")
    return tuple(name for name in ALL if name in services) or ALL


def _settings(given: argparse.Namespace, config: Config) -> Settings:
    """How the services behave: as the flags say, and as the user's configuration expects them. Raises `UserError`."""
    usual = Settings()
    named = config.naci.models if config.naci else {}
    return Settings(
        edition="seegen-older" if config.editions.get("seegen") == "seegen-older" else "seegen",
        keys={name: (*KEYS[name], *_keys(name, config).values()) for name in ALL},
        naci_models={**NACI_MODELS, **{own: ARK_MODELS[name] for name, own in named.items() if name in ARK_MODELS}},
        seconds_per_job=usual.seconds_per_job if given.seconds is None else _seconds(given.seconds),
        credits=usual.credits if given.credits is None else _credits(given.credits),
        state=_state(given.state) if given.state else None,
        faults=tuple(map(_fault, given.fault)),
    )


def _keys(name: str, config: Config) -> dict[str, str]:
    """Made-up keys of the user's further accounts at one service, by the variable that holds the real one."""
    return {
        settings.key_env: f"{KEYS[name][0].removesuffix('0001')}{account}"
        for account, settings in config.accounts.items()
        if settings.provider == name and settings.key_env != SERVICES[name].KEY_ENV
    }


def _seconds(text: str) -> float:
    try:
        seconds = money.amount(text)
    except ValueError:
        seconds = None
    if seconds is None or seconds > _LONGEST_SECONDS:
        raise UserError(f"--seconds {text} is no time that a job can take.", "Give seconds, from 0 to a day of them.")
    return float(seconds)


def _credits(text: str) -> Decimal:
    try:
        return money.amount(text)
    except ValueError as error:
        raise UserError(f"--credits: {error}", "Give a number of zero or more.") from None


def _state(text: str) -> Path:
    try:
        folder = Path(text).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"--state {text} is no folder.", "Name one that is there, or one that can be made.") from None
    except RuntimeError as error:  # a ~ that is nobody's home
        raise UserError(f"--state {text}: {error}", "Write the folder's whole path.") from None
    return folder


def _fault(text: str) -> faults.Fault:
    try:
        return faults.written_fault(text)
    except ValueError as error:
        raise UserError(f"--fault {error}", "`rushes emulate --fault list` tells all of them.") from None


def _port(base: int | None, count: int) -> int:
    last = _LAST_PORT - count + 1
    if base is not None and not 1 <= base <= last:
        raise UserError(f"--port {base} is no place for {count} ports in a row.", f"Give a number from 1 to {last}.")
    return base or 0


def _command(words: Sequence[str]) -> Sequence[str]:
    """The command, if there is one. Raises `UserError`, before anything stands for it."""
    if not words:
        raise UserError("no command stands after `--`.", "Write one, or leave `--` out: the services then just stand.")
    if not shutil.which(words[0]):
        raise _unfit(words[0], "it was not found" if not Path(words[0]).exists() else "it is no program")
    return words


def _unfit(name: str, why: str | None) -> UserError:
    return UserError(f"the command {name} cannot be run: {why}.", "Write after `--` what a shell would run.")


def _fault_list() -> str:
    """Every fault and every field, a line each."""
    width = max(map(len, faults.CATALOG))
    lines = [f"{name:{width}}  {kind.what}" for name, kind in faults.CATALOG.items()]
    lines += ["", "--fault NAME:field=value,field=value tells more; each service has the faults to itself:"]
    lines += [f"{name:{width}}  {field.what}" for name, field in faults.FIELDS.items()]
    return "\n".join(lines)


@contextmanager
def _alone(state: Path | None) -> Iterator[None]:
    """Two rehearsals would spoil each other's books: the second one of a state is refused with `Held`."""
    from pipeline.store import locks

    with locks.hold(state, "this state", run="another rehearsal") if state else nullcontext():
        yield


def _exports(standing: Rehearsal, settings: Settings, config: Config) -> dict[str, str]:
    """What Rushes must find in its environment to meet the stand-ins."""
    made = {}
    for name, stand in standing.stands.items():
        page = SERVICES[name]
        made[page.BASE_URL_ENV] = stand.base_url
        made[page.KEY_ENV] = stand.key
        made.update(_keys(name, config))
        if isinstance(page, Hooks) and page.SECRET_ENV:
            made[page.SECRET_ENV] = settings.webhook_secret
    made["RUSHES_PUBLISH"] = standing.folder.as_uri()
    made["RUSHES_PUBLISH_BASE_URL"] = standing.folder_url
    return made


def _environment(standing: Rehearsal, settings: Settings, config: Config, console: Console) -> dict[str, str]:
    """The environment of a command that rehearses: no key of a service that does not stand, so that none is paid."""
    exports = _exports(standing, settings, config)
    made = {**os.environ, **exports}
    for name, page in SERVICES.items():
        if name in standing.stands:
            continue
        for variable in (page.KEY_ENV, *_keys(name, config)):
            if variable not in exports and made.pop(variable, ""):
                console.say(f"{name} does not stand, so the command is not given {variable}.")
    return made


def _introduce(standing: Rehearsal, console: Console) -> None:
    for stand in standing.stands.values():
        console.say(f"{stand.name}: what is asked of it shows at {stand.root}/_emulator/")


def _sum_up(standing: Rehearsal, console: Console) -> None:
    """What a rehearsal came to, now that its pages are going."""
    for stand in standing.stands.values():
        if len(stand.log):
            console.say(f"{stand.name}: {_sum(stand)}")


def _sum(stand: Stand) -> str:
    books = stand.books()
    told = f"{_many(len(stand.log), 'request')}, {_many(books['created'], 'job')}, "
    told += f"{money.text(books['totals']['charged'])} credits charged"
    for label, names in (("struck", stand.faults.struck), ("never struck", stand.faults.unspent())):
        if names:
            told += f"; {label}: {', '.join(dict.fromkeys(names))}"
    return told


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


class _Relay:
    """Runs one command and passes on to it the signals that this process is sent while the block lasts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __enter__(self) -> _Relay:
        heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._hear) for number in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """The exit code of `command`, 128 + N where signal N ended it. Raises `UserError` where it cannot be begun."""
        if self._early:  # stopped before it began
            return 128 + self._early[0]
        try:
            self._process = subprocess.Popen(command, env=environ)
        except OSError as error:
            raise _unfit(command[0], error.strerror) from None
        for number in self._early:
            self._pass_on(self._process, number)
        code = self._ended(self._process)
        return code if code >= 0 else 128 - code

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> int:
        # WHY: a signal that comes just before the wait begins does not end the wait, and would be heard only after it.
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_LISTENS_EVERY)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        else:
            self._pass_on(self._process, number)

    @staticmethod
    def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
        # WHY: a terminal's Ctrl-C reaches the command by itself, and twice would tell it to hurry.
        if number != signal.SIGINT or not _before_a_terminal():
            process.send_signal(number)


def _before_a_terminal() -> bool:
    """Whether a terminal sends its Ctrl-C to this process, and so to whatever it has started."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
