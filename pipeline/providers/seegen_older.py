"""`seegen` by its older document (S1, "SD 2.0 API", undated): its price book and request rules, chosen by the user.

The same host, key and jobs as `seegen`; `sd2` and `sd2-fast` alone, no review, no native 1080p, no upscaler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.money import UNPRICED, Price
from pipeline.providers import seegen
from pipeline.providers import seegen_sd2 as sd2
from pipeline.providers.base import Complaint, Input, Media, Reach, Wish
from pipeline.providers.fit import Fit
from pipeline.providers.limits import Limits, of_options, priced
from pipeline.providers.seegen import (
    BASE_URL_ENV,
    CONCURRENCY,
    KEY_ENV,
    LINK_SECONDS,
    POLL_SECONDS,
    SEED_LIMIT,
    UNIT,
    effort_seconds,
)
from pipeline.providers.seegen_jobs import (
    BASE_URL,
    SECRET_ENV,
    balance,
    balance_of,
    fault,
    headers,
    heard,
    job_id,
    poll,
    status,
    submit,
)

__all__ = [
    "BASE_URL", "BASE_URL_ENV", "CONCURRENCY", "KEY_ENV", "LINK_SECONDS", "NAME", "OPTIONS", "POLL_SECONDS",
    "SECRET_ENV", "SEED_LIMIT", "TITLE", "UNIT", "balance", "balance_of", "complaints", "effort_seconds", "fault",
    "headers", "heard", "job_id", "mention", "pictures", "poll", "price", "reach", "request", "seed_limit", "status",
    "submit",
]  # fmt: skip

NAME = seegen.NAME
TITLE = "SeeGen, older edition: SD 2.0"
OPTIONS: Mapping[str, Sequence[Any]] = {}
MODELS = sd2.MODELS
RATES = {"sd2": 40, "sd2-fast": 32}  # credits a second; S1:156, whose example gives 160 for fast (A2)
UPSCALES = {"": 0, "2k": 20, "4k": 40}  # S1:157-158
EDITION = sd2.Edition(
    limits=Limits(
        place="S1:134-138",
        most={"image": 9, "video": 3, "audio": 3},
        files=12,
        seconds=(0, sd2.LONGEST_REFERENCE),
        side=(400, None),
    ),
    sizes={"sd2": frozenset({"2k", "4k"}), "sd2-fast": frozenset({"2k", "4k"})},  # S1:150
    full_hd=frozenset(),
    tiers=False,
    by_length=False,
    prompt="S1:143",
    duration="S1:147",
    modes="S1:80-105",
    fields="S1:141-150",
)


def complaints(wish: Wish) -> Iterable[Complaint]:
    """What the older edition cannot do of a wish; it knows no review, so pictures of people go as they are."""
    wrong = list(seegen.of_model(wish, MODELS))
    yield from wrong
    if wrong:
        return
    yield from of_options("SeeGen", wish, OPTIONS, seegen.PORTABLE)
    yield from sd2.complaints(wish, EDITION)
    if any(wish.people or item.people for item in wish.inputs if item.media == "image"):
        yield Complaint(
            field="people",
            fact="SeeGen's older document has no review for pictures of people, so the job may be refused (S0:25).",
            hint='Set edition = "seegen" in the configuration.',
            warning=True,
        )


def request(wish: Wish) -> Mapping[str, Any]:
    """The body of createTask without `outputResolution`, which S1 does not have."""
    return sd2.request(wish, EDITION)


def price(wish: Wish) -> Price:
    """Base x seconds, twice that with a video reference, and the upscale once (S1:154-159)."""
    if wish.model not in MODELS or (found := sd2.tier(wish, EDITION)) is None:
        return UNPRICED
    upscale = found[1]
    doubled = 2 if any(item.media == "video" for item in wish.inputs) else 1
    cost = Decimal(RATES[MODELS[wish.model]] * doubled + UPSCALES[upscale]) * wish.seconds
    line = 159 if doubled == 2 else {"": 156, "2k": 157, "4k": 158}[upscale]
    return priced(Price(low=cost, high=cost, source=f"SeeGen's older API document, S1:{line}"), wish, OPTIONS)


def seed_limit(model: str) -> int:
    """None of its models takes a seed (S1:141-150)."""
    return 0


def pictures(model: str) -> Fit:
    """As S1:134-138 has it."""
    return EDITION.limits.fit()


def mention(model: str, media: Media, number: int) -> str:
    """The document has no words for references in a prompt."""
    return ""


def reach(wish: Wish, item: Input) -> Reach:
    """Everything by URL, videos too (S1:127)."""
    return "url"
