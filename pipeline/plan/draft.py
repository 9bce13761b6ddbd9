"""A plan in the making: one step after another gets its work, its keys and its price.

Shots go in one after the other, each after those it stands on, so that every key can be told from those before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.errors import Fault
from pipeline.money import FREE
from pipeline.plan.budget import Book, Limits
from pipeline.plan.keys import Keys, derived_seed, keys
from pipeline.plan.known import Known, whole
from pipeline.plan.model import Step, Take, take_id
from pipeline.plan.narrow import Asked
from pipeline.providers import animatic
from pipeline.providers.base import Input, LocalPage, RemotePage, Role, Wish, is_local
from pipeline.providers.catalog import Providers
from pipeline.recipe.model import Budget, Shot, Source
from pipeline.recipe.model import Film as Cut
from pipeline.steps.base import Feed, Work
from pipeline.steps.film import Film
from pipeline.steps.generate import Generate
from pipeline.steps.last_frame import LastFrame
from pipeline.steps.upscale import Upscale

MEDIA_LANE = "media"
_UNNAMED = frozenset("/\\.")  # in no reference's name, and in every path and URL: those name nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the user's configuration and flags say about planning."""

    providers: Providers
    processors: int = 2
    widths: Mapping[str, int] = field(default_factory=dict)  # account -> tasks in flight
    usd_per_credit: Mapping[str, Decimal] = field(default_factory=dict)  # account -> dollars
    budgets: Sequence[Budget] = ()  # from configuration and flags; the tightest of them and the recipe's holds
    provider: str = ""  # --provider, --preview: every shot moves there that it can make
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()
    redo_begun: bool = False  # this redo's fresh results were asked for by the run that is being continued
    book: Callable[[Limits], Book] = Book  # the book of the run that is being continued, or an empty one


