"""A process that reads recipes one after the other while an audit hook writes down whatever it reaches for.

Started as `python -m tests.hostile.watched FOLDER`; takes JSON lines `{"path": …}` or `{"seed": …}` and answers each
with one: what came of it, what it touched outside, how long it took. A recipe that takes too long is killed by whoever
asked, with the whole process; one that takes too much memory has no more than MOST_MIB above what the process needs.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import resource
import select
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any
from urllib.parse import unquote

from tests.hostile.files import GOOD

ROOT = Path(__file__).resolve().parents[2]
MOST_MIB = 300
MOST_SECONDS = 2.0
MOST_SAID = 1_500  # characters of one fact or hint

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# What the interpreter says of itself and of memory, or what is watched by another of these events.
PLAIN = (
    "object.",
    "sys._getframe",
    "sys._current",
    "gc.",
    "builtins.id",
    "array.",
    "os.scandir",
    "os.listdir",
    "import",
    "marshal.",
    "code.__new__",
    "cpython.",
    "sys.unraisablehook",
    "sys.excepthook",
    "time.sleep",
    "sqlite3.connect/handle",
    "ctypes.string_at",
)
FOLDERS = ("os.scandir", "os.listdir", "os.walk", "glob.glob", "pathlib.Path.glob")


class Watch:
    """Writes down what is reached for outside `folder` and the interpreter's own files, while it is `on`."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        # What Python itself may load at any moment: modules not yet imported, time zones, codecs, our own schema.
        roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path} - {"", str(ROOT)}
        self.own = tuple(os.path.realpath(root) + "/" for root in (*roots, str(ROOT / "pipeline")))
        self.own += ("/usr/share/zoneinfo/", "<frozen ")
        self.on = False
        self.touched: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            self._opened(*given)
        elif event in FOLDERS:
            if not isinstance(given[0], int) and not self._inside(str(given[0])):
                self.touched.append(f"{event} {given[0]!r}")
        elif event == "sqlite3.connect":
            name = unquote(str(given[0]).removeprefix("file:").partition("?")[0])
            if name != ":memory:" and not self._inside(name):
                self.touched.append(f"{event} {given[0]!r}")
        elif event == "exec":
            code = given[0]
            if isinstance(code, CodeType) and not self._of_ours(code.co_filename):
                self.touched.append(f"exec {code.co_filename}")
        elif event == "compile":
            # `re` and `ast.literal_eval` make no code object; whoever would run one is heard at `exec`.
            return
        elif not event.startswith(PLAIN):
            self.touched.append(f"{event} {given!r}"[:300])

    def _opened(self, path: Any, mode: Any, flags: int) -> None:
        if isinstance(path, int):
            return  # it was opened before, and told of then
        name = os.fsdecode(path)
        if flags & WRITES:
            self.touched.append(f"written {name!r}")
        elif "/" not in name and name not in ("", "..") and flags & os.O_NOFOLLOW:
            return  # one part below a descriptor, never through a link
        elif not self._inside(name) and not self._of_ours(name):
            self.touched.append(f"open {name!r} {mode} {flags:o}")

    def _inside(self, name: str) -> bool:
        real = os.path.realpath(name)
        return real == self.folder or real.startswith(self.folder + "/")

    def _of_ours(self, name: str) -> bool:
        return name.startswith(self.own) or os.path.realpath(name).startswith(self.own)

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[str]]:
        """The list that fills while the block runs."""
        self.touched = []
        self.on = True
        try:
            yield self.touched
        finally:
            self.on = False


def read(path: Path) -> dict[str, Any]:
    """What comes of planning a recipe and of writing that plan down in every form.

    `seconds` is the processor's, of the slowest command: to plan and write the form that takes longest, or to check.
    """
    from pipeline import api
    from pipeline.cli.console import fault_text, safe
    from pipeline.digest import dumps
    from pipeline.errors import Fault, RecipeError, RushesError
    from pipeline.report import catalog

    faults: tuple[Fault, ...] = ()
    began, seconds = time.process_time(), 0.0
    try:
        desk = api.plan(path)
        planned = time.process_time() - began
        if desk.recipe.stages:
            api.check(path)
            seconds = time.process_time() - began - planned
        texts = []
        for write in (*catalog.PLANS.values(), lambda *_: dumps(api.save_plan(desk))):
            written = time.process_time()
            texts.append(write(desk.plan, desk.book, 100))
            seconds = max(seconds, planned + time.process_time() - written)
        outcome, said = "plan", "".join(texts)
        faults = desk.plan.warnings
        said.encode()
    except RecipeError as error:
        outcome, faults = "faults", error.faults
    except RushesError as error:
        place = error.fact
        strange = _strange([place, error.hint])
        told = [[0, 0, place, error.hint]]
        return {"outcome": "refused", "faults": told, "strange": strange, "seconds": _since(began)}
    shown = [safe(fault_text(fault)) for fault in faults]
    said = [text for fault in faults for text in (fault.fact, fault.hint)]
    strange = _strange(said) + [f"a long line: {len(text):,}" for text in shown if len(text) > 3 * MOST_SAID]
    told = [[fault.place.line, fault.place.column, fault.fact, fault.hint] for fault in faults[:5]]
    seconds = seconds or _since(began)
    return {"outcome": outcome, "faults": told, "strange": strange[:3], "seconds": seconds}


