"""A manifest in words: as Markdown for a page that shows it, and as plain lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.report.legible import fit, line, table

_MARKUP = re.compile(r"[\\`*_\[\]#!|<>~&@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_AS_NUMBER = frozenset("<>&|@:.")  # where a backslash does not help
STATUSES = ("done", "reused", "pending", "failed", "skipped", "cancelled", "unknown")


def summary(manifest: Mapping[str, Any]) -> str:
    """The manifest as Markdown: what became of each take, the film, and the money."""
    recipe, run = manifest["recipe"], manifest["run"]
    lines = [
        f"# {_escaped(recipe.get('title') or recipe['name'])}",
        "",
        f"Run `{_code(run['id'])}` is **{_escaped(run['status'])}**: {_escaped(counted(manifest))}.",
        "",
        "| take | status | by | cost | why |",
        "|---|---|---|---:|---|",
    ]
    for shot in manifest["shots"]:
        why = shot.get("error") or shot["why"]
        video = next((out["path"] for name, out in shot["outputs"].items() if name in ("video", "image")), None)
        name = f"`{_code(take_name(shot))}`" + (f" [file]({_target(video)})" if video else "")
        mark = " (stale)" if shot["stale"] else ""
        cells = [name, _escaped(shot["status"]) + mark, _escaped(made_by(shot)), _escaped(cost(shot)), _escaped(why)]
        lines.append(f"| {' | '.join(cells)} |")
    film = manifest.get("film")
    if film:
        link = f": [{_escaped(film['path'])}]({_target(film['path'])})" if film["path"] else ""
        told = f" ({_escaped(film['error'])})" if film["error"] else ""
        lines += ["", f"Film {_escaped(film['status'])}{link}{told}"]
    lines += ["", *(f"- {_escaped(said)}" for said in money_lines(manifest))]
    warnings = manifest.get("warnings") or ()
    if warnings:
        lines += ["", "**Warnings**", "", *(f"- {_escaped(warning)}" for warning in warnings)]
    return "\n".join(lines) + "\n"


def status_text(manifest: Mapping[str, Any], *, width: int = 120) -> str:
    """The manifest as lines of at most `width` columns, for a terminal."""
    recipe, run = manifest["recipe"], manifest["run"]
    lines = [fit(line(f"{recipe['name']}: run {run['id']} is {run['status']}, {counted(manifest)}"), width)]
    body = [
        [take_name(shot), shot["status"] + ("*" if shot["stale"] else ""), made_by(shot), cost(shot), _told(shot)]
        for shot in manifest["shots"]
    ]
    film = manifest.get("film")
    if film:
        body.append(["film", film["status"] + ("*" if film["stale"] else ""), "this machine", "free", _told(film)])
    if body:
        lines += ["", *table(["TAKE", "STATUS", "BY", "CREDITS", ""], body, width, right=frozenset({3}))]
    lines.append("")
    lines += [fit(line(said), width) for said in money_lines(manifest)]
    if any(shot["stale"] for shot in (*manifest["shots"], *([film] if film else []))):
        lines.append("* stale: kept although what it was made from has changed")
    return "\n".join(lines)


def take_name(shot: Mapping[str, Any]) -> str:
    """`dawn` for the first take, `dawn@2` for the second."""
    return str(shot["id"]) if shot["take"] == 1 else f"{shot['id']}@{shot['take']}"


def made_by(shot: Mapping[str, Any]) -> str:
    """The account, or the provider, and the model."""
    return f"{shot['account'] or shot['provider']} {shot['model']}"


def counted(manifest: Mapping[str, Any]) -> str:
    """How many takes stand how: `3 done, 1 failed`."""
    found = [str(shot["status"]) for shot in manifest["shots"]]
    parts = [f"{found.count(status)} {status}" for status in STATUSES if status in found]
    return ", ".join(parts) or "no shots"


def cost(shot: Mapping[str, Any]) -> str:
    """What a take has cost in credits, or what it is expected to; what another account was charged stands apart."""
    others = [f"{amount(charged)} {name}" for name, charged in shot["credits"].get("others", {}).items()]
    return " + ".join([_own_cost(shot), *others])


def _own_cost(shot: Mapping[str, Any]) -> str:
    told = shot["credits"]
    if told["source"] == "free":
        return "free"
    if told["source"] == "reused":
        return f"{amount(told['charged'])} once" if told["charged"] else "free"
    if told["source"] == "shared":
        return "shared"
    if told["source"] is None:
        return f"({amount(told['estimated'])})" if told["estimated"] else "-"
    return amount(told["charged"])


def amount(value: Any) -> str:
    """An amount from JSON as people write it."""
    return money.text(Decimal(str(value)))


def dollars(value: Any) -> str:
    """An amount of dollars from JSON, with its cents at least."""
    exact = Decimal(str(value))
    shown = exact.normalize()
    return f"${shown:,.2f}" if int(shown.as_tuple().exponent) >= -2 else f"${shown:,f}"


def money_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each account that this run has to do with, and one for the dollars."""
    budget = manifest["budget"]
    spent = False
    for name, account in budget["by_account"].items():
        parts = [f"{amount(account['charged'])} {account['unit']} charged"]
        parts += [f"{amount(account[word])} {word}" for word in ("reserved", "unknown", "refunded") if account[word]]
        cap = budget["caps"]["run"]["credits"].get(name)
        limit = "" if cap is None else f" (cap {amount(cap)})"
        spent = True
        yield f"{name}: {', '.join(parts)} of {amount(account['estimated'])} estimated{limit}"
    if not spent:
        yield "Nothing was charged: everything was made on this machine."
        return
    cap = budget["caps"]["run"]["usd"]
    limit = "" if cap is None else f" (cap {dollars(cap)})"
    if budget["usd"] is None:
        yield f"Dollars: not known, since the price of a credit is not{limit}"
    else:
        yield f"Dollars: {dollars(budget['usd'])}{limit}"


def _told(row: Mapping[str, Any]) -> str:
    """What there is to say about a row: its error and the way out, else its file, else why it stands so."""
    if row["error"]:
        return f"{row['error']} {row.get('hint') or ''}".strip()
    outputs = row.get("outputs") or {}
    files = [out["path"] for name, out in outputs.items() if name in ("video", "image", "upscaled")]
    return str(row.get("path") or (files[-1] if files else row.get("why") or ""))


def _escaped(text: str) -> str:
    """A stranger's text as Markdown that shows exactly that: no markup, link, mention or HTML."""
    return _MARKUP.sub(lambda c: f"&#{ord(c[0])};" if c[0] in _AS_NUMBER else "\\" + c[0], line(str(text)))


def _code(text: str) -> str:
    return line(str(text)).replace("`", "'").replace("|", "/")


def _target(path: str) -> str:
    from urllib.parse import quote

    return "./" + quote(str(path), safe="/-._~@", errors="replace").replace("..", "%2E%2E")