def wish_of(shot: Shot, take: int, inputs: tuple[Input, ...]) -> Wish:
    """A take of a shot in portable words; further takes of a given seed count up from it."""
    return Wish(
        shot=take_id(shot.id, take),
        kind=shot.kind,
        model=shot.model,
        prompt=shot.prompt,
        seconds=shot.seconds,
        resolution=shot.resolution,
        ratio=shot.ratio,
        seed=None if shot.seed is None else shot.seed + take - 1,
        audio=shot.audio,
        watermark=shot.watermark,
        people=shot.people,
        inputs=inputs,
    )


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
        self.offsets: dict[str, set[Decimal]] = {}
        for shot in shots.values():
            if shot.chain:
                self.offsets.setdefault(shot.chain.shot, set()).add(shot.chain.offset_seconds)

    def add_shot(self, shot: Shot) -> None:
        """The steps of every take of a shot: generate, the frames that others ask for, upscale."""
        page = self.setting.providers[shot.provider]
        inputs, feeds = self._inputs(shot)
        wrong = list(page.complaints(wish_of(shot, 1, inputs)))
        for complaint in wrong:
            fault = Fault(
                place=shot.where(complaint.field), fact=complaint.fact, hint=complaint.hint, warning=complaint.warning
            )
            (self.warnings if complaint.warning else self.faults).append(fault)
        if not all(complaint.warning for complaint in wrong):
            self._stub(shot)
            return
        for take in range(1, shot.takes + 1):
            self._add_take(shot, take, page, inputs, feeds)

    def _stub(self, shot: Shot) -> None:
        """Names and empty keys for a shot that is faulty, so that the faults of what follows are found too."""
        for take in range(1, shot.takes + 1):
            name = take_id(shot.id, take)
            self.keys[f"{name}/generate"] = self.keys[f"{name}/upscale"] = ""
            for offset in self.offsets.get(shot.id, ()):
                self.keys[_frame_id(name, offset)] = ""

    def _add_take(
        self,
        shot: Shot,
        take: int,
        page: LocalPage | RemotePage,
        inputs: tuple[Input, ...],
        feeds: tuple[Feed, ...],
    ) -> None:
        name = take_id(shot.id, take)
        generate = f"{name}/generate"
        wish = wish_of(shot, take, inputs)
        work = Generate(page=page, output=shot.kind, request=page.request(wish), feeds=feeds)
        made, why = self._generate_keys(name, work, take if wish.seed is None else 1)
        seed = wish.seed
        if seed is None and page.SEED_LIMIT:
            seed = derived_seed(made.key, page.SEED_LIMIT)
            work = dataclasses.replace(work, request=page.request(dataclasses.replace(wish, seed=seed)))
        pinned = self._pinned(generate, made) if shot.pin and not self.asked.anew(name) else None
        account = "" if is_local(page) else shot.account
        price = page.price(wish)
        if account in self.setting.usd_per_credit:
            price = dataclasses.replace(price, usd_per_credit=self.setting.usd_per_credit[account])
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
                price=price,
                effort_seconds=page.effort_seconds(wish),
                priority=shot.priority,
                retry=shot.retry,
                seed=seed,
                why="pinned: keeps the one made before" if pinned else why,
                stale=bool(pinned),
            )
        )
        frames = self._add_frames(shot, name) if take == 1 else ()
        upscale = self._add_upscale(shot, take, name)
        self.takes[name] = Take(shot=shot, take=take, generate=generate, frames=frames, upscale=upscale)

    def _generate_keys(self, name: str, work: Generate, take: int) -> tuple[Keys, str]:
        """The keys of a take's request, and why it runs where it is asked for anew."""
        made = keys(work, self.keys, take=take, redos=self.redos)
        if not self.asked.anew(name):
            return made, ""
        # WHY: of two that ask for the same, both show the one fresh result; and what failed for good since it was
        # asked for anew is named again in order to be sent again.
        if made.base not in self.redo and not (self.setting.redo_begun and not self.known.standing([made.key])):
            self.redos[made.base] = self.redo[made.base] = self.redos.get(made.base, 0) + 1
            made = keys(work, self.keys, take=take, redos=self.redos)
        return made, "asked for anew"

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

    def _add_upscale(self, shot: Shot, take: int, name: str) -> str:
        if not shot.upscale:
            return ""
        source = Feed(role="clip", step=f"{name}/generate", output=shot.kind)
        work = Upscale(source=source, to=shot.upscale.to, still=shot.kind == "image")
        effort = 1 + float(shot.seconds)
        return self._add_local(f"{name}/upscale", work, shot=shot, take=take, effort_seconds=effort)

    def add_film(self, film: Cut | None) -> str:
        """The film's step, or an empty name where the recipe has no film."""
        if film is None or self.faults:
            return ""
        shots = [self.shots[name] for name in film.shots]
        clips = tuple(
            Feed(role="clip", step=f"{shot.id}/upscale", output="upscaled")
            if shot.upscale
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

    def _inputs(self, shot: Shot) -> tuple[tuple[Input, ...], tuple[Feed, ...]]:
        """A shot's inputs in portable words and where each comes from, in the same order."""
        pairs: list[tuple[Input, Feed]] = []
        if shot.chain:
            source = self.shots[shot.chain.shot]
            frame = _frame_id(source.id, shot.chain.offset_seconds)
            found = Input(
                role="first_frame", media="image", name=source.id, provider=source.provider, people=source.people
            )
            pairs.append((found, Feed(role="first_frame", step=frame, output="last_frame")))
        if shot.first_frame:
            pairs.append(self._input("first_frame", shot.first_frame))
        if shot.last_frame:
            pairs.append(self._input("last_frame", shot.last_frame))
        pairs.extend(self._input("reference", source) for source in shot.references)
        return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)

    def _input(self, role: Role, source: Source) -> tuple[Input, Feed]:
        made_by = self.shots[source.shot] if source.shot else None
        found = Input(
            role=role,
            media=source.media,
            name=source.name if source.shot or _UNNAMED.isdisjoint(source.name) else "",
            provider=made_by.provider if made_by else "",
            seconds=made_by.seconds if made_by else source.seconds,
            people=source.people,
            local=not source.url,
        )
        if made_by:
            return found, Feed(role=role, step=f"{made_by.id}/generate", output=made_by.kind)
        return found, _feed(role, source)

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
    return tuple(dict.fromkeys((*(feed.step for feed in work.feeds if feed.step), *waits)))


def _frame_id(take: str, offset: Decimal) -> str:
    return f"{take}/last_frame" if offset == 0 else f"{take}/last_frame-{offset.normalize():f}s"


def _feed(role: str, source: Source) -> Feed:
    if source.file:
        return Feed(role=role, path=source.file.path, sha256=source.file.sha256)
    return Feed(role=role, url=source.url)
