"""What the user asks of a recipe, as a value, as JSON, and as the folder that its results go to."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.money import amount
from pipeline.recipe.model import Recipe
from pipeline.store import workspace
from pipeline.store.ledger import Ledger, Run, Unsettled
from pipeline.values import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What the user asks of a recipe: the flags that mean the same everywhere."""

    variables: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    stage: str = ""
    provider: str = ""
    preview: bool = False
    only: tuple[str, ...] = ()
    redo: tuple[str, ...] = ()
    follow: bool = False
    yes: bool = False
    allow_unpriced: bool = False
    max_credits: Decimal | None = None
    max_each: Mapping[str, Decimal] = field(default_factory=dict)  # by account: `--max-credits seegen=200`
    max_usd: Decimal | None = None
    max_failures: int | None = None  # takes that one process may lose before it begins nothing more
    webhook: str = ""  # the public address under which services can tell that a job has ended
    listen: str = ""  # where that address leads on this machine
    workspace: Path | None = None
    output: Path | None = None

    def to_json(self) -> dict[str, object]:
        """What a saved plan and a run must repeat to mean the same."""
        return {
            "variables": dict(self.variables),
            "date": self.date,
            "stage": self.stage,
            "provider": self.provider,
            "preview": self.preview,
            "only": list(self.only),
            "redo": list(self.redo),
            "output": str(self.output or ""),
            "workspace": str(self.workspace or ""),
            "max_credits": self.max_credits,
            "max_each": dict(self.max_each),
            "max_usd": self.max_usd,
        }

    def with_json(self, told: Mapping[str, Any]) -> Wants:
        """These wants with what `to_json` told of others; what it did not tell of was not asked for then."""
        told = {**Wants().to_json(), **told}
        most, usd = told["max_credits"], told["max_usd"]
        return dataclasses.replace(
            self,
            variables=dict(told["variables"]),
            date=told["date"],
            stage=told["stage"],
            provider=told["provider"],
            preview=told["preview"],
            only=tuple(told["only"]),
            redo=tuple(told["redo"]),
            output=Path(told["output"]) if told["output"] else None,
            workspace=Path(told["workspace"]) if told["workspace"] else self.workspace,
            max_credits=None if most is None else amount(most),
            max_each={name: amount(each) for name, each in told["max_each"].items()},
            max_usd=None if usd is None else amount(usd),
        )

    def like(self, run: Run, providers: Collection[str]) -> Wants:
        """With the provider and variables of a run, where nobody says others now; a provider that is gone is left."""
        if self.provider or self.variables or self.preview:
            return self
        told = Wants().with_json(run.options)
        provider = told.provider if told.provider in providers else ""
        return dataclasses.replace(self, provider=provider, variables=told.variables)

    def folders(self) -> tuple[str, ...]:
        """The folders in each other, below the one that is named or usual, that what is asked for goes into."""
        return tuple(filter(None, (self.stage, "preview" if self.preview else "", self.date)))


def output_of(recipe: Recipe, wants: Wants) -> Path:
    """Where a recipe's results go: beside it, below its name; a stage, a preview and a date have folders there."""
    # WHY: lock, run and caps go by this path, so that every way of writing it must come out as the same text.
    named = os.path.expanduser(wants.output) if wants.output else recipe.folder / "out" / recipe.name  # noqa: PTH111
    return workspace.without_links(named).joinpath(*wants.folders())


def of_drafts(wants: Wants, recipe: Recipe, folder: Path, providers: Collection[str]) -> Wants:
    """These wants of the takes that are picked from, as they were last run where nobody says otherwise now.

    `folder` is the workspace's. Raises `StoreError`.
    """
    drafts = dataclasses.replace(wants, stage=recipe.drafts, only=(), redo=())
    path = workspace.ledger_path(folder)
    if not path.exists():
        return drafts
    with Ledger(path, read_only=True) as ledger:
        run = ledger.latest(recipe.name, str(output_of(recipe, drafts)))
    return drafts.like(run, providers) if run else drafts


def named_output(run: Run | Unsettled) -> Path:
    """The inverse of `output_of`: the folder that would be named by --output to have a run's results where they are."""
    folder = Path(run.output)
    for _ in Wants().with_json(run.options).folders():
        folder = folder.parent
    return folder
