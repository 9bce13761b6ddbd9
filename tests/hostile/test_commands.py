"""The real commands on recipes whose every text is an attack: what they print and write stays text."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.cli.main import main
from tests.conftest import rushes
from tests.hostile.case import HEAD

RAN = "document.documentElement.dataset.ran=1"
MARKUP = [
    f"</script></style></title></textarea><script>{RAN}</script>",
    f"\"'><img src=x onerror={RAN}><svg onload={RAN}>",
    f"<iframe srcdoc='<script>parent.{RAN}</script>'></iframe>",
    "<img src=//evil.test/a.png><link rel=stylesheet href=https://evil.test/a.css>",
    f"[x](javascript:{RAN}) ![y](https://evil.test/t.png) | a | `b` | @someone #1",
    f"]]>--><!--{{{{ 7*7 }}}}{{% raw %}}${{{RAN}}}",
    "style='background:url(https://evil.test/b.png)' @import url(//evil.test/c.css);",
    '"]; click a "javascript:alert(1)"; } digraph x { URL="javascript:alert(1)" }',
]
STEERING = "\\e]0;owned\\a\\e[2J\\e[31m\\x9b5n\\b\\u202e\\u2066\\u200b"  # in double quotes, YAML makes characters of it
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _quoted(text: str) -> str:
    return (
        '"'
        + text.replace("\\", "\\\\").replace('"', '\\"').replace("{{", "{{ '{{' }}").replace("{%", "{{ '{%' }}")
        + '"'
    )


@pytest.fixture(scope="module")
def attacking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe with an attack in every text that the grammar leaves free."""
    folder = tmp_path_factory.mktemp("attacking")
    lines = [HEAD + f"title: {_quoted(MARKUP[1])}", "vars:"]
    lines += [f"  v{n}: {_quoted(text)}" for n, text in enumerate(MARKUP)]
    lines += [f'  steering: "{STEERING}"', "shots:"]
    for n, text in enumerate(MARKUP):
        lines += [f"- id: s{n}", "  duration: 1", "  resolution: 480p", f"  prompt: {_quoted(text)}"]
        lines += [f"  options: {{seegen: {{key: {_quoted(text)}}}}}"]
    lines += ["film: true"]
    (folder / "recipe.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RUSHES_") and not k.endswith("_API_KEY")}
    return {**kept, "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config")), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="module")
def previewed(attacking: Path, environ: dict[str, str]) -> Path:
    """The folder of its preview."""
    done = rushes("run", attacking / "recipe.yaml", "--preview", "--quiet", env=environ)
    assert done.returncode == 0, done.stderr
    return attacking / "out" / "t" / "preview"


def _steers(text: str) -> list[str]:
    return [c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]


@pytest.mark.parametrize("form", ["table", "json", "markdown", "svg", "mermaid", "dot"])
def test_a_plan_in_every_form_stays_text(attacking: Path, environ: dict[str, str], form: str) -> None:
    """No escape sequence, no element and no link but its own."""
    done = rushes("plan", attacking / "recipe.yaml", "--format", form, env=environ)
    assert done.returncode == 0, done.stderr
    assert _steers(done.stdout + done.stderr) == []
    if form == "json":
        json.loads(done.stdout)
    if form == "svg":
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(done.stdout).iter()}
        assert not names & {"script", "image", "foreignObject", "iframe", "a"}
        assert not re.search(r"\son\w+=|javascript:", re.sub(r">[^<]*<", "><", done.stdout))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + f'title: 5\n"{STEERING}": 1\nshots: []\n',
        HEAD + f'shots:\n- {{id: "{STEERING}", prompt: p}}\n',
        HEAD + f'shots:\n- {{id: a, prompt: "{{{{ {STEERING} }}}}"}}\n',
        HEAD + f'shots:\n- {{id: a, prompt: p, references: ["{STEERING}", "{STEERING}.png"]}}\n',
        HEAD + f'shots:\n- {{id: a, prompt: p, provider: "{STEERING}", model: "{STEERING}", account: "{STEERING}"}}\n',
        HEAD + f'vars: {{"{STEERING}": 1}}\nshots:\n- {{id: a, prompt: p, options: {{"{STEERING}": 1}}}}\n',
        HEAD + f'shots:\n- {{id: "x{{{{ v }}}}", prompt: p, each: {{v: ["{STEERING}"]}}}}\n',
        HEAD.replace("name: t", "name: \u202et\u200b") + "shots:\n- {id: a, prompt: p}\n",
    ],
)
def test_a_fault_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Neither in its words nor in the line that is shown with it, on either stream."""
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    for command in (["check"], ["check", "--format", "json"], ["plan"], ["plan", "--log", "json"]):
        assert main([*command, str(tmp_path / "recipe.yaml")]) == 2
        told = capsys.readouterr()
        assert _steers(told.out + told.err) == []


@pytest.mark.slow
def test_a_preview_and_its_report_stay_text(previewed: Path, environ: dict[str, str]) -> None:
    """What is printed of them, and what the manifest says."""
    for command in (["report"], ["status"], ["status", "--format", "markdown"], ["verify"]):
        done = rushes(*command, previewed / "manifest.json", env=environ)
        assert done.returncode == 0, done.stderr
        assert _steers(done.stdout + done.stderr) == []
    assert json.loads((previewed / "manifest.json").read_text(encoding="utf-8"))["vars"]["v0"] == MARKUP[0]


@contextmanager
def _listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port that notes who asks it for anything, and answers nobody."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    heard.append(connection.recv(200))

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)


def _opened(page: Path, profile: Path) -> tuple[str, list[bytes]]:
    """The document as a browser has it in the end, and what that asked the network for."""
    assert CHROMIUM
    with _listening() as (port, heard):
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        command += [
            f"--proxy-server=http://127.0.0.1:{port}",
            "--virtual-time-budget=3000",
            "--dump-dom",
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout, [line for line in heard if b"evil.test" in line]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine to open the page in")
def test_nothing_of_a_recipe_runs_in_a_browser(previewed: Path, tmp_path: Path) -> None:
    """The page is text there too, and asks nobody for anything; a careless page shows that the browser would."""
    careless = tmp_path / "careless.html"
    careless.write_text(f"<!doctype html><body>{''.join(MARKUP[1:4])}", encoding="utf-8")
    document, asked = _opened(careless, tmp_path / "one")
    assert 'data-ran="1"' in document
    assert asked
    document, asked = _opened(previewed / "report.html", tmp_path / "two")
    assert "</html>" in document
    assert 'data-ran="1"' not in document
    assert asked == []
