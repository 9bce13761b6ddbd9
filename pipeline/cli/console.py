"""What people see on standard error: messages, faults with a caret, progress. Standard output is the commands'."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sys
import tempfile
import time
import traceback
import unicodedata
from typing import TYPE_CHECKING, Any

from pipeline import money
from pipeline.digest import dumps
from pipeline.errors import Fault, RecipeError, RushesError

if TYPE_CHECKING:
    from tqdm import tqdm

    from pipeline.desk import Desk
    from pipeline.engine.orders import Stopping, Waiting
    from pipeline.events import Event
    from pipeline.plan.model import Step

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Console:
    """Standard error, in the words or the JSON the user asked for."""

    def __init__(self, *, quiet: bool, log: str | None) -> None:
        self.quiet = quiet
        self.json = log == "json"

    def say(self, text: str, **values: Any) -> None:
        """A message that `--quiet` silences."""
        if not self.quiet:
            self._write("info", text, values)

    def warn(self, fault: Fault) -> None:
        """A warning of a recipe."""
        if not self.quiet:
            self._write("warning", fault_text(fault) if not self.json else str(fault), {})

    def refuse(self, error: RushesError) -> None:
        """What the user must know about why nothing, or not everything, was done."""
        if isinstance(error, RecipeError) and self.json:
            for fault in error.faults:
                self._write("error", str(fault), {})
            return
        if isinstance(error, RecipeError):
            texts = [fault_text(fault) for fault in error.faults]
            count = f"{len(texts)} faults" if len(texts) > 1 else "1 fault"
            self._write("error", "\n\n".join(texts) + f"\n\n{count}.", {})
            return
        self._write("error", f"error: {error.fact}" + (f"\nHint: {error.hint}" if error.hint else ""), {})

    def refuse_os(self, error: OSError) -> None:
        """An error of the operating system that no room has put into words."""
        if isinstance(error, FileNotFoundError) and not error.filename:
            self._write("error", "error: the folder you are in is gone.\nHint: Go to one that is there.", {})
            return
        name = f"{error.filename}: " if error.filename else ""
        hint = (
            "Free some space; the same command then goes on." if error.errno in FULL else "See to it, then try again."
        )
        self._write("error", f"error: {name}{error.strerror or error}.\nHint: {hint}", {})

    def crash(self, error: BaseException) -> int:
        """A fault of ours: the traceback goes to a file, its name to the user. Gives the exit code."""
        text = "".join(traceback.format_exception(error))
        last = f"{type(error).__name__}: {error}"
        try:
            handle, name = tempfile.mkstemp(prefix="rushes-", suffix=".log")
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError as refused:
            name = f"this ({refused.strerror} where its log should go)"
        self._write("error", f"error: a fault in Rushes itself ({last}).\nHint: please send {name} to its makers.", {})
        return 70

    def ask(self, question: str) -> bool:
        """A yes-or-no question on the terminal; anything but yes is no."""
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        try:
            return sys.stdin.readline().strip().lower() in ("y", "yes")
        except UnicodeDecodeError:
            return False

    def _write(self, level: str, text: str, values: dict[str, Any]) -> None:
        if self.json:
            text = dumps({"level": level, "message": text, **values})
        encoding = sys.stderr.encoding or "utf-8"
        # WHY: whoever read it may have gone, and a run does not stop because nobody listens.
        with contextlib.suppress(OSError):
            sys.stderr.write(safe(text).encode(encoding, "replace").decode(encoding) + "\n")
            sys.stderr.flush()


def can_ask() -> bool:
    """Whether there is a person at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def safe(text: str) -> str:
    """Text from strangers without what would steer a terminal."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "�" for c in text)


def fault_text(fault: Fault) -> str:
    """`file:line:column: fact`, the source line with a caret, and the way out."""
    word = "warning: " if fault.warning else ""
    lines = [f"{fault.place}: {word}{fault.fact}"]
    if fault.place.text.strip():
        start = max(0, fault.place.column - 60)
        shown = fault.place.text[start : start + 100].replace("\t", " ")
        gutter = f"{fault.place.line:>5} | "
        lines.append(gutter + shown)
        lines.append(" " * (len(gutter) + _columns(shown[: fault.place.column - 1 - start])) + "^")
    lines.append(f"Hint: {fault.hint}")
    return "\n".join(lines)


def _columns(text: str) -> int:
    """How many terminal columns a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Progress:
    """Tells how a run goes: a bar on a terminal, a line a step elsewhere, JSON lines where they were asked for."""

    def __init__(self, console: Console, desk: Desk) -> None:
        self.console = console
        self.steps = {step.id: step for step in desk.plan.steps}
        self.rungs = {step.id: step.rung for step in desk.plan.steps}
        self.total = len(desk.plan.doing())
        self.running: set[str] = set()
        self.done = 0
        self.failed = 0
        self.credits = {name: desk.book.charged(name) for name in desk.plan.accounts}
        self.units = {name: account.unit for name, account in desk.plan.accounts.items()}
        self.taken = {step.id for step in desk.plan.steps if step.job_id}  # a service has the job
        self.began = time.monotonic()
        self.bar: tqdm[Any] | None = None
        self.waiting: dict[str, tuple[str, float]] = {}  # by step or account, what it waits for, and until when
        self.said: set[tuple[str, str]] = set()

    def __call__(self, event: Event | Waiting | Stopping) -> None:
        """Takes note of an event, or of what is waited for."""
        from pipeline.engine.orders import Stopping, Waiting

        if isinstance(event, Stopping):
            self._stop(event)
        elif isinstance(event, Waiting):
            self._wait(event)
        else:
            self._note(event)

    def _note(self, event: Event) -> None:
        name = type(event).__name__
        step = getattr(event, "step", "")
        for one in (step, getattr(event, "account", "") if name == "Started" else ""):
            self.waiting.pop(one, None)
        if name == "Started":
            self.running.add(step)
        elif name == "Submitted":
            self.taken.add(step)
        elif name in ("Succeeded", "Failed", "Cancelled", "Skipped", "Doubted"):
            self.running.discard(step)
            self.done += name == "Succeeded"
            self.failed += name in ("Failed", "Cancelled") or (name == "Doubted" and step not in self.taken)
            if name != "Doubted":
                self.taken.discard(step)
        elif name == "Settled":
            account = self.steps[step].account
            self.credits[account] = self.credits.get(account, money.ZERO) + event.charged  # type: ignore[union-attr]
            self._overrun(event, self.steps[step])
        self._show(event, name, step)

    def _wait(self, event: Waiting) -> None:
        """Tells once what is waited for: beside the bar as long as it lasts, else on a line."""
        told = event.why if event.account else f"{event.step}: {event.why}"
        # WHY: not by all of its words, since a service gives a new request id each time that it is busy.
        key = (event.account or event.step, event.why.partition(":")[0])
        until = time.monotonic() + (math.inf if event.seconds is None else event.seconds)
        self.waiting[event.account or event.step] = event.why, until
        if self.console.json:
            if key not in self.said:
                about = {"at": event.at, "step": event.step, "account": event.account, "seconds": event.seconds}
                self.console.say(told, event="Waiting", **about)
        elif sys.stderr.isatty():
            if not self.console.quiet:
                self._draw("Waiting")
        elif key not in self.said:
            self.console.say(told)
        self.said.add(key)

    def _stop(self, event: Stopping) -> None:
        """Says at once that Ctrl-C was heard, and what is waited for all the same."""
        answers = "the answer to 1 request that is" if event.requests == 1 else f"{event.requests} answers to requests"
        if self.bar is not None:
            self.bar.clear()
        self.console.say(
            f"Stopping: waiting for {answers} on the way, so as not to lose what is paid for. "
            "Ctrl-C again ends at once; then `rushes recover` has to find out what became of it.",
            **({"event": "Stopping", "at": event.at, "requests": event.requests} if self.console.json else {}),
        )

    def goes_on(self, desk: Desk) -> None:
        """Tells of a further round, in which fallbacks take the place of what has failed."""
        fallen = [step for step in desk.plan.doing() if step.rung and self.rungs.get(step.id) != step.rung]
        for step in fallen:
            made_by = " ".join(filter(None, (step.account or step.provider, step.model)))
            self.console.say(f"{step.id} failed; its fallback {step.rung} is tried: {made_by}")
        self.failed = max(0, self.failed - len(fallen))
        self.steps |= {step.id: step for step in desk.plan.steps}
        self.rungs |= {step.id: step.rung for step in desk.plan.steps}
        self.units |= {name: account.unit for name, account in desk.plan.accounts.items()}
        self.total = self.done + self.failed + len(desk.plan.doing())
        if self.bar is not None:
            self.bar.total = self.total

    def _overrun(self, event: Any, step: Step) -> None:
        """Tells of a charge that is more than was reserved: the user must know at once."""
        if step.price.known and event.charged > step.price.high:
            self.console.say(
                f"{step.id}: {step.account} charged {event.charged}, and the plan reserved {step.price.high}; "
                "nothing more is started on it in this run."
            )

    def _show(self, event: Event, name: str, step: str) -> None:
        if self.console.quiet:
            return
        if self.console.json:
            from pipeline.events import to_json

            self.console.say(f"{name} {step}".strip(), event=name, **to_json(event))
        elif sys.stderr.isatty():
            self._draw(name)
        elif name in ("Succeeded", "Failed", "Cancelled", "Skipped", "Refused", "Doubted"):
            self._line(event, name, step)

    def _line(self, event: Event, name: str, step: str) -> None:
        word = {
            "Succeeded": "done",
            "Failed": "FAILED",
            "Cancelled": "cancelled",
            "Skipped": "skipped",
            "Refused": "refused",
            "Doubted": "still under way" if step in self.taken else "unknown",
        }
        why = getattr(event, "error", "") or getattr(event, "why", "")
        self.console.say(
            f"[{self.done}/{self.total}] {step} {word[name]}{': ' + why if why else ''}"
            f" ({time.monotonic() - self.began:.1f} s)"
        )

    def charged(self) -> str:
        """What was charged in this run: of one account in its unit, of several each by its name."""
        if len(self.credits) == 1:
            return " ".join(f"{money.text(most)} {self.units.get(name, '')}" for name, most in self.credits.items())
        return " + ".join(f"{money.text(most)} {name}" for name, most in self.credits.items() if most)

    def _draw(self, name: str) -> None:
        # WHY: a terminal that was closed takes no bar, and a run does not stop because nobody looks.
        with contextlib.suppress(OSError):
            self._draw_bar(name)

    def _draw_bar(self, name: str) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(
                total=self.total,
                unit="step",
                file=sys.stderr,
                dynamic_ncols=True,
                leave=False,
                miniters=1,
                bar_format="{n_fmt}/{total_fmt} steps |{bar}| {elapsed} {postfix}",
            )
        self.bar.n = self.done + self.failed
        parts = [f"{len(self.running)} running"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if charged := self.charged():
            parts.append(charged)
        now = time.monotonic()
        if waits := [why for why, until in self.waiting.values() if now < until]:
            parts.append(waits[0] + (f" (+{len(waits) - 1})" if len(waits) > 1 else ""))
        self.bar.set_postfix_str(", ".join(parts))
        if name == "RunEnded":
            self.bar.close()
