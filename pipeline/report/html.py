"""`report.html`: the page to review a run on, made from its manifest alone. It runs no script and asks no network.

A manifest may come from anybody, so every text is escaped, every link is a path below the manifest's folder, and the
page's own policy lets nothing but its one style sheet, and pictures and clips from where it lies.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shlex
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.report import markdown
from pipeline.report.legible import block, line
from pipeline.report.manifest import manifest
from pipeline.report.story import Story

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).parent
_SHOWN = ("video", "image", "upscaled")


def page(run: Story | Mapping[str, Any]) -> str:
    """The page of a run, or of the manifest that it left."""
    document = manifest(run) if isinstance(run, Story) else run
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' file:; media-src 'self' file:; "
        "base-uri 'none'; form-action 'none'"
    )
    cards = [_card(shot) for shot in document["shots"]]
    names = Counter(card["shot"] for card in cards)
    for before, card in zip([None, *cards], cards, strict=False):
        card["approve"] = _approve(card, document) if names[card["shot"]] > 1 else ""
        card["follows_neighbour"] = bool(before and card["from_take"] == before["name"])
    statuses = [str(shot["status"]) for shot in document["shots"]]
    found: str = _template().render(
        policy=policy,
        style=style,
        recipe=document["recipe"],
        run=document["run"],
        took=_took(document["run"].get("started_at"), document["run"].get("finished_at")),
        counts=[(status, statuses.count(status)) for status in markdown.STATUSES if status in statuses],
        film=_film(document.get("film")),
        cards=cards,
        vars=[(name, _said(value)) for name, value in (document.get("vars") or {}).items()],
        warnings=document.get("warnings") or (),
        **_money(document["budget"]),
    )
    return found


@functools.cache
def _style() -> str:
    return (_FOLDER / "report.css").read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: block(value) if type(value) is str else value,
    )
    return environment.from_string((_FOLDER / "report.html.j2").read_text(encoding="utf-8"))


def link(path: object) -> str | None:
    """A relative URL of a path below the page's folder, or None for a path that is no such thing."""
    text = str(path or "")
    parts = text.split("/")
    if not text or text.startswith("/") or "\\" in text or ".." in parts or text != line(text):
        return None
    return "./" + quote(text, safe="/-._~@", errors="replace")


def _card(shot: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of one take."""
    outputs = {str(name): _file(output) for name, output in shot["outputs"].items()}
    main = outputs.get("video") or outputs.get("image")
    frame = shot.get("first_frame") or {}
    source = str(frame.get("from", ""))
    from_take = source.partition("/")[0] if source.endswith("/generate") or "/last_frame" in source else ""
    return {
        "name": markdown.take_name(shot),
        "shot": str(shot["id"]),
        "take": int(shot["take"]),
        "kind": shot.get("kind"),
        "status": str(shot["status"]),
        "stale": bool(shot["stale"]),
        "picked": shot.get("picked"),
        "prompt": str(shot["prompt"]),
        "by": markdown.made_by(shot),
        "seed": shot["seed"],
        "key": str(shot["key"] or ""),
        "why": _why(shot),
        "reproducible": str(shot["reproducible"]),
        "cost": markdown.cost(shot),
        "usd": "" if not shot["usd"] else markdown.dollars(shot["usd"]),
        "source": str(shot["credits"]["source"] or ""),
        "error": str(shot["error"] or ""),
        "hint": str(shot.get("hint") or ""),
        "main": main,
        "files": [(name.replace("_", " "), file) for name, file in outputs.items()],
        "from_take": from_take,
        "from": source,
        "frame": [(name, frame[name]) for name in ("index", "pts", "matrix", "range") if frame.get(name) is not None],
        "frame_sha256": str(frame.get("sha256") or ""),
        "attempts": [_attempt(attempt) for attempt in shot["attempts"]],
    }


def _approve(card: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The command that picks a take, to be typed where the recipe lies; empty where there is nothing to pick."""
    if card["picked"] is not False or card["main"] is None:
        return ""
    recipe, flags = str(document["recipe"]["path"]).rpartition("/")[2], document["run"].get("flags", ())
    return shlex.join(["rushes", "approve", recipe, card["name"], *flags])


def _why(shot: Mapping[str, Any]) -> str:
    """Why it was to be made, in words that are true now that it is there."""
    why = str(shot["why"])
    return why.replace("not made yet", "was not made yet", 1) if shot["status"] == "done" else why


def _file(output: Mapping[str, Any]) -> dict[str, Any]:
    facts = []
    if output["width"] and output["height"]:
        facts.append(f"{output['width']}x{output['height']}")
    if output["duration"] is not None:
        facts.append(f"{round(float(output['duration']), 2):g} s")
    if output["fps"] is not None:
        facts.append(f"{output['fps']} fps")
    return {
        "path": str(output["path"]),
        "url": link(output["path"]),
        "facts": ", ".join([*facts, _size(output["bytes"] or 0)]),
        "clip": output["duration"] is not None,
        "width": output["width"] or 16,
        "height": output["height"] or 9,
        "sha256": str(output["sha256"]),
    }


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": str(attempt.get("step", "")),
        "by": str(attempt["account"] or attempt["provider"] or "this machine"),
        "task": str(attempt["task_id"] or ""),
        "at": _moment(attempt["submitted_at"]),
        "took": _took(attempt["submitted_at"], attempt["finished_at"]),
        "status": str(attempt["status"]),
        "error": str(attempt["error"] or ""),
    }


def _film(film: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not film:
        return None
    return {
        "status": str(film["status"]),
        "stale": bool(film["stale"]),
        "file": _file(film) if film["path"] else None,
        "shots": [str(name) for name in film["shots"]],
        "joined": str(film["joined"] or ""),
        "why": str(film["why"] or ""),
        "error": str(film["error"] or ""),
        "hint": str(film.get("hint") or ""),
    }


def _money(budget: Mapping[str, Any]) -> dict[str, Any]:
    caps = {cap["unit"]: cap["cap"] for cap in budget["caps"] if cap["scope"] == "run"}
    accounts = [
        {
            "name": str(name),
            "unit": str(account["unit"]),
            "cap": markdown.amount(caps[name]) if name in caps else "",
            **{
                word: markdown.amount(account[word])
                for word in ("estimated", "reserved", "charged", "refunded", "unknown")
            },
            "usd": "" if account["usd"] is None else markdown.dollars(account["usd"]),
        }
        for name, account in budget["by_account"].items()
    ]
    return {
        "accounts": accounts,
        "usd": "" if budget["usd"] is None else markdown.dollars(budget["usd"]),
        "usd_cap": markdown.dollars(caps["usd"]) if "usd" in caps else "",
        "caps": list(markdown.caps_left(budget, budget["caps"])),
        "otherwise": list(markdown.otherwise(budget)),
    }


def _said(value: Any) -> str:
    from pipeline.digest import dumps

    return value if isinstance(value, str) else dumps(value)


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _moment(text: Any) -> str:
    """An ISO time as a person reads it; any other text as it is."""
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return str(text)


def _took(start: Any, end: Any) -> str:
    try:
        seconds = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
