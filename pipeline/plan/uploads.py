"""Inputs get to services: which must be published, stored or reviewed first, each content once for each place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from pipeline.money import FREE
from pipeline.plan.keys import keys
from pipeline.plan.model import Action, Step
from pipeline.providers.base import Input, Media, Reach, Service, Wish
from pipeline.providers.fit import Fit
from pipeline.steps.base import Feed
from pipeline.steps.upload import Upload

LANE = "uploads"
WIDTH = 8  # at once, over all services: each is one small request, then waiting
_EFFORT_SECONDS = {"url": 2.0, "upload": 2.0, "asset": 30.0}


class Uploads:
    """The uploads of a plan in the making. `published` names the store that all can read, empty where there is none."""

    def __init__(self, published: str, upstream: Mapping[str, str], add: Callable[[Step], None]) -> None:
        self._published = published
        self._upstream = upstream
        self._add = add
        self._known: dict[tuple[str, str, Reach, Fit | None], str] = {}
        self._names: set[str] = set()

    def reached(self, page: Service, wish: Wish, feeds: Sequence[Feed], account: str) -> tuple[Feed, ...]:
        """The feeds of a wish's inputs as this page needs them."""
        return tuple(
            self._reached(page, wish.model, page.reach(wish, item), item, feed, account)
            for item, feed in zip(wish.inputs, feeds, strict=True)
        )

    def _reached(self, page: Service, model: str, way: Reach, item: Input, feed: Feed, account: str) -> Feed:
        # A frame or a still of our own; what the user gives is left as it is.
        fit = page.pictures(model) if feed.step and item.media == "image" else feed.fit
        feed = dataclasses.replace(feed, fit=fit, inside=way == "data" and not feed.url)
        if feed.inside:
            return feed
        if way in ("data", "url"):
            return self.published(feed, item.media)
        return dataclasses.replace(feed, upload=self._step(feed, item.media, way, page, account))

    def published(self, feed: Feed, media: Media) -> Feed:
        """The feed, readable by everyone at a URL."""
        return feed if feed.url else dataclasses.replace(feed, upload=self._step(feed, media, "url", None, ""))

    def _step(self, feed: Feed, media: Media, way: Reach, page: Service | None, account: str) -> str:
        source = dataclasses.replace(feed, role="source")
        content = feed.sha256 or feed.url or f"{feed.step} {feed.output}"
        known = (content, account, way, feed.fit)
        if known not in self._known:
            self._known[known] = self._new(
                Upload(
                    source=source,
                    media=media,
                    way=way,
                    place=account if page else self._published,
                    store=self._published,
                    page=page,
                    account=account,
                )
            )
        return self._known[known]

    def _new(self, work: Upload) -> str:
        name = self._name(work)
        take = work.source.step.partition("/")[0]
        made = keys(work, self._upstream, redos={})
        self._add(
            Step(
                id=name,
                shot=take.partition("@")[0],
                take=1,
                work=work,
                provider=work.page.NAME if work.page else "",
                model="",
                account="",
                lane=LANE,
                needs=(work.source.step,) if work.source.step else (),
                key=made.key,
                base=made.base,
                own=made.own,
                price=FREE,
                effort_seconds=_EFFORT_SECONDS[work.way],
            )
        )
        return name

    def _name(self, work: Upload) -> str:
        """`keeper.png/upload`, `dawn/upload-last_frame-seegen`: what goes where."""
        feed = work.source
        owner, _, made = feed.step.partition("/")
        if feed.path:
            owner = feed.path.name
        elif feed.url:
            owner = feed.url.partition("?")[0].rstrip("/").rpartition("/")[2] or "input"
        parts = ["upload", *([made] if made and made != "generate" else []), *([work.account] if work.page else [])]
        name = f"{owner}/{'-'.join(parts)}"
        number = 2
        while name in self._names:
            name, number = f"{owner}/{'-'.join([*parts, str(number)])}", number + 1
        self._names.add(name)
        return name


def needed(steps: Sequence[Step]) -> list[Step]:
    """The steps without the uploads that nothing which would run needs: a reused clip wants no input any more."""
    wanted: set[str] = set()
    for step in reversed(steps):
        if step.action is Action.RUN and (step.id in wanted or step.kind != Upload.kind):
            wanted.update(step.needs if step.kind == Upload.kind or not step.twin else ())
        elif step.action is Action.BLOCKED:  # its words are those of the upload that blocks it
            wanted.update(name for name in step.needs if step.why == f"waits for {name}")
    gone = {step.id: step.needs for step in steps if step.kind == Upload.kind and step.id not in wanted}
    if not gone:
        return list(steps)
    return [
        step if gone.keys().isdisjoint(step.needs) else dataclasses.replace(step, needs=_past(step.needs, gone))
        for step in steps
        if step.id not in gone
    ]


def _past(needs: Sequence[str], gone: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The needs with those of an upload that is left out in its place."""
    return tuple(dict.fromkeys(name for need in needs for name in gone.get(need, (need,))))


def nowhere(steps: Sequence[Step]) -> list[Step]:
    """The uploads that would run and have no place to go to, since none is configured."""
    return [
        step
        for step in steps
        if isinstance(step.work, Upload) and step.action is Action.RUN and step.work.published and not step.work.store
    ]
