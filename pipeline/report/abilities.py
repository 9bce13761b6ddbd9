"""What a provider can do, asked of its page with wishes: whatever it complains of is what it cannot.

There is no second table of abilities here, so that what is shown is what a plan would meet. Knows no account and no
key, and asks nothing of the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from pipeline.money import Price
from pipeline.providers.base import (
    Balances,
    Cancels,
    Clip,
    Complaint,
    Enlarges,
    Input,
    Lists,
    LocalPage,
    Media,
    RemotePage,
    Reviews,
    Role,
    Wish,
    as_service,
    is_local,
)
from pipeline.providers.catalog import MODELS, RATIOS, RESOLUTIONS
from pipeline.values import dataclass, field

Kind = Literal["video", "image"]
Page = LocalPage | RemotePage

ANY = "any"
MOST = 30  # references of one medium that are tried; whoever takes as many takes any number
LONGEST_SECONDS = 120
SECONDS = Decimal(5)  # what every model makes; rates are seen at twice that
MEDIA: tuple[Media, ...] = ("image", "video", "audio")
ENLARGED = ("1080p", "2k", "4k")
_UNHEARD_OF = "a-model-that-nobody-has"
_FORMATS = {"image": "png", "video": "mp4", "audio": "mp3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a model costs at a resolution: credits a second of a video, credits a still; None where nobody knows.

    `doubtful`: the page warns that it may be refused. `options` are other prices by "name value" of an option.
    """

    resolution: str
    upscale: str = ""
    credits: Decimal | None
    usd_per_credit: Decimal | None = None
    source: str = ""
    doubtful: bool = False
    options: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What a provider does with one portable model; `own` is the service's name for it where that is another."""

    model: str
    own: str
    kind: Kind
    rates: tuple[Rate, ...]
    upscales: tuple[Rate, ...]  # made larger in the same request
    ratios: tuple[str, ...]
    doubtful_ratios: tuple[str, ...]
    seconds: tuple[Decimal, Decimal] | None  # the shortest and the longest clip; None for stills
    fractions: bool  # also clips of no whole number of seconds
    first_frame: str  # "hard": the clip begins with this very picture; "soft": it is a reference; "no"
    last_frame: str  # "yes", "with a first", "no"
    references: Mapping[Media, int]  # how many; MOST for any number
    files: int  # references in all
    mixed: bool  # frames and references in one shot
    dear_references: bool  # a video reference makes another price
    seed: str  # "yes", "perhaps", "no", as are the two below
    sound: str
    watermark: str
    people: str  # pictures of people are "reviewed", "taken", "perhaps" taken, "refused"
    files_by: Mapping[Media, str]  # local inputs: "read", or a `Reach`
    urls: tuple[Media, ...]  # inputs that may be given by URL
    options: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlarging:
    """What makes finished clips larger: credits a second by size, for `least_seconds` at least."""

    credits: Mapping[str, Decimal]
    least_seconds: int
    usd_per_credit: Decimal | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """All that a provider's page says of itself."""

    name: str
    title: str
    unit: str
    here: bool  # made on this machine, with no account
    models: tuple[Ability, ...]
    enlarging: Enlarging | None
    tells_balance: bool
    cancels: bool
    lists_jobs: bool


def abilities(page: Page, upscaler: Enlarges | None = None, usd_per_credit: Decimal | None = None) -> Abilities:
    """What a page can do, by portable model; `usd_per_credit` is the user's own and goes before the document's."""
    return Abilities(
        name=page.NAME,
        title=page.TITLE,
        unit=page.UNIT,
        here=is_local(page),
        models=tuple(_models(page, usd_per_credit)),
        enlarging=_enlarging(upscaler, usd_per_credit) if upscaler else None,
        tells_balance=isinstance(page, Balances),
        cancels=isinstance(page, Cancels),
        lists_jobs=isinstance(page, Lists),
    )


def _models(page: Page, usd: Decimal | None) -> Iterator[Ability]:
    kinds: tuple[Kind, ...] = ("video", "image")
    for model in MODELS if _lacks(page, _UNHEARD_OF) else (ANY,):
        for kind in kinds:
            asked = _UNHEARD_OF if model == ANY else model
            probe = _Probe(page, _wish(asked, kind), usd)
            if probe.faults.isdisjoint(("model", "kind")):
                yield probe.ability(model)


def _lacks(page: Page, model: str) -> bool:
    return any(one.field == "model" and not one.warning for one in page.complaints(_wish(model, "video")))


