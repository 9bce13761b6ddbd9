"""What an editor shows while a recipe is written, by the server that editors use for YAML.

`make editor` has npm put it into .venv, and runs these; from then on `make test` does, and asks no network.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "recipe.schema.json"
OURS = ROOT / ".venv" / "node_modules" / ".bin"
SERVER = shutil.which("yaml-language-server", path=os.pathsep.join([os.environ.get("PATH", ""), str(OURS)]))
PATIENCE_SECONDS = 30

pytestmark = pytest.mark.skipif(SERVER is None, reason="there is no yaml-language-server here: make editor")


class Editor:
    """The server as a process, spoken to as editors do: JSON-RPC over its standard streams."""

    def __init__(self, folder: Path) -> None:
        assert SERVER
        self.folder, self.asked, self.opened = folder, 0, 0
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": _CAPABLE})
        self.say("initialized", {})

    def open(self, text: str) -> str:
        """Opens a recipe, and gives its address."""
        self.opened += 1
        head = f"# yaml-language-server: $schema={SCHEMA.as_uri()}\n"
        uri = (self.folder / f"recipe-{self.opened}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": head + text}
        self.say("textDocument/didOpen", {"textDocument": document})
        return uri

    def complete(self, text: str, line: int, column: int) -> dict[str, dict[str, Any]]:
        """What may be written at a place of a text, by what it is called; lines and columns count from 0."""
        where = {"textDocument": {"uri": self.open(text)}, "position": {"line": line + 1, "character": column}}
        found = self.ask("textDocument/completion", where)
        return {item["label"]: item for item in found["items"]}

    def hover(self, text: str, line: int, column: int) -> str:
        """What is shown over a place of a text."""
        where = {"textDocument": {"uri": self.open(text)}, "position": {"line": line + 1, "character": column}}
        return json.dumps(self.ask("textDocument/hover", where)["contents"], ensure_ascii=False)

    def problems(self, text: str) -> list[tuple[int, str]]:
        """The lines, counted from 0, and words of what is wrong with a text."""
        uri = self.open(text)
        while True:
            told = self.told.get(timeout=PATIENCE_SECONDS)
            if told.get("method") == "textDocument/publishDiagnostics" and told["params"]["uri"] == uri:
                found = told["params"]["diagnostics"]
                return [(problem["range"]["start"]["line"] - 1, problem["message"]) for problem in found]

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """The answer to a question."""
        self.asked += 1
        self._send({"id": self.asked, "method": method, "params": params})
        while True:
            told = self.told.get(timeout=PATIENCE_SECONDS)
            if told.get("id") == self.asked and "method" not in told:
                assert "error" not in told, told
                return told["result"]

    def say(self, method: str, params: Mapping[str, Any]) -> None:
        """Tells the server something."""
        self._send({"method": method, "params": params})

    def _send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout
        while header := self.process.stdout.readline():
            if not header.lower().startswith(b"content-length:"):
                continue
            while self.process.stdout.readline().strip():
                pass
            message = json.loads(self.process.stdout.read(int(header.split(b":")[1])))
            if message.get("method") == "workspace/configuration":
                settings = [_SETTINGS.get(item.get("section", "")) for item in message["params"]["items"]]
                self._send({"id": message["id"], "result": settings})
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            else:
                self.told.put(message)


_CAPABLE = {
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {},
    },
    "workspace": {"configuration": True},
}
_SETTINGS = {
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}},
    "http": {"proxy": "", "proxyStrictSSL": False},
}


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    made = Editor(tmp_path_factory.mktemp("editor"))
    yield made
    made.process.kill()
    made.process.communicate()


HEAD = "rushes: 1\nname: t\n"
SHOT = HEAD + "shots:\n- id: a\n  prompt: p\n"


def test_keys_of_the_recipe_are_offered(editor: Editor) -> None:
    """Those that are not there yet, each with what it is for."""
    found = editor.complete(HEAD + "\n", 2, 0)
    assert {"budget", "vars", "references", "shots", "film", "defaults"} <= found.keys()
    assert "rushes" not in found
    assert "Upper limits" in json.dumps(found["budget"].get("documentation"))


def test_keys_of_a_shot_are_offered(editor: Editor) -> None:
    """With what each is for."""
    found = editor.complete(HEAD + "shots:\n- id: a\n  p\n", 4, 3)
    assert {"prompt", "provider", "duration", "chain", "references"} <= found.keys()
    assert "What is to be seen" in json.dumps(found["prompt"].get("documentation"))


@pytest.mark.parametrize(
    "field, words",
    [
        ("resolution", {"480p", "720p", "1080p"}),
        ("kind", {"video", "image"}),
        ("provider", {"animatic", "seegen", "naci"}),
        ("ratio", {"16:9", "9:16"}),
    ],
)
def test_values_are_offered(editor: Editor, field: str, words: set[str]) -> None:
    """Where there are few, or some that everybody uses."""
    text = SHOT + f"  {field}: \n"
    found = editor.complete(text, 5, len(f"  {field}: "))
    assert words <= {label.strip('"') for label in found}


@pytest.mark.parametrize(
    "text, line, column, told",
    [
        (SHOT, 4, 4, "What is to be seen, and heard"),
        (SHOT + "  provider: animatic\n", 5, 4, "Who makes it"),
        (HEAD + "budget: {run: {usd: 8}}\nshots: []\n", 2, 2, "Upper limits; nothing is sent that could exceed them"),
        (HEAD + "budget: {run: {usd: 8}}\nshots: []\n", 2, 10, "For a run of this recipe"),
    ],
)
def test_a_key_says_what_it_is(editor: Editor, text: str, line: int, column: int, told: str) -> None:
    """Where a hand rests on it."""
    assert told in editor.hover(text, line, column)


@pytest.mark.parametrize(
    "text, line, told",
    [
        (SHOT + "  takes: 101\n", 5, "maximum of 100"),
        (SHOT + "  audio: 5\n", 5, "boolean"),
        (SHOT + "  resolution: 721p\n", 5, "Write 480p, 720p, 1080p, 2k or 4k."),
        (SHOT + "  duration: soon\n", 5, "Write seconds, as in 5, 5.5 or 5s"),
        ("rushes: 2\nname: t\nshots: [{id: a}]\n", 0, "Write `rushes: 1`."),
        ("rushes: 1\nname: My Film\nshots: [{id: a}]\n", 1, "A name has small letters, digits and '-'"),
        (SHOT + "  provider: no body\n", 5, "Write a name: letters, digits"),
        (SHOT + "  promt: x\n", 5, "A shot is a map of keys: `id`, `prompt`"),
        (SHOT + "budget: {run: {usd: much}}\n", 5, "An amount is a number, zero or more."),
        (SHOT + "budget: {on_exceed: stay}\n", 5, "Write refuse, stop or skip."),
    ],
)
def test_a_bad_value_is_told_in_our_words(editor: Editor, text: str, line: int, told: str) -> None:
    """At its line: those of `errorMessage`, but for a number out of bounds and for a value of no due type."""
    found = editor.problems(text)
    assert [at for at, _ in found] == [line]
    assert told in found[0][1]


def test_a_good_recipe_has_no_problems(editor: Editor) -> None:
    """Templates in the place of numbers, and every form that a field may have."""
    assert editor.problems((ROOT / "examples" / "lighthouse" / "recipe.yaml").read_text(encoding="utf-8")) == []
    assert (
        editor.problems(SHOT + "  duration: '{{ 5 }}'\n  upscale: {to: 2k}\n  chain: {from: b, offset: 0.2s}\n") == []
    )
