"""`seegen`: SeeGen, the newer document (S0, "Seedance 2.0 API", its newest sample of 2026-04-29).

Videos by `sd2`, `sd2-fast` and `happyhorse`, stills by `gpt-image-2`; review of inputs; finished clips made larger by
`seegen_upscaler`. The words of each model are in the rooms beside this one, the jobs in `seegen_jobs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.money import UNPRICED, Price
from pipeline.providers import seegen_others as others
from pipeline.providers import seegen_sd2 as sd2
from pipeline.providers.base import Complaint, Input, Media, Reach, Wish
from pipeline.providers.elsewhere import ABLE, instead
from pipeline.providers.fit import Fit
from pipeline.providers.limits import Limits, of_options, priced
from pipeline.providers.seegen_assets import (
    REVIEW_SECONDS,
    ask_asset,
    asset,
    asset_list,
    assets,
    review,
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
    "REVIEW_SECONDS", "SECRET_ENV", "SEED_LIMIT", "TITLE", "UNIT", "ask_asset", "asset", "asset_list", "assets",
    "balance", "balance_of", "complaints", "effort_seconds", "fault", "headers", "heard", "job_id", "mention",
    "pictures", "poll", "price", "reach", "request", "review", "seed_limit", "status", "submit",
]  # fmt: skip

NAME = sd2.NAME
TITLE = "SeeGen: Seedance 2.0, HappyHorse, GPT Image 2"
UNIT = "credits"
CONCURRENCY = 3  # S0:543
SEED_LIMIT = 0  # of happyhorse alone it takes one: `seed_limit` says so by model
BASE_URL_ENV = "SEEGEN_BASE_URL"
KEY_ENV = "SEEGEN_API_KEY"
POLL_SECONDS = 5.0  # S0:92
LINK_SECONDS = 0  # A24
OPTIONS: Mapping[str, Sequence[Any]] = others.STILL_OPTIONS

MODELS: Mapping[str, str] = {
    **sd2.MODELS,
    "happyhorse-1": others.HORSE,
    others.HORSE: others.HORSE,
    others.STILL: others.STILL,
}
PORTABLE = frozenset(
    {
        "model",
        "inputs",
        "prompt",
        "urls",
        "uploadedUrls",
        "videoUrls",
        "audioUrls",
        "duration",
        "resolution",
        "outputResolution",
        "upscaleResolution",
        "videoInputMode",
        "videoWorkflowTab",
        "ratio",
        "aspectRatio",
        "seed",
        "callBackUrl",
    }
)  # fields of the body that the shot's own fields decide
_FITS = {others.HORSE: others.HORSE_LIMITS, others.STILL: others.STILL_LIMITS}
EDITION = sd2.Edition(
    limits=Limits(
        place="S0:194-198",
        most={"image": 9, "video": 3, "audio": 3},
        files=12,
        seconds=(0, sd2.LONGEST_REFERENCE),
        side=(400, None),
    ),
    sizes={"sd2": frozenset({"2k", "4k"}), "sd2-fast": frozenset({"1080p", "2k", "4k"})},
    full_hd=frozenset({"sd2"}),
    tiers=True,
    by_length=True,
    prompt="S0:270",
    duration="S0:274",
    modes="S0:140-165",
    fields="S0:268-278",
)


def of_model(wish: Wish, models: Mapping[str, str]) -> Iterable[Complaint]:
    """A model that SeeGen does not have, or one that makes the other kind of thing."""
    model = models.get(wish.model)
    if model is None:
        portable = ", ".join(name for name in ABLE if name in models)
        fact = f"SeeGen has no model {wish.model}: it has {portable}."
        yield Complaint(field="model", fact=fact, hint=instead(wish.model, NAME))
    elif (model == others.STILL) != (wish.kind == "image"):
        made, way = ("stills", "gpt-image-2") if wish.kind == "image" else ("videos", "seedance-2")
        fact = f"SeeGen's {model} makes no {made}."
        hint = f"Use `model: {way}`." if way in models else instead("still", NAME)
        yield Complaint(field="model", fact=fact, hint=hint)


def complaints(wish: Wish) -> Iterable[Complaint]:
    """What SeeGen cannot do of a wish, model by model."""
    wrong = list(of_model(wish, MODELS))
    yield from wrong
    if wrong:
        return
    yield from of_options("SeeGen", wish, OPTIONS if wish.kind == "image" else {}, PORTABLE)
    match MODELS[wish.model]:
        case others.HORSE:
            yield from others.horse_complaints(wish)
        case others.STILL:
            yield from others.still_complaints(wish)
        case _:
            yield from sd2.complaints(wish, EDITION)


def request(wish: Wish) -> Mapping[str, Any]:
    """The body of createTask, its inputs named by their place."""
    match MODELS[wish.model]:
        case others.HORSE:
            return others.horse_request(wish)
        case others.STILL:
            return others.still_request(wish)
    return sd2.request(wish, EDITION)


def price(wish: Wish) -> Price:
    """By the tables of S0:34-60 and S0:262-265."""
    match MODELS.get(wish.model):
        case None:
            return UNPRICED
        case others.HORSE:
            found = others.horse_price(wish)
        case others.STILL:
            found = others.still_price(wish)
        case _:
            found = sd2.price(wish, EDITION)
    return priced(found, wish, OPTIONS if wish.kind == "image" else ())


def effort_seconds(wish: Wish) -> float:
    """About what Ark was measured to take: a minute a second of video, half a minute for a still."""
    return 60.0 * float(wish.seconds) if wish.kind == "video" else 30.0


def seed_limit(model: str) -> int:
    """Only happyhorse takes a seed (S0:256)."""
    return others.HORSE_SEEDS if MODELS.get(model) == others.HORSE else 0


def pictures(model: str) -> Fit:
    """By the model: S0:194-198, S0:257-261, S0:320-325."""
    return _FITS.get(MODELS.get(model, ""), EDITION.limits).fit()


def mention(model: str, media: Media, number: int) -> str:
    """`character1` for happyhorse's references (S0:200); the document has no words for the others."""
    return f"character{number}" if MODELS.get(model) == others.HORSE and media == "image" else ""


def reach(wish: Wish, item: Input) -> Reach:
    """A reviewed asset for sd2's video references (A8) and for pictures of people (A9), else a URL (S0:271)."""
    if MODELS.get(wish.model) in (others.HORSE, others.STILL):
        return "url"  # S0:201: no review; S0:315: public URLs
    people = (wish.people or item.people) and item.media == "image"
    return "asset" if item.media == "video" or people else "url"
