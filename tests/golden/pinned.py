"""The plans that are pinned, and how one is written down. `python -m tests.golden` writes all of them anew.

Only do that where a meaning was to change: whoever has made these shots pays for each changed key once more.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

from pipeline import accounts, api
from pipeline.config import Config
from pipeline.config.model import NaciSettings, Publish
from pipeline.desk import Desk, House, Wants
from pipeline.money import Price
from pipeline.money import text as amount
from pipeline.plan.model import Step
from pipeline.providers.catalog import SERVICES

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PLANS = HERE / "plans"
DATE = "2026-11-21"
RULE = "A recipe written for version 1 keeps its meaning and its keys"
RENEW = "Where a meaning was to change: .venv/bin/python -m tests.golden"
ELSEWHERE = ("seegen", "seedance2-movie", "seedancee2", "naci")  # each moved there, as far as that can make it

RECIPES = {
    **{f"library-{path.parent.name}": path for path in sorted(ROOT.glob("recipes/*/recipe.yaml"))},
    **{f"example-{path.stem}": path for path in sorted(ROOT.glob("examples/*/*.yaml"))},
    **{f"small-{path.stem}": path for path in sorted((HERE / "recipes").glob("*.yaml"))},
}


def house() -> House:
    """A user with a key for every service, a place to publish, and prices for the one whose document has none."""
    naci = NaciSettings(prices={"sd2.0": {"480p": Decimal(9), "720p": Decimal(18), "1080p": Decimal(45)}})
    publish = Publish(store="file:///nowhere", base_url="https://cdn.example/frames")
    keys = {page.KEY_ENV: "key" for page in SERVICES.values()}
    config = Config(naci=naci, publish=publish)
    return House(providers=accounts.pages(config), environ=keys, config=config)


def laid(name: str, folder: Path) -> Path:
    """A recipe of this name in a folder of its own, with what lies beside it."""
    source = RECIPES[name]
    shutil.copytree(source.parent, folder, ignore=shutil.ignore_patterns("out", ".rushes", "picture.jpg"))
    return folder / source.name


def planned(recipe: Path, provider: str = "", stage: str = "") -> Desk:
    """The plan of a recipe where nothing is made yet, as written or moved to a provider, as declared or in a stage."""
    workspace = recipe.parent / ".rushes"  # none yet, whatever there is further up
    return api.plan(recipe, Wants(provider=provider, stage=stage, date=DATE, workspace=workspace), house())


def written(recipe: Path) -> str:
    """The plans of a recipe, as written, moved to each service, and in its stage `draft` if it has one, as text."""
    ways = {"as written": planned(recipe), **{name: planned(recipe, name) for name in ELSEWHERE}}
    if "draft:" in recipe.read_text(encoding="utf-8"):
        ways["draft"] = planned(recipe, stage="draft")
    return "\n".join(f"== {way}\n" + "".join(map(_step, desk.plan.steps)) for way, desk in ways.items())


def _step(step: Step) -> str:
    by = " ".join(filter(None, (step.provider, step.model, step.account)))
    lines = [f"{step.id}: {step.kind}, {step.action.value}", f"{by or 'here'}: {_price(step.price)}", step.key]
    lines += [f"needs {', '.join(step.needs)}"] if step.needs else []
    lines += [f"else {one.provider} {one.model}: {_price(one.price)}\n    {one.key}" for one in step.fallback]
    return "\n    ".join(lines) + "\n"


def _price(price: Price) -> str:
    if price.high is None:
        return "not known"
    credits = amount(price.high) if price.low == price.high else f"{amount(price.low)} to {amount(price.high)}"
    return f"{credits} credits" + ("" if price.usd is None else f", ${amount(price.usd)}")
