"""What a service's rules forbid of a step, in the words of the recipe, and the way out."""

from __future__ import annotations

from pipeline.errors import Moderated, Part, StepError
from pipeline.steps.base import Feed, Work

_MEDIA = {
    Part.IMAGE: ("image",),
    Part.VIDEO: ("video",),
    Part.AUDIO: ("audio",),
    Part.IMAGERY: ("image", "video"),
    Part.INPUT: ("image", "video", "audio"),
}
_WORDS = {"image": "picture", "video": "clip", "audio": "sound"}
_ROLES = {"first_frame": "the first frame", "last_frame": "the last frame", "reference": "the reference"}
_REWORD = "Reword the prompt; the same request fails again."
_OTHERWISE = "Reword the prompt, or name the shot in --redo for another result; the same request is not sent again."


def in_recipe(error: StepError, work: Work) -> StepError:
    """The error as it is; of one that a service's rules caused, with what they forbid as the recipe calls it."""
    if not isinstance(error, Moderated):
        return error
    match error.part:
        case Part.UNTOLD:
            told, hint = "It does not say which part.", error.hint
        case Part.PROMPT:
            told, hint = "It forbids the prompt.", _REWORD
        case Part.OUTPUT:
            told, hint = "It forbids what came of it.", _OTHERWISE
        case _:
            told, hint = _input(error.part, [feed for feed in work.feeds if feed.media in ("", *_MEDIA[error.part])])
    return Moderated(f"{error.fact} {told}", hint, part=error.part, after_seconds=error.after_seconds)


def _input(part: Part, feeds: list[Feed]) -> tuple[str, str]:
    word = _WORDS[_MEDIA[part][0]] if len(_MEDIA[part]) == 1 else "input"
    if not feeds:
        return f"It forbids an input ({word}).", "Change what the shot stands on; the same request fails again."
    hint = f"Use another {word} there; the same request fails again."
    if len(feeds) == 1:
        return f"It forbids {_called(feeds[0])}.", hint
    return f"It forbids one of these: {'; '.join(map(_called, feeds))}.", hint


def _called(feed: Feed) -> str:
    """What the recipe calls an input: "the first frame, opening", "the last frame of dawn"."""
    role = _ROLES.get(feed.role, "the input")
    if feed.output == "last_frame":
        return f"{role}, which is the last frame of {feed.name}"
    comma = "," if feed.role.endswith("frame") else ""
    return f"{role}{comma} {feed.name or feed.url or feed.step}"
