"""How a clip is made larger: by its own service in the same request, by one that enlarges finished clips, or here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

from pipeline.errors import Fault
from pipeline.events import Artifact, Result
from pipeline.money import FREE, Price, text
from pipeline.plan.model import Step
from pipeline.providers.animatic import RATIOS, size
from pipeline.providers.base import Clip, Enlarges, LocalPage, RemotePage, Wish
from pipeline.recipe.model import Shot
from pipeline.steps.upscale import Upscale
from pipeline.values import dataclass

SPARE_SECONDS = 1  # a service's clip may come out a few frames longer than was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to make a clip larger and what it adds to the price; without `by` it is the shot's own request."""

    price: Price
    by: Enlarges | None = None
    provider: str = ""


LOCAL = Way(price=FREE)
"""The way that costs nothing: on this machine."""


def ways(
    shot: Shot, wish: Wish, page: LocalPage | RemotePage, others: Mapping[str, Enlarges]
) -> tuple[list[Way], list[str]]:
    """The paid ways that the recipe allows, and why those that cannot be taken cannot."""
    assert shot.upscale is not None
    found: list[Way] = []
    wrong: list[str] = []
    if shot.upscale.by in ("cheapest", "provider"):
        large = inline(wish, shot.upscale.to)
        faults = [c.fact for c in page.complaints(large) if not c.warning and c.field == "upscale"]
        wrong += faults
        if not faults:
            found.append(Way(price=_added(page.price(large), page.price(wish))))
    if shot.upscale.by in ("cheapest", "service") and shot.kind == "video":
        clip = expected(shot)
        for name, other in others.items():
            faults = [c.fact for c in other.complaints(clip, shot.upscale.to) if not c.warning]
            wrong += faults
            if not faults:
                found.append(Way(price=_likely(other, shot), by=other, provider=name))
    return found, wrong


def cheapest(found: Iterable[Way]) -> Way:
    """The way that costs least; an unknown price comes last, and of equals the one in the same request first."""
    return min(found, key=lambda way: (not way.price.known, way.price.low, way.by is not None))


def inline(wish: Wish, to: str) -> Wish:
    """The wish that asks for the larger clip at once."""
    return dataclasses.replace(wish, upscale=to)


def no_way(shot: Shot, wrong: Iterable[str]) -> Fault:
    """The fault of a shot that nobody can make larger as asked."""
    assert shot.upscale is not None
    why = " ".join(dict.fromkeys(wrong)) or f"No service makes {'stills' if shot.kind == 'image' else 'clips'} larger."
    return Fault(
        place=shot.where("upscale"),
        fact=f"Nobody who may be paid for it makes {shot.id} {shot.upscale.to}: {why}",
        hint="Say `by: service` to let SeeGen's upscaler enlarge the finished clip, or `by: local` to do it here."
        if shot.upscale.by == "provider" and shot.kind == "video"
        else f"Say `upscale: {{to: {shot.upscale.to}, by: local}}` to enlarge it on this machine.",
    )


def made_already(shot: Shot) -> Fault:
    """The fault of a finished shot that could be larger only by being bought again."""
    assert shot.upscale is not None
    return Fault(
        place=shot.where("upscale"),
        fact=f"{shot.id} is made or under way, and {shot.provider} makes it {shot.upscale.to} only in one go.",
        hint="Say `by: local` to enlarge the clip that is there, or name the shot in --redo to buy it anew.",
    )


def told(way: Way, others: Iterable[Way], to: str) -> str:
    """The choice in words, for the plan."""
    rest = [other for other in others if other is not way]
    chosen = f"{to} by {_name(way)} for {text(way.price.low)}"
    return f"{chosen}, {text(cheapest(rest).price.low)} by {_name(cheapest(rest))}" if rest else chosen


def _name(way: Way) -> str:
    return f"{way.provider}'s upscaler" if way.by else "the same request"


def expected(shot: Shot) -> Clip:
    """The clip that a shot is to become."""
    width, height = size(shot.resolution, shot.ratio) if shot.ratio in RATIOS else (0, 0)
    return Clip(seconds=shot.seconds, width=width, height=height, format="mp4")


def clip_of(artifact: Artifact) -> Clip:
    """A clip as it was probed."""
    return Clip(
        seconds=Decimal(artifact.seconds or 0),
        width=artifact.width,
        height=artifact.height,
        bytes=artifact.bytes,
        format=artifact.suffix.removeprefix("."),
    )


def _likely(page: Enlarges, shot: Shot) -> Price:
    """Expected for the seconds asked for, at most for a clip that came out a little longer."""
    assert shot.upscale is not None
    low = page.price(expected(shot), shot.upscale.to)
    long = Clip(seconds=Decimal(math.floor(shot.seconds) + SPARE_SECONDS))
    return Price(
        low=low.low,
        high=page.price(long, shot.upscale.to).high,
        usd_per_credit=low.usd_per_credit,
        source=low.source,
        known=low.known,
    )


def _added(whole: Price, part: Price) -> Price:
    return Price(
        low=whole.low - part.low,
        high=whole.high - part.high,
        usd_per_credit=whole.usd_per_credit,
        source=whole.source,
        known=whole.known and part.known,
    )


def price_of(step: Step, results: Mapping[str, Result]) -> Price:
    """What an attempt at a step reserves: for a service's upscale, by the clip as it was probed once it is there."""
    work = step.work
    if not isinstance(work, Upscale) or work.page is None or step.twin or step.fetched_again:
        return step.price
    made = results.get(work.source.step)
    if made is None or work.source.output not in made.outputs:
        return step.price
    exact = work.page.price(clip_of(made.outputs[work.source.output]), work.to)
    rate = step.price.usd_per_credit
    return Price(low=exact.low, high=exact.high, usd_per_credit=rate, source=exact.source, known=exact.known)
