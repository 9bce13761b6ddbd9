"""One recipe on the desk: its plan against its workspace, the run it continues, the money already spent on it.

Everything here can be thrown away: nothing is written, nothing is spent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import accounts as purses
from pipeline import config as configuration
from pipeline import redoing
from pipeline.accounts import Account
from pipeline.config import Config
from pipeline.errors import Fault, UserError
from pipeline.events import instant
from pipeline.garbage import uncollected
from pipeline.plan import bought, finals
from pipeline.plan.budget import Book, Limits
from pipeline.plan.build import build
from pipeline.plan.known import Known, Nothing
from pipeline.plan.meanwhile import Meanwhile
from pipeline.plan.model import Plan
from pipeline.plan.noted import made_with, planned
from pipeline.plan.setting import Passed, Setting
from pipeline.plan.spent import book_left, failures_of, held
from pipeline.providers.base import Enlarges
from pipeline.providers.catalog import CHEAPEST, PROVIDERS, UPSCALERS, Providers
from pipeline.providers.remote import Wire
from pipeline.recipe.load import load
from pipeline.recipe.model import Budget, Caps, Origin, Recipe
from pipeline.store import leases, workspace
from pipeline.store.artifacts import Artifacts
from pipeline.store.copies import Copies
from pipeline.store.ledger import Ledger, Line, Run, Unsettled
from pipeline.store.publish import place_of
from pipeline.values import dataclass, field
from pipeline.wants import Wants as Wants
from pipeline.wants import output_of


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Who can do what, the user's configuration, and the outermost skin: clock, environment, wires to services."""

    providers: Providers = field(default_factory=lambda: PROVIDERS)
    config: Config = field(default_factory=Config)
    environ: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = _now
    wires: Mapping[str, Wire] = field(default_factory=dict)  # by account; what is missing is opened for a run
    upscalers: Mapping[str, Enlarges] = field(default_factory=lambda: UPSCALERS)
    processors: int = field(default_factory=_processors)
    rest_seconds: float = 1.0  # how soon a step is claimed again that other runs keep waiting

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> House:
        """The house as this user has set it up. Raises `UserError`."""
        config = configuration.load(environ, tuple(PROVIDERS))
        # WHY: the older edition of a service's document knows no such thing.
        upscalers = {name: page for name, page in UPSCALERS.items() if config.editions.get(name, name) == name}
        return cls(providers=purses.pages(config), config=config, environ=environ, upscalers=upscalers)

    def accounts(self) -> dict[str, Account]:
        """Every account by its name. Raises `UserError`."""
        return purses.accounts(self.config, self.environ, self.providers)

    @asynccontextmanager
    async def wired(self, names: Iterable[str]) -> AsyncIterator[Mapping[str, Wire]]:
        """Wires to these accounts, by the names under which their money is kept. Raises `UserError` for a key."""
        wanted = set(names) - self.wires.keys()
        async with AsyncExitStack() as stack:
            found = dict(self.wires)
            for account in self.accounts().values():
                if account.identity in wanted:
                    pace = self.config.poll_seconds.get(account.provider)
                    wire = purses.open_wire(account, self.environ, poll_seconds=None if pace is None else float(pace))
                    found[account.identity] = await stack.enter_async_context(wire)
            yield found

    def clock(self) -> str:
        """Now, as an ISO text in UTC with milliseconds."""
        return instant(self.now())

    def today(self) -> str:
        """The ISO date in the user's time zone."""
        return self.now().astimezone(ZoneInfo(self.config.time_zone)).date().isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A recipe as it was read for these wants, and where its results and its workspace belong."""

    path: Path
    wants: Wants
    recipe: Recipe
    output: Path
    folder: Path  # the workspace's, whether it exists or not
    chosen: Mapping[tuple[str, int], str] = field(default_factory=dict)  # by shot and rung, a saved plan's providers
    mends: bool = False  # by a run, under its lock: what the store lacks is put back into it from the output

    @property
    def lock(self) -> str:
        """The name of the lock of this recipe and its output folder."""
        return lock_name(self.recipe.name, str(self.output))


def lock_name(recipe: str, output: str) -> str:
    """The name of the lock of a recipe and its output folder, as a run notes them."""
    return f"{recipe}-{hashlib.sha256(output.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A recipe, its plan, and the run that it would continue."""

    reading: Reading
    recipe: Recipe
    plan: Plan
    latest: Run | None
    continues: Run | None  # the unfinished run that a run would go on with
    tried: Mapping[str, int]  # the last attempt's number of each step in the run that is continued
    failed: Mapping[tuple[str, str], int]  # how often each step failed in it with each key
    unnoted: Mapping[str, Line]  # what the latest run made, where its process died before it could note that
    book: Book  # what that run has reserved and spent, and all runs in the present periods, under the plan's limits
    seen: int = 0  # the last event of the ledger when the plan was made
    held: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)  # by all runs, as `Book.watch` wants it
    stale: tuple[Fault, ...] = ()  # picks that are not of the takes as they are now

    @property
    def wants(self) -> Wants:
        """What the user asks."""
        return self.reading.wants

    @property
    def output(self) -> Path:
        """Where the results go."""
        return self.reading.output


