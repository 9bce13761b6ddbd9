"""A manifest in words: as Markdown for a page that shows it, and as plain lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.report.caps import cap_lines, unseen
from pipeline.report.exact import dollars as dollars
from pipeline.report.legible import fit, line, table, wrap

_MARKUP = re.compile(r"[\\`*_\[\]#!|<>~&@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_MOST_NAMED = 4
_AS_NUMBER = frozenset("<>&|@:.")  # where a backslash does not help
STATUSES = ("done", "reused", "pending", "failed", "skipped", "cancelled", "unknown")


def summary(manifest: Mapping[str, Any]) -> str:
    """The manifest as Markdown: what became of each take, the film, and the money."""
    recipe, run = manifest["recipe"], manifest["run"]
    lines = [
        f"# {escaped(recipe.get('title') or recipe['name'])}",
        "",
        f"Run `{_code(run['id'])}` is **{escaped(run['status'])}**: {escaped(counted(manifest))}.",
        "",
        "| take | status | by | cost | why |",
        "|---|---|---|---:|---|",
    ]
    for shot in manifest["shots"]:
        why = shot.get("error") or shot["why"]
        video = next((out["path"] for name, out in shot["outputs"].items() if name in ("video", "image")), None)
        name = f"`{_code(take_name(shot))}`" + (f" [file]({_target(video)})" if video else "")
        mark = " (stale)" if shot["stale"] else ""
        cells = [name, escaped(shot["status"]) + mark, escaped(made_by(shot)), escaped(cost(shot)), escaped(why)]
        lines.append(f"| {' | '.join(cells)} |")
    film = manifest.get("film")
    if film:
        link = f": [{escaped(film['path'])}]({_target(film['path'])})" if film["path"] else ""
        told = f" ({escaped(film['error'])})" if film["error"] else ""
        lines += ["", f"Film {escaped(film['status'])}{link}{told}"]
    lines += ["", *(f"- {escaped(said)}" for said in money_lines(manifest))]
    warnings = manifest.get("warnings") or ()
    if warnings:
        lines += ["", "**Warnings**", "", *(f"- {escaped(warning)}" for warning in warnings)]
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
        lines += ["", *table(["TAKE", "STATUS", "BY", "CREDITS", ""], body, width, right=frozenset({3}), whole=True)]
    lines.append("")
    lines += [part for said in money_lines(manifest) for part in wrap(said, width)]
    if any(shot["stale"] for shot in (*manifest["shots"], *([film] if film else []))):
        lines.append("* stale: kept although what it was made from has changed")
    return "\n".join(lines)


def take_name(shot: Mapping[str, Any]) -> str:
    """`dawn` for the first take, `dawn@2` for the second."""
    return str(shot["id"]) if shot["take"] == 1 else f"{shot['id']}@{shot['take']}"


def made_by(shot: Mapping[str, Any]) -> str:
    """The account, or the provider, and the model; and which fallback of the shot that is, where it is one."""
    rung = f"fallback {shot['fallback']}: " if shot.get("fallback") else ""
    return f"{rung}{shot['account'] or shot['provider']} {shot['model']}"


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


def money_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each account that this run has to do with, for the dollars, and for what differs."""
    budget = manifest["budget"]
    spent = False
    caps = {cap["unit"]: cap["cap"] for cap in budget["caps"] if cap["scope"] == "run"}
    for name, account in budget["by_account"].items():
        parts = [f"{amount(account['charged'])} {account['unit']} charged"]
        parts += [f"{amount(account[word])} {word}" for word in ("reserved", "unknown", "refunded") if account[word]]
        limit = f" (cap {amount(caps[name])})" if name in caps else ""
        spent = True
        yield f"{name}: {', '.join(parts)} of {amount(account['estimated'])} estimated{limit}"
    if not spent:
        yield "Nothing was charged: everything was made on this machine."
        return
    limit = f" (cap {dollars(caps['usd'])})" if "usd" in caps else ""
    if budget["usd"] is None:
        yield f"Dollars: not known, since the price of a credit is not{limit}"
    elif any(account["reserved"] or account["unknown"] for account in budget["by_account"].values()):
        told = f"{dollars(budget['usd'])} charged" if budget["usd"] else "none charged yet"
        yield f"Dollars: {told}, and what is held is not in it{limit}"
    else:
        yield f"Dollars: {dollars(budget['usd'])}{limit}"
    yield from caps_left(budget, [cap for cap in budget["caps"] if cap["since"]])
    yield from otherwise(budget)


def caps_left(budget: Mapping[str, Any], caps: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each of these caps: what it leaves."""
    units = {name: str(account["unit"]) for name, account in budget["by_account"].items()}
    return cap_lines(caps, str(budget["time_zone"]), units)


def otherwise(budget: Mapping[str, Any]) -> Iterator[str]:
    """What was charged otherwise than estimated, by account, and what only the balances tell."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in budget["differences"]:
        found.setdefault(str(one["account"]), []).append(one)
    for account, some in found.items():
        more, less = over_and_under((_exact(one["charged"]), _exact(one["estimated"])) for one in some)
        named = [_otherwise(one) for one in some[:_MOST_NAMED]]
        rest = [f"and {len(some) - _MOST_NAMED} more"] if len(some) > _MOST_NAMED else []
        parts = [f"{money.text(more)} more"] * bool(more) + [f"{money.text(less)} less"] * bool(less)
        whole = f" ({' and '.join(parts)} than estimated)" if parts else ""
        yield f"{account}: not charged as estimated{whole}: {', '.join([*named, *rest])}"
    yield from unseen(budget["unseen"])


def over_and_under(charges: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    """By how much charges were above their estimates, and by how much below, each added up; of (charged, estimated)."""
    more = less = money.ZERO
    for charged, estimated in charges:
        more, less = more + max(money.ZERO, charged - estimated), less + max(money.ZERO, estimated - charged)
    return more, less


def _otherwise(one: Mapping[str, Any]) -> str:
    back = f" ({amount(one['refunded'])} given back)" if one["refunded"] else ""
    return f"{one['step']} {amount(one['charged'])} of {amount(one['estimated'])}{back}"


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))


def _told(row: Mapping[str, Any]) -> str:
    """What there is to say about a row: its error, else its file, else why it stands so.

    The way out of what has a remedy is told once for all that it helps, by `ending.troubles`.
    """
    if row["error"]:
        return str(row["error"]) if row.get("remedy") else f"{row['error']} {row.get('hint') or ''}".strip()
    outputs = row.get("outputs") or {}
    files = [out["path"] for name, out in outputs.items() if name in ("video", "image", "upscaled")]
    return str(row.get("path") or (files[-1] if files else row.get("why") or ""))


def escaped(text: str) -> str:
    """A stranger's text as Markdown that shows exactly that: no markup, link, mention or HTML."""
    return _MARKUP.sub(lambda c: f"&#{ord(c[0])};" if c[0] in _AS_NUMBER else "\\" + c[0], line(str(text)))


def _code(text: str) -> str:
    return line(str(text)).replace("`", "'").replace("|", "/")


def _target(path: str) -> str:
    from urllib.parse import quote

    return "./" + quote(str(path), safe="/-._~@", errors="replace").replace("..", "%2E%2E")
