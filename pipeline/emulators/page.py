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
from pipeline.emulators.log import Log
from pipeline.emulators.post import Post
from pipeline.money import text

_SHOWN = 200
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2rem;color:#1d1f24;background:#fbfaf7}"
    "table{border-collapse:collapse;width:100%;table-layout:fixed}th{font-weight:600}"
    "td,th{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}"
    "code{font:12px ui-monospace,monospace}.bad{color:#a4262c}.note{color:#7a5b00}nav a{margin-right:1rem}"
)


def routes(name: str, desk: Desk, faults: Faults, log: Log, post: Post) -> list[Route]:
    """The pages and controls of one stand."""

    async def page(request: Request) -> Response:
        desk.advance()
        return HTMLResponse(_page(name, desk, log))

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


def _page(name: str, desk: Desk, log: Log) -> str:
    sums = books(desk)
    rows = "".join(
        f"<tr><td>{time.strftime('%H:%M:%S', time.localtime(entry.at))}</td>"
        f"<td>{escape(entry.method)} {escape(entry.path)}</td><td>…{escape(entry.key)}</td>"
        f"<td class={'bad' if entry.status >= 400 or not entry.status else 'good'}>{entry.status or 'cut'}</td>"
        f"<td><code>{escape(entry.body[:300])}</code></td><td><code>{escape(entry.answer[:300])}</code></td>"
        f"<td class=note>{escape(entry.fault)} {escape('; '.join(entry.notes))}</td></tr>"
        for entry in list(log)[-_SHOWN:][::-1]
    )
    accounts = "".join(
        f"<tr><td>{escape(account)}</td><td>{values['jobs']}</td><td>{text(values['held'])}</td>"
        f"<td>{text(values['charged'])}</td><td>{text(values['available'])}</td></tr>"
        for account, values in sums["accounts"].items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(name)}, rehearsed</title>"
        f"<style>{_STYLE}</style><h1>{escape(name)}, rehearsed</h1>"
        "<nav><a href=log>log</a><a href=books>books</a><a href=faults>faults</a><a href=webhooks>webhooks</a></nav>"
        f"<h2>Accounts</h2><table><tr><th>account<th>jobs<th>held<th>charged<th>available</tr>{accounts}</table>"
        f"<h2>{len(log)} requests, the latest first{f', {_SHOWN} shown' if len(log) > _SHOWN else ''}</h2><table>"
        "<col style='width:5rem'><col style='width:18%'><col style='width:4.5rem'><col style='width:4.5rem'>"
        "<col><col><col style='width:12%'>"
        f"<tr><th>time<th>request<th>key<th>HTTP<th>body<th>said<th>notes</tr>{rows}</table></html>"
    )
