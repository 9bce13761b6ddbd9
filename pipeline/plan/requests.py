"""How a take is asked for: in the words of the page that makes it, under which keys, and larger in one go or later."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.errors import Fault
from pipeline.money import Price
from pipeline.plan import enlarge
from pipeline.plan.keys import Keys, derived_seed, keys
from pipeline.plan.known import Known
from pipeline.plan.setting import Setting
from pipeline.plan.wish import stands_on, wish_of
from pipeline.providers.base import Input, LocalPage, RemotePage, Wish, as_service, is_local
from pipeline.recipe.model import Shot, Source
from pipeline.steps.base import Feed
from pipeline.steps.generate import Generate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """A take as it is asked for: the wish with its seed, the work and its keys, and which fresh result it is."""

    wish: Wish
    work: Generate
    keys: Keys
    redo: int  # the number of the fresh result that is asked for, else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(_Asking):
    """One rung of a take's ladder as it is asked for, and how its result is made larger afterwards."""

    rung: int
    shot: Shot
    page: LocalPage | RemotePage
    account: str  # empty where nobody charges
    price: Price
    larger: enlarge.Way | None  # the step that follows
    note: str  # the choice of it in words


class Requests:
    """Asks for takes; `keys` are those of the steps before, `shots` the rung on which each shot of the recipe is."""

    def __init__(
        self,
        *,
        setting: Setting,
        known: Known,
        keys: Mapping[str, str],
        shots: Mapping[str, Shot],
        faults: list[Fault],
    ) -> None:
        self.setting = setting
        self.known = known
        self.keys = keys
        self.shots = shots
        self.redos = dict(known.redos())
        self.redo: dict[str, int] = {}  # the fresh results that are asked for, by their keys before any redo
        self.faults = faults

    def of(self, shot: Shot, take: int, inputs: Sequence[Sequence[Input]], *, fresh: bool) -> list[Request]:
        """Every rung of a take, in turn; `fresh`: a result of its own is asked for, whatever is there."""
        return [
            self._request(number, rung, take, given, fresh=fresh)
            for number, (rung, given) in enumerate(zip(shot.rungs, inputs, strict=True))
        ]

    def note(self, asked: Sequence[Request]) -> None:
        """Keeps in mind which fresh results these ask for."""
        for one in asked:
            if one.redo:
                self.redos[one.keys.base] = self.redo[one.keys.base] = one.redo

    def price(self, price: Price, provider: str) -> Price:
        """The price, in dollars as the user has configured them."""
        rate = self.setting.usd_per_credit.get(provider)
        return price if rate is None else dataclasses.replace(price, usd_per_credit=rate)

    def _request(self, number: int, shot: Shot, take: int, inputs: Sequence[Input], *, fresh: bool) -> Request:
        page = self.setting.providers[shot.provider]
        account = "" if is_local(page) else self.setting.identity(shot.account)
        plain = self._asking(shot, page, wish_of(shot, take, inputs, page), take, fresh=fresh)
        asking, larger, note = self._enlarged(shot, take, page, plain, fresh=fresh)
        return Request(
            wish=asking.wish,
            work=asking.work,
            keys=asking.keys,
            redo=asking.redo,
            rung=number,
            shot=shot,
            page=page,
            account=account,
            price=self.price(page.price(asking.wish), page.NAME if account else ""),
            larger=larger,
            note=note,
        )

    def _asking(self, shot: Shot, page: LocalPage | RemotePage, wish: Wish, take: int, *, fresh: bool) -> _Asking:
        """A wish in the page's words, its keys, and the seed that is derived from them where the page takes one."""
        maker = self.setting.identity(page.NAME)
        work = Generate(
            page=page,
            output=shot.kind,
            request=page.request(wish),
            feeds=self._feeds(shot),
            maker="" if maker == page.NAME else maker,
        )
        made, redo = self._keys(work, take if wish.seed is None else 1, fresh=fresh)
        service = as_service(page)
        limit = service.seed_limit(shot.model) if service else page.SEED_LIMIT
        if wish.seed is None and limit:
            wish = dataclasses.replace(wish, seed=derived_seed(made.key, limit))
            work = dataclasses.replace(work, request=page.request(wish))
        return _Asking(wish=wish, work=work, keys=made, redo=redo)

    def _enlarged(
        self, shot: Shot, take: int, page: LocalPage | RemotePage, plain: _Asking, *, fresh: bool
    ) -> tuple[_Asking, enlarge.Way | None, str]:
        """What is asked for where the shot is to be larger, the step that then follows, and the choice in words."""
        if shot.upscale is None:
            return plain, None, ""
        if shot.upscale.by == "local" or (shot.upscale.by == "cheapest" and as_service(page) is None):
            return plain, enlarge.LOCAL, ""
        found, wrong = enlarge.ways(shot, plain.wish, page, self.setting.upscalers)
        if not found:
            self.faults.append(enlarge.no_way(shot, wrong))
            return plain, enlarge.LOCAL, ""
        inside = next((way for way in found if way.by is None), None)
        later = [way for way in found if way.by is not None]
        if inside is None:
            best = enlarge.cheapest(later)
            return plain, best, enlarge.told(best, found, shot.upscale.to)
        bare = wish_of(shot, take, plain.wish.inputs, page)  # a seed is derived anew from what is now asked for
        large = self._asking(shot, page, enlarge.inline(bare, shot.upscale.to), take, fresh=fresh)
        both = (plain.keys.key, large.keys.key)
        there = {*self.known.kept(both), *self.known.pending(both)}
        # WHY: a finished clip is never made anew only to be larger; neither is one that a service is making.
        settled = large.keys.key not in there and plain.keys.key in there
        if settled and not later:
            self.faults.append(enlarge.made_already(shot))
            return plain, enlarge.LOCAL, ""
        best = enlarge.cheapest(later) if settled else inside if large.keys.key in there else enlarge.cheapest(found)
        told = enlarge.told(best, found, shot.upscale.to)
        return (large, None, told) if best is inside else (plain, best, told)

    def _keys(self, work: Generate, take: int, *, fresh: bool) -> tuple[Keys, int]:
        """The keys of a take's request, and the number of its fresh result where one is asked for, else 0."""
        made = keys(work, self.keys, take=take, redos=self.redos)
        # WHY: of two that ask for the same, both show the one fresh result.
        if not fresh or made.base in self.redo:
            return made, 0
        number = self.redos.get(made.base, 0) + 1
        return keys(work, self.keys, take=take, redos={made.base: number}), number

    def _feeds(self, shot: Shot) -> tuple[Feed, ...]:
        """Where each of a shot's inputs comes from, in their order."""
        return tuple(self._feed(role, source) if source else _chained(shot) for role, source in stands_on(shot))

    def _feed(self, role: str, source: Source) -> Feed:
        if not source.shot:
            return feed_of(role, source)
        made = self.shots[source.shot].kind
        return Feed(role=role, step=f"{source.shot}/generate", output=made, name=source.name, media=made)


def frame_id(take: str, offset: Decimal) -> str:
    """The id of the step that takes the frame so many seconds before the end of a take's clip."""
    return f"{take}/last_frame" if offset == 0 else f"{take}/last_frame-{offset.normalize():f}s"


def feed_of(role: str, source: Source) -> Feed:
    """A file or a URL as an input."""
    if source.file:
        return Feed(role=role, path=source.file.path, sha256=source.file.sha256, name=source.name, media=source.media)
    return Feed(role=role, url=source.url, name=source.name, media=source.media)


def _chained(shot: Shot) -> Feed:
    """The frame that a chained shot begins with."""
    assert shot.chain is not None
    frame = frame_id(shot.chain.shot, shot.chain.offset_seconds)
    return Feed(role="first_frame", step=frame, output="last_frame", name=shot.chain.shot, media="image")
