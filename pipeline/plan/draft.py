"""A plan in the making: one step after another gets its work, its keys and its price.

Shots go in one after the other, each after those it stands on, so that every key can be told from those before it.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from pipeline.errors import Fault, Place
from pipeline.money import FREE
from pipeline.plan import afresh
from pipeline.plan.cheapest import Cheapest
from pipeline.plan.cutting import film_of
from pipeline.plan.keys import Keys, keys
from pipeline.plan.known import Known, whole
from pipeline.plan.ladder import Ladders, Pick, Rung
from pipeline.plan.model import Fallback, Step, Take, take_id
from pipeline.plan.narrow import Asked
from pipeline.plan.others import Others
from pipeline.plan.requests import Request, Requests, Which, frame_id
from pipeline.plan.setting import Setting as Setting
from pipeline.plan.uploads import Uploads
from pipeline.plan.wish import inputs_of, shows_people, wish_of
from pipeline.providers.base import Complaint, Input, LocalPage, RemotePage, as_service
from pipeline.recipe.model import Film as Cut
from pipeline.recipe.model import Pick as Picked
from pipeline.recipe.model import Shot
from pipeline.steps.base import Feed, Work
from pipeline.steps.generate import Generate
from pipeline.steps.last_frame import LastFrame
from pipeline.steps.upscale import Upscale

MEDIA_LANE = "media"
_DECLARED = Pick(number=0)


class Draft:
    """A plan in the making: shots go in one after the other, each after those it stands on."""

    def __init__(
        self, *, setting: Setting, known: Known, shots: Mapping[str, Shot], asked: Asked, picks: Mapping[str, Picked]
    ) -> None:
        self.setting = setting
        self.known = known
        self.shots = dict(shots)  # each on the rung that the take is asked for which others use
        self.asked = asked
        self.steps: list[Step] = []
        self.keys: dict[str, str] = {}
        self.takes: dict[str, Take] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.spent: dict[str, str] = {}  # steps whose every rung has failed for good, and how
        self.larger_anew: set[str] = set()  # takes whose clip is there, and whose upscale is sent again
        self.others = Others(setting.providers)
        self.people: set[str] = set()  # shots that show people, by themselves or by what they stand on
        self.uploads = Uploads(setting.published, self.keys, self._add)
        self.requests = Requests(setting, known, self.keys, self.shots, picks, self.faults, self.warnings)
        self.ladders = Ladders(known, setting.passed)
        self.cheapest = Cheapest(
            setting=setting,
            known=known,
            ladders=self.ladders,
            requests=self.requests,
            ask=self._asked,
            warnings=self.warnings,
        )
        self.offsets: dict[str, set[Decimal]] = {}
        for rung in (rung for shot in shots.values() for rung in shot.rungs if rung.chain):
            assert rung.chain is not None
            self.offsets.setdefault(rung.chain.shot, set()).add(rung.chain.offset_seconds)

    def add_shot(self, shot: Shot) -> None:
        """The steps of every take of a shot: generate, the frames that others ask for, upscale."""
        inputs = self._inputs(shot)
        settled = self.cheapest.settled(shot, inputs)
        if settled is None:
            self._stub(shot)
            return
        if settled is not shot:
            shot, inputs = settled, self._inputs(settled)
        if not self._is_possible(shot, inputs):
            self._stub(shot)
            return
        for take in shot.numbers:
            chosen = self._add_take(shot, take, inputs)
            if take == shot.picked:
                self.shots[shot.id] = chosen.shot
                if shows_people(chosen.shot, inputs[chosen.rung]):
                    self.people.add(shot.id)

    def _used(self, shot: str) -> str:
        """The take of a shot that others use."""
        return take_id(shot, self.shots[shot].picked)

    def _inputs(self, shot: Shot) -> list[Sequence[Input]]:
        return [inputs_of(rung, self.shots, self.people) for rung in shot.rungs]

    def _is_possible(self, shot: Shot, inputs: Sequence[Sequence[Input]]) -> bool:
        """Whether every rung can be asked for; tells what is wrong with each."""
        told: set[tuple[Place, str]] = set()
        possible = True
        for number, (rung, given) in enumerate(zip(shot.rungs, inputs, strict=True)):
            page = self.setting.providers[rung.provider]
            wish = wish_of(rung, 1, given, page)
            for complaint in (*_of_account(rung, page, self.setting.accounts), *page.complaints(wish)):
                field = "chain" if rung.chain and complaint.field == "first_frame" else complaint.field
                place = rung.where(field)
                possible = possible and complaint.warning
                if (place, complaint.fact) in told:
                    continue
                told.add((place, complaint.fact))
                fault = Fault(
                    place=place,
                    fact=f"Fallback {number} of {shot.id}: {complaint.fact}" if number else complaint.fact,
                    hint=self.others.hint(complaint, wish, page),
                    warning=complaint.warning,
                )
                (self.warnings if complaint.warning else self.faults).append(fault)
        return possible

    def _stub(self, shot: Shot) -> None:
        """Names and empty keys for a shot that is faulty, so that the faults of what follows are found too."""
        for take in shot.numbers:
            name = take_id(shot.id, take)
            self.keys[f"{name}/generate"] = self.keys[f"{name}/upscale"] = ""
            for offset in self.offsets.get(shot.id, ()):
                self.keys[frame_id(name, offset)] = ""

    def _add_take(self, shot: Shot, take: int, inputs: Sequence[Sequence[Input]]) -> Request:
        """The steps of a take; gives back the rung that is asked for."""
        name = take_id(shot.id, take)
        generate = f"{name}/generate"
        asked = self._asked(shot, take, inputs)
        for one in asked:
            self.requests.note(one.keys, one.redo)
        request, work, pick = self._picked(asked, anew=self.asked.anew(name))
        if not pick.left:
            self.spent[generate] = pick.why
        made = request.keys
        why = "asked for anew" if self.asked.anew(name) and not pick.why else pick.why
        origin = "" if request.kept else request.origin
        chosen = self.cheapest.told.get((shot.id, request.rung), "")
        why = request.origin if request.kept else why
        pinned = self._pinned(generate, made) if shot.pin and not self.asked.anew(name) else None
        self._add(
            Step(
                id=generate,
                shot=shot.id,
                take=take,
                work=work,
                provider=request.page.NAME,
                model=request.shot.model,
                account=request.account,
                lane=request.account or request.page.NAME,
                needs=_needs(work, *(f"{self._used(other)}/generate" for other in shot.needs)),
                key=pinned or made.key,
                base=made.base,
                own=made.own,
                price=request.price,
                effort_seconds=request.page.effort_seconds(request.wish),
                priority=shot.priority,
                retry=shot.retry,
                seed=request.wish.seed,
                why="pinned: keeps the one made before" if pinned else why,
                stale=bool(pinned),
                note="; ".join(filter(None, (shot.note, chosen, origin, "" if request.larger else request.note))),
                rung=request.rung,
                fallback=tuple(one for later in asked[request.rung + 1 :] for one in self._fallbacks(name, later)),
            )
        )
        frames = self._add_frames(shot, name) if take == shot.picked else ()
        upscale = self._add_upscale(take, name, request) if request.larger else ""
        keys = tuple(one.keys.key for one in asked)
        self.takes[name] = Take(
            shot=request.shot, take=take, generate=generate, frames=frames, upscale=upscale, keys=keys
        )
        return request

    def _asked(self, shot: Shot, take: int, inputs: Sequence[Sequence[Input]]) -> list[Request]:
        """Every rung of a take as it is asked for; where a fresh result is wanted, each under a number of its own."""
        name = take_id(shot.id, take)
        if not self.asked.anew(name):
            return self.requests.of(shot, take, inputs, Which.PICKED)
        newest = self.requests.of(shot, take, inputs, Which.NEWEST)
        larger = [self._upscaled(name, request) for request in newest]
        if self.known.standing([made.key for one in larger for made in one]):
            self.larger_anew.add(name)  # the clip is there, and only its upscale has failed for good
            return newest
        paid = [[request.keys, *one] for request, one in zip(newest, larger, strict=True)]
        begun = self.setting.begun.get(name)
        spent = self.ladders.is_spent(_rungs(newest))
        if afresh.is_to_come(paid, self.known, self.requests.redos, begun=begun, spent=spent):
            return newest
        return self.requests.of(shot, take, inputs, Which.FRESH)

    def _upscaled(self, name: str, request: Request) -> list[Keys]:
        """The keys of the upscale at a service that a request's clip gets, where that is there; else none."""
        clip = request.keys.key
        if not (request.larger and request.larger.by) or clip not in whole(self.known.kept([clip]), self.known):
            return []
        return [keys(self._larger(name, request), {f"{name}/generate": clip}, redos=self.requests.redos)]

    def _picked(self, asked: Sequence[Request], *, anew: bool) -> tuple[Request, Generate, Pick]:
        """The rung that is asked for, with its inputs where its page can reach them, and why it is that one."""
        kept = next((number for number, one in enumerate(asked) if one.kept), None)
        if kept is not None:
            return asked[kept], self._reached(asked[kept]), Pick(number=kept)
        if len(asked) == 1:
            return asked[0], self._reached(asked[0]), _DECLARED
        broken: dict[int, str] = {}
        while True:
            pick = self.ladders.pick(_rungs(asked), broken)
            request = asked[pick.number]
            work = self._reached(request)
            # WHY: an input that a service has refused is a failure of every request that needs it there.
            uploads = [self.keys[feed.upload] for feed in work.feeds if feed.upload] if pick.left and not anew else []
            error = self.ladders.stands(uploads)
            if not error or pick.number in broken:
                return request, work, pick
            broken[pick.number] = error

    def _reached(self, request: Request) -> Generate:
        service = as_service(request.page)
        if service is None or not request.work.feeds:
            return request.work
        feeds = self.uploads.reached(service, request.wish, request.work.feeds, request.account)
        return dataclasses.replace(request.work, feeds=feeds)

    def _fallbacks(self, name: str, request: Request) -> Iterator[Fallback]:
        """What a rung further down would ask for."""
        yield Fallback(
            rung=request.rung,
            step=f"{name}/generate",
            provider=request.page.NAME,
            model=request.shot.model,
            account=request.account,
            key=request.keys.key,
            price=request.price,
        )
        if request.larger and request.larger.by:
            yield Fallback(
                rung=request.rung,
                step=f"{name}/upscale",
                provider=request.larger.provider,
                model="",
                account=self._upscaler(request),
                key="",
                price=self.requests.price(request.larger.price, request.larger.provider),
            )

    def _upscaler(self, request: Request) -> str:
        """The account that pays a service for a larger clip."""
        assert request.larger is not None
        provider, shot = request.larger.provider, request.shot
        return self.setting.identity(shot.account if shot.provider == provider else provider)

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
            found.append(self._add_local(frame_id(name, offset), work, shot=shot, effort_seconds=0.2))
        return tuple(found)

    def _add_upscale(self, take: int, name: str, request: Request) -> str:
        shot, way, work = request.shot, request.larger, self._larger(name, request)
        assert way is not None
        if way.by is None:
            effort = 1 + float(shot.seconds)
            return self._add_local(f"{name}/upscale", work, shot=shot, take=take, effort_seconds=effort)
        account = self._upscaler(request)
        work = dataclasses.replace(work, source=self.uploads.published(work.source, "video"))
        made, redo = self.requests.keyed(work, fresh=name in self.larger_anew)
        self.requests.note(made, redo)
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
                price=self.requests.price(way.price, way.provider),
                effort_seconds=60.0 + 20.0 * float(shot.seconds),
                priority=shot.priority,
                note=request.note,
            )
        )
        return f"{name}/upscale"

    def _larger(self, name: str, request: Request) -> Upscale:
        """The work of making a take's clip larger, the clip as it comes from its step."""
        shot, way = request.shot, request.larger
        assert shot.upscale is not None
        assert way is not None
        source = Feed(role="clip", step=f"{name}/generate", output=shot.kind)
        work = Upscale(source=source, to=shot.upscale.to, still=shot.kind == "image")
        if way.by is None:
            return work
        maker, asked = self.setting.identity(way.provider), way.by.request(shot.upscale.to)
        return dataclasses.replace(work, page=way.by, maker=maker, request=asked)

    def without_idle_frames(self) -> list[Step]:
        """The steps, less the frames that only rungs which are not asked for would begin with."""
        used = {feed.step for step in self.steps for feed in step.work.feeds}
        idle = {step.id for step in self.steps if step.kind == LastFrame.kind and step.id not in used}
        for name, take in self.takes.items() if idle else ():
            self.takes[name] = dataclasses.replace(take, frames=tuple(f for f in take.frames if f not in idle))
        return [step for step in self.steps if step.id not in idle]

    def add_film(self, film: Cut | None) -> str:
        """The film's step, or an empty name where the recipe has no film."""
        if film is None or self.faults:
            return ""
        shots = [self.shots[name] for name in film.shots]
        clips = tuple(
            Feed(role="clip", step=f"{name}/upscale", output="upscaled")
            if self.takes[name].upscale
            else Feed(role="clip", step=f"{name}/generate", output="video")
            for name in map(self._used, film.shots)
        )
        work = film_of(film, shots, clips)
        effort = 1 + sum(float(shot.seconds) for shot in shots) / 10
        return self._add_local("film", work, shot=None, effort_seconds=effort)

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


def _rungs(asked: Iterable[Request]) -> list[Rung]:
    return [Rung(key=one.keys.key, account=one.account) for one in asked]


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