def _watching(book: Book, held: Mapping[tuple[str, str], Decimal]) -> Book:
    book.watch(held)
    return book


CUT_SHORT = frozenset({"running", "interrupted"})
UNFINISHED = CUT_SHORT | {"partial", "failed", "stopped"}


def read(path: Path, wants: Wants, house: House, *, every: bool = False) -> Reading:
    """Reads a recipe, in `every` stage or only in what its plan stands on. Raises `RecipeError`, `UserError`."""
    for place in filter(None, (path, wants.output, wants.workspace)):
        _refuse_unwritten(place)
    if wants.provider and wants.provider not in (*house.providers, CHEAPEST):
        known = f"The providers are {', '.join(house.providers)}; or say {CHEAPEST}."
        raise UserError(f"--provider {wants.provider} is not a provider.", known)
    date = wants.date or house.today()
    recipe = _load(path, wants, house, date, every=every)
    folder = workspace_of(house, wants.workspace, path)
    output = output_of(recipe, wants)
    _refuse_place(recipe, wants, output, folder)
    return Reading(path=path, wants=wants, recipe=recipe, output=output, folder=folder)


def _load(path: Path, wants: Wants, house: House, date: str, *, every: bool = False) -> Recipe:
    names = tuple(house.providers)
    return load(path, variables=wants.variables, date=date, stage=wants.stage, every=every, providers=names)


def _refuse_place(recipe: Recipe, wants: Wants, output: Path, folder: Path) -> None:
    """Raises `UserError` for an output folder that a recipe's folder leads elsewhere, or that is the workspace."""
    if not wants.output and not output.is_relative_to(os.path.realpath(recipe.folder)):
        raise UserError(
            f"out/{recipe.name} leads out of the recipe's folder, to {output}.",
            "Take that link away, or say where you want the results with --output.",
        )
    if output.is_relative_to(workspace.without_links(folder)):
        raise UserError(f"the results would go into the workspace {folder}.", "Name another folder with --output.")


def _refuse_namesake(latest: Run, path: Path) -> None:
    """Raises `UserError` where another recipe of this name, which is still there, has its results in that folder."""
    other = Path(latest.recipe_path)
    if other != Path(os.path.realpath(path)) and other.exists() and not other.samefile(path):
        raise UserError(
            f"{other} has the same name, {latest.recipe}, and its results lie where these would go.",
            "Give one of the two another `name`, or say where you want these results with --output.",
        )


def _refuse_unwritten(path: Path) -> None:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise UserError(f"the path {path} is not UTF-8, so no manifest can name it.", "Rename it.") from None


