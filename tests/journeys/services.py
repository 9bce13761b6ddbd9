"""What the journeys with services share: a rehearsal of them, a house that meets it, and what each one charges."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
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
from pipeline.emulators.jobs import Job
from pipeline.emulators.log import Entry
from pipeline.emulators.rehearsal import Rehearsal, rehearse_beside
from pipeline.emulators.settings import ALL, Settings
from pipeline.emulators.street import Stand
from pipeline.providers.catalog import SERVICES, UPSCALERS
from pipeline.session import Outcome
from pipeline.store import spending
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


def agree(folder: Path, quarter: Quarter, *, unheard: int = 0) -> None:
    """The ledger beside a recipe tells of every job in the services' books, to the last digit, and of no other.

    `unheard` jobs are in the books alone: their answers were lost, or they were never of this ledger.
    """
    missing, told = compared(folder / ".rushes" / "ledger.sqlite3", quarter)
    assert (len(missing), told) == (unheard, []), missing


Names = list[tuple[str, str]]


def compared(path: Path, quarter: Quarter) -> tuple[Names, Names]:
    """Asserts that a ledger says of each job what its service's books say, and adds up to what it holds.

    naci's books are in money of its own: there the ledger counts seconds at the configured price, and has heard the
    tokens. Gives the jobs that are in the books alone, and those that are in the ledger alone.
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT a.account, a.job_id, a.charged, a.refunded, e.data FROM attempts AS a"
            " LEFT JOIN events AS e ON e.seq = a.settled WHERE a.job_id IS NOT NULL AND a.started IS NOT NULL"
        ).fetchall()
    told = {(account, job): (charged, refunded, data) for account, job, charged, refunded, data in rows}
    assert len(told) == len(rows), "one job, one attempt"
    missing: Names = []
    for name, stand in quarter.standing.stands.items():
        own = [name, *(other for other, account in quarter.config.accounts.items() if account.provider == name)]
        for job in (job for job in stand.desk.jobs.values() if job.kind != "asset"):
            found = [told.pop((f"{one}@rehearsal", job.id)) for one in own if (f"{one}@rehearsal", job.id) in told]
            if found:
                _agrees(name, job, found[0], quarter)
            else:
                missing.append((name, job.id))
    entries = list(spending.entries(path))
    with Ledger(path, read_only=True) as known:
        (held,) = known.held([("2000-01-01T00:00:00.000Z", "2100-01-01T00:00:00.000Z")])
    for account in {entry.account for entry in entries} | held.keys():
        mine = [entry for entry in entries if entry.account == account]
        whole = sum(((entry.charged or 0) + entry.reserved + entry.unknown for entry in mine), D(0))
        assert whole == (held[account].credits if account in held else 0), account
    return missing, list(told)


def _agrees(name: str, job: Job, told: tuple[str | None, str | None, str | None], quarter: Quarter) -> None:
    charged, refunded, data = told
    if charged is None:
        assert not job.charged or job.over, (name, job.id)
        return
    if name != "naci":
        assert D(charged) == job.charged, (name, job.id)
        assert D(refunded or 0) in (0, job.refunded), (name, job.id)
        return
    prices = (quarter.config.naci or NACI).prices["sd2.0"]
    due = prices[job.extra["resolution"]] * job.extra["duration"] if job.stage == "done" else 0
    assert D(charged) == due, job.id
    if due:
        assert json.loads(data or "{}")["facts"]["tokens"] == job.extra["tokens"]


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
