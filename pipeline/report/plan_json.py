"""A plan as JSON: to be read by scripts, compared, saved and applied. Its shape is `schemas/plan.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.money import Price
from pipeline.plan.budget import Book
from pipeline.plan.model import Action, Fallback, Plan, Step, Totals
from pipeline.plan.room import rooms
from pipeline.report.caps import caps_json
from pipeline.report.exact import number, plain
from pipeline.report.manifest_schema import DRAFT, amounts, caps, choice, entry, policy, value

VERSION = 1


def plan_json(plan: Plan, book: Book | None = None) -> dict[str, Any]:
    """The plan as a JSON value with `Decimal` amounts; what a credit costs in dollars stands with each account.

    `book` is that of the run which would be continued, and of all runs in the present periods.
    """
    room = rooms(plan.limits, book or Book(plan.limits), plan.steps)
    found = {
        "plan": VERSION,
        "recipe": {
            "name": plan.recipe.name,
            "path": str(plan.recipe.path),
            "digest": plan.recipe.digest,
            "date": plan.recipe.date,
            "stage": plan.recipe.stage or None,
        },
        "steps": [_step(step) for step in plan.steps],
        "totals": {**_totals(plan.totals()), "follows": _totals(plan.totals(follows=True))},
        "accounts": {
            account.name: {
                "provider": account.provider,
                "unit": account.unit,
                "usd_per_credit": account.usd_per_credit,
            }
            for account in plan.accounts.values()
        },
        "limits": {
            "caps": caps_json(room),
            "on_exceed": plan.limits.on_exceed,
            "time_zone": plan.limits.zone,
        },
        "warnings": [" ".join((fault.fact, fault.hint)).strip() for fault in plan.warnings],
    }
    cleaned: dict[str, Any] = plain(found)
    return cleaned


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "shot": step.shot or None,
        "take": step.take,
        "kind": step.kind,
        "provider": step.provider or None,
        "model": step.model or None,
        "account": step.account or None,
        "needs": list(step.needs),
        "key": step.key,
        "action": step.action.value,
        "why": step.why,
        "rung": step.rung,
        "follows": step.follows,
        "stale": step.stale,
        **_price(step.price),
        "fallback": [_fallback(one) for one in step.fallback],
    }


def _fallback(one: Fallback) -> dict[str, Any]:
    return {
        "rung": one.rung,
        "step": one.step,
        "provider": one.provider,
        "model": one.model or None,
        "account": one.account or None,
        "key": one.key or None,
        **_price(one.price),
        "denied": one.denied or None,
    }


def _price(price: Price) -> dict[str, Any]:
    return {
        "credits": {"low": number(price.low), "high": number(price.high)},
        "usd": None if price.usd is None else number(price.usd),
    }


def fallen(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The steps of a plan that was saved, on the fallbacks it told of where they are on those now, and what follows."""
    was = {step["id"]: step for step in before}
    moved: dict[str, Mapping[str, Any]] = {}
    for step in now:
        earlier = was.get(step["id"], {"fallback": ()})
        one = next((one for one in earlier["fallback"] if one["key"] == step["key"]), None)
        if one is not None:
            moved[step["id"]] = {**earlier, "key": step["key"], "credits": one["credits"], "usd": one["usd"]}
        elif not moved.keys().isdisjoint(step["needs"]):
            moved[step["id"]] = {**earlier, "key": step["key"]}
    return [moved.get(step["id"], step) for step in before]


def _totals(totals: Totals) -> dict[str, Any]:
    return {"by_account": dict(sorted(totals.credits.items())), "usd": totals.usd}


