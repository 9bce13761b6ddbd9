"""A draft -> a `Shot`: names resolved, frames and references judged against each other, numbers exact."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from pipeline.providers.catalog import CHEAPEST, DEFAULT, DEFAULT_MODELS, MODELS
from pipeline.recipe.entry import Draft
from pipeline.recipe.files import InputFault
from pipeline.recipe.findings import Findings
from pipeline.recipe.inputs import Inputs, seconds_of
from pipeline.recipe.mention import asked, unmarked
from pipeline.recipe.model import Chain, Kind, Shot, Source, Upscale
from pipeline.recipe.options import UNREADABLE, Judge
from pipeline.recipe.texts import entry_of
from pipeline.recipe.words import choice, clipped

PATTERN = "For recurring people: sheet -> keyframe (references: [sheet]) -> first_frame -> chain."
_FRAMES = ("first_frame", "last_frame", "chain")
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Builder:
    """Makes the shots of one recipe."""

    def __init__(self, findings: Findings, inputs: Inputs, providers: Collection[str]) -> None:
        self.findings, self.inputs, self.providers = findings, inputs, providers
        self.options = Judge(findings, providers)

    def shots(self, drafts: Iterable[Draft]) -> tuple[Shot, ...]:
        """The shots in the order of the recipe."""
        return tuple(self.shot(draft) for draft in drafts)

    def shot(self, draft: Draft) -> Shot:
        """One shot; what is wrong with it has been told of, and stands for nothing."""
        fields = draft.fields
        kind: Kind = fields.get("kind", "video")
        self.judge(draft, kind)
        provider = self.provider(draft)
        chain = None if kind == "image" else self.chain(draft)
        made = Shot(
            id=draft.id,
            kind=kind,
            prompt=self.prompt(draft),
            asked=asked(fields.get("prompt", "")),
            provider=provider,
            model=_model(draft, kind),
            account=_account(draft, provider),
            seconds=Decimal(0) if kind == "image" else seconds_of(fields.get("duration", 5)),
            resolution=fields.get("resolution", "720p"),
            ratio=fields.get("ratio", "16:9"),
            seed=fields.get("seed"),
            audio=kind == "video" and fields.get("audio", False),
            watermark=fields.get("watermark", False),
            people=fields.get("people", False),
            references=self.references(draft),
            first_frame=self.frame(draft, "first_frame", kind),
            last_frame=self.frame(draft, "last_frame", kind),
            chain=chain,
            upscale=_upscale(fields.get("upscale")),
            takes=fields.get("takes", 1),
            needs=self.needs(draft),
            priority=fields.get("priority", 0),
            retry=fields.get("retry", 0),
            pin=fields.get("pin", False),
            options=self.options.options(fields.get("options", {}), draft.places),
            dated=draft.dated,
            where=draft.places,
        )
        return dataclasses.replace(made, fallback=self.fallback(draft, made)) if draft.rungs else made

    def fallback(self, draft: Draft, declared: Shot) -> tuple[Shot, ...]:
        """What is asked for in the shot's place where it fails, each request once."""
        found = [declared]
        for rung in draft.rungs:
            made = dataclasses.replace(self.shot(rung), dated=declared.dated)
            same = next((number for number, before in enumerate(found) if before == made), None)
            if same is None or made.provider == CHEAPEST:  # the next best
                found.append(made)
            elif "fallback" in draft.own:
                what = f"fallback {same}" if same else "the shot itself"
                fact = f"This fallback of '{draft.id}' asks for the same as {what}."
                self.findings.warn(rung.places.way(), fact, "Change what it asks for, or take it away.")
        return tuple(found[1:])

    def judge(self, draft: Draft, kind: Kind) -> None:
        """Tells of fields that do not go together."""
        fields, way = draft.fields, draft.places.way
        if kind == "image":
            for field in _FRAMES:
                if fields.get(field):
                    hint = "Use `references`, or make it a video."
                    self.findings.add(way(field), f"'{draft.id}' is a still, and stills have no `{field}`.", hint)
            for field in ("duration", "audio"):
                if fields.get(field):
                    fact = f"'{draft.id}' is a still: its `{field}` says nothing."
                    self.findings.warn(way(field), fact, "Leave it out.")
            return
        if fields.get("chain") and fields.get("first_frame"):
            fact = f"'{draft.id}' has both `chain` and `first_frame`."
            self.findings.add(way("first_frame"), fact, "Keep one: a chain is the last frame of the shot before.")
        frames = [field for field in _FRAMES if fields.get(field)]
        if frames and fields.get("references"):
            fact = f"'{draft.id}' has `references` beside `{frames[0]}`; services take one or the other."
            self.findings.add(way("references"), fact, PATTERN)

    def prompt(self, draft: Draft) -> str:
        """The prompt, free of what no service can read."""
        prompt = unmarked(draft.fields.get("prompt", ""))
        at = draft.places.way("prompt")
        if prompt.isprintable() and prompt.strip():
            return prompt
        goes_by = any(draft.fields.get(field) for field in (*_FRAMES, "references"))
        if not prompt.strip() and not goes_by and draft.places.at not in self.findings.shots:  # else it may be of that
            tried = not {"prompt", "prompt_file"}.isdisjoint(draft.own)
            fact = f"The prompt of '{draft.id}' is empty." if tried else f"'{draft.id}' has no prompt."
            self.findings.add(at, fact, "Say what is to be seen, or give it a picture to go by.")
        if bad := UNREADABLE.search(prompt):
            fact = f"The prompt of '{draft.id}' has the control character U+{ord(bad.group()):04X}."
            self.findings.add(at, fact, "Delete it.")
        if hidden := _HIDDEN.search(prompt):
            fact = (
                f"The prompt of '{draft.id}' has the mark U+{ord(hidden.group()):04X}, which turns text around unseen."
            )
            written = self.findings.document.written(at)
            offset = written.find(hidden.group())
            self.findings.warn(at, fact, "Delete it, unless the text needs it.", offset=offset if offset >= 0 else None)
        return prompt

    def provider(self, draft: Draft) -> str:
        """Who makes it: one of those that are known, or whoever is the cheapest."""
        provider: str = draft.fields.get("provider", DEFAULT)
        if provider not in (*self.providers, CHEAPEST):
            hint = choice(provider, [*self.providers, CHEAPEST], "`rushes providers` lists them.")
            self.findings.add(draft.places.way("provider"), f"There is no provider '{clipped(provider)}'.", hint)
        return provider

    def chain(self, draft: Draft) -> Chain | None:
        """The shot before, where there is one."""
        given = draft.fields.get("chain")
        if not given:
            return None
        at = draft.places.way("chain")
        source, offset = given, Decimal(0)
        if isinstance(given, dict):
            source, offset = given["from"], seconds_of(given.get("offset", 0))
            at = (*at, "from")
        try:
            made = self.inputs.shot(source, draft.scene)
        except InputFault as fault:
            fact, hint = fault.fact, fault.hint
            if source in self.inputs.references:
                fact = f"'{clipped(source)}' is a reference, and a chain goes on from a video shot."
                hint = "Say `first_frame` to begin with a picture."
            self.findings.add(at, fact, hint)
            return None
        if made is not None and made.id == draft.id:
            self.findings.add(at, f"'{draft.id}' is chained to itself.", "Name the shot before it.")
            return None
        if made is not None and made.kind == "image":
            fact = f"'{source}' is a still, and a chain goes on from a video shot."
            self.findings.add(at, fact, "Say `first_frame` to begin with a picture.")
        return Chain(shot=made.id if made else source, offset_seconds=offset)

    def frame(self, draft: Draft, field: str, kind: Kind) -> Source | None:
        """The picture a clip begins or ends with."""
        name = draft.fields.get(field)
        if not name or kind == "image":
            return None
        at = draft.places.way(field)
        source = self.inputs.still(name, at, field, draft.scene)
        return source if source is None or self._of_another(draft, source, at) else None

    def references(self, draft: Draft) -> tuple[Source, ...]:
        """What the shot stands on, each once."""
        names: list[str] = draft.fields.get("references") or []
        if not names:
            return ()
        way = draft.places.way("references")
        found: dict[str, Source] = {}
        for index, name in enumerate(names):
            at = (*way, index)
            source = self.inputs.source(name, at, draft.scene)
            if source is None or not self._of_another(draft, source, at):
                continue
            if name in found:
                self.findings.warn(at, f"The reference '{clipped(name)}' is named twice.", "Name it once.")
            found[name] = source
        return tuple(found.values())

    def needs(self, draft: Draft) -> tuple[str, ...]:
        """The shots that have to be done before."""
        found: dict[str, None] = {}
        for index, named in enumerate(draft.fields.get("needs") or []):
            at = (*draft.places.way("needs"), index)
            try:
                made = self.inputs.shot(named, draft.scene)
            except InputFault as fault:
                self.findings.add(at, fault.fact, fault.hint)
                continue
            if made is None or made.id != draft.id:
                found[made.id if made else named] = None
            elif "needs" in draft.own:
                self.findings.add(at, f"'{draft.id}' needs itself.", "Name another shot, or none.")
        return tuple(found)

    def _of_another(self, draft: Draft, source: Source, at: tuple[str | int, ...]) -> bool:
        if source.shot != draft.id:
            return True
        # The shot that makes a reference of the defaults cannot have it, and nobody would want it to.
        if entry_of(at):
            self.findings.add(at, f"'{draft.id}' uses itself.", "Name another shot, or a file.")
        return False


def _model(draft: Draft, kind: Kind) -> str:
    """The model: one of the defaults only where it makes this kind at all."""
    model: str = draft.fields.get("model", DEFAULT_MODELS[kind])
    other = DEFAULT_MODELS["image"]
    if "model" not in draft.own and model in MODELS and (model == other) != (kind == "image"):
        return DEFAULT_MODELS[kind]
    return model


def _account(draft: Draft, provider: str) -> str:
    """The account: that of the defaults only where their provider is meant too; empty where it is yet to be found."""
    default = "" if provider == CHEAPEST else provider
    if "account" in draft.own or "provider" not in draft.own:
        return str(draft.fields.get("account", default))
    return default


def _upscale(given: Any) -> Upscale | None:
    if isinstance(given, Mapping):
        return Upscale(to=given["to"], by=given.get("by", "cheapest"))
    return Upscale(to=given) if given else None
