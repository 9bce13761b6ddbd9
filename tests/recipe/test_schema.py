"""The published schema is the grammar that recipes are read by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.providers.catalog import CHEAPEST, MODELS, PROVIDERS, RATIOS, RESOLUTIONS
from pipeline.recipe.gate import compiled
from pipeline.recipe.schema import schema, strict

PUBLISHED = Path(__file__).parents[2] / "schemas" / "recipe.schema.json"


def test_the_published_schema_is_that_of_the_code() -> None:
    """`schemas/recipe.schema.json` is what the catalogs make of it; `rushes schema recipe` writes it anew."""
    assert json.loads(PUBLISHED.read_text()) == schema()


def test_the_schema_is_a_schema() -> None:
    """It holds to Draft 2020-12, and so does each part of the strict one."""
    Draft202012Validator.check_schema(schema())
    for part in ("title", "references", "budget", "film"):
        Draft202012Validator.check_schema({**strict()[part], "$defs": strict()["$defs"]})


def test_the_schema_knows_the_catalogs() -> None:
    """Providers and models are offered, sizes and shapes are required."""
    fields = schema()["$defs"]["shot"]["properties"]
    assert fields["provider"]["examples"] == [*PROVIDERS, CHEAPEST]
    assert fields["model"]["examples"] == list(MODELS)
    assert fields["resolution"]["anyOf"][0]["enum"] == list(RESOLUTIONS)
    assert fields["ratio"]["anyOf"][0]["enum"] == list(RATIOS)


def test_every_field_is_described_for_editors() -> None:
    """Whoever hovers over a key reads what it does, and what it must be."""
    whole = schema()
    shot = whole["$defs"]["shot"]["properties"]
    for name, part in {**whole["properties"], **shot}.items():
        assert part.get("description"), name
        assert part.get("errorMessage"), name


def parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """All the maps in a schema."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


TEXTS = sorted({word for part in parts(schema()) for word in part.get("enum", ()) if isinstance(word, str)})
KEYS = sorted({key for part in parts(schema()) for key in part.get("properties", ())})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5000)
    | st.sampled_from([*TEXTS, "5s", "a", "{{ x }}", "", "2.5"])
    | st.decimals(-1, 9, places=1)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "x", "1"]), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
@pytest.mark.parametrize("templates", [True, False])
def test_the_gate_says_what_jsonschema_says(templates: bool, value: dict[str, Any]) -> None:
    """The quick yes or no is never another answer than jsonschema's."""
    root = schema() if templates else strict()
    shot = root["$defs"]["shot"]
    validator = Draft202012Validator({**shot, "$defs": root["$defs"]})
    assert compiled(shot, root)(value) == validator.is_valid(value)
    whole = schema()
    assert compiled(whole, whole)(value) == Draft202012Validator(whole).is_valid(value)
