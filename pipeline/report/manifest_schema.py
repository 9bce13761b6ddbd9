"""The shape of a manifest, as JSON Schema (Draft 2020-12); `schemas/manifest.schema.json` is its dump."""

from __future__ import annotations

from typing import Any

from pipeline.report.remedies import Remedy

VERSION = 1
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def entry(description: str, properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with exactly these properties, all required but the optional ones."""
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


def value(types: str, description: str, **more: Any) -> dict[str, Any]:
    """A value of these types: "string", or "string null"."""
    names = types.split()
    return {"description": description, "type": names[0] if len(names) == 1 else names, **more}


def choice(description: str, *names: str | None) -> dict[str, Any]:
    """One of these words."""
    return {"description": description, "enum": [None if name is None else str(name) for name in names]}


def amounts(description: str) -> dict[str, Any]:
    """A map of account names to amounts."""
    return {"description": description, "type": "object", "additionalProperties": {"type": "number", "minimum": 0}}


DIGEST = "^sha256:[0-9a-f]{64}$"
KEY = "^k1:[0-9a-f]{64}$"
SCOPES = ("run", "shot", "day", "week", "month")
STATUSES = ("done", "reused", "pending", "failed", "skipped", "cancelled", "unknown")


def caps(*, asked: bool) -> dict[str, Any]:
    """The shape of caps in a document; `asked`: with what a plan asks of them."""
    properties = {
        "scope": choice("Whose cap it is: the run's, each take's, or that of all runs in a period.", *SCOPES),
        "take": value("string null", "Of a cap for each take: the one that comes nearest to it; else null."),
        "unit": value("string", "The account whose credits are counted; usd for dollars, usd@rehearsal for rehearsed."),
        "cap": value("number", "The most there may be.", minimum=0),
        "before": value("number", "Spent, or held for what is under way or of unknown outcome.", minimum=0),
        "asked": value("number null", "What the plan would reserve; null where it is not known.", minimum=0),
        "left": value("number null", "What is then left, less than 0 where it is too much; null where not known."),
        "since": value("string null", "Of a period: when it began, ISO time in UTC."),
        "until": value("string null", "Of a period: when it ends, ISO time in UTC."),
        "source": {"description": "Who set it; null: not told.", "enum": ["recipe", "configuration", "flag", None]},
        "place": value("string null", "Where it is written: a file and its line, a file, or a flag."),
        "setting": value("string null", "What is written there, with the tables that it stands in."),
    }
    if not asked:
        del properties["asked"]
    return {
        "description": "The tightest caps of recipe, configuration and flags, and what they leave.",
        "type": "array",
        "items": entry("One cap.", properties),
    }


def policy() -> dict[str, Any]:
    """The shape of what happens at a cap, and of whose days are meant."""
    return {
        "on_exceed": choice("What happens where a cap forbids something.", "refuse", "stop", "skip"),
        "time_zone": value("string", "Decides days, weeks and months."),
    }


def _file(types: str) -> dict[str, Any]:
    """The properties of a file; `types` is " null" where it may not be there."""
    return {
        "path": value("string" + types, "Where it lies, relative to the manifest's folder, with forward slashes."),
        "sha256": value("string" + types, "Digest of its bytes.", pattern=DIGEST),
        "bytes": value("integer" + types, "Its size.", minimum=0),
        "width": value("integer" + types, "In pixels.", minimum=0),
        "height": value("integer" + types, "In pixels.", minimum=0),
        "duration": value("number null", "In seconds; null for a still.", minimum=0),
        "fps": value(
            "number string null", "Pictures a second: a number, or a fraction as text.", pattern="^[0-9]+/[0-9]+$"
        ),
    }


def _run() -> dict[str, Any]:
    properties = {
        "id": value("string", "The run's id."),
        "status": choice("How it stands.", "complete", "partial", "stopped", "failed", "interrupted", "running"),
        "started_at": value("string", "First start, ISO time in UTC."),
        "finished_at": value("string null", "Last end, ISO time in UTC; null while it runs."),
        "version": value("string", "The version of Rushes that carried it out last."),
        "stage": value("string null", "The stage of the recipe that was made; null: the shots as declared."),
        "flags": {
            "description": "What other commands on it are typed with where the recipe lies: its date and folders.",
            "type": "array",
            "items": {"type": "string"},
        },
    }
    return entry("The carrying out of one plan, however many processes it took.", properties, ("stage", "flags"))


def _budget() -> dict[str, Any]:
    account = {
        "estimated": value("number", "Upper price of all attempts, and of what may yet be begun.", minimum=0),
        "reserved": value("number", "Held for requests that are under way.", minimum=0),
        "charged": value("number", "Spent, as the service says or, where it says nothing, as estimated.", minimum=0),
        "refunded": value("number", "Given back by the service.", minimum=0),
        "unknown": value("number", "Held for requests whose outcome is not known.", minimum=0),
        "unit": value("string", "What the amounts count."),
        "usd": value("number null", "What was charged in dollars; null where it is not known.", minimum=0),
    }
    properties = {
        "caps": caps(asked=False),
        **policy(),
        "by_account": {
            "description": "What this run has to do with each account.",
            "type": "object",
            "additionalProperties": entry("One account; amounts in its unit.", account),
        },
        "usd": value("number null", "What this run was charged in dollars; null where it is not known.", minimum=0),
        "differences": {
            "description": "Attempts that were charged otherwise than estimated, or of which something was given back.",
            "type": "array",
            "items": _difference(),
        },
        "unseen": {
            "description": "What accounts' balances told that no attempt of any run explains, since this run began.",
            "type": "array",
            "items": _unseen(),
        },
    }
    return entry("The money of this run.", properties)


def _difference() -> dict[str, Any]:
    properties = {
        "step": value("string", "The step that was tried."),
        "account": value("string", "Whose credits."),
        "task_id": value("string null", "The service's name for the job."),
        "status": value("string", "How the attempt stands."),
        "estimated": value("number", "What was reserved for it, by the price book.", minimum=0),
        "charged": value("number", "What it cost.", minimum=0),
        "refunded": value("number", "What the service says it gave back; no part of what is charged.", minimum=0),
        "source": value("string", "Who said so: a provider, estimate, user."),
    }
    return entry("One attempt.", properties)


def _unseen() -> dict[str, Any]:
    properties = {
        "account": value("string", "Whose credits."),
        "outside": value("number", "Certainly spent outside this ledger.", minimum=0),
        "came_in": value("number", "Certainly come in: bought, or given back later than told.", minimum=0),
        "since": value("string", "When its balance was asked before, ISO time in UTC."),
        "until": value("string", "When it was asked then."),
    }
    return entry("Two balances of one account.", properties)


def _first_frame() -> dict[str, Any]:
    properties = {
        "from": value("string", "The step, file or URL that the picture comes from."),
        "sha256": value("string null", "Digest of the picture; null where it is not here.", pattern=DIGEST),
        "index": value("integer", "Of a chain: which picture of the clip, counted from 0.", minimum=0),
        "pts": value("integer", "Of a chain: its time stamp in the stream's units."),
        "seconds": value("number", "Of a chain: its time from the clip's first picture."),
        "matrix": value("string", "Of a chain: the colour matrix it was read with."),
        "range": value("string", "Of a chain: the colour range it was read with."),
    }
    found = entry(
        "Where the picture that the clip begins with comes from; null where none was given.",
        properties,
        ("index", "pts", "seconds", "matrix", "range"),
    )
    return {**found, "type": ["object", "null"]}


def _attempt() -> dict[str, Any]:
    properties = {
        "step": value("string", "The step that was tried."),
        "fallback": value(
            "integer null", "Which of the shot's fallbacks it asked for; 0: as declared, null: none that it has now."
        ),
        "provider": value("string null", "Who was asked; null for work on this machine that no provider does."),
        "account": value("string null", "Whose credits; null where nobody charges."),
        "task_id": value("string null", "The service's name for the job; null for work on this machine."),
        "estimated": value("number", "What was reserved for it at first.", minimum=0),
        "charged": value("number null", "What it cost; null until somebody said so.", minimum=0),
        "refunded": value("number", "What the service says it gave back; no part of what is charged.", minimum=0),
        "source": value("string null", "Who said so: a provider, estimate, user; null for nobody yet."),
        "book": value("string null", "The price book that the estimate comes from; null where there is none."),
        "reported": {"description": "What else the service told of it: tokens, a seed.", "type": "object"},
        "submitted_at": value("string", "When it was begun, ISO time in UTC."),
        "finished_at": value("string null", "When it ended; null where it has not."),
        "status": choice(
            "How it stands.", "running", "succeeded", "failed", "cancelled", "refused", "unknown", "interrupted"
        ),
        "error": value("string null", "What went wrong."),
        "cause": _cause(),
    }
    return entry("One attempt in this run, the first one first.", properties)


def _shot() -> dict[str, Any]:
    cost = {
        "estimated": value("number", "Upper price in the plan.", minimum=0),
        "charged": value("number", "Spent, over all attempts; of a reused clip, what it once cost.", minimum=0),
        "refunded": value("number", "Given back by the service.", minimum=0),
        "source": value(
            "string null",
            "Who says so: a provider, estimate, user, free, reused, or shared with another shot; null for nobody yet.",
        ),
        "others": amounts("Charged by other accounts than the shot's, such as for an upscale: credits by account."),
    }
    outputs = {
        "description": "The files, by name.",
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {
            r"^(video|image|upscaled|service_last_frame|last_frame(-[0-9.]+s)?)$": entry(
                "A file of this take.", _file("")
            )
        },
    }
    properties = {
        "id": value("string", "The shot's id."),
        "take": value("integer", "Which take, from 1.", minimum=1),
        "kind": choice("What it is.", "video", "image"),
        "status": choice("How it stands; done is made in this run, reused was there before.", *STATUSES),
        "stale": value("boolean", "Kept although what it was made from has changed."),
        "picked": value("boolean null", "It is the take that was approved; null where nobody picks from what is made."),
        "fallback": value("integer", "Which of its fallbacks made it, or is to; 0 is the shot as declared.", minimum=0),
        "provider": value("string", "Who makes it."),
        "model": value("string", "The model's portable name, or the service's own."),
        "account": value("string null", "Whose credits; null where nobody charges."),
        "prompt": value("string", "The prompt, with its templates filled in."),
        "seed": value("integer null", "The seed that was sent; null where none was."),
        "key": value("string null", "Digest of what decides the result; null where it was not asked for.", pattern=KEY),
        "why": value("string", "Why the run made it, or did not."),
        "reproducible": choice("Whether the same request gives the same bytes.", "exact", "seeded", "no"),
        "first_frame": _first_frame(),
        "outputs": outputs,
        "credits": entry("What it cost, in its account's unit.", cost),
        "usd": value("number null", "What was charged, in dollars; null where it is not known.", minimum=0),
        "attempts": {"description": "What was tried in this run.", "type": "array", "items": _attempt()},
        "error": value("string null", "What went wrong, or what it waits for."),
        "hint": value("string null", "The way out."),
        "cause": _cause(),
        "remedy": choice(
            "What brings it about: the same command, a change or --redo, `rushes recover`, a cap, or what it needs.",
            *Remedy,
            None,
        ),
    }
    return entry("One take of a shot.", properties)


def _cause() -> dict[str, Any]:
    return choice("The class of what went wrong, where it has one: a service's rules forbid it.", "moderation", None)


def _film() -> dict[str, Any]:
    properties = {
        "status": choice("How it stands.", *STATUSES),
        "stale": value("boolean", "Kept although what it was made from has changed."),
        "key": value("string null", "Digest of what decides the result.", pattern=KEY),
        "shots": {"description": "The cut, in order.", "type": "array", "items": {"type": "string"}},
        **_file(" null"),
        "joined": value("string null", "How the clips were put together."),
        "why": value("string null", "Why in that way."),
        "error": value("string null", "What went wrong, or what it waits for."),
        "hint": value("string null", "The way out."),
    }
    return {**entry("The cut; null where the recipe has none.", properties), "type": ["object", "null"]}


def schema() -> dict[str, Any]:
    """The JSON Schema of a manifest."""
    recipe = {
        "name": value("string", "The recipe's name."),
        "title": value("string", "Its title."),
        "path": value("string", "Its file, relative to the manifest's folder."),
        "digest": value("string", "Digest of its text."),
        "date": value("string", "The run's date, ISO."),
    }
    properties = {
        "manifest": {"description": "Version of this shape.", "const": VERSION},
        "recipe": entry("What was carried out.", recipe),
        "run": _run(),
        "vars": {"description": "The recipe's variables, as they were used.", "type": "object"},
        "budget": _budget(),
        "shots": {"description": "Every take of every shot, in the recipe's order.", "type": "array", "items": _shot()},
        "film": _film(),
        "warnings": {"description": "What to look at twice.", "type": "array", "items": {"type": "string"}},
    }
    return {
        "$schema": DRAFT,
        "title": "Rushes manifest",
        **entry("What a run leaves behind; amounts are exact decimal numbers.", properties),
    }
