"""A take of a shot in portable words: what is asked for, what it stands on, and how the prompt names that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    for item, source in zip(inputs, sources(shot), strict=True):
        numbers[item.media] = numbers.get(item.media, 0) + 1
        if source is not None:
            words[source.name] = service.mention(shot.model, item.media, numbers[item.media])
    return mentioned(shot.asked, lambda name: words.get(name) or name)


def sources(shot: Shot) -> list[Source | None]:
    """What a shot stands on, in the order in which it is asked for; None stands for the chain's frame."""
    frames = [source for source in (shot.first_frame, shot.last_frame) if source]
    return [*([None] if shot.chain else []), *frames, *shot.references]


def shows_people(shot: Shot, inputs: Iterable[Input]) -> bool:
    """Whether what a shot makes may show people: it says so, or something that it stands on does."""
    return shot.people or any(item.people for item in inputs)


def inputs_of(shot: Shot, shots: Mapping[str, Shot], people: Collection[str] = ()) -> tuple[Input, ...]:
    """A shot's inputs in portable words; `shots` are those of the recipe, each with who makes it.

    `people` are the shots before it that show people, whether they say so or stand on what does.
    """
    found: list[Input] = []
    if shot.chain:
        before = shots[shot.chain.shot]
        found.append(
            Input(
                role="first_frame",
                media="image",
                name=before.id,
                provider=before.provider,
                people=before.people or before.id in people,
            )
        )
    if shot.first_frame:
        found.append(_input("first_frame", shot.first_frame, shots, people))
    if shot.last_frame:
        found.append(_input("last_frame", shot.last_frame, shots, people))
    found.extend(_input("reference", source, shots, people) for source in shot.references)
    return tuple(found)


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
