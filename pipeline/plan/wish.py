"""A take of a shot in portable words: what is asked for, what it stands on, and how the prompt names that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from pipeline.plan.model import take_id
from pipeline.providers.base import Input, LocalPage, RemotePage, Role, Wish, as_service
from pipeline.recipe.mention import mentioned
from pipeline.recipe.model import Shot, Source

_UNNAMED = frozenset("/\\.")  # in no reference's name, and in every path and URL: those name nothing


def wish_of(shot: Shot, take: int, inputs: Sequence[Input], page: LocalPage | RemotePage) -> Wish:
    """A take of a shot as this page is asked for it; further takes of a given seed count up from it."""
    return Wish(
        shot=take_id(shot.id, take),
        kind=shot.kind,
        model=shot.model,
        prompt=_prompt(shot, inputs, page),
        seconds=shot.seconds,
        resolution=shot.resolution,
        ratio=shot.ratio,
        seed=None if shot.seed is None else shot.seed + take - 1,
        audio=shot.audio,
        watermark=shot.watermark,
        people=shot.people,
        inputs=tuple(inputs),
        options=shot.options.get(page.NAME, {}),
    )


def _prompt(shot: Shot, inputs: Sequence[Input], page: LocalPage | RemotePage) -> str:
    """The prompt with each reference named as this service names it, else as the recipe does."""
    service = as_service(page)
    if shot.asked == shot.prompt or service is None:
        return shot.prompt
    words: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for item, (_, source) in zip(inputs, stands_on(shot), strict=True):
        numbers[item.media] = numbers.get(item.media, 0) + 1
        if source is not None:
            words[source.name] = service.mention(shot.model, item.media, numbers[item.media])
    return mentioned(shot.asked, lambda name: words.get(name) or name)


def stands_on(shot: Shot) -> Iterator[tuple[Role, Source | None]]:
    """What a shot stands on and as what, in the order in which it is asked for; None stands for the chain's frame."""
    if shot.chain:
        yield "first_frame", None
    if shot.first_frame:
        yield "first_frame", shot.first_frame
    if shot.last_frame:
        yield "last_frame", shot.last_frame
    for source in shot.references:
        yield "reference", source


def shows_people(shot: Shot, inputs: Iterable[Input]) -> bool:
    """Whether what a shot makes may show people: it says so, or something that it stands on does."""
    return shot.people or any(item.people for item in inputs)


def inputs_of(shot: Shot, shots: Mapping[str, Shot], people: Collection[str] = ()) -> tuple[Input, ...]:
    """A shot's inputs in portable words; `shots` are those of the recipe, each with who makes it.

    `people` are the shots before it that show people, whether they say so or stand on what does.
    """
    return tuple(
        _input(role, source, shots, people) if source else _frame(shot, shots, people)
        for role, source in stands_on(shot)
    )


def _frame(shot: Shot, shots: Mapping[str, Shot], people: Collection[str]) -> Input:
    """The frame that a chained shot begins with."""
    assert shot.chain is not None
    before = shots[shot.chain.shot]
    return Input(
        role="first_frame",
        media="image",
        name=before.id,
        provider=before.provider,
        people=before.people or before.id in people,
    )


def _input(role: Role, source: Source, shots: Mapping[str, Shot], people: Collection[str]) -> Input:
    made_by = shots[source.shot] if source.shot else None
    seconds: Decimal | None = source.seconds
    if made_by:
        seconds = made_by.seconds
    elif source.file:
        seconds = source.file.seconds
    return Input(
        role=role,
        media=source.media,
        name=source.name if source.shot or _UNNAMED.isdisjoint(source.name) else "",
        provider=made_by.provider if made_by else "",
        seconds=seconds,
        people=source.people or source.shot in people,
        local=not source.url,
        width=source.file.width if source.file else 0,
        height=source.file.height if source.file else 0,
        bytes=source.file.bytes if source.file else 0,
        format=source.file.format if source.file else "",
    )
