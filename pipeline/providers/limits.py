"""What documents limit, checked the same way for every page: counts, lengths, sizes, shapes, formats, options.

A page states its limits as a value with the document's place; what is not known of an input is not complained about.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipeline.money import Price
from pipeline.providers.base import Complaint, Input, Media, Wish
from pipeline.providers.elsewhere import instead
from pipeline.providers.fit import Fit
from pipeline.values import dataclass, field

MEDIA: tuple[Media, ...] = ("image", "video", "audio")
PATTERN = "Make a still of it first: a sheet or keyframe with the references, then `first_frame` that still."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a service takes as inputs; `most` counts references by media, empty tuples and None are no limit."""

    place: str  # where the document says so: "S0:194-198"
    most: Mapping[Media, int] = field(default_factory=dict)
    files: int | None = None
    seconds: tuple[int, int] | None = None  # of each video and sound
    total_seconds: int | None = None  # of all videos, and of all sounds
    side: tuple[int, int | None] | None = None  # shortest at least, longest at most
    aspect: tuple[Fraction, Fraction] | None = None  # width to height
    formats: Mapping[Media, tuple[str, ...]] = field(default_factory=dict)
    megabytes: Mapping[Media, int] = field(default_factory=dict)
    lone_sound_is_fault: bool = True

    def fit(self) -> Fit:
        """The bounds for pictures among these limits."""
        bounds = Fit()
        shortest, longest = self.side or (bounds.shortest, None)
        megabytes = self.megabytes.get("image")
        return Fit(
            most_bytes=megabytes * 1_000_000 if megabytes else bounds.most_bytes,
            shortest=shortest,
            longest=longest or bounds.longest,
        )


def spelled(values: Iterable[str]) -> str:
    """Values as a list in a sentence."""
    return ", ".join(values)


def of_inputs(service: str, wish: Wish, limits: Limits) -> Iterable[Complaint]:
    """What of a wish's inputs is too much, too long, too small or of the wrong shape."""
    if not wish.inputs:
        return
    references = [item for item in wish.inputs if item.role == "reference"]
    for media in MEDIA:
        count = sum(item.media == media for item in references)
        most = limits.most.get(media)
        if most is not None and count > most:
            what = f"{most} {media} reference{'s' if most > 1 else ''}" if most else f"no {media} reference"
            yield Complaint(
                field="references",
                fact=f"{service} takes {'at most ' if most else ''}{what} ({limits.place}); this shot has {count}.",
                hint="Leave some out." if most else instead("references", service),
            )
    if limits.files is not None and len(references) > limits.files:
        fact = f"{service} takes at most {limits.files} references in all ({limits.place}); this shot has"
        yield Complaint(field="references", fact=f"{fact} {len(references)}.", hint="Leave some out.")
    if references and all(item.media == "audio" for item in references):
        yield Complaint(
            field="references",
            fact=f"A sound is the only reference, and {service} wants a picture or a video with it ({limits.place}).",
            hint="Add a picture or a video to the references.",
            warning=not limits.lone_sound_is_fault,
        )
    yield from _lengths(service, references, limits)
    for item in wish.inputs:
        yield from _shape(service, item, limits)


def _lengths(service: str, references: Sequence[Input], limits: Limits) -> Iterable[Complaint]:
    for media in ("video", "audio"):
        known = [item.seconds for item in references if item.media == media and item.seconds is not None]
        if limits.seconds:
            low, high = limits.seconds
            wrong = [seconds for seconds in known if not low <= seconds <= high]
            if wrong:
                span = f"{low} to {high}" if low else f"at most {high}"
                yield Complaint(
                    field="references",
                    fact=f"{service} takes {media} references of {span} seconds ({limits.place}); one has {wrong[0]}.",
                    hint="Cut it to length.",
                )
        if limits.total_seconds is not None and sum(known, Decimal(0)) > limits.total_seconds:
            fact = f"{service} takes {limits.total_seconds} seconds of {media} references in all ({limits.place});"
            hint = "Leave some out, or cut them."
            yield Complaint(field="references", fact=f"{fact} these have {sum(known, Decimal(0))}.", hint=hint)


_A: Mapping[Media, str] = {"image": "an image", "video": "a video", "audio": "a sound"}


def _shape(service: str, item: Input, limits: Limits) -> Iterable[Complaint]:
    where = "references" if item.role == "reference" else item.role
    name = f"'{item.name}'" if item.name else f"the {item.media}"
    formats = limits.formats.get(item.media, ())
    if item.format and formats and item.format not in formats:
        fact = f"{service} takes no {item.format} as {item.media} ({limits.place})."
        yield Complaint(field=where, fact=fact, hint=f"Save {name} as one of {spelled(formats)}.")
    most = limits.megabytes.get(item.media)
    if most is not None and item.bytes > most * 1_000_000:
        fact = (
            f"{service} takes at most {most} MB for {_A[item.media]} ({limits.place}); {name} has {item.bytes:,} bytes."
        )
        yield Complaint(field=where, fact=fact, hint="Save it smaller.")
    if item.media != "image" or not (item.width and item.height):
        return
    size = f"{name} is {item.width}x{item.height}"
    if limits.side:
        shortest, longest = limits.side
        if min(item.width, item.height) < shortest:
            fact = f"{service} wants pictures of at least {shortest} px on the shortest side ({limits.place}); {size}."
            yield Complaint(field=where, fact=fact, hint="Use a larger picture.")
        if longest and max(item.width, item.height) > longest:
            fact = f"{service} takes pictures of at most {longest} px a side ({limits.place}); {size}."
            yield Complaint(field=where, fact=fact, hint="Use a smaller picture.")
    if limits.aspect and not limits.aspect[0] <= Fraction(item.width, item.height) <= limits.aspect[1]:
        low, high = (f"{float(end):.4g}" for end in limits.aspect)
        fact = f"{service} wants pictures with a width to height from {low} to {high} ({limits.place}); {size}."
        yield Complaint(field=where, fact=fact, hint="Crop it.")


