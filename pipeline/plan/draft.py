"""A plan in the making: one step after another gets its work, its keys and its price.

Shots go in one after the other, each after those it stands on, so that every key can be told from those before it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.errors import Fault
from pipeline.money import FREE, Price
from pipeline.plan import enlarge
from pipeline.plan.budget import Book, Limits
from pipeline.plan.keys import Keys, derived_seed, keys
from pipeline.plan.known import Known, whole
from pipeline.plan.model import Step, Take, take_id
from pipeline.plan.narrow import Asked
from pipeline.plan.others import Others
from pipeline.plan.uploads import Uploads
from pipeline.plan.wish import inputs_of, shows_people, stands_on, wish_of
from pipeline.providers import animatic
from pipeline.providers.base import Complaint, Enlarges, Input, LocalPage, RemotePage, Wish, as_service, is_local
from pipeline.providers.catalog import Providers
from pipeline.recipe.model import Budget, Shot, Source
from pipeline.recipe.model import Film as Cut
from pipeline.steps.base import Feed, Work
from pipeline.steps.film import Film
from pipeline.steps.generate import Generate
from pipeline.steps.last_frame import LastFrame
from pipeline.steps.upscale import Upscale

MEDIA_LANE = "media"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the user's configuration and flags say about planning."""

    providers: Providers
    processors: int = 2
    widths: Mapping[str, int] = field(default_factory=dict)  # provider -> tasks in flight for each of its accounts
    usd_per_credit: Mapping[str, Decimal] = field(default_factory=dict)  # provider -> dollars
    budgets: Sequence[Budget] = ()  # from configuration and flags; the tightest of them and the recipe's holds
    of_accounts: Mapping[str, Budget] = field(default_factory=dict)  # the budgets of single accounts
    accounts: Mapping[str, str] = field(default_factory=dict)  # account -> the service that it is with
    identities: Mapping[str, str] = field(default_factory=dict)  # account or provider -> its name in a rehearsal
    upscalers: Mapping[str, Enlarges] = field(default_factory=dict)  # provider -> who makes finished clips larger
    published: str = ""  # the store where services can read inputs; empty: none is configured
    now: str = ""  # ISO in UTC: what was uploaded and has run out by then is uploaded again
    provider: str = ""  # --provider, --preview: every shot moves there that it can make
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()
    redo_begun: bool = False  # this redo's fresh results were asked for by the run that is being continued
    book: Callable[[Limits], Book] = Book  # the book of the run that is being continued, or an empty one

    def identity(self, name: str) -> str:
        """Whose results and money these are: the account's or provider's own, or those of its rehearsal."""
        return self.identities.get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """A take as it is asked for: the wish with its seed, the work and its keys, and which fresh result it is."""

    wish: Wish
    work: Generate
    keys: Keys
    redo: int  # the number of the fresh result that is asked for, else 0


