"""How a take is asked for: in the words of the page that makes it, under which keys, and larger in one go or later."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum

from pipeline.errors import Fault
from pipeline.events import minute
from pipeline.money import Price
from pipeline.plan import enlarge
from pipeline.plan.finals import Drafted
from pipeline.plan.keys import Keys, derived_seed, keys
from pipeline.plan.known import Known
from pipeline.plan.model import take_id
from pipeline.plan.setting import Setting
from pipeline.plan.wish import stands_on, wish_of
from pipeline.providers.base import Input, LocalPage, RemotePage, Wish, as_service, is_local
from pipeline.recipe.model import Pick, Shot, Source
from pipeline.steps.base import Feed, Work
from pipeline.steps.generate import Generate
from pipeline.values import dataclass


class Which(Enum):
    """Which result of a request is asked for, where there are several: each `--redo` makes one more."""

    PICKED = "picked"  # the one that was picked, where it is one of them; else the newest
    NEWEST = "newest"
    FRESH = "fresh"  # one more, whatever is there


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
    origin: str = ""  # in the last stage, what it has of the take that was picked
    kept: bool = False  # that very take is what it asks for


class Requests:
    """Asks for takes; `keys` are those of the steps before, `shots` the rung on which each shot of the recipe is."""

    def __init__(
        self,
        setting: Setting,
        known: Known,
        keys: Mapping[str, str],
        shots: Mapping[str, Shot],
        picks: Mapping[str, Pick],
        faults: list[Fault],
        warnings: list[Fault],
    ) -> None:
        self.setting = setting
        self.known = known
        self.keys = keys
        self.shots = shots
        self.redos = dict(known.redos())
        self.redo: dict[str, int] = {}  # the fresh results that are asked for, by their keys before any redo
        self.faults, self.warnings = faults, warnings
        self.picks = picks

    def of(self, shot: Shot, take: int, inputs: Sequence[Sequence[Input]], which: Which) -> list[Request]:
        """Every rung of a take, in turn."""
        return [
            self._request(number, rung, take, given, which)
            for number, (rung, given) in enumerate(zip(shot.rungs, inputs, strict=True))
        ]

    def keyed(self, work: Work, take: int = 1, *, fresh: bool) -> tuple[Keys, int]:
        """The keys of a take's request, and the number of its fresh result where one is asked for, else 0."""
        made = keys(work, self.keys, take=take, redos=self.redos)
        # WHY: of two that ask for the same, both show the one fresh result.
        if not fresh or made.base in self.redo:
            return made, 0
        number = self.redos.get(made.base, 0) + 1
        return keys(work, self.keys, take=take, redos={made.base: number}), number

    def note(self, made: Keys, redo: int) -> None:
        """Keeps in mind which fresh result is asked for, where one is: `redo` is its number, else 0."""
        if redo:
            self.redos[made.base] = self.redo[made.base] = redo

    def price(self, price: Price, provider: str) -> Price:
        """The price, in dollars as the user has configured them."""
        rate = self.setting.usd_per_credit.get(provider)
        return price if rate is None else dataclasses.replace(price, usd_per_credit=rate)

    def _request(self, number: int, shot: Shot, take: int, inputs: Sequence[Input], which: Which) -> Request:
        page = self.setting.providers[shot.provider]
        account = "" if is_local(page) else self.setting.identity(shot.account)
        picked = self.setting.drafted.get(take_id(shot.id, take))
        wish, origin = wish_of(shot, take, inputs, page), ""
        asking, larger, note, bases = self._sized(shot, take, page, wish, picked, which)
        kept = picked is not None and picked.base in bases
        if picked and kept and which is not Which.PICKED:  # WHY: another result would no longer be what was picked
            return self._request(number, shot, take, inputs, Which.PICKED)
        if picked and kept:
            origin = f"{picked.told}, as it was picked"
        elif picked:
            wish, origin = _after(picked, shot, page, wish)
            asking, larger, note, _ = self._sized(shot, take, page, wish, None, which)
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
            origin=origin,
            kept=kept,
        )

    def _sized(
        self,
        shot: Shot,
        take: int,
        page: LocalPage | RemotePage,
        wish: Wish,
        picked: Drafted | None,
        which: Which,
    ) -> tuple[_Asking, enlarge.Way | None, str, frozenset[str]]:
        """As `_enlarged`, and under which keys before any redo it is asked for: as it is, and larger in one go."""
        plain = self._asking(shot, page, wish, take, which)
        kept = picked is not None and picked.base == plain.keys.base
        asking, larger, note = self._enlarged(shot, take, page, plain, wish, which, kept=kept)
        return asking, larger, note, frozenset({plain.keys.base, asking.keys.base})

    def _asking(self, shot: Shot, page: LocalPage | RemotePage, wish: Wish, take: int, which: Which) -> _Asking:
        """A wish in the page's words, its keys, and the seed that is derived from them where the page takes one."""
        identity = self.setting.identity(page.NAME)
        maker, feeds = "" if identity == page.NAME else identity, self._feeds(shot)
        work = Generate(page=page, output=shot.kind, request=page.request(wish), feeds=feeds, maker=maker)
        counted = take if wish.seed is None else 1
        made, redo = self.keyed(work, counted, fresh=which is Which.FRESH)
        pick = self.picks.get(shot.id)
        if pick and pick.take == take and which is Which.PICKED and self.redos.get(made.base):
            made = self._of_pick(pick, shot, work, counted, made)
        limit = _seed_limit(shot, page)
        if wish.seed is None and limit:
            wish = dataclasses.replace(wish, seed=derived_seed(made.key, limit))
            work = Generate(page=page, output=shot.kind, request=page.request(wish), feeds=feeds, maker=maker)
        return _Asking(wish=wish, work=work, keys=made, redo=redo)

    def _of_pick(self, pick: Pick, shot: Shot, work: Work, counted: int, newest: Keys) -> Keys:
        """The keys of the result that was picked among all those of this request, else of the newest."""
        numbers = range(self.redos[newest.base], -1, -1)
        found = [keys(work, self.keys, take=counted, redos={newest.base: number}) for number in numbers]
        kept = self.known.kept([one.key for one in found])
        made = {key: {artifact.sha256 for artifact in one.result.outputs.values()} for key, one in kept.items()}
        picked = next((one for one in found if pick.sha256 in made.get(one.key, ())), newest)
        out = self.known.pending([newest.key]).get(newest.key) if picked != newest else None
        if out and out.job_id:
            fact = (
                f"{out.provider} has {out.job_id} since {minute(out.at)} UTC, a fresh {take_id(shot.id, pick.take)};"
                " this goes on with the one that was picked."
            )
            hint = f"Say --redo {shot.id}@{pick.take} to have it: it is not bought again."
            self.warnings.append(Fault(place=shot.where(), fact=fact, hint=hint, warning=True))
        return picked

    def _enlarged(
        self,
        shot: Shot,
        take: int,
        page: LocalPage | RemotePage,
        plain: _Asking,
        bare: Wish,
        which: Which,
        *,
        kept: bool,
    ) -> tuple[_Asking, enlarge.Way | None, str]:
        """What is asked for where the shot is to be larger, the step that then follows, and the choice in words.

        `bare` is the wish without a derived seed, which comes anew from what is asked for; `kept`: no other clip does.
        """
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
        large = self._asking(shot, page, enlarge.inline(bare, shot.upscale.to), take, which)
        both = (plain.keys.key, large.keys.key)
        there = {*self.known.kept(both), *self.known.pending(both)}
        # WHY: a finished clip is never made anew only to be larger; neither is one that a service is making.
        settled = kept or (large.keys.key not in there and plain.keys.key in there)
        if settled and not later:
            self.faults.append(enlarge.made_already(shot))
            return plain, enlarge.LOCAL, ""
        best = enlarge.cheapest(later) if settled else inside if large.keys.key in there else enlarge.cheapest(found)
        told = enlarge.told(best, found, shot.upscale.to)
        return (large, None, told) if best is inside else (plain, best, told)

    def _feeds(self, shot: Shot) -> tuple[Feed, ...]:
        """Where each of a shot's inputs comes from, in their order."""
        return tuple(self._feed(role, source) if source else self._chained(shot) for role, source in stands_on(shot))

    def _feed(self, role: str, source: Source) -> Feed:
        if not source.shot:
            return feed_of(role, source)
        made = self.shots[source.shot]
        step = f"{take_id(made.id, made.picked)}/generate"
        usual = f"{made.id}/generate"
        return Feed(role=role, step=step, usual=usual, output=made.kind, name=source.name, media=made.kind)

    def _chained(self, shot: Shot) -> Feed:
        """The frame that a chained shot begins with."""
        assert shot.chain is not None
        before = self.shots[shot.chain.shot]
        usual, step = (
            frame_id(name, shot.chain.offset_seconds) for name in (before.id, take_id(before.id, before.picked))
        )
        return Feed(role="first_frame", step=step, usual=usual, output="last_frame", name=before.id, media="image")