def _wish(model: str, kind: Kind) -> Wish:
    return Wish(
        shot="probe",
        kind=kind,
        model=model,
        prompt="a red door",
        seconds=SECONDS if kind == "video" else Decimal(0),
        resolution="720p",
        ratio="16:9",
        seed=None,
        audio=False,
        watermark=False,
        people=False,
    )


def _input(role: Role, media: Media, **said: Any) -> Input:
    """An input that is small and long enough for everybody."""
    size = {} if media == "audio" else {"width": 1280, "height": 720}
    length = None if media == "image" else Decimal(2)
    plain: dict[str, Any] = {"bytes": 100_000, "format": _FORMATS[media], "seconds": length, **size}
    return Input(role=role, media=media, name="probe", **(plain | said))


class _Probe:
    """One page asked about one model with one wish after another."""

    def __init__(self, page: Page, plain: Wish, usd: Decimal | None) -> None:
        self.page = page
        self.plain = plain
        self.usd = usd
        found = tuple(page.complaints(plain))
        self.usual = {(one.field, one.fact) for one in found}
        self.faults = {one.field for one in found if not one.warning}

    def ability(self, model: str) -> Ability:
        own = str(self.page.request(self.plain).get("model", ""))
        most = {media: self._most(media) for media in MEDIA}
        taken: tuple[Media, ...] = tuple(media for media in MEDIA if most[media])
        ratios = {ratio: self._said("ratio", ratio=ratio) for ratio in RATIOS}
        frame = _input("first_frame", "image")
        return Ability(
            model=model,
            own="" if own == self.plain.model else own,
            kind=self.plain.kind,
            rates=tuple(self._rates()),
            upscales=tuple(self._upscales()),
            ratios=tuple(ratio for ratio, said in ratios.items() if said == "yes"),
            doubtful_ratios=tuple(ratio for ratio, said in ratios.items() if said == "perhaps"),
            seconds=self._seconds(),
            fractions=self.plain.kind == "video" and self._said("duration", seconds=SECONDS + Decimal("0.5")) == "yes",
            first_frame={"yes": "hard", "perhaps": "soft", "no": "no"}[self._said("first_frame", inputs=(frame,))],
            last_frame=self._last_frame(frame),
            references=most,
            files=self._files(most),
            mixed=bool(most["image"]) and self._takes(inputs=(frame, _input("reference", "image"))),
            dear_references=bool(most["video"]) and self._dear(),
            seed=self._switch("seed", seed=7),
            sound=self._switch("audio", audio=True),
            watermark=self._switch("watermark", watermark=True),
            people=self._people() if most["image"] else "no",
            files_by={media: self._reach(media) for media in taken},
            urls=tuple(media for media in taken if self._takes(inputs=self._group(media, 1, local=False))),
            options={name: tuple(map(_written, values)) for name, values in self._options().items()},
        )

    def _new(self, **said: Any) -> list[Complaint]:
        """What the page says of a wish beyond what it always says."""
        wish = dataclasses.replace(self.plain, **said)
        return [one for one in self.page.complaints(wish) if (one.field, one.fact) not in self.usual]

    def _takes(self, **said: Any) -> bool:
        return all(one.warning for one in self._new(**said))

    def _said(self, field: str, **said: Any) -> str:
        """`yes`, `perhaps` where it warns at this field, `no` where there is a fault."""
        found = self._new(**said)
        if not all(one.warning for one in found):
            return "no"
        return "perhaps" if any(one.field == field for one in found) else "yes"

    def _switch(self, field: str, **said: Any) -> str:
        """Whether something is sent at all, and whether the page warns of it."""
        answer = self._said(field, **said)
        if answer == "no":
            return "no"
        sent = self.page.request(dataclasses.replace(self.plain, **said)) != self.page.request(self.plain)
        return answer if sent else "no"

    def _price(self, **said: Any) -> Price:
        price = self.page.price(dataclasses.replace(self.plain, **said))
        return price if self.usd is None else dataclasses.replace(price, usd_per_credit=self.usd)

    def _rate(self, doubtful: bool, **said: Any) -> Rate:
        length = 2 * self.plain.seconds or Decimal(1)
        price = self._price(seconds=2 * self.plain.seconds, **said)
        return Rate(
            resolution=said["resolution"],
            upscale=said.get("upscale", ""),
            credits=price.high / length if price.known else None,
            usd_per_credit=price.usd_per_credit,
            source=price.source,
            doubtful=doubtful,
            options=self._other_prices(price, said, length) if price.known else {},
        )

    def _rates(self) -> Iterator[Rate]:
        for resolution in RESOLUTIONS:
            answer = self._said("resolution", resolution=resolution)
            if answer != "no":
                yield self._rate(answer == "perhaps", resolution=resolution)

    def _upscales(self) -> Iterator[Rate]:
        for resolution in RESOLUTIONS:
            for size in ENLARGED:
                said = {"resolution": resolution, "upscale": size}
                bare = self._takes(resolution=resolution) and RESOLUTIONS.index(size) > RESOLUTIONS.index(resolution)
                if bare and self._takes(**said) and self._sends_more(said):
                    yield self._rate(False, **said)

    def _sends_more(self, said: Mapping[str, str]) -> bool:
        bare = dataclasses.replace(self.plain, resolution=said["resolution"])
        return self.page.request(dataclasses.replace(bare, upscale=said["upscale"])) != self.page.request(bare)

    def _other_prices(self, usual: Price, said: Mapping[str, Any], length: Decimal) -> dict[str, Decimal]:
        found = {}
        for name, values in self._options().items():
            for value in values:
                price = self._price(seconds=2 * self.plain.seconds, options={name: value}, **said)
                if price.known and price.high != usual.high:
                    found[f"{name} {_written(value)}"] = price.high / length
        return found

    def _options(self) -> dict[str, Sequence[Any]]:
        """The page's own options that it knows for this model, with their values."""
        service = as_service(self.page)
        known = service.OPTIONS if service else {}
        return {name: values for name, values in known.items() if not self._new(options={name: values[0]})}

    def _seconds(self) -> tuple[Decimal, Decimal] | None:
        if self.plain.kind == "image":
            return None
        tried = [Decimal("0.5"), *map(Decimal, range(1, LONGEST_SECONDS + 1))]
        able = [seconds for seconds in tried if self._said("duration", seconds=seconds) != "no"]
        return (able[0], able[-1]) if able else None

    def _last_frame(self, first: Input) -> str:
        last = _input("last_frame", "image")
        if self._takes(inputs=(last,)):
            return "yes"
        return "with a first" if self._takes(inputs=(first, last)) else "no"

    def _group(self, media: Media, count: int, **said: Any) -> tuple[Input, ...]:
        """So many references of a medium; a picture goes with a sound, since many services take none alone."""
        beside = (_input("reference", "image"),) if media == "audio" else ()
        return (*beside, *(_input("reference", media, **said) for _ in range(count)))

    def _most(self, media: Media) -> int:
        for count in range(1, MOST + 1):
            if not self._takes(inputs=self._group(media, count)):
                return count - 1
        return MOST

    def _files(self, most: Mapping[Media, int]) -> int:
        """How many references in all, those of each medium taken together as far as that goes."""
        every = [_input("reference", media) for media in MEDIA for _ in range(most[media])]
        while every and not self._takes(inputs=tuple(every)):
            every.pop()
        return len(every)

    def _dear(self) -> bool:
        reference = _input("reference", "video")
        return self._price(inputs=(reference,)).high != self._price().high

    def _people(self) -> str:
        person = _input("reference", "image", people=True)
        found = self._new(inputs=(person,))
        if not all(one.warning for one in found):
            return "refused"
        service = as_service(self.page)
        wish = dataclasses.replace(self.plain, inputs=(person,))
        if service and isinstance(self.page, Reviews) and service.reach(wish, person) == "asset":
            return "reviewed"
        return "perhaps" if any(one.field == "people" for one in found) else "taken"

    def _reach(self, media: Media) -> str:
        service = as_service(self.page)
        inputs = self._group(media, 1)
        return service.reach(dataclasses.replace(self.plain, inputs=inputs), inputs[-1]) if service else "read"


def _written(value: object) -> str:
    """An option's value as a recipe writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _enlarging(page: Enlarges, usd: Decimal | None) -> Enlarging:
    def price(seconds: int, size: str) -> Price:
        return page.price(Clip(seconds=Decimal(seconds), width=854, height=480, format="mp4"), size)

    whole = {size: price(100, size) for size in page.SIZES}
    credits = {size: found.high / 100 for size, found in whole.items() if found.known}
    least = max((int(price(1, size).high / rate) for size, rate in credits.items() if rate), default=1)
    first = next(iter(whole.values()))
    rate = usd if usd is not None else first.usd_per_credit
    return Enlarging(credits=credits, least_seconds=least, usd_per_credit=rate, source=first.source)
