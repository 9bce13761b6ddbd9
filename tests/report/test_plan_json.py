"""A plan as JSON, and that the schemas in the repository are those of the code."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from pipeline.digest import dumps
from pipeline.plan.budget import Book
from pipeline.recipe.model import Caps
from pipeline.report import catalog, manifest, plan_json
from tests.report.hostile import hostile_plan
from tests.report.stories import Told, lighthouse, plan, shot

SCHEMAS = Path(__file__).parents[2] / "schemas"
VALIDATOR = jsonschema.Draft202012Validator(plan_json.schema())


def test_a_plan_says_what_each_step_would_do_and_cost() -> None:
    """Keys, actions, reasons and exact prices, step by step, and what it comes to."""
    found = plan_json.plan_json(lighthouse())
    VALIDATOR.validate(json.loads(dumps(found)))
    lamp = next(step for step in found["steps"] if step["id"] == "lamp/generate")
    assert {name: lamp[name] for name in ("shot", "take", "kind", "provider", "account", "needs", "action")} == {
        "shot": "lamp",
        "take": 1,
        "kind": "generate",
        "provider": "till",
        "account": "till",
        "needs": ["dawn/last_frame"],
        "action": "run",
    }
    assert (lamp["credits"], lamp["usd"]) == ({"low": 50, "high": 50}, Decimal("0.2"))
    assert (found["totals"]["by_account"], found["totals"]["usd"]) == ({"till": 100}, Decimal("0.4"))
    assert found["accounts"] == {"till": {"provider": "till", "unit": "credits", "usd_per_credit": Decimal("0.004")}}
    assert [(cap["scope"], cap["unit"], cap["cap"], cap["asked"], cap["left"]) for cap in found["limits"]["caps"]] == [
        ("run", "till", 400, 100, 300),
        ("run", "usd", 8, Decimal("0.4"), Decimal("7.6")),
    ]
    assert found["steps"][-1]["shot"] is None


def test_any_plan_fits_the_schema_and_a_spoilt_one_does_not() -> None:
    """Hostile texts are texts; a key too many, or an action that does not exist, is refused."""
    jsonschema.Draft202012Validator.check_schema(plan_json.schema())
    for some in (hostile_plan(), plan(), plan(shot("a", provider="till"), caps=Caps(usd=Decimal(1)))):
        VALIDATOR.validate(json.loads(dumps(plan_json.plan_json(some))))
    good = plan_json.plan_json(plan(shot("a")))
    wants = {"variables": {}, "date": "", "provider": "", "preview": False, "only": [], "redo": ["a*"]}
    wants |= {"output": "", "workspace": "", "max_credits": None, "max_each": {}, "max_usd": 5}
    VALIDATOR.validate({**good, "wants": wants})
    assert list(VALIDATOR.iter_errors({**good, "wants": {**wants, "yes": True}}))
    assert list(VALIDATOR.iter_errors({**good, "extra": 1}))
    assert list(VALIDATOR.iter_errors({**good, "steps": [{**good["steps"][0], "action": "maybe"}]}))


@pytest.mark.parametrize(("name", "schema"), [("plan", plan_json.schema()), ("manifest", manifest.schema())])
def test_the_schemas_in_the_repository_are_the_codes(name: str, schema: object) -> None:
    """`make schemas` writes them anew."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == dumps(schema, indent=2) + "\n"


@pytest.mark.parametrize("name", catalog.PLANS)
def test_every_format_of_a_plan_can_be_written(name: str) -> None:
    """Each gives a text for a plan of something, of nothing, and of hostile texts, that can be encoded."""
    for some in (lighthouse(), plan(), hostile_plan()):
        assert catalog.PLANS[name](some, Book(some.limits), 80).encode()


@pytest.mark.parametrize("name", catalog.MANIFESTS)
def test_every_format_of_a_manifest_can_be_written(name: str) -> None:
    """Each gives a text of a manifest, whatever state its run is in."""
    for some in (Told(lighthouse()).make().story(), Told(lighthouse()).story("running"), Told(plan()).story()):
        assert catalog.MANIFESTS[name](manifest.manifest(some)).encode()
