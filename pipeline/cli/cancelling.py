"""`rushes cancel`: what would be cancelled and what is known of its money, and what became of each job."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.cancel import Cancelling, cancel
from pipeline.cli.console import Console, can_ask, safe
from pipeline.cli.recovering import became, laid_out
from pipeline.cli.retyping import Place, again, place_of
from pipeline.desk import House
from pipeline.digest import dumps
from pipeline.events import minute
from pipeline.money import text
from pipeline.report.exact import plain
from pipeline.stopping import End, Job
from pipeline.store.ledger import Unsettled

_HEAD = ("STEP", "ACCOUNT", "TASK", "WHAT BECAME OF IT")


def command(given: argparse.Namespace, house: House, console: Console, show: Callable[[str], None], width: int) -> int:
    """Cancels what can be and shows every job of the run. Raises `RushesError`s, `DecisionNeeded` among them."""
    path = Path(given.what)
    recipe = path if path.suffix in (".yaml", ".yml") else None
    place = place_of(recipe or Path("recipe.yaml"), given.workspace, house)

    def consent(jobs: Sequence[Unsettled], costs: Mapping[str, str]) -> bool:
        for told in (*map(_asked, jobs), *(f"{provider}: {cost}" for provider, cost in costs.items())):
            console.say(told)
        return console.ask(f"Cancel {'this job' if len(jobs) == 1 else f'these {len(jobs)} jobs'}?")

    ended = cancel(
        place.folder,
        house,
        recipe=recipe,
        run="" if recipe else given.what,
        only=given.only,
        yes=given.yes,
        consent=consent if can_ask() else None,
    )
    if given.format == "json":
        show(dumps(plain(_document(ended)), indent=2))
    elif ended.jobs:
        show(safe("\n".join(_table(ended.jobs, width))))
    _say(ended, place, console)
    return ended.exit_code


def _asked(one: Unsettled) -> str:
    since, most = f"since {minute(one.at)} UTC", f"for up to {text(one.credits)} credits"
    return f"{one.step}: {one.account} has it as {one.job_id} {since}, {most}."


def _say(ended: Cancelling, place: Place, console: Console) -> None:
    """What there is to know beside the jobs, and what to type next."""
    run = ended.run
    if not ended.jobs:
        console.say(f"No service has anything of run {run.id} of {run.recipe} that could be cancelled.")
    for other, count in ended.others.items():
        console.say(f"Services have {count} job{'s' if count > 1 else ''} of run {other} too: rushes cancel {other}")
    if ended.stale:
        console.say(f"The page and the manifest in {run.output} do not tell of it yet: {ended.stale}")
    if ended.jobs:
        cancelled = any(job.end is End.CANCELLED for job in ended.jobs)
        more = ", and have made what was cancelled" if cancelled else ""
        console.say(f"To go on with the run{more}: {again(run, place)}")


def _table(jobs: Sequence[Job], width: int) -> Iterator[str]:
    """A row a job; what became of it goes on below where it is long."""
    abouts = [(job, job.submission) for job in jobs]
    rows = [(one.step, one.account, one.job_id or "", became(job.end, job)) for job, one in abouts]
    return chain.from_iterable(laid_out((_HEAD, *rows), width))


def _document(ended: Cancelling) -> dict[str, Any]:
    run = ended.run
    return {
        "run": run.id,
        "status": run.status,
        "recipe": run.recipe,
        "recipe_path": run.recipe_path,
        "jobs": [_job(job) for job in ended.jobs],
        "others": dict(ended.others),
        "documents": ended.stale or None,
    }


def _job(job: Job) -> dict[str, Any]:
    one = job.submission
    return {
        "step": one.step,
        "attempt": one.attempt,
        "key": one.key,
        "provider": one.provider,
        "account": one.account,
        "task_id": one.job_id,
        "since": one.at,
        "reserved": one.credits,
        "outcome": job.end.value,
        "told": job.told,
        "hint": job.hint or None,
        "charged": job.charged,
        "refunded": job.refunded,
    }
