"""`manifest.json`: what a run leaves behind, for scripts. Its shape is `schemas/manifest.schema.json`."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import pipeline
from pipeline.events import RunStarted
from pipeline.money import ZERO
from pipeline.plan.room import rooms
from pipeline.plan.spent import book_of
from pipeline.report.attempts import Attempt, by_account, dollars
from pipeline.report.caps import caps_json, unseen_json
from pipeline.report.costs import differences
from pipeline.report.exact import plain
from pipeline.report.manifest_schema import VERSION, schema
from pipeline.report.rows import FilmRow, Output, Row, Rows, rows
from pipeline.report.story import Story

__all__ = ["manifest", "schema"]


def manifest(story: Story) -> dict[str, Any]:
    """The manifest as a JSON value with `Decimal` amounts, in the recipe's order."""
    found = rows(story)
    recipe = story.plan.recipe
    value = {
        "manifest": VERSION,
        "recipe": {
            "name": recipe.name,
            "title": recipe.title,
            "path": _relative(recipe.path, story.folder),
            "digest": recipe.digest,
            "date": story.run.date or recipe.date,
        },
        "run": {
            "id": story.run.id,
            "status": story.run.status,
            "started_at": story.run.started_at,
            "finished_at": story.run.finished_at,
            "version": _version(story),
            "stage": recipe.stage or None,
            "flags": list(story.flags),
        },
        "vars": recipe.vars,
        "budget": _budget(story, found),
        "shots": [_shot(row) for row in found.takes],
        "film": _film(found.film) if found.film else None,
        "warnings": found.warnings,
    }
    cleaned: dict[str, Any] = plain(value)
    return cleaned


def _relative(path: PurePath, folder: PurePath) -> str:
    """Where the recipe lies as seen from the output folder, so that both can be moved together."""
    try:
        return PurePath(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()


def _version(story: Story) -> str:
    started = [event.version for event in story.events if isinstance(event, RunStarted)]
    return started[-1] if started else pipeline.__version__


def _budget(story: Story, found: Rows) -> dict[str, Any]:
    accounts, limits = story.plan.accounts, story.plan.limits
    spent = by_account(found.tried, accounts)
    book = book_of(tuple(story.events), limits)
    book.watch(story.held)
    return {
        "caps": caps_json(rooms(limits, book, accounts=accounts), asked=False, folders=False),
        "on_exceed": limits.on_exceed,
        "time_zone": limits.zone,
        "by_account": {
            name: {
                "estimated": found.estimated.get(name, ZERO),
                "reserved": entry.reserved,
                "charged": entry.charged,
                "refunded": entry.refunded,
                "unknown": entry.unknown,
                "unit": accounts[name].unit if name in accounts else "credits",
                "usd": entry.usd,
            }
            for name, entry in spent.items()
        },
        "usd": dollars(found.tried),
        "differences": [_difference(one) for one in differences(found.tried)],
        "unseen": [unseen_json(one) for one in story.unseen],
    }


def _difference(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step,
        "account": attempt.account,
        "task_id": attempt.task_id,
        "status": attempt.status.value,
        "estimated": attempt.reserved,
        "charged": attempt.charged,
        "refunded": attempt.refunded,
        "source": attempt.source,
    }


def _shot(row: Row) -> dict[str, Any]:
    return {
        "id": row.shot,
        "take": row.take,
        "kind": row.kind,
        "status": row.status.value,
        "stale": row.stale,
        "picked": row.picked,
        "fallback": row.fallback,
        "provider": row.provider,
        "model": row.model,
        "account": row.account or None,
        "prompt": row.prompt,
        "seed": row.seed,
        "key": row.key,
        "why": row.why,
        "reproducible": row.reproducible,
        "first_frame": row.first_frame,
        "outputs": {name: _output(output) for name, output in row.outputs.items()},
        "credits": {
            "estimated": row.cost.estimated,
            "charged": row.cost.charged,
            "refunded": row.cost.refunded,
            "source": row.cost.source,
            "others": dict(sorted(row.cost.others.items())),
        },
        "usd": row.cost.usd,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
        "error": row.error,
        "hint": row.hint,
        "cause": row.cause or None,
        "remedy": row.remedy.value if row.remedy else None,
    }


def _output(output: Output) -> dict[str, Any]:
    return {
        "path": output.path,
        "sha256": output.sha256,
        "bytes": output.bytes,
        "width": output.width,
        "height": output.height,
        "duration": output.duration,
        "fps": output.fps,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step,
        "fallback": attempt.fallback,
        "provider": attempt.provider or None,
        "account": attempt.account or None,
        "task_id": attempt.task_id,
        "estimated": attempt.reserved,
        "charged": attempt.charged,
        "refunded": attempt.refunded,
        "source": attempt.source or None,
        "book": attempt.book or None,
        "reported": dict(attempt.facts),
        "submitted_at": attempt.submitted_at,
        "finished_at": attempt.finished_at,
        "status": attempt.status.value,
        "error": attempt.error,
        "cause": attempt.cause or None,
    }


def _film(film: FilmRow) -> dict[str, Any]:
    nothing: dict[str, Decimal | str | None] = dict.fromkeys(
        ("path", "sha256", "bytes", "width", "height", "duration", "fps")
    )
    return {
        "status": film.status.value,
        "stale": film.stale,
        "key": film.key,
        "shots": film.shots,
        **(_output(film.output) if film.output else nothing),
        "joined": film.joined,
        "why": film.why,
        "error": film.error,
        "hint": film.hint,
    }