class Draft:
    """A plan in the making: shots go in one after the other, each after those it stands on."""

    def __init__(self, *, setting: Setting, known: Known, shots: Mapping[str, Shot], asked: Asked) -> None:
        self.setting = setting
        self.known = known
        self.shots = shots
        self.asked = asked
        self.redos = dict(known.redos())
        self.redo: dict[str, int] = {}
        self.steps: list[Step] = []
        self.keys: dict[str, str] = {}
        self.takes: dict[str, Take] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.others = Others(setting.providers)
        self.people: set[str] = set()  # shots that show people, by themselves or by what they stand on
        self.uploads = Uploads(setting.published, self.keys, self._add)
        self.offsets: dict[str, set[Decimal]] = {}
        for shot in shots.values():
            if shot.chain:
                self.offsets.setdefault(shot.chain.shot, set()).add(shot.chain.offset_seconds)

    def add_shot(self, shot: Shot) -> None:
        """The steps of every take of a shot: generate, the frames that others ask for, upscale."""
        page = self.setting.providers[shot.provider]
        inputs = inputs_of(shot, self.shots, self.people)
        if shows_people(shot, inputs):
            self.people.add(shot.id)
        wish = wish_of(shot, 1, inputs, page)
        wrong = [*_of_account(shot, page, self.setting.accounts), *page.complaints(wish)]
        for complaint in wrong:
            field = "chain" if shot.chain and complaint.field == "first_frame" else complaint.field
            fault = Fault(
                place=shot.where(field),
                fact=complaint.fact,
                hint=self.others.hint(complaint, wish, page),
                warning=complaint.warning,
            )
            (self.warnings if complaint.warning else self.faults).append(fault)
        if not all(complaint.warning for complaint in wrong):
            self._stub(shot)
            return
        for take in range(1, shot.takes + 1):
            self._add_take(shot, take, page, inputs)

    def _stub(self, shot: Shot) -> None:
        """Names and empty keys for a shot that is faulty, so that the faults of what follows are found too."""
        for take in range(1, shot.takes + 1):
            name = take_id(shot.id, take)
            self.keys[f"{name}/generate"] = self.keys[f"{name}/upscale"] = ""
            for offset in self.offsets.get(shot.id, ()):
                self.keys[_frame_id(name, offset)] = ""

    def _add_take(self, shot: Shot, take: int, page: LocalPage | RemotePage, inputs: tuple[Input, ...]) -> None:
        name = take_id(shot.id, take)
        generate = f"{name}/generate"
        account = "" if is_local(page) else self.setting.identity(shot.account)
        plain = self._asking(shot, page, wish_of(shot, take, inputs, page), take)
        asking, larger, note = self._enlarged(shot, take, page, plain)
        wish, work, made = asking.wish, asking.work, asking.keys
        if asking.redo:
            self.redos[made.base] = self.redo[made.base] = asking.redo
        if service := as_service(page):
            work = dataclasses.replace(work, feeds=self.uploads.reached(service, wish, work.feeds, account))
        why = "asked for anew" if self.asked.anew(name) else ""
        pinned = self._pinned(generate, made) if shot.pin and not self.asked.anew(name) else None
        self._add(
            Step(
                id=generate,
                shot=shot.id,
                take=take,
                work=work,
                provider=page.NAME,
                model=shot.model,
                account=account,
                lane=account or page.NAME,
                needs=_needs(work, *(f"{other}/generate" for other in shot.needs)),
                key=pinned or made.key,
                base=made.base,
                own=made.own,
                price=self._price(page.price(wish), page.NAME if account else ""),
                effort_seconds=page.effort_seconds(wish),
                priority=shot.priority,
                retry=shot.retry,
                seed=wish.seed,
                why="pinned: keeps the one made before" if pinned else why,
                stale=bool(pinned),
                note="" if larger else note,
            )
        )
        frames = self._add_frames(shot, name) if take == 1 else ()
        upscale = self._add_upscale(shot, take, name, larger, note) if shot.upscale and larger else ""
        self.takes[name] = Take(shot=shot, take=take, generate=generate, frames=frames, upscale=upscale)

    def _price(self, price: Price, provider: str) -> Price:
        """The price, in dollars as the user has configured them."""
        rate = self.setting.usd_per_credit.get(provider)
        return price if rate is None else dataclasses.replace(price, usd_per_credit=rate)

    def _asking(self, shot: Shot, page: LocalPage | RemotePage, wish: Wish, take: int) -> _Asking:
        """A wish in the page's words, its keys, and the seed that is derived from them where the page takes one."""
        maker = self.setting.identity(page.NAME)
        work = Generate(
            page=page,
            output=shot.kind,
            request=page.request(wish),
            feeds=self._feeds(shot),
            maker="" if maker == page.NAME else maker,
        )
        made, redo = self._generate_keys(take_id(shot.id, take), work, take if wish.seed is None else 1)
        service = as_service(page)
        limit = service.seed_limit(shot.model) if service else page.SEED_LIMIT
        if wish.seed is None and limit:
            wish = dataclasses.replace(wish, seed=derived_seed(made.key, limit))
            work = dataclasses.replace(work, request=page.request(wish))
        return _Asking(wish=wish, work=work, keys=made, redo=redo)

    def _enlarged(
        self, shot: Shot, take: int, page: LocalPage | RemotePage, plain: _Asking
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
        large = self._asking(shot, page, enlarge.inline(bare, shot.upscale.to), take)
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

    def _generate_keys(self, name: str, work: Generate, take: int) -> tuple[Keys, int]:
        """The keys of a take's request, and the number of its fresh result where one is asked for, else 0."""
        made = keys(work, self.keys, take=take, redos=self.redos)
        if not self.asked.anew(name):
            return made, 0
        # WHY: of two that ask for the same, both show the one fresh result; and what failed for good since it was
        # asked for anew is named again in order to be sent again.
        if made.base in self.redo or (self.setting.redo_begun and not self.known.standing([made.key])):
            return made, 0
        number = self.redos.get(made.base, 0) + 1
        return keys(work, self.keys, take=take, redos={made.base: number}), number

    def _pinned(self, generate: str, made: Keys) -> str | None:
        """The key of the result that a pinned shot keeps, where its own has changed and has no result."""
        line = self.known.lines().get(generate)
        if line is None or line.key == made.key:
            return None
        kept = whole(self.known.kept([line.key, made.key]), self.known)
        return line.key if line.key in kept and made.key not in kept else None

    def _add_frames(self, shot: Shot, name: str) -> tuple[str, ...]:
        """One step for each offset at which another shot takes this one's last frame."""
        found = []
        for offset in sorted(self.offsets.get(shot.id, ())):
            clip = Feed(role="clip", step=f"{name}/generate", output="video")
            work = LastFrame(clip=clip, offset_seconds=offset)
            found.append(self._add_local(_frame_id(name, offset), work, shot=shot, effort_seconds=0.2))
        return tuple(found)

    def _add_upscale(self, shot: Shot, take: int, name: str, way: enlarge.Way, note: str) -> str:
        assert shot.upscale is not None
        source = Feed(role="clip", step=f"{name}/generate", output=shot.kind)
        work = Upscale(source=source, to=shot.upscale.to, still=shot.kind == "image")
        if way.by is None:
            effort = 1 + float(shot.seconds)
            return self._add_local(f"{name}/upscale", work, shot=shot, take=take, effort_seconds=effort)
        account = self.setting.identity(shot.account if shot.provider == way.provider else way.provider)
        work = dataclasses.replace(
            work,
            page=way.by,
            maker=self.setting.identity(way.provider),
            request=way.by.request(shot.upscale.to),
            source=self.uploads.published(source, "video"),
        )
        made = keys(work, self.keys, redos={})
        self._add(
            Step(
                id=f"{name}/upscale",
                shot=shot.id,
                take=take,
                work=work,
                provider=way.provider,
                model="",
                account=account,
                lane=account,
                needs=_needs(work),
                key=made.key,
                base=made.base,
                own=made.own,
                price=self._price(way.price, way.provider),
                effort_seconds=60.0 + 20.0 * float(shot.seconds),
                priority=shot.priority,
                note=note,
            )
        )
        return f"{name}/upscale"

    def add_film(self, film: Cut | None) -> str:
        """The film's step, or an empty name where the recipe has no film."""
        if film is None or self.faults:
            return ""
        shots = [self.shots[name] for name in film.shots]
        clips = tuple(
            Feed(role="clip", step=f"{shot.id}/upscale", output="upscaled")
            if self.takes[shot.id].upscale
            else Feed(role="clip", step=f"{shot.id}/generate", output="video")
            for shot in shots
        )
        seams = tuple(
            bool(i and shot.chain and shot.chain.shot == shots[i - 1].id and shot.chain.offset_seconds == 0)
            for i, shot in enumerate(shots)
        )
        size = animatic.size(film.resolution, shots[0].ratio) if film.resolution else None
        work = Film(clips=clips, seams=seams, bed=_feed("bed", film.audio) if film.audio else None, size=size)
        effort = 1 + sum(float(shot.seconds) for shot in shots) / 10
        return self._add_local("film", work, shot=None, effort_seconds=effort)

    def _feeds(self, shot: Shot) -> tuple[Feed, ...]:
        """Where each of a shot's inputs comes from, in their order."""
        return tuple(self._feed(role, source) if source else _chained(shot) for role, source in stands_on(shot))

    def _feed(self, role: str, source: Source) -> Feed:
        if not source.shot:
            return _feed(role, source)
        return Feed(role=role, step=f"{source.shot}/generate", output=self.shots[source.shot].kind)

    def _add_local(self, name: str, work: Work, *, shot: Shot | None, take: int = 1, effort_seconds: float) -> str:
        """A step done on this machine, for nothing."""
        made = keys(work, self.keys, redos={})
        self._add(
            Step(
                id=name,
                shot=shot.id if shot else "",
                take=take,
                work=work,
                provider="",
                model="",
                account="",
                lane=MEDIA_LANE,
                needs=_needs(work),
                key=made.key,
                base=made.base,
                own=made.own,
                price=FREE,
                effort_seconds=effort_seconds,
                priority=shot.priority if shot else 0,
            )
        )
        return name

    def _add(self, step: Step) -> None:
        self.keys[step.id] = step.key
        self.steps.append(step)


def _needs(work: Work, *waits: str) -> tuple[str, ...]:
    """The steps that make a work's inputs and make them reachable, then those it only waits for."""
    before = [feed.upload or feed.step for feed in work.feeds]
    return tuple(dict.fromkeys(name for name in (*before, *waits) if name))


def _of_account(shot: Shot, page: LocalPage | RemotePage, accounts: Mapping[str, str]) -> Iterator[Complaint]:
    """What is wrong with the account of a shot that a service makes."""
    if as_service(page) is None or accounts.get(shot.account) == page.NAME:
        return
    if shot.account in accounts:
        fact = f"The account '{shot.account}' is with {accounts[shot.account]}, and {shot.id} is made by {page.NAME}."
        mine = [name for name, service in accounts.items() if service == page.NAME]
        yield Complaint(field="account", fact=fact, hint=f"Use {' or '.join(mine)}, or leave `account` out.")
        return
    near = difflib.get_close_matches(shot.account, accounts, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Declare it in your configuration: [accounts.{shot.account}]."
    yield Complaint(field="account", fact=f"There is no account '{shot.account}'.", hint=hint)


def _frame_id(take: str, offset: Decimal) -> str:
    return f"{take}/last_frame" if offset == 0 else f"{take}/last_frame-{offset.normalize():f}s"


def _chained(shot: Shot) -> Feed:
    """The frame that a chained shot begins with."""
    assert shot.chain is not None
    frame = _frame_id(shot.chain.shot, shot.chain.offset_seconds)
    return Feed(role="first_frame", step=frame, output="last_frame")


def _feed(role: str, source: Source) -> Feed:
    if source.file:
        return Feed(role=role, path=source.file.path, sha256=source.file.sha256)
    return Feed(role=role, url=source.url)
