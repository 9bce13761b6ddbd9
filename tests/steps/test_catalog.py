"""The catalog of step kinds is complete, each under its own name."""

from __future__ import annotations

import importlib
import pkgutil

from pipeline import steps
from pipeline.steps.catalog import KINDS


def test_every_kind_in_a_file_is_in_the_catalog() -> None:
    """A kind is a class with `kind` and `perform`; its file bears its kind's name."""
    found = {}
    for module in pkgutil.iter_modules(steps.__path__):
        if module.name in ("base", "catalog"):
            continue
        for value in vars(importlib.import_module(f"pipeline.steps.{module.name}")).values():
            if isinstance(value, type) and isinstance(getattr(value, "kind", None), str) and hasattr(value, "perform"):
                found[module.name] = value
    assert dict(KINDS) == found
