"""The page of what was asked, and the control of a stand: `/_emulator/`, open to whoever reaches this machine."""

from __future__ import annotations

import time
from dataclasses import asdict
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pipeline.digest import dumps, loads
from pipeline.emulators.books import books
from pipeline.emulators.desk import Desk
from pipeline.emulators.faults import Fault, Faults
from pipeline.emulators.log import Entry, Log
from pipeline.emulators.post import Post
from pipeline.money import text

_SHOWN = 200
_JOBS_SHOWN = 50
_ONE_LINE = 90
_STYLE = """
:root{color-scheme:light dark;--ink:#1d1f24;--paper:#fbfaf7;--rule:#dedbd3;--dim:#6b675f;--bad:#a4262c;--note:#7a5b00}
@media(prefers-color-scheme:dark){
:root{--ink:#e9e6df;--paper:#17181b;--rule:#34353a;--dim:#9c988f;--bad:#ff8a80;--note:#e5c15f}}
body{font:14px/1.45 system-ui,sans-serif;margin:0 auto;max-width:88rem;padding:1.5rem 2rem 4rem;
color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0}h2{font-size:1rem;margin:2rem 0 .4rem}nav,p{color:var(--dim);margin:.3rem 0}
nav a{color:inherit;margin-right:.8rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th{font-weight:500;color:var(--dim);font-size:.85em}
td,th{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--rule)}
.sum{text-align:right;font-variant-numeric:tabular-nums}.few{width:auto;min-width:36rem}
.dim{color:var(--dim)}.bad{color:var(--bad);font-weight:600}.note{color:var(--note)}
td.time{white-space:nowrap}.text{width:36%;min-width:16rem}
code,pre{font:12px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}pre{white-space:pre-wrap;margin:.3rem 0}
summary{cursor:pointer}
"""


def routes(name: str, desk: Desk, faults: Faults, log: Log, post: Post) -> list[Route]:
    """The pages and controls of one stand."""

    async def page(request: Request) -> Response:
        desk.advance()
        return HTMLResponse(_page(name, desk, faults, log))

    async def asked(request: Request) -> Response:
        return _json([entry.as_dict() for entry in log])

    async def money(request: Request) -> Response:
        desk.advance()
        return _json(books(desk))

    async def hooks(request: Request) -> Response:
        return _json([asdict(delivery) for delivery in post.deliveries])

    async def control(request: Request) -> Response:
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            try:
                wanted = loads(await request.body())
                made = [Fault(**_plain(item)) for item in (wanted if isinstance(wanted, list) else [wanted])]
            except (ValueError, TypeError) as error:
                return _json({"error": str(error)}, 400)
            for fault in made:
                faults.add(**{name: getattr(fault, name) for name in fault.__slots__})
        return _json(faults.listing())

    return [
        Route("/_emulator/", page),
        Route("/_emulator/log", asked),
        Route("/_emulator/books", money),
        Route("/_emulator/webhooks", hooks),
        Route("/_emulator/faults", control, methods=["GET", "POST", "DELETE"]),
    ]


def _plain(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ValueError("A fault is an object with a name.")
    return {name: float(value) if name in ("probability", "seconds") else value for name, value in item.items()}


def _json(value: Any, status: int = 200) -> Response:
    return Response(dumps(value), status, media_type="application/json")


def _page(name: str, desk: Desk, faults: Faults, log: Log) -> str:
    sums = books(desk)
    title = f"{escape(name)}, rehearsed"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style><h1>{title}</h1>"
        "<nav>As JSON: <a href=log>log</a><a href=books>books</a><a href=faults>faults</a><a href=webhooks>webhooks</a>"
        f"</nav>{_accounts(sums)}{_faults(faults)}{_jobs(sums)}{_requests(log)}</html>"
    )


def _table(kind: str, heads: str, rows: str) -> str:
    heads = "".join(f"<th{' class=sum' if head in _SUMS else ''}>{head}" for head in heads.split())
    return f"<div class=wide><table class={kind}><tr>{heads}</tr>{rows}</table></div>"


_SUMS = ("held", "charged", "available", "reserved", "refunded")


def _credits(values: Any, *names: str) -> str:
    return "".join(f"<td class=sum>{text(values[name])}" for name in names)


def _accounts(sums: Any) -> str:
    rows = "".join(
        f"<tr><td>{escape(account)}<td>{values['jobs']}{_credits(values, 'held', 'charged', 'available')}</tr>"
        for account, values in sums["accounts"].items()
    )
    return "<h2>Accounts</h2>" + (
        _table("few", "account jobs held charged available", rows) if rows else "<p>Nobody has come yet.</p>"
    )


def _faults(faults: Faults) -> str:
    listing = faults.listing()
    waiting = [f"{fault['name']} × {fault['times'] or 'all'}" for fault in listing["waiting"]]
    parts = [
        f"<p>{label}: <span class=note>{escape(', '.join(names))}</span></p>"
        for label, names in (("Waiting", waiting), ("Struck", listing["struck"][-_JOBS_SHOWN:]))
        if names
    ]
    return "<h2>Faults</h2>" + ("".join(parts) or "<p>None.</p>")


def _jobs(sums: Any) -> str:
    rows = "".join(
        f"<tr><td>{escape(job['id'])}<td>{escape(job['model'])}"
        f"<td class={'bad' if job['stage'] in ('failed', 'expired') else 'dim'}>{escape(job['stage'])}"
        f"{_credits(job, 'reserved', 'charged', 'refunded')}<td class=note>{escape(', '.join(job['faults']))}</tr>"
        for job in sums["jobs"][-_JOBS_SHOWN:][::-1]
    )
    return (
        _count("job", len(sums["jobs"]), _JOBS_SHOWN)
        + (_table("few", "id model stage reserved charged refunded faults", rows) if rows else "")
    )  # fmt: skip


def _requests(log: Log) -> str:
    rows = "".join(map(_request, list(log)[-_SHOWN:][::-1]))
    return _count("request", len(log), _SHOWN) + (
        _table("all", "time HTTP request key asked said", rows) if rows else ""
    )


def _request(entry: Entry) -> str:
    notes = "".join(f"<br><span class=note>{escape(note)}</span>" for note in (entry.fault, *entry.notes) if note)
    return (
        f"<tr><td class='dim time'>{time.strftime('%H:%M:%S', time.localtime(entry.at))}"
        f"<td class={'bad' if entry.status >= 400 or not entry.status else 'dim'}>{entry.status or 'cut'}"
        f"<td>{escape(entry.method)} {escape(entry.path).replace('/', '/<wbr>')}{notes}"
        f"<td class='dim time'>{f'…{escape(entry.key)}' if entry.key else ''}"
        f"<td class=text>{_unfolding(entry.body or entry.query)}<td class=text>{_unfolding(entry.answer)}</tr>"
    )


def _count(what: str, number: int, shown: int) -> str:
    some = f", the latest {shown} shown" if number > shown else ", the latest first" if number > 1 else ""
    return f"<h2>{number or 'No'} {what}{'' if number == 1 else 's'}{some}</h2>"


def _unfolding(said: str) -> str:
    """A text on one line; what is longer opens on a click."""
    if len(said) <= _ONE_LINE:
        return f"<code>{escape(said)}</code>"
    return f"<details><summary><code>{escape(said[:_ONE_LINE])}…</code></summary><pre>{escape(said)}</pre></details>"