@uncollected()
def lay(reading: Reading, house: House, passed: Mapping[tuple[str, str], Passed] | None = None) -> Desk:
    """Plans a recipe past what failed in this process. Raises `RecipeError`, `UserError`, `StoreError`."""
    wants, recipe, output = reading.wants, reading.recipe, reading.output
    artifacts = workspace.open_workspace(reading.folder, create=False).artifacts
    with _ledger(reading.folder) as ledger:
        seen = ledger.last() if ledger else 0
        latest = ledger.latest(recipe.name, str(output)) if ledger else None
        if latest:
            _refuse_namesake(latest, reading.path)
        unnoted = not_noted(latest, ledger) if latest and ledger and latest.status == "running" else {}
        known: Known = _known(reading, ledger, artifacts, unnoted) if ledger else Nothing()
        continues = latest if latest and latest.status in UNFINISHED else None
        if continues and not wants.date and continues.date != recipe.date and any(shot.dated for shot in recipe.shots):
            recipe = _load(reading.path, wants, house, continues.date)
        before = book_left(ledger, continues.id) if ledger and continues else Book(Limits())

        def held_now(limits: Limits) -> Mapping[tuple[str, str], Decimal]:
            return held(ledger, limits, house.clock(), house.config.time_zone) if ledger and limits.windows else {}

        def book_under(limits: Limits) -> Book:
            return _watching(before.under(limits), held_now(limits))

        setting = _setting(reading, house, latest, passed or {}, book_under)
        drafts = _drafts(reading, recipe, setting, ledger, artifacts)
        if drafts and recipe.is_final:
            setting = dataclasses.replace(setting, drafted=finals.drafted(recipe, drafts))
        plan = build(recipe, known, setting)
        plan = bought.told(plan, _out_there(ledger, recipe, output)) if ledger else plan
        tried = ledger.tried(continues.id) if ledger and continues else {}
        failures = ledger.failures(continues.id) if ledger and continues else ()
        now = held_now(plan.limits)
        book = _watching(before.under(plan.limits), now)
    return Desk(
        reading=reading,
        recipe=recipe,
        plan=plan,
        latest=latest,
        continues=continues,
        tried=tried,
        failed=failures_of(failures),
        unnoted=unnoted,
        book=book,
        seen=seen,
        held=now,
        stale=_stale(recipe, plan, drafts, wants),
    )


def _setting(
    reading: Reading,
    house: House,
    latest: Run | None,
    passed: Mapping[tuple[str, str], Passed],
    book: Callable[[Limits], Book],
) -> Setting:
    """What planning is told beside the recipe and what is known."""
    wants, accounts, publish = reading.wants, house.accounts(), house.config.publish
    configured = purses.configured(accounts, house.environ)
    return Setting(
        providers=house.providers,
        processors=house.processors,
        widths=house.config.widths,
        usd_per_credit=house.config.usd_per_credit,
        budgets=_budgets(house.config, wants),
        of_accounts={name: a.budget for name, a in house.config.accounts.items() if a.budget},
        accounts={name: account.provider for name, account in accounts.items()},
        configured=configured,
        within_reach=frozenset({*house.wires, *(accounts[name].identity for name in configured)}),
        identities={name: account.identity for name, account in accounts.items()},
        upscalers=house.upscalers,
        published=place_of(publish.store, publish.base_url, house.environ) if publish else "",
        now=house.clock(),
        zone=house.config.time_zone,
        provider="animatic" if wants.preview else wants.provider,
        chosen=reading.chosen,
        only=wants.only,
        redo=wants.redo,
        begun=redoing.begun(latest),
        passed=passed,
        book=book,
    )


def _drafts(
    reading: Reading, recipe: Recipe, setting: Setting, ledger: Ledger | None, artifacts: Artifacts
) -> Plan | None:
    """The plan of the takes that are picked from, whatever is asked for now; None where that is what is planned."""
    drafts = recipe.draft or (recipe if reading.wants.redo and recipe.stage == recipe.drafts else None)
    if drafts is None or not recipe.picks:
        return None
    wants = dataclasses.replace(reading.wants, stage=recipe.drafts, only=(), redo=())
    there = dataclasses.replace(reading, wants=wants, recipe=drafts, output=output_of(drafts, wants), mends=False)
    known: Known = _known(there, ledger, artifacts, {}) if ledger else Nothing()
    return build(drafts, known, dataclasses.replace(setting, only=(), redo=(), passed={}, chosen={}, book=Book))


