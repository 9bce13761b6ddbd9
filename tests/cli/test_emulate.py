"""`rushes emulate`: services that stand while a person, or another command, needs them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from PIL import Image

from pipeline.providers.catalog import SERVICES
from tests.conftest import ROOT, rushes
from tests.emulators import ports

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
CREATE = {"model": "sd2", "inputs": {"prompt": "a red door", "duration": "5s"}}


class Standing:
    """A `rushes emulate` that stands: what it told a shell, and what it told people."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.exports: dict[str, str] = {}
        assert process.stdout
        for line in process.stdout:
            (word, pair) = shlex.split(line)
            name, _, value = pair.partition("=")
            assert word == "export"
            self.exports[name] = value
            if name == "RUSHES_PUBLISH_BASE_URL":
                break

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = self.exports["SEEGEN_BASE_URL"] + path
        headers = {"Authorization": f"Bearer {self.exports['SEEGEN_API_KEY']}"}
        return httpx.request(method, url, headers=headers, json=body, trust_env=False, timeout=10)

    def folder(self) -> Path:
        return Path(unquote(urlsplit(self.exports["RUSHES_PUBLISH"]).path))

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextmanager
def standing(*args: str | Path) -> Iterator[Standing]:
    """A process of its own that stands; ended at the end if it still lives."""
    command = [sys.executable, "-m", "pipeline", "emulate", *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield Standing(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def street() -> Iterator[Standing]:
    """All services, for the tests that only ask."""
    with standing("--fault", "server_error_before:times=1,status=503,match=strike here", "--credits", "123.5") as one:
        yield one


def test_every_service_answers_at_the_address_that_is_told(street: Standing) -> None:
    """The names are those that the services' pages read, and each key is one that its service takes."""
    assert set(street.exports) == {
        *(page.BASE_URL_ENV for page in SERVICES.values()),
        *(page.KEY_ENV for page in SERVICES.values()),
        "SEEDANCEE2_WEBHOOK_SECRET",
        "RUSHES_PUBLISH",
        "RUSHES_PUBLISH_BASE_URL",
    }
    for page in SERVICES.values():
        root = "http://" + urlsplit(street.exports[page.BASE_URL_ENV]).netloc
        assert httpx.get(f"{root}/_emulator/", trust_env=False).status_code == 200
    assert street.ask("GET", "/account/credits").json()["credits"] == 123.5


def test_a_fault_that_a_flag_names_strikes(street: Standing) -> None:
    """The one request that holds the text, and then no more."""
    body = {"model": "sd2", "inputs": {"prompt": "strike here", "duration": "5s"}}
    assert street.ask("POST", "/jobs/createTask", body).status_code == 503
    assert street.ask("POST", "/jobs/createTask", body).status_code == 402  # 123.5 credits do not buy it


def test_what_is_published_can_be_read(street: Standing) -> None:
    """With its type; not a link, a folder, a hidden file, nor anything outside."""
    folder, base = street.folder(), street.exports["RUSHES_PUBLISH_BASE_URL"]
    Image.new("RGB", (4, 4), (200, 30, 30)).save(folder / "door.png")
    (folder / "below").mkdir()
    (folder / "below" / "a.png").write_bytes(b"x")
    (folder / ".part.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(folder / "door.png")
    (folder.parent / "secret.png").write_bytes(b"x")
    answer = httpx.get(f"{base}/door.png", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == (folder / "door.png").read_bytes()
    assert httpx.head(f"{base}/door.png", trust_env=False).headers["content-length"] == str(len(answer.content))
    assert httpx.put(f"{base}/door.png", content=b"x", trust_env=False).status_code == 405
    host = urlsplit(base)
    for name in (
        "",
        "none.png",
        "below",
        "below/a.png",
        "below%2fa.png",
        ".part.png",
        "link.png",
        "..",
        "../secret.png",
        "..%2fsecret.png",
        "%2e%2e%2fsecret.png",
        "..%5csecret.png",
        "%2fetc%2fpasswd",
        "door.png%00",
        "a" * 300,
    ):
        line = HTTPConnection(host.hostname or "", host.port or 0, timeout=10)  # sends a path as it is written
        line.request("GET", f"{host.path}/{name}")
        assert line.getresponse().status == 404, name
        line.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stands_until_it_is_stopped(number: int) -> None:
    """Exit 0, a line for people each, no traceback, and nothing left behind."""
    with standing("naci") as one:
        assert set(one.exports) == {"NACI_BASE_URL", "NACI_API_KEY", "RUSHES_PUBLISH", "RUSHES_PUBLISH_BASE_URL"}
        assert one.folder().is_dir()
        code, out, err = one.end(number)
    assert (code, out) == (0, "")
    assert f"naci: what is asked of it shows at {one.exports['NACI_BASE_URL']}/_emulator/" in err
    assert "Traceback" not in err
    assert not one.folder().parent.exists()


def test_a_port_that_is_taken_is_told() -> None:
    """Exit 2, the port and the way out; ports are counted up in the services' order."""
    taken = ports.free(3)
    with socket.socket() as first:
        first.bind(("127.0.0.1", taken))
        first.listen()
        done = rushes("emulate", "seegen", "--port", str(taken), timeout=20)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"port {taken} of this machine cannot be had" in done.stderr
        assert "Hint: Name another with --port" in done.stderr
    with standing("naci", "seegen", "--port", str(taken)) as two:
        found = [urlsplit(two.exports[name]).port for name in two.exports if name.endswith("_BASE_URL")]
        assert found == [taken, taken + 1, taken + 2]
        assert "SEEGEN_BASE_URL" in next(iter(two.exports))


def test_a_state_is_kept_and_has_one_holder(tmp_path: Path) -> None:
    """Jobs, money and published inputs are there after a restart; a second one beside it is refused with exit 5."""
    state = tmp_path / "a state"
    with standing("seegen", "--state", state, "--seconds", "0.1") as one:
        made = one.ask("POST", "/jobs/createTask", CREATE).json()["taskId"]
        (one.folder() / "a.png").write_bytes(b"x")
        second = rushes("emulate", "seegen", "--state", state, timeout=20)
        assert (second.returncode, "another rehearsal holds this state" in second.stderr) == (5, True)
        assert one.end(signal.SIGINT)[0] == 0
    with standing("seegen", "--state", state, "--seconds", "0.1") as again:
        deadline = time.monotonic() + 20
        while again.ask("GET", f"/jobs/queryTask?taskId={made}").json()["status"] != "COMPLETED":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert again.ask("GET", "/account/credits").json()["credits"] == 999_800
        assert httpx.get(again.exports["RUSHES_PUBLISH_BASE_URL"] + "/a.png", trust_env=False).content == b"x"
    assert again.folder().is_dir()


def test_a_command_runs_in_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is the command's alone; a key of a service that does not stand never reaches it."""
    monkeypatch.setenv("SEEGEN_API_KEY", "a-real-key")
    monkeypatch.setenv("NACI_API_KEY", "another-real-key")
    monkeypatch.setenv("RUSHES_PUBLISH", "s3://a-real-bucket")
    done = rushes("emulate", "seegen", "--", sys.executable, "-c", SHOW, timeout=30)
    assert done.returncode == 0
    environ = json.loads(done.stdout)
    assert environ["SEEGEN_BASE_URL"].startswith("http://127.0.0.1:")
    assert environ["SEEGEN_API_KEY"].startswith("seegen-rehearsal-key")
    assert environ["RUSHES_PUBLISH"].startswith("file:///")
    assert environ["PATH"] == os.environ["PATH"]
    assert "NACI_API_KEY" not in environ
    assert "naci does not stand, so the command is not given NACI_API_KEY." in done.stderr
    assert "real-key" not in done.stderr


def test_they_stand_as_the_configuration_expects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further accounts have keys that are taken, the edition and the gateway's model names are the user's."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[providers.seegen]\nedition = "seegen-older"\n[providers.naci.models]\nseedance-2 = "my-seedance"\n'
        '[accounts.agency]\nprovider = "seegen"\nkey_env = "AGENCY_KEY"\n'
        '[accounts.other]\nprovider = "seedancee2"\nkey_env = "OTHER_KEY"\n'
    )
    monkeypatch.setenv("RUSHES_CONFIG", str(file))
    monkeypatch.setenv("OTHER_KEY", "a-real-key")
    with standing("seegen", "naci") as two:
        two.exports["SEEGEN_API_KEY"] = two.exports["AGENCY_KEY"]
        assert two.ask("GET", "/account/credits").json()["credits"] == 1_000_000
        assert two.ask("POST", "/assets/upload", {}).status_code == 404  # the older edition has none
        url = two.exports["NACI_BASE_URL"] + "/v1/video/generations"
        headers = {"Authorization": f"Bearer {two.exports['NACI_API_KEY']}"}
        body = {"model": "my-seedance", "content": [{"type": "text", "text": "a red door"}]}
        assert httpx.post(url, headers=headers, json=body, trust_env=False).status_code == 200
    done = rushes("emulate", "naci", "--", sys.executable, "-c", SHOW, timeout=30)
    assert not {"AGENCY_KEY", "OTHER_KEY"} & set(json.loads(done.stdout))
    assert "seedancee2 does not stand, so the command is not given OTHER_KEY." in done.stderr


def test_what_was_rehearsed_is_summed_up() -> None:
    """Requests, jobs and money of each service that was asked, and which faults struck."""
    code = (
        "import json, os, urllib.error, urllib.request\n"
        "for n in range(2):\n"
        "    try:\n"
        "        urllib.request.urlopen(urllib.request.Request(os.environ['SEEGEN_BASE_URL'] + '/jobs/createTask',\n"
        f"            data=json.dumps({CREATE}).encode(),\n"
        "            headers={'Authorization': 'Bearer ' + os.environ['SEEGEN_API_KEY']}))\n"
        "    except urllib.error.HTTPError as error:\n"
        "        print(error.code)\n"
    )
    flags = ("--seconds", "60", "--fault", "rate_limited", "--fault", "frozen:match=nothing of this kind")
    done = rushes("emulate", "seegen", "naci", *flags, "--", sys.executable, "-c", code, timeout=30)
    assert (done.returncode, done.stdout) == (0, "429\n"), done.stderr
    told = "seegen: 2 requests, 1 job, 0 credits charged; struck: rate_limited; never struck: frozen"
    assert done.stderr.splitlines()[-1] == told


@pytest.mark.parametrize(("code", "exits"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_code_is_the_commands(code: str, exits: int) -> None:
    """Also that of one which a signal ended, as a shell tells it."""
    done = rushes("emulate", "naci", "--", sys.executable, "-c", code, timeout=30)
    assert (done.returncode, done.stdout) == (exits, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_reach_the_command(name: str) -> None:
    """Once; and the command says how it all ends."""
    code = (
        "import os, signal, sys, time\n"
        # WHY: a handler that prints while a print is under way is refused.
        f"signal.signal(signal.{name}, lambda *_: (os.write(1, b'heard\\n'), time.sleep(0.3), sys.exit(9)))\n"
        "os.write(1, b'ready\\n')\n"
        "for _ in range(600): time.sleep(0.1)\n"  # one long sleep would not hear what came just before it began
    )
    command = [sys.executable, "-m", "pipeline", "emulate", "naci", "--", sys.executable, "-c", code]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,  # no terminal, whose Ctrl-C would reach the command by itself
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (9, "heard\n")
    assert "Traceback" not in err


def plain_file(folder: Path) -> Path:
    path = folder / "a file"
    path.write_text("x")
    return path


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["sora"], "sora is no service that can be rehearsed"),
        (["--port", "65533"], "--port 65533 is no place for 5 ports in a row"),
        (["--port", "many"], "invalid int value"),
        (["--seconds", "nan"], "--seconds nan is no time"),
        (["--credits", "lots"], "'lots' is not an amount of money"),
        (["--fault", "lost_creat"], "did you mean lost_create?"),
        (["--fault", "lost_create:tiems=2"], "'tiems=2' is no field=value"),
        (["--fault", "rate_limited:retry_after=soon"], "rate_limited: retry_after: 'soon' is no number"),
        (["--state", "FILE"], "is no folder"),
        (["--"], "no command stands after `--`"),
        (["--", "no-such-command-here"], "no-such-command-here cannot be run: it was not found"),
        (["--", "FILE"], "cannot be run: it is no program"),
    ],
)
def test_a_wrong_word_is_told_before_anything_stands(args: list[str], told: str, tmp_path: Path) -> None:
    """Exit 2, a fact and a way out, nothing on standard output."""
    done = rushes("emulate", *[plain_file(tmp_path) if arg == "FILE" else arg for arg in args], timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "_emulator" not in done.stderr


def test_the_faults_are_listed() -> None:
    """A line each, and the fields that can be told."""
    done = rushes("emulate", "--fault", "list")
    assert done.returncode == 0
    assert "lost_create               the job exists, and the line is cut before the answer\n" in done.stdout
    assert "\nretry_after " in done.stdout


def test_a_missing_extra_is_told() -> None:
    """Exit 2 and what to install."""
    code = (
        "import sys\nsys.modules['uvicorn'] = None\n"
        "from pipeline.cli.main import main\nsys.exit(main(['emulate', 'naci']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=20)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: `rushes emulate` needs the extra `emulators`.\nHint: Install it: pip install 'rushes[emulators]'\n"
    )


def test_its_command_may_have_words_like_its_own(write: Callable[..., Path]) -> None:
    """What stands after the first `--` is the command's, another `--` and flags of ours included."""
    shown = "import sys; print(sys.argv[1:])"
    done = rushes("emulate", "naci", "--quiet", "--", sys.executable, "-c", shown, "--", "--port", "x", timeout=30)
    assert (done.stdout, done.stderr) == ("['--', '--port', 'x']\n", "")
    path = write("shots:\n  - {id: a, prompt: a red door}\n")
    done = rushes("emulate", "naci", "--", sys.executable, "-m", "pipeline", "check", path, timeout=60)
    assert done.returncode == 0, done.stderr
