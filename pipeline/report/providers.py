"""Who can do what, for how much, and whose key is set: a block for each provider, or how each account stands.

Of a key it knows the name of its variable and whether that is set, never a value.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.digest import dumps
from pipeline.money import text
from pipeline.providers.catalog import RESOLUTIONS
from pipeline.report.abilities import ANY, MEDIA, MOST, Abilities, Ability, Enlarging, Rate
from pipeline.report.exact import plain
from pipeline.report.legible import cells, line, pad, table
from pipeline.report.markdown import dollars
from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an account's service said when it was asked; `good` is None where it was not."""

    good: bool | None
    verdict: str  # "good", "refused", "unreachable", "amiss", "unasked", "no key"
    told: str  # for people
    balance: Decimal | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account: the variable of its key and whether it is set; `base` is empty where the document's address holds."""

    name: str
    identity: str  # under which money and results are kept
    key_env: str
    key_set: bool
    base: str
    rehearsal: bool
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """A provider with its accounts, as this user has set it up; `width` is tasks in flight for one account."""

    abilities: Abilities
    accounts: tuple[AccountRow, ...]
    edition: str
    width: int


_NAMES = {"image": ("image", "images"), "video": ("video", "videos"), "audio": ("sound", "sounds")}
_FRAMES = {"hard": "hard: the clip begins with it", "soft": "soft: taken as a reference", "no": "no"}
_LAST = {"yes": "yes", "with a first": "with a first one", "no": "no"}
_PEOPLE = {
    "reviewed": "reviewed first",
    "taken": "taken as any other",
    "perhaps": "may be refused",
    "refused": "refused",
    "no": "no",
}
_REACHES = {
    "read": "read where they are",
    "url": "published at a URL",
    "upload": "uploaded to it",
    "asset": "published, then reviewed",
    "data": "inside the request",
}


def table_of(rows: Sequence[ProviderRow], width: int, *, checked: bool = False) -> str:
    """A block for each provider in lines of at most `width` columns; `checked`: how each account stands instead."""
    width = max(40, width)
    if checked:
        return "\n".join(_answers(rows, width))
    return "\n\n".join("\n".join(_block(row, width)) for row in rows)


def markdown_of(rows: Sequence[ProviderRow], width: int = 0, *, checked: bool = False) -> str:
    """The same as Markdown: a heading, a table of prices and a list for each provider."""
    if checked:
        return "\n".join(_grid(["account", "key", "answer"], _answered(rows)))
    parts = []
    for row in rows:
        head, body = _prices(row.abilities)
        facts = [f"- **{label}**: {_cell(said)}" for label, said in (*_accounts(row), *_facts(row))]
        parts.append("\n".join([f"## {_cell(row.abilities.title)}", "", *_grid(head, body), "", *facts]))
    return "\n\n".join(parts)


def json_of(rows: Sequence[ProviderRow], width: int = 0, *, checked: bool = False) -> str:
    """Everything as JSON; an account's `check` is null where nothing was asked."""
    return dumps(plain({"providers": [_document(row) for row in rows]}), indent=2)


Show = Callable[..., str]
FORMATS: Mapping[str, Show] = {"table": table_of, "json": json_of, "markdown": markdown_of}


def _block(row: ProviderRow, width: int) -> Iterator[str]:
    yield from textwrap.wrap(f"{row.abilities.name}  {row.abilities.title}", width)
    head, body = _prices(row.abilities)
    facts = [*_accounts(row), *_facts(row)]
    column = max(len(label) for label, _ in facts)
    for label, said in _accounts(row):
        yield from _wrapped(f"  {pad(label, column)}  ", said, width)
    if body:
        right = frozenset(range(1, len(head) - 1))
        named = [head[0].upper(), *head[1:-1], head[-1].upper()]
        yield from (f"  {shown}" for shown in table(named, body, width - 2, right=right))
    for label, said in _facts(row):
        yield from _wrapped(f"  {pad(label, column)}  ", said, width)


def _wrapped(start: str, said: str, width: int) -> list[str]:
    """A text after its label, its further lines below its first one; addresses and names are never cut."""
    space = " " * cells(start)
    return textwrap.wrap(
        line(said), width, initial_indent=start, subsequent_indent=space, break_long_words=False, break_on_hyphens=False
    ) or [start.rstrip()]


def _prices(able: Abilities) -> tuple[list[str], list[list[str]]]:
    """A row a model and a column a resolution: credits a second, or for a still; then its lengths."""
    sizes = [size for size in RESOLUTIONS if any(rate.resolution == size for m in able.models for rate in m.rates)]
    body = []
    for model in able.models:
        rates = {rate.resolution: rate for rate in model.rates}
        body.append([_label(model), *(_credits(rates.get(size), able) for size in sizes), _lengths(model)])
        for option in dict.fromkeys(name for rate in model.rates for name in rate.options):
            shown = [text(rates[size].options[option]) if option in rates[size].options else "" for size in sizes]
            body.append([f"{model.model}, {option}", *shown, ""])
    return ["credits a second" if able.unit else "models", *sizes, "seconds"], body