def _since(began: float) -> float:
    return time.process_time() - began


def _strange(said: list[str]) -> list[str]:
    """What no fact or hint may be: endless, empty, or with something in it that steers a terminal."""
    long = [f"{len(text):,} characters: {text[:80]!r}" for text in said if len(text) > MOST_SAID]
    return long + [f"not to be shown: {text[:80]!r}" for text in said if not text.isprintable()]


def main(folder: Path) -> None:
    """Answers until there are no more lines."""
    watch = Watch(folder)
    _warm(folder)
    lay(folder)
    from tests.hostile.mutate import Mutator

    mutator = Mutator()
    _bound()
    for line in sys.stdin:
        asked = json.loads(line)
        path = Path(asked["path"]) if "path" in asked else folder / "recipe.yaml"
        if "seed" in asked:
            path.write_bytes(mutator.recipe(asked["seed"]))
            for name, data in mutator.beside(asked["seed"]).items():
                (folder / name).write_bytes(data)
        watch.folder = str(path.parent.resolve())
        with watch.watching() as touched:
            try:
                found = read(path)
            except BaseException as error:
                told = traceback.format_exception(error, limit=-6)
                found = {"outcome": "crash", "faults": [], "strange": ["".join(told)[-2_000:]], "seconds": 0.0}
                del error
        found |= {"touched": touched[:5], "seconds": round(found["seconds"], 3)}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def lay(folder: Path) -> None:
    """Puts beside a recipe what examples name, and what leads out or astray."""
    shutil.copytree(ROOT / "examples" / "lighthouse" / "assets", folder / "assets", dirs_exist_ok=True)
    for name, data in (
        ("k.png", GOOD),
        ("a.mp3", b"ID3\x03" + bytes(106)),
        ("v.mp4", b"\0\0\0\x18ftypisom" + bytes(99)),
    ):
        (folder / name).write_bytes(data)
    shutil.copytree(ROOT / "tests" / "golden" / "recipes" / "shared", folder / "shared", dirs_exist_ok=True)
    shutil.copytree(ROOT / "recipes" / "cities" / "assets", folder / "assets", dirs_exist_ok=True)
    for name in ("cities/cities.csv", "music/beats.json", "music/piece.mp3"):
        shutil.copy(ROOT / "recipes" / name, folder)
    if not (folder / "fifo.png").exists():
        os.mkfifo(folder / "fifo.png")
        (folder / "out.png").symlink_to("/etc/passwd")
        (folder / "away").symlink_to("..")


def _warm(folder: Path) -> None:
    """Lets everything be imported that reading and planning imports, so that nothing of it is heard later."""
    import pipeline

    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if module.name.split(".")[1] in ("recipe", "plan", "report", "store", "providers", "cli", "api", "desk"):
            importlib.import_module(module.name)
    for name in ("difflib", "encodings.idna", "encodings.unicode_escape", "zoneinfo", "jinja2.nodes", "jsonschema"):
        importlib.import_module(name)
    warm = folder / "warm.yaml"
    for text in ("shots:\n- {id: a, prompt: '{{ 1 + 1 }}'}\nfilm: true\n", "shots: [{ie: 1}]\nbudget: {run: 1}\n"):
        warm.write_text(f"rushes: 1\nname: warm\n{text}", encoding="utf-8")
        read(warm)
    warm.unlink()


def _bound() -> None:
    """Lets the process have MOST_MIB more of memory than it has now, where the system can say how much that is."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        now = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmSize:"))
        most = now + MOST_MIB * 1024**2
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


class Reader:
    """A watched process, begun anew whenever one has died or was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, seconds: float = MOST_SECONDS, **asked: Any) -> Mapping[str, Any]:
        """What comes of one recipe; `outcome` is "hang" where it took longer, "died" where the process ended."""
        process = self._begun()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        line = process.stdout.readline() if ready else b""
        if line:
            answer: Mapping[str, Any] = json.loads(line)
            return answer
        self.close()
        return {"outcome": "died" if ready else "hang", "faults": [], "strange": [], "touched": [], "seconds": seconds}

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _begun(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-X", "utf8", "-m", "tests.hostile.watched", str(self.folder)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
            assert self._process.stdin is not None
            # The first answer says that everything is loaded: that time is nobody's fault.
            first = self.folder / "first.yaml"
            first.write_text("rushes: 1\nname: first\nshots: [{id: a, prompt: p}]\n", encoding="utf-8")
            self._process.stdin.write(json.dumps({"path": str(first)}).encode() + b"\n")
            self._process.stdin.flush()
            assert self._process.stdout is not None
            if b'"plan"' not in (answer := self._process.stdout.readline()):
                raise RuntimeError(f"a plain recipe cannot be planned: {answer!r}")
        return self._process


if __name__ == "__main__":
    main(Path(sys.argv[1]))
