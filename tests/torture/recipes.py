"""Recipes by chance: chains, shared stills, references and takes over every service; a seed always makes the same."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

FRAGILE = "fragile"
"""The word in the prompt of a shot whose job may fail: it has `retry`, and a failed job costs nothing."""

_CLIPS = ("seegen", "seedance2-movie", "seedancee2", "naci")
_DEFAULTS = '{duration: 4, resolution: 720p, ratio: "16:9"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot: `tag` is the prompt that tells its jobs from all others, and shots of two recipes may share one."""

    id: str
    tag: str
    provider: str
    takes: int = 1
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_fragile(self) -> bool:
        """Whether its jobs may fail."""
        return FRAGILE in self.tag

    def line(self) -> str:
        """The shot as a recipe has it; JSON is YAML."""
        values = {"id": self.id, "provider": self.provider, "prompt": self.tag, **self.fields}
        if self.takes > 1:
            values["takes"] = self.takes
        if self.is_fragile:
            values["retry"] = 10
        return f"  - {json.dumps(values)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """A recipe: its shots, and its caps by account for the whole run and for one take, empty where there is none."""

    name: str
    shots: tuple[Shot, ...]
    film: tuple[str, ...] = ()
    run: Mapping[str, Decimal] = field(default_factory=dict)
    shot: Mapping[str, Decimal] = field(default_factory=dict)

    def text(self) -> str:
        """The recipe as it is written to disk."""
        budget = f"budget: {{run: {_credits(self.run)}, shot: {_credits(self.shot)}, on_exceed: stop}}\n"
        film = f"film: {{shots: {json.dumps(self.film)}}}\n" if self.film else ""
        lines = "".join(shot.line() for shot in self.shots)
        return (
            f"rushes: 1\nname: {self.name}\ndefaults: {_DEFAULTS}\nreferences: {{keeper: {{image: keeper.png}}}}\n"
            f"{budget if self.run else ''}shots:\n{lines}{film}"
        )

    def capped(self, run: Mapping[str, Decimal], shot: Mapping[str, Decimal]) -> Tale:
        """The same with these caps."""
        return replace(self, run=run, shot=shot)


def _credits(amounts: Mapping[str, Decimal]) -> str:
    return "{credits: {" + ", ".join(f"{name}: {amount}" for name, amount in amounts.items()) + "}}"


def tales(seed: int, shots: int) -> list[Tale]:
    """One to three recipes of about so many shots together, some of them shared."""
    chance = random.Random(seed)
    count = chance.choice((1, 2, 2, 3))
    common = [
        Shot(id=f"common{n}", tag=f"common still {n} of {seed}", provider="seegen", fields=_STILL)
        for n in range(chance.choice((0, 1, 2)))
    ]
    return [_tale(chance, f"tale-{n}", common, max(3, shots // count)) for n in range(count)]


_STILL: Mapping[str, object] = {"kind": "image", "model": "gpt-image-2"}


def _tale(chance: random.Random, name: str, common: list[Shot], count: int) -> Tale:
    found = list(common)
    stills = [shot.id for shot in found]
    clips: list[str] = []
    for number in range(count):
        tag = f"{name} shot {number}" + (f", {FRAGILE}" if chance.random() < 0.15 else "")
        shot = Shot(id=f"s{number}", tag=tag, provider=chance.choice(_CLIPS))
        way = chance.random()
        if way < 0.15 or not found:
            shot = replace(shot, provider="seegen", fields=_STILL)
            stills.append(shot.id)
        elif way < 0.45 and clips:
            shot = replace(shot, fields={"chain": chance.choice(clips[-2:])})
        elif way < 0.6 and stills:
            shot = replace(shot, fields={"first_frame": chance.choice(stills)})
        elif way < 0.7:
            shot = replace(shot, fields={"references": [chance.choice(["keeper", *stills])]})
        elif way < 0.85:
            shot = replace(shot, takes=chance.choice((2, 3)))
        elif way < 0.9:
            shot = replace(shot, provider="seedance2-movie", fields={"upscale": "2k"})
        if shot.fields.get("kind") != "image":
            clips.append(shot.id)
        found.append(shot)
    film = tuple(clips[:3]) if clips and chance.random() < 0.3 else ()
    return Tale(name=name, shots=tuple(found), film=film)
