"""What the journeys with services share: a rehearsal of them, a house that meets it, and what each one charges."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import accounts
from pipeline.config import Config
from pipeline.config.model import NaciSettings, Publish
from pipeline.desk import House, Wants
from pipeline.emulators.log import Entry
from pipeline.emulators.rehearsal import Rehearsal, rehearse_beside
from pipeline.emulators.settings import ALL, Settings
from pipeline.emulators.street import Stand
from pipeline.providers.catalog import SERVICES, UPSCALERS
from pipeline.session import Outcome
from pipeline.store.ledger import Ledger

D = Decimal
YES = Wants(yes=True, max_each={name: D(100_000) for name in (*ALL, "agency")})
NACI = NaciSettings(prices={"sd2.0": {"480p": D(9), "720p": D(18)}})

COST = {  # of 4 seconds at 720p by `seedance-2`
    "seegen": D(160),  # 40 x 4, S0:45
    "seedance2-movie": D("7.2"),  # 1.8 x 4, S2:237
    "seedancee2": D(80),  # 20 x 4, S3:105
    "naci": D(72),  # 18 x 4, the configuration
}

Street = Callable[..., AbstractContextManager["Quarter"]]
"""Opens a quarter: `street("seegen", seconds_per_job=1, config={...})`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """Services that stand, and the user who lives there."""

    standing: Rehearsal
    config: Config

    @property
    def stand(self) -> Stand:
        """The first service."""
        return next(iter(self.standing.stands.values()))

    def house(self, environ: Mapping[str, str] | None = None, **config: Any) -> House:
        """The user's house, with other variables and settings where some are given."""
        settings = dataclasses.replace(self.config, **config)
        found: dict[str, str] = {}
        for name, stand in self.standing.stands.items():
            found |= {SERVICES[name].BASE_URL_ENV: stand.base_url, SERVICES[name].KEY_ENV: stand.key}
        upscalers = {} if settings.editions.get("seegen") == "seegen-older" else UPSCALERS
        return House(
            providers=accounts.pages(settings),
            config=settings,
            environ={**found, **(environ or {})},
            upscalers=upscalers,
        )

    def bodies(self, name: str = "") -> list[Any]:
        """The requests for clips, stills and upscales that one service took, in that order."""
        stand = self.standing.stands[name] if name else self.stand
        return [job.body for job in stand.desk.jobs.values() if job.kind != "asset"]

    def handed_in(self) -> list[Any]:
        """What the first service was given to review."""
        return [json.loads(entry.body) for entry in self.stand.log.of("asset")]

    def published(self) -> list[str]:
        """The names of what was published."""
        return sorted(path.name for path in self.standing.folder.iterdir())


@contextmanager
def quarter(
    *names: str, cache: Path, config: Mapping[str, Any] | None = None, publish: bool = True, **settings: Any
) -> Iterator[Quarter]:
    """These services while the block runs, quick, and with small clips unless they are to draw."""
    told = {"seconds_per_job": 0.05, "seconds_per_review": 0.02, "draw": False, "cache": cache, **settings}
    with rehearse_beside(names or ALL, settings=Settings(**told)) as standing:
        store = Publish(store=standing.folder.as_uri(), base_url=standing.folder_url) if publish else None
        usual = Config(poll_seconds=dict.fromkeys(ALL, D("0.05")), naci=NACI, publish=store)
        yield Quarter(standing=standing, config=dataclasses.replace(usual, **(config or {})))


def shots(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest's shots by id, further takes as `a@2`."""
    return {shot["id"] if shot["take"] == 1 else f"{shot['id']}@{shot['take']}": shot for shot in manifest["shots"]}


def charged(stand: Stand) -> Decimal:
    """What a service says it has charged to all its accounts."""
    total: Decimal = stand.books()["totals"]["charged"]
    return total


def creates(stand: Stand) -> list[Entry]:
    """Every request for a clip, a still or an upscale, whatever became of it."""
    return stand.log.of("create")


def money(ended: Outcome, name: str) -> Mapping[str, Decimal]:
    """What the manifest says of one account's money."""
    account: Mapping[str, Decimal] = ended.manifest["budget"]["by_account"][f"{name}@rehearsal"]
    return account


def kept_bytes(*folders: Path) -> bytes:
    """Every byte that lies in these folders."""
    return b"".join(path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())


def ledger(folder: Path) -> Ledger:
    """The ledger beside a recipe, to read in."""
    return Ledger(folder / ".rushes" / "ledger.sqlite3", read_only=True)