def _label(model: Ability) -> str:
    own = f" ({model.own})" if model.own else ""
    return f"{model.model}{own}{', a still' if model.kind == 'image' else ''}"


def _credits(rate: Rate | None, able: Abilities) -> str:
    if rate is None:
        return "-"
    if rate.credits is None:
        return "not known"
    return (text(rate.credits) if able.unit else "free") + ("?" if rate.doubtful else "")


def _lengths(model: Ability) -> str:
    if model.seconds is None:
        return "-"
    low, high = model.seconds
    return f"{text(low)}-{text(high)}{'' if model.fractions else ' whole'}"


def _accounts(row: ProviderRow) -> Iterator[tuple[str, str]]:
    for account in row.accounts:
        yield "account", _account(account)
    if row.edition:
        yield "edition", row.edition


def _facts(row: ProviderRow) -> Iterator[tuple[str, str]]:
    able = row.abilities
    yield "jobs", _jobs(row)
    if able.unit:
        yield "prices", _books(able)
    yield "ratios", _grouped(able.models, _ratios)
    yield "first frame", _grouped(able.models, lambda m: _FRAMES[m.first_frame])
    yield "last frame", _grouped(able.models, lambda m: _LAST[m.last_frame])
    yield "references", _grouped(able.models, _references)
    yield "people", _grouped(able.models, lambda m: _PEOPLE[m.people])
    yield "local files", _grouped(able.models, _local)
    yield "inputs by URL", _grouped(able.models, lambda m: ", ".join(_NAMES[media][1] for media in m.urls) or "none")
    yield "switches", _grouped(able.models, _switches)
    if able.unit:
        yield "upscale", _grouped(able.models, _upscales)
    if able.enlarging:
        yield "finished clips", _enlarged(able.enlarging)
    if any(model.options for model in able.models):
        yield "options", _grouped(able.models, _options)


def _grouped(models: Sequence[Ability], say: Callable[[Ability], str]) -> str:
    """What is so of the models: once where it is so of all, else with the names of those it is so of."""
    groups: dict[str, list[str]] = {}
    for model in models:
        groups.setdefault(say(model), []).append(model.model if model.model != ANY else _label(model))
    if len(groups) < 2:
        return next(iter(groups), "-")
    return "; ".join(f"{said} ({', '.join(names)})" for said, names in groups.items())


def _account(row: AccountRow) -> str:
    parts = [f"{row.name}: {row.key_env} is {'set' if row.key_set else 'not set'}"]
    if row.base:
        parts.append(f"at {row.base}")
    if row.rehearsal:
        parts.append(f"a rehearsal: its money and results are those of {row.identity}")
    return "; ".join(parts)


def _jobs(row: ProviderRow) -> str:
    able = row.abilities
    if able.here:
        return f"{row.width} at once, on this machine, free; no account, no key"
    parts = [f"{row.width} at once for an account"]
    parts.append("can be cancelled" if able.cancels else "cannot be cancelled")
    parts.append("a lost one is found by their list" if able.lists_jobs else "there is no list to find a lost one by")
    return "; ".join(parts)


def _books(able: Abilities) -> str:
    rates = [rate for model in able.models for rate in model.rates]
    books = dict.fromkeys(rate.source.rpartition(", ")[0] or rate.source for rate in rates if rate.source)
    if not books:
        return "not known: they go into the configuration"
    worth = next((rate.usd_per_credit for rate in rates if rate.usd_per_credit is not None), None)
    parts = [", ".join(books), "dollars not known" if worth is None else f"{dollars(worth)} a credit"]
    dear = [model.model for model in able.models if model.dear_references]
    if dear:
        parts.append(f"others with video references ({', '.join(dear)})")
    if any(rate.doubtful for rate in rates):
        parts.append("? may be refused all the same")
    return "; ".join(parts)


def _ratios(model: Ability) -> str:
    return ", ".join([*model.ratios, *(f"perhaps {ratio}" for ratio in model.doubtful_ratios)])


def _references(model: Ability) -> str:
    counts = {media: most for media in MEDIA if (most := model.references[media])}
    if not counts:
        return "none"
    if all(most == MOST for most in counts.values()):
        return f"any number of {', '.join(_NAMES[media][1] for media in counts)}{_beside(model)}"
    said = ", ".join(f"{most} {_NAMES[media][most > 1]}" for media, most in counts.items())
    return f"{said}{f', {model.files} in all' if model.files < sum(counts.values()) else ''}{_beside(model)}"


def _beside(model: Ability) -> str:
    return "" if model.first_frame == "no" else ", also beside frames" if model.mixed else ", not beside frames"


