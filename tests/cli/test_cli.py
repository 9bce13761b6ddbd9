"""The command as people and scripts meet it: exit codes, clean standard output, kind words, no traceback."""

from __future__ import annotations

import errno
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.providers.catalog import PROVIDERS
from tests import stub
from tests.conftest import ROOT, rushes

Write = Callable[..., Path]
ONE = "defaults: {duration: 0.5, resolution: 480p, ratio: '1:1'}\nshots:\n  - {id: a, prompt: a red door}\n"
SLOW = "defaults: {duration: 5, resolution: 720p}\nshots:\n" + "".join(
    f"  - {{id: s{i}, prompt: 'number {i}'}}\n" for i in range(6)
)


@contextmanager
def under_way(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that has finished its first step; killed at the end if it still lives."""
    command = [sys.executable, "-m", "pipeline", "run", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stderr
        assert "done" in process.stderr.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stderr
    assert "Traceback" not in done.stdout


def test_standard_output_carries_the_document_alone(write: Write) -> None:
    """JSON on standard output parses as it is; progress and messages are on standard error."""
    done = rushes("run", write(ONE), "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["run"]["status"] == "complete"
    assert "[1/1] a/generate done" in done.stderr


def test_quiet_says_nothing_but_errors(write: Write) -> None:
    """Both streams are empty after a run that worked."""
    done = rushes("run", write(ONE), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_that_was_put_back_is_said(write: Write) -> None:
    """Nothing is begun for it; without, everything is there; a JSON log has no empty message."""
    path = write(ONE)
    assert rushes("run", path).returncode == 0
    (path.parent / "out" / "tale" / "shots" / "a.mp4").unlink()
    done = rushes("run", path, "--log", "json", "--format", "json")
    assert "Nothing to do: 1 file that was gone is put back." in done.stderr
    assert all(json.loads(line)["message"] for line in done.stderr.splitlines())
    assert "Nothing to do: everything is there." in rushes("run", path).stderr


def test_the_log_can_be_json(write: Write) -> None:
    """Every line of standard error is an object with a level; the events are among them."""
    done = rushes("run", write(ONE), "--log", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"RunStarted", "Started", "Succeeded", "RunEnded"} <= {line.get("event") for line in lines}


@pytest.mark.parametrize("command", ["check", "plan", "run"])
@pytest.mark.parametrize(
    ("make", "fact"),
    [
        (lambda path: None, "no such file|does not exist|There is no"),
        (lambda path: path.mkdir(), "folder|directory"),
        (lambda path: path.write_text(""), "empty"),
        (lambda path: path.write_bytes(bytes(range(256)) * 8), "."),
        (lambda path: path.write_text("\trushes: 1\n"), "tab|Tab"),
        (lambda path: path.write_text("rushes: 1\nname: x\nname: y\n"), "twice"),
        (
            lambda path: path.write_text("rushes: 1\nname: x\nshots: [{id: a, promt: b}]\n"),
            "did you mean.*prompt|prompt",
        ),
        (lambda path: path.write_text("shots: {{{{"), "."),
        (lambda path: os.mkfifo(path), "."),
    ],
    ids=["absent", "folder", "empty", "binary", "tab", "twice", "misspelt", "braces", "fifo"],
)
def test_what_is_no_recipe_gets_exit_2_and_a_hint(
    command: str, make: Callable[[Path], None], fact: str, tmp_path: Path
) -> None:
    """Never a traceback; a fact and a way out."""
    path = tmp_path / "recipe.yaml"
    make(path)
    done = rushes(command, path, timeout=20)
    no_traceback(done)
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert "Hint: " in told
    import re

    assert re.search(fact, told, re.IGNORECASE), told
    assert not (tmp_path / ".rushes").exists()


def test_faults_are_all_told_at_once_with_a_caret(write: Write) -> None:
    """Three mistakes, three places, each with its line, a caret below the column, and a hint."""
    path = write(
        "shots:\n  - {id: a, promt: x}\n  - {id: b, prompt: y, duration: soon}\n  - {id: c, prompt: z, chain: d}\n"
    )
    done = rushes("check", path)
    assert done.returncode == 2
    places = [line.split(": ")[0] for line in done.stdout.splitlines() if line.startswith(str(path))]
    assert [place.rsplit(":", 2)[1] for place in places] == ["4", "5", "6"]
    lines = done.stdout.splitlines()
    caret = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^") :].startswith("promt")


def test_check_as_json_is_for_editors(write: Write) -> None:
    """A list of objects with file, line, column, fact and hint; empty for a good recipe."""
    done = rushes("check", write("shots:\n  - {id: a, promt: x}\n"), "--format", "json")
    first = json.loads(done.stdout)[0]
    assert (first["line"], first["column"] > 0, bool(first["fact"]), bool(first["hint"])) == (4, True, True, True)
    assert json.loads(rushes("check", write(ONE), "--format", "json").stdout) == []


@pytest.mark.parametrize(
    "args",
    [["run"], ["runn"], ["plan", "x", "--format", "png"], ["run", "x", "--max-credits", "lots"],
     ["run", "x", "--var", "a"], ["run", "x", "--date", "tomorrow"], ["run", "x", "--provider", "hollywood"],
     ["init", "--recipe", "../../etc"], ["run", "plan.json"], ["verify", "."], ["report", "nothing"]],
)  # fmt: skip
def test_a_wrong_command_is_told_how(args: list[str], write: Write) -> None:
    """Exit 2 and a hint, whatever is wrong with the words."""
    path = write(ONE)
    done = rushes(*[str(path) if arg == "x" else arg for arg in args])
    no_traceback(done)
    assert done.returncode == 2
    assert "Hint: " in done.stderr


def test_only_that_names_nothing_says_what_there_is(write: Write) -> None:
    """The nearest name is offered."""
    done = rushes("run", write(ONE.replace("id: a", "id: harbour")), "--only", "harbor")
    assert (done.returncode, "Did you mean harbour?" in done.stderr) == (2, True)


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(write: Write) -> None:
    """Exit 130, a word on how to go on, finished shots kept; the next run makes only the rest."""
    path = write(SLOW)
    with under_way(path) as process:
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert time.monotonic() - began < 3
    assert process.returncode == 130
    assert "goes on" in err
    assert "Traceback" not in out + err
    plan = json.loads(rushes("plan", path, "--format", "json").stdout)
    assert "reuse" in {step["action"] for step in plan["steps"]}


def test_a_second_run_says_who_holds_the_recipe(write: Write) -> None:
    """Exit 5 while the first one runs."""
    path = write(SLOW)
    with under_way(path) as first:
        done = rushes("run", path)
        assert done.returncode == 5
        assert str(first.pid) in done.stderr
    assert rushes("plan", path).returncode == 0


def test_status_shows_a_run_under_way(write: Write) -> None:
    """Another process may ask while it works."""
    path = write(SLOW)
    with under_way(path):
        time.sleep(0.3)
        done = rushes("status", path)
        assert done.returncode == 0
        assert "running" in done.stdout


def test_a_full_disk_is_told_and_nothing_is_lost(write: Write) -> None:
    """With files limited to 60 kB the clip cannot be written: exit 1 or 2, no traceback; then it works."""
    path = write(ONE.replace("480p", "1080p"))
    script = f"import sys; from pipeline.cli.main import main; sys.exit(main(['run', {str(path)!r}]))"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, preexec_fn=limit)
    no_traceback(done)
    assert done.returncode in (1, 2), done.stderr
    assert "Hint: " in done.stderr or os.strerror(errno.EFBIG) in done.stderr
    assert rushes("run", path).returncode == 0


def test_a_workspace_that_is_no_folder_is_told(write: Write, tmp_path: Path) -> None:
    """Exit 2 with the path."""
    path = write(ONE)
    (tmp_path / ".rushes").write_text("not a folder")
    done = rushes("run", path, "--workspace", tmp_path / ".rushes")
    no_traceback(done)
    assert done.returncode == 2
    assert ".rushes" in done.stderr


def test_a_fault_of_ours_exits_70_with_a_log(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback is in the file that is named, and nowhere else."""

    def broken(_: object) -> object:
        raise ZeroDivisionError("our own fault")

    page = SimpleNamespace(**{**vars(stub), "request": broken})
    path = write("defaults: {provider: stub}\nshots:\n  - {id: a, kind: image, prompt: x}\n")
    code = main(["run", str(path)], House(providers={**PROVIDERS, "stub": page}))  # type: ignore[dict-item]
    err = capsys.readouterr().err
    assert code == 70
    assert "Traceback" not in err
    log = Path(err.split("please send ")[1].split(" to its makers")[0])
    assert "our own fault" in log.read_text()
    log.unlink()


def test_one_failed_shot_exits_1_and_says_why(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are made."""
    path = write(
        "defaults: {provider: stub}\nshots:\n"
        "  - {id: a, kind: image, prompt: fails}\n  - {id: b, kind: image, prompt: x}\n"
    )
    assert main(["run", str(path)], House(providers={**PROVIDERS, "stub": stub})) == 1
    out, err = capsys.readouterr()
    assert "the pencil broke" in err
    assert "failed" in out
    assert (path.parent / "out" / "tale" / "shots" / "b.png").exists()


def test_a_reader_that_goes_away_is_no_fault() -> None:
    """`rushes schema recipe | head -1` ends quietly."""
    command = f"{sys.executable} -m pipeline schema recipe | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=ROOT)
    no_traceback(done)
    assert done.stderr == ""


def test_on_a_terminal_there_is_a_bar(write: Write) -> None:
    """Tqdm draws on standard error when that is a terminal, and standard output stays clean."""
    path = write(ONE)
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (40, 110))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", str(path)],
        stderr=inner,
        stdout=subprocess.PIPE,
        stdin=inner,
        cwd=ROOT,
    )
    os.close(inner)
    seen = b""
    while process.poll() is None or select.select([outer], [], [], 0)[0]:
        if select.select([outer], [], [], 0.1)[0]:
            try:
                seen += os.read(outer, 4096)
            except OSError:
                break
    assert process.stdout
    out = process.stdout.read()
    process.wait()
    os.close(outer)
    assert b"steps |" in seen
    assert b"steps |" not in out


def test_init_writes_what_runs(tmp_path: Path) -> None:
    """The starter is checked without a fault, and is not written over."""
    assert rushes("init", tmp_path / "new").returncode == 0
    assert rushes("check", tmp_path / "new" / "recipe.yaml").returncode == 0
    done = rushes("init", tmp_path / "new")
    assert (done.returncode, "already there" in done.stderr) == (2, True)


def test_config_says_where_each_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is named is read, and a setting that nobody knows is a fault with the nearest name."""
    file = tmp_path / "config.toml"
    file.write_text('time_zone = "Europe/Berlin"\n[budget.run]\nusd = 5\n')
    monkeypatch.setenv("RUSHES_CONFIG", str(file))
    done = rushes("config")
    assert f"time_zone = Europe/Berlin  ({file})" in done.stdout
    assert "budget.run.usd = 5" in done.stdout
    file.write_text('time_zome = "Europe/Berlin"\n')
    done = rushes("config")
    assert (done.returncode, "Did you mean time_zone?" in done.stderr) == (2, True)


@pytest.mark.parametrize("form", ["table", "json", "markdown", "svg", "mermaid", "dot"])
def test_a_plan_comes_in_every_form(form: str, write: Write) -> None:
    """Each names the step, and nothing is made."""
    path = write(ONE)
    done = rushes("plan", path, "--format", form)
    assert done.returncode == 0
    assert "a/generate" in done.stdout
    assert not (path.parent / "out").exists()
    assert not (path.parent / ".rushes").exists()


def test_a_saved_plan_runs(write: Write, tmp_path: Path) -> None:
    """`plan --out` and `run PLAN`; a changed recipe makes it stale: exit 2."""
    path = write(ONE)
    assert rushes("plan", path, "--out", tmp_path / "plan.json").returncode == 0
    assert rushes("run", tmp_path / "plan.json").returncode == 0
    path.write_text(path.read_text().replace("red", "blue"))
    done = rushes("run", tmp_path / "plan.json")
    assert (done.returncode, "stale" in done.stderr) == (2, True)


def test_preview_puts_any_recipe_on_animatic(write: Write) -> None:
    """Below preview/, for nothing, beside what was made for real."""
    path = write(ONE.replace("duration", "provider: animatic, duration"))
    assert rushes("run", path, "--preview").returncode == 0
    assert (path.parent / "out" / "tale" / "preview" / "shots" / "a.mp4").exists()
    assert not (path.parent / "out" / "tale" / "shots").exists()