def frame_id(take: str, offset: Decimal) -> str:
    """The id of the step that takes the frame so many seconds before the end of a take's clip."""
    return f"{take}/last_frame" if offset == 0 else f"{take}/last_frame-{offset.normalize():f}s"


def feed_of(role: str, source: Source) -> Feed:
    """A file or a URL as an input."""
    if source.file:
        return Feed(role=role, path=source.file.path, sha256=source.file.sha256, name=source.name, media=source.media)
    return Feed(role=role, url=source.url, name=source.name, media=source.media)


def _after(picked: Drafted, shot: Shot, page: LocalPage | RemotePage, wish: Wish) -> tuple[Wish, str]:
    """A wish with the seed of the take that was picked, where that has one and the page takes it; told in words."""
    if picked.seed is not None and picked.seed < _seed_limit(shot, page):
        wish = dataclasses.replace(wish, seed=picked.seed)
    ignored = any(complaint.field == "seed" for complaint in page.complaints(wish))
    same = wish.seed is not None and wish.seed == picked.seed and not ignored
    return wish, f"anew after {picked.told}: {'same seed' if same else 'will differ: no seed'}"


def _seed_limit(shot: Shot, page: LocalPage | RemotePage) -> int:
    """Seeds from 0 below this are sent for a shot; 0: none is."""
    service = as_service(page)
    return service.seed_limit(shot.model) if service else page.SEED_LIMIT