def _stale(recipe: Recipe, plan: Plan, drafts: Plan | None, wants: Wants) -> tuple[Fault, ...]:
    """The picks that do not hold any more; in a preview every take is another, and goes by its number."""
    if wants.preview or recipe.stage not in (recipe.drafts, *recipe.stages[-1:]):
        return ()
    return finals.stale(recipe, drafts or plan)


def _known(reading: Reading, ledger: Ledger, artifacts: Artifacts, unnoted: Mapping[str, Line]) -> Known:
    """What the workspace knows of this recipe and its output."""
    recipe, output = reading.recipe, reading.output
    base = Path(os.path.realpath(recipe.folder))
    copies = Copies(output, base=base, into=artifacts if reading.mends else None)
    known = Meanwhile(ledger, artifacts, recipe=recipe.name, output=str(output), unnoted=unnoted, copies=copies)
    known.at_work = at_work(reading, ledger)
    return known


def _out_there(ledger: Ledger, recipe: Recipe, output: Path) -> list[Unsettled]:
    """What services still have of this recipe, or may have."""
    return [one for one in ledger.unsettled() if (one.recipe, one.output) == (recipe.name, str(output))]


def at_work(reading: Reading, ledger: Ledger) -> Callable[[str], bool]:
    """What says of a run's id whether a process carries it out now, on any machine, other than this very recipe's."""

    def asked(run: str) -> bool:
        other = ledger.run(run)
        lock = lock_name(other.recipe, other.output) if other else reading.lock
        shelf = workspace.open_workspace(reading.folder, create=False)
        return lock != reading.lock and leases.holder(shelf, lock) is not None

    return asked


def workspace_of(house: House, named: str | Path | None = None, recipe: Path = Path("recipe.yaml")) -> Path:
    """The workspace folder that is named, else the one the environment names, else a recipe's. Raises `StoreError`.

    Without a recipe it is that of one in the current folder.
    """
    said = named or house.environ.get("RUSHES_WORKSPACE")
    return workspace.find(recipe, named=Path(said) if said else None)


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger | None]:
    path = workspace.ledger_path(folder)
    if not path.exists():
        yield None
        return
    with Ledger(path, read_only=True) as ledger:
        yield ledger


def not_noted(run: Run, ledger: Ledger) -> dict[str, Line]:
    """What was made of a run's plan, by step id: its process died, or is still at it."""
    lines = [line for line in planned(run) if not line.stale]
    made = ledger.made(line.key for line in lines)
    return {line.id: made_with(line) for line in lines if line.key in made}


def _budgets(config: Config, wants: Wants) -> tuple[Budget, ...]:
    of_credits = Origin(source="flag", place="--max-credits")
    origins = {"usd": Origin(source="flag", place="--max-usd"), "": of_credits}
    flags = Budget(run=Caps(usd=wants.max_usd, bare=wants.max_credits, origins=origins))
    named = origins | dict.fromkeys(wants.max_each, of_credits)
    each = Budget(run=Caps(credits=wants.max_each or None, origins=named))
    return tuple(budget for budget in (config.budget, flags, each) if budget)


def recorded(house: House, named: Path | None, run: str = "") -> tuple[Run, Path]:
    """The run of this id, or the newest one, in the workspace of the current folder, and that workspace's folder.

    Raises `UserError` where there is none.
    """
    folder = workspace_of(house, named)
    with _ledger(folder) as ledger:
        newest = next(iter(ledger.runs(plans=False)), None) if ledger and not run else None
        found = ledger.run(newest.id if newest else run) if ledger else None
    if found is None:
        what = f"{run} is no file, and no run" if run else "nothing was run"
        raise UserError(f"{what} in the workspace {folder}.", "Name a recipe, a manifest, or a run that is there.")
    return found, folder


def changed_only(desk: Desk, house: House) -> Desk | None:
    """The same desk without the steps that would run only because they follow a changed one; None: nothing is left."""
    names = {s.id.partition("/")[0] for s in desk.plan.doing() if not s.follows and s.shot}
    if not names:
        return None
    wants = dataclasses.replace(desk.wants, only=tuple(sorted(names)))
    return lay(dataclasses.replace(desk.reading, wants=wants), house)