def schema() -> dict[str, Any]:
    """The JSON Schema (Draft 2020-12) of a plan."""
    recipe = {
        "name": value("string", "The recipe's name."),
        "path": value("string", "Its file."),
        "digest": value("string", "Digest of its text."),
        "date": value("string", "The run's date, ISO."),
        "stage": value("string null", "The stage of its shots; null: they are as declared."),
    }
    account = {
        "provider": value("string", "Whose account it is."),
        "unit": value("string", "What its amounts count."),
        "usd_per_credit": value("number null", "What one of them costs in dollars; null where not known.", minimum=0),
    }
    total = {
        "by_account": amounts("Upper price in credits, by account."),
        "usd": value("number null", "Upper price in dollars; null where it is not known.", minimum=0),
    }
    follows = entry("Of that, what would run only because something before it changed.", total)
    properties = {
        "plan": {"description": "Version of this shape.", "const": VERSION},
        "recipe": entry("What was planned.", recipe),
        "steps": {"description": "Each after what it needs.", "type": "array", "items": _step_schema()},
        "totals": entry("What the steps to run cost at most.", {**total, "follows": follows}),
        "accounts": {
            "description": "Who is charged, by name.",
            "type": "object",
            "additionalProperties": entry("One account.", account),
        },
        "limits": entry("The caps.", {"caps": caps(asked=True), **policy()}),
        "warnings": {"description": "What to look at twice.", "type": "array", "items": {"type": "string"}},
        "wants": _wants(),
    }
    return {
        "$schema": DRAFT,
        "title": "Rushes plan",
        **entry("What a run would do; amounts are exact decimal numbers.", properties, ("wants",)),
    }


def _wants() -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    variables = {"type": "object", "additionalProperties": {"type": "string"}}
    properties = {
        "variables": {"description": "--var, by name.", **variables},
        "date": value("string", "--date; empty where not given.", pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"),
        "stage": value("string", "--stage; empty where not given."),
        "provider": value("string", "--provider; empty where not given."),
        "preview": value("boolean", "--preview."),
        "only": {"description": "--only.", **texts},
        "redo": {"description": "--redo.", **texts},
        "output": value("string", "--output as it was given; empty where not."),
        "workspace": value("string", "--workspace as it was given; empty where not."),
        "max_credits": value("number null", "--max-credits.", minimum=0),
        "max_each": amounts("--max-credits ACCOUNT=N, by account."),
        "max_usd": value("number null", "--max-usd.", minimum=0),
    }
    return entry("Of a saved plan: the flags it was made with.", properties, ("stage",))


def _step_schema() -> dict[str, Any]:
    price = {
        "low": value("number", "What is expected.", minimum=0),
        "high": value("number", "What is reserved.", minimum=0),
    }
    properties = {
        "id": value("string", "The step's name: its take and its kind."),
        "shot": value("string null", "The shot it serves; null for the film."),
        "take": value("integer", "Which take, from 1.", minimum=1),
        "kind": value("string", "What is done."),
        "provider": value("string null", "Who does it; null for work on this machine that no provider does."),
        "model": value("string null", "With which model."),
        "account": value("string null", "Whose credits; null where nobody charges."),
        "needs": {"description": "The steps before it.", "type": "array", "items": {"type": "string"}},
        "key": value("string", "Digest of what decides its result.", pattern="^k1:[0-9a-f]{64}$"),
        "action": choice("What a run would do about it.", *(action.value for action in Action)),
        "why": value("string", "Why."),
        "rung": value("integer", "Which of the shot's fallbacks is asked for; 0 is the shot as declared.", minimum=0),
        "follows": value("boolean", "It would run only because something before it changed."),
        "stale": value("boolean", "It is kept although what it was made from has changed."),
        "credits": entry("Its price in its account's unit.", price),
        "usd": value("number null", "Its upper price in dollars; null where it is not known.", minimum=0),
        "fallback": {"description": "What comes after it if it fails.", "type": "array", "items": _fallback_schema()},
    }
    return entry("One unit of the plan.", properties)


def _fallback_schema() -> dict[str, Any]:
    price = {
        "low": value("number", "What is expected.", minimum=0),
        "high": value("number", "What would be reserved.", minimum=0),
    }
    properties = {
        "rung": value("integer", "Which fallback of the shot it is, from 1.", minimum=1),
        "step": value("string", "The step that it would be."),
        "provider": value("string", "Who would do it."),
        "model": value("string null", "With which model."),
        "account": value("string null", "Whose credits; null where nobody charges."),
        "key": value("string null", "Digest of what decides its result; null where that is not known yet."),
        "credits": entry("Its price in its account's unit.", price),
        "usd": value("number null", "Its upper price in dollars; null where it is not known.", minimum=0),
        "denied": value("string null", "The cap that forbids it as things stand; null where none does."),
    }
    return entry("What may be asked for in the step's place.", properties)
