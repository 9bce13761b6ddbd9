"""How a stand-in behaves where its document leaves a choice, and how fast its time passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pipeline.emulators.faults import Fault

ALL = ("seegen", "seedance2-movie", "seedancee2", "naci")

KEYS: Mapping[str, tuple[str, ...]] = {
    "seegen": ("seegen-rehearsal-key-0001", "seegen-rehearsal-key-0002"),
    "seedance2-movie": ("movie-rehearsal-key-0001", "movie-rehearsal-key-0002"),
    "seedancee2": ("sk_seedancee2_rehearsal_0001", "sk_seedancee2_rehearsal_0002"),
    "naci": ("sk-naci-rehearsal-key-0001", "sk-naci-rehearsal-key-0002"),
}

NACI_MODELS: Mapping[str, str] = {
    "sd2.0": "doubao-seedance-2-0-260128",
    "sd2.0-fast": "doubao-seedance-2-0-fast-260128",
    "sd2.0-mini": "doubao-seedance-2-0-mini-260128",
}

ARK_MODELS: Mapping[str, str] = {
    "seedance-2": NACI_MODELS["sd2.0"],
    "seedance-2-fast": NACI_MODELS["sd2.0-fast"],
    "seedance-2-mini": NACI_MODELS["sd2.0-mini"],
}
"""Ark's model by the portable name, for a gateway whose own names are not S4's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may be chosen; every default is the reading that is nearest to the document's letter.

    `keys` names each service's accounts, an empty tuple taking any key as an account of its own. `concurrency` is how
    many jobs of an account run at once. `link_seconds` shortens or gives the life of result links. `seconds_per_retry`
    stands for the first second between two deliveries of a webhook (S0:511).
    """

    seconds_per_job: float = 0.3
    seconds_per_review: float = 0.1
    seconds_per_retry: float = 0.05
    draw: bool = True
    state: Path | None = None
    cache: Path | None = None
    credits: Decimal = Decimal(1_000_000)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: KEYS)
    concurrency: int | None = 3
    edition: Literal["seegen", "seegen-older"] = "seegen"
    movie_errors: Literal["body", "status"] = "body"
    movie_over_limit: Literal["queued", "refused"] = "queued"
    naci_plain: Literal["openai", "wrapped"] = "openai"
    naci_models: Mapping[str, str] = field(default_factory=lambda: NACI_MODELS)
    tokens: Literal["formula", "measured"] = "formula"
    webhook_secret: str = "whsec_test"
    link_seconds: float | None = None
    faults: tuple[Fault, ...] = ()
    chance: int = 1
    now: Callable[[], float] = time.time

    def keys_of(self, name: str) -> tuple[str, ...]:
        """The keys of one service's accounts; empty where any key is taken."""
        return self.keys.get(name, KEYS[name])
