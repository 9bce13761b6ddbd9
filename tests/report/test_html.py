"""The page shows a run, works from its own folder alone, and whatever a stranger wrote stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from pipeline.digest import dumps, loads
from pipeline.report.html import link, page
from pipeline.report.manifest import manifest
from tests.report.hostile import ALL, BROKEN, TEXT, hostile_run
from tests.report.stories import Told, lighthouse, plan, shot

ELEMENTS = """html head meta title style body header main section footer article div p h1 h2 h3 span b bdi br a video
    img ol ul li dl dt dd code table tr th td details summary"""
ATTRIBUTES = """lang charset http-equiv content name class title dir id href src width height preload controls loop
    muted playsinline loading alt aria-label open"""


class Seen(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> Iterator[str]:
        for _, attrs in self.tags:
            yield from (value or "" for name, value in attrs.items() if name in ("href", "src"))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_shows_film_clips_and_stills_by_relative_paths() -> None:
    """Clips loop muted and load their beginning only; stills are pictures; the film is on top, with sound."""
    seen = Seen(page(Told(lighthouse()).make().story()))
    film, *clips = seen.of("video")
    assert film["src"] == "./film.mp4#t=0.001"
    assert "muted" not in film
    assert [clip["src"] for clip in clips][:2] == ["./shots/dawn.mp4#t=0.001", "./shots/lamp.mp4#t=0.001"]
    assert all({"controls", "loop", "muted"} <= clip.keys() and clip["preload"] == "metadata" for clip in clips)
    assert [image["src"] for image in seen.of("img")] == ["./shots/sheet.png", "./shots/opening.png"]
    assert {"./frames/dawn.last.png", "./shots/lamp.2k.mp4"} <= set(seen.links())


def test_the_page_tells_prompt_money_reasons_and_failures() -> None:
    """What a reviewer asks first is on the page: prompt, key, cost, why, error, hint, chain, budget."""
    run = Told(lighthouse()).make("sheet/generate", "opening/generate", "dawn/generate", "dawn/last_frame")
    run.start("lamp/generate").fail("lamp/generate", "the prompt was refused", "Say it otherwise.")
    seen = Seen(page(run.story("partial")))
    for text in (
        "he climbs the spiral stairs, overcast light",
        "the prompt was refused",
        "Say it otherwise.",
        "needs lamp/generate, which failed",
        "50 ($0.20)",
        "In all $0.20 of $8.00.",
        "was not made yet",
        "take 2",
        "goes on from",
        "partial",
    ):
        assert text in seen.text, text
    assert "#take-dawn" in set(seen.links())
    ids = [attrs["id"] for _, attrs in seen.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    assert {name for name in seen.links() if name.startswith("#")} <= {f"#{name}" for name in ids}


def test_the_page_is_made_again_from_its_manifest_alone() -> None:
    """The page of a run and that of the manifest it left are the same text."""
    story = Told(lighthouse()).make().story()
    assert page(story) == page(loads(dumps(manifest(story))))


def test_the_page_asks_no_network_and_runs_no_script() -> None:
    """Its policy allows one style sheet, by digest, and media from its own folder; it refers to nothing else."""
    text = page(Told(lighthouse()).make().story())
    seen = Seen(text)
    (policy,) = [meta["content"] for meta in seen.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src 'self' file:",
        "media-src 'self' file:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert all(url.startswith(("./", "#")) for url in seen.links())


def hostile_manifest() -> dict[str, Any]:
    """A manifest that no run has left: hostile in every text, also in ids, paths, amounts' units and statuses."""
    found: dict[str, Any] = json.loads(dumps(manifest(hostile_run().story("partial"))))
    for row in found["shots"]:
        row.update(id=row["id"] + TEXT, status=TEXT, account=TEXT, why=TEXT, error=TEXT, hint=TEXT, key=TEXT)
        row["outputs"][TEXT] = {**_file("javascript:alert(1)"), "sha256": TEXT}
        row["outputs"]["video"] = _file("https://evil.test/a.mp4")
    found["run"].update(id=TEXT, status=TEXT, version=TEXT)
    found["budget"]["by_account"] = {TEXT: {**found["budget"]["by_account"]["till"], "unit": TEXT}}
    found["film"].update(_file("../../etc/passwd"), shots=[TEXT], joined=TEXT, why=TEXT)
    return found


def _file(path: str) -> dict[str, Any]:
    return {"path": path, "sha256": "", "bytes": 1, "width": 1, "height": 1, "duration": 1, "fps": TEXT}


@pytest.mark.parametrize("document", [manifest(hostile_run().story("partial")), hostile_manifest()])
def test_no_text_becomes_markup_a_link_or_a_template(document: dict[str, Any]) -> None:
    """Only the page's own elements come out, every link stays in its folder, and the text is all there."""
    text = page(document)
    seen = Seen(text)
    assert {tag for tag, _ in seen.tags} <= set(ELEMENTS.split())
    assert {name for _, attrs in seen.tags for name in attrs} <= set(ATTRIBUTES.split())
    assert all(re.fullmatch(r"\./[\w/.%@~-]+(#t=0\.001)?|#take-[\w.%@~/-]+", url) for url in seen.links())
    assert all(urljoin("file:///run/report.html", url).startswith("file:///run/") for url in seen.links())
    for wanted in ALL:
        if wanted != BROKEN:
            assert wanted in seen.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", text)
    text.encode()


def test_text_that_turns_its_direction_turns_nothing_beside_it() -> None:
    """Prompts, errors and reasons are isolated: each stands in an element with dir=auto or in a bdi."""
    text = page(hostile_run().story("partial"))
    for before in re.findall(r"<([^<>]*)>[^<>]*\u202e", text):
        assert before.startswith(("bdi", "title")) or 'dir="auto"' in before or before in ("dd", "br"), before


@pytest.mark.parametrize(
    "path",
    ["", None, "/etc/passwd", "../x.mp4", "a/../../x", "a\\..\\x", "//evil.test/x", "a\nb", "\u202ea.mp4", "a\x00"],
)
def test_a_path_that_leaves_the_folder_is_no_link(path: str | None) -> None:
    """Such a path is shown as text at most."""
    assert link(path) is None


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("shots/a@2.mp4", "./shots/a@2.mp4"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("a b?c#d%.mp4", "./a%20b%3Fc%23d%25.mp4"),
        ("größe.png", "./gr%C3%B6%C3%9Fe.png"),
    ],
)
def test_a_path_below_the_folder_is_a_relative_link(path: str, url: str) -> None:
    """A scheme, a query or a fragment in a file's name is only its name."""
    assert link(path) == url


def test_a_run_without_shots_or_money_is_a_page_too() -> None:
    """Nothing in the page needs something to be there."""
    seen = Seen(page(Told(plan(shot("a"))).story("running")))
    assert "Nothing was charged" in seen.text
    empty = {**manifest(Told(plan()).story()), "vars": None, "warnings": None, "film": None}
    assert Seen(page(empty)).of("h1")


CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_a_browser_accepts_the_policy_and_runs_nothing(tmp_path: Path) -> None:
    """From file://, the style holds under the policy, and the hostile page leaves a document without scripts."""
    file = tmp_path / "report.html"
    file.write_text(page(hostile_manifest()), encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    done = subprocess.run(
        [
            str(CHROMIUM),
            *flags.split(),
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "<script" not in done.stdout
    assert {name for _, attrs in Seen(done.stdout).tags for name in attrs} <= set(ATTRIBUTES.split())
    assert "Content Security Policy" not in done.stderr