def _local(model: Ability) -> str:
    ways: dict[str, list[str]] = {}
    for media, way in model.files_by.items():
        ways.setdefault(way, []).append(_NAMES[media][1])
    return "; ".join(f"{_listed(names)} {_REACHES[way]}" for way, names in ways.items()) or "none"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _switches(model: Ability) -> str:
    """What a shot's own fields decide; `perhaps` where the service may ignore or refuse it."""
    answers = {"seed": model.seed, "sound": model.sound, "watermark": model.watermark}
    asked = (f"perhaps {name}" if said == "perhaps" else name for name, said in answers.items() if said != "no")
    return ", ".join(asked) or "none"


def _upscales(model: Ability) -> str:
    """What is made larger in the same request, and what a second then costs in all."""
    if not model.upscales:
        return "no"
    sizes: dict[str, list[str]] = {}
    for rate in model.upscales:
        price = "price not known" if rate.credits is None else text(rate.credits)
        sizes.setdefault(rate.resolution, []).append(f"{rate.upscale} {price}")
    said = ", ".join(f"{own} to {', '.join(larger)}" for own, larger in sizes.items())
    return f"in the same request, {said}"


def _enlarged(page: Enlarging) -> str:
    rates = ", ".join(f"to {size} for {text(credits)}" for size, credits in page.credits.items())
    return f"anybody's, {rates} credits a second, {page.least_seconds} seconds at least"


def _options(model: Ability) -> str:
    return ", ".join(f"{name}: {'|'.join(values)}" for name, values in model.options.items()) or "none"


def _answered(rows: Sequence[ProviderRow]) -> list[list[str]]:
    """Account, variable of its key, and what was said, with the dollars that a balance is worth."""
    body = []
    for row in rows:
        for one in row.accounts:
            said = one.answer.told + _worth(row, one.answer.balance) if one.answer else ""
            body.append([one.identity, one.key_env, said])
        if not row.accounts:
            body.append([row.abilities.name, "", "on this machine: needs no key"])
    return body


def _worth(row: ProviderRow, balance: Decimal | None) -> str:
    rates = (rate.usd_per_credit for model in row.abilities.models for rate in model.rates)
    rate = next((rate for rate in rates if rate is not None), None)
    return "" if balance is None or rate is None else f" ({dollars(balance * rate)})"


def _answers(rows: Sequence[ProviderRow], width: int) -> Iterator[str]:
    """A line an account; what a service said is never cut, but goes on below."""
    body = _answered(rows)
    widths = [max(cells(line(row[i])) for row in body) for i in range(2)]
    for row in body:
        start = "".join(f"{pad(line(cell), wide)}  " for cell, wide in zip(row[:2], widths, strict=True) if wide)
        yield from _wrapped(start, row[2], max(width, cells(start) + 30))


def _grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    rows = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in [head, *body]]
    return [rows[0], f"|{'---|' * len(head)}", *rows[1:]]


_MARKUP = re.compile(r"[\\`*_\[\]#!|<>~&@]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def _cell(said: str) -> str:
    """A text as Markdown that shows exactly that: no markup, no link, no HTML."""
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", line(said))


def _document(row: ProviderRow) -> dict[str, Any]:
    able = row.abilities
    return {
        "provider": able.name,
        "title": able.title,
        "unit": able.unit,
        "edition": row.edition or None,
        "concurrency": row.width,
        "cancels": able.cancels,
        "lists_jobs": able.lists_jobs,
        "accounts": [_account_document(account) for account in row.accounts],
        "models": [_model_document(model) for model in able.models],
        "upscaler": dataclasses.asdict(able.enlarging) if able.enlarging else None,
    }


def _account_document(row: AccountRow) -> dict[str, Any]:
    return {
        "account": row.name,
        "identity": row.identity,
        "key_env": row.key_env,
        "key_set": row.key_set,
        "base_url": row.base or None,
        "rehearsal": row.rehearsal,
        "check": dataclasses.asdict(row.answer) if row.answer else None,
    }


def _model_document(model: Ability) -> dict[str, Any]:
    low, high = model.seconds or (None, None)
    return {
        "model": None if model.model == ANY else model.model,
        "own_name": model.own or None,
        "kind": model.kind,
        "seconds": {"least": low, "most": high, "whole": not model.fractions} if model.seconds else None,
        "per": "second" if model.kind == "video" else "still",
        "prices": [dataclasses.asdict(rate) for rate in model.rates],
        "upscales": [dataclasses.asdict(rate) for rate in model.upscales],
        "ratios": model.ratios,
        "doubtful_ratios": model.doubtful_ratios,
        "first_frame": model.first_frame,
        "last_frame": model.last_frame,
        "references": {media: None if most == MOST else most for media, most in model.references.items()},
        "references_in_all": None if MOST in model.references.values() else model.files,
        "references_beside_frames": model.mixed,
        "video_references_change_price": model.dear_references,
        "people": model.people,
        "local_files": model.files_by,
        "urls": model.urls,
        "seed": model.seed,
        "sound": model.sound,
        "watermark": model.watermark,
        "options": model.options,
    }
