"""What a recipe says of the whole: the film that is cut from its shots, and the budget it keeps to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline import money
from pipeline.errors import Place
from pipeline.recipe import joints
from pipeline.recipe.explain import At
from pipeline.recipe.files import ARTICLED, InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.inputs import Inputs, seconds_of
from pipeline.recipe.model import SCOPES, Budget, Caps, Film, Origin, Shot, Source
from pipeline.steps.film import PLAIN, Level


def film(given: Any, shots: Sequence[Shot], inputs: Inputs, findings: Findings) -> Film | None:
    """The film as the recipe has it, None where it wants none."""
    if given is None or given is False:
        return None
    at: At = ("film",)
    told: Mapping[str, Any] = given if isinstance(given, dict) else {"shots": given} if isinstance(given, list) else {}
    videos = [shot.id for shot in shots if shot.kind == "video"]
    named = told.get("shots")
    if named is not None:
        way = (*at, "shots") if isinstance(given, dict) else at
        chosen = [name for index, name in enumerate(named) if _is_video(name, inputs, findings, (*way, index))]
    else:
        chosen = videos
        if not videos and inputs.complete:
            findings.add(at, "There is no video shot to make a film of.", "Add one, or leave `film` out.")
    audio, level = _bed(told.get("audio"), inputs, findings, (*at, "audio"))

    def where(field: str = "") -> Place:
        return findings.document.place((*at, field) if field else at)

    by_id = {shot.id: shot for shot in shots}
    cast = [by_id[name] for name in chosen if name in by_id]
    joined = joints.joined(told, cast, findings, judged=inputs.complete and len(cast) == len(chosen))
    return Film(
        shots=tuple(chosen),
        audio=audio,
        resolution=told.get("resolution", ""),
        crossfades=joined.crossfades,
        titles=joined.titles,
        level=level,
        fade_in_seconds=seconds_of(told.get("fade_in", 0)),
        fade_out_seconds=seconds_of(told.get("fade_out", 0)),
        where=where,
    )


def _is_video(id: str, inputs: Inputs, findings: Findings, at: At) -> bool:
    try:
        made = inputs.shot(id)
    except InputFault as fault:
        findings.add(at, fault.fact, fault.hint)
        return False
    if made is not None and made.kind == "image":
        findings.add(
            at, f"'{id}' is a still, and a film is cut from clips.", "Name a shot that uses it as its first_frame."
        )
        return False
    return made is not None


def _bed(given: Any, inputs: Inputs, findings: Findings, at: At) -> tuple[Source | None, Level]:
    """The sound beneath the film and how it lies there."""
    if given is None:
        return None, PLAIN
    if not isinstance(given, Mapping):
        return _sound(given, inputs, findings, at), PLAIN
    level = Level(
        fade_in_seconds=seconds_of(given.get("fade_in", 0)),
        fade_out_seconds=seconds_of(given.get("fade_out", PLAIN.fade_out_seconds)),
        volume_db=Decimal(given.get("volume_db", 0)),
        duck=given.get("duck", False),
    )
    return _sound(given["from"], inputs, findings, (*at, "from")), level


def _sound(name: str, inputs: Inputs, findings: Findings, at: At) -> Source | None:
    source = inputs.source(name, at)
    if source is None or source.media == "audio":
        return source
    findings.add(
        at, f"'{name}' is {ARTICLED[source.media]}, and `audio` is a sound.", "Name a reference like {audio: a.mp3}."
    )
    return None


def budget(given: Mapping[str, Any], findings: Findings) -> Budget:
    """The budget as the recipe has it."""
    caps: dict[str, Any] = {scope: _caps(given.get(scope) or {}, findings, ("budget", scope)) for scope in SCOPES}
    return Budget(**caps, on_exceed=given.get("on_exceed", "refuse"))


def _caps(given: Mapping[str, Any], findings: Findings, at: At) -> Caps:
    def amount(value: Any, way: At) -> Decimal | None:
        try:
            return money.amount(value)
        except ValueError:
            fact = "This amount has more digits than money is counted in."
            findings.add(way, fact, f"Write at most {money.MOST_DIGITS} digits.")
            return None

    usd = amount(given["usd"], (*at, "usd")) if "usd" in given else None
    paid = given.get("credits")
    way = (*at, "credits")
    if isinstance(paid, dict):
        named = {name: amount(value, (*way, name)) for name, value in paid.items()}
        credits = {name: value for name, value in named.items() if value is not None}
        return Caps(usd=usd, credits=credits, origins=_origins(findings, at, credits))
    return Caps(usd=usd, bare=None if paid is None else amount(paid, way), origins=_origins(findings, at))


def _origins(findings: Findings, at: At, accounts: Iterable[str] = ()) -> dict[str, Origin]:
    """Where the caps of a scope stand in the recipe, as `Caps.origins` has it."""
    ways = {"usd": (*at, "usd"), "": (*at, "credits")} | {name: (*at, "credits", name) for name in accounts}
    return {name: _origin(findings, way) for name, way in ways.items()}


def _origin(findings: Findings, way: At) -> Origin:
    place = findings.document.place(way)
    return Origin(source="recipe", place=f"{place.file}:{place.line}", name=".".join(map(str, way)))