def of_duration(service: str, wish: Wish, low: int, high: int, place: str) -> Iterable[Complaint]:
    """A clip that is no whole number of seconds, or none within the document's range."""
    if wish.seconds != wish.seconds.to_integral_value() or not low <= wish.seconds <= high:
        asked = f"{wish.seconds.normalize():f}"
        yield Complaint(
            field="duration",
            fact=f"{service} makes clips of {low} to {high} whole seconds ({place}), not of {asked}.",
            hint="Give another duration, or split the shot and chain the parts.",
        )


def of_words(field: str, service: str, value: str, known: Iterable[str], place: str, but: str) -> Iterable[Complaint]:
    """A value that is none of the service's."""
    if value not in (names := tuple(known)):
        fact = f"{service} has no {field} {value} ({place}): it has {spelled(names)}."
        yield Complaint(field=field, fact=fact, hint=f"Use one of them. {instead(value, but)}")


def of_frames(service: str, wish: Wish, place: str) -> Iterable[Complaint]:
    """A last frame without a first one, or frames beside references."""
    roles = {item.role for item in wish.inputs}
    if "last_frame" in roles and "first_frame" not in roles:
        fact = f"{service} takes a last frame only with a first one ({place})."
        yield Complaint(field="last_frame", fact=fact, hint="Give a `first_frame` too, or chain the shot.")
    if "reference" in roles and roles & {"first_frame", "last_frame"}:
        fact = f"{service} takes frames or references, not both in one shot ({place})."
        yield Complaint(field="references", fact=fact, hint=PATTERN)


def of_unswitched(service: str, wish: Wish, fields: Collection[str], place: str, but: str) -> Iterable[Complaint]:
    """Warnings for what is asked for and the service has no field for: seed, sound, watermark."""
    asked = {
        "seed": (wish.seed is not None, "takes no seed, so another take cannot be told from this one", "seed"),
        "audio": (wish.audio, "has no switch for sound: what the clip has is its own choice", "sound"),
        "watermark": (wish.watermark, "has no switch for a watermark", "watermark"),
    }
    for name, (wanted, what, ability) in asked.items():
        if wanted and name in fields:
            yield Complaint(field=name, fact=f"{service} {what} ({place}).", hint=instead(ability, but), warning=True)


def of_prompt(service: str, wish: Wish, place: str) -> Iterable[Complaint]:
    """An empty prompt where one is required."""
    if not wish.prompt.strip():
        yield Complaint(field="prompt", fact=f"{service} wants a prompt here ({place}).", hint="Write one.")


_FLAGS = re.compile(
    r"(?:^|\s)--(?:rs|rt|dur|seed|cf|wm|resolution|ratio|duration|camerafixed|watermark)\b", re.IGNORECASE
)


def of_flags(service: str, wish: Wish) -> Iterable[Complaint]:
    """A warning for words in a prompt that Ark takes as orders, as ` --dur 12` is: they can change job and price."""
    if found := _FLAGS.search(wish.prompt):
        fact = f"'{found.group().strip()}' in the prompt can change the job behind {service}."
        yield Complaint(field="prompt", fact=fact, hint="Say it in the shot's fields.", warning=True)


def of_options(
    service: str, wish: Wish, known: Mapping[str, Sequence[Any]], portable: Collection[str]
) -> Iterable[Complaint]:
    """Options that contradict a portable field or have no such value; a warning for what passes through unpriced."""
    for name, value in wish.options.items():
        if name in portable:
            fact = f"The option {name} of {service} says what a field of the shot says."
            yield Complaint(field="options", fact=fact, hint="Leave it out and use the shot's field.")
        elif name in known:
            if not any(type(value) is type(one) and value == one for one in known[name]):
                fact = f"{service} has no {name} {value!r:.40}."
                yield Complaint(field="options", fact=fact, hint=f"Use one of {spelled(map(str, known[name]))}.")
        else:
            fact = f"{service}'s document has no {name}: it is sent as it is, and the price is not known."
            yield Complaint(field="options", fact=fact, hint="A run then needs --allow-unpriced.", warning=True)


def priced(price: Price, wish: Wish, known: Collection[str]) -> Price:
    """The price as it is, or as not known where an option passes through that no price book has."""
    return price if set(wish.options) <= set(known) else dataclasses.replace(price, known=False)


def filled(value: Any, inputs: Sequence[str]) -> Any:
    """A request with the inputs' addresses in the place of every {"input": n}."""
    if isinstance(value, Mapping):
        if value.keys() == {"input"} and type(value["input"]) is int and 0 <= value["input"] < len(inputs):
            return inputs[value["input"]]
        return {key: filled(inner, inputs) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, inputs) for inner in value]
    return value


def placed(wish: Wish, media: Media) -> list[dict[str, int]]:
    """A placeholder for each input of a media, in their order."""
    return [{"input": i} for i, item in enumerate(wish.inputs) if item.media == media]
