"""The formats documents come in. Adding one is a function beside this file and a line here; `width` is in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.digest import dumps
from pipeline.plan.budget import Book
from pipeline.plan.model import Plan
from pipeline.report import drawing, markdown, plan_json, plan_text

PLANS: Mapping[str, Callable[[Plan, Book, int], str]] = {
    "table": lambda plan, book, width: plan_text.plan_table(plan, width=width, book=book),
    "json": lambda plan, book, _: dumps(plan_json.plan_json(plan, book), indent=2),
    "markdown": lambda plan, book, _: drawing.markdown(plan, book),
    "svg": lambda plan, *_: drawing.svg(plan),
    "mermaid": lambda plan, *_: drawing.mermaid(plan),
    "dot": lambda plan, *_: drawing.dot(plan),
}
MANIFESTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "table": markdown.status_text,
    "json": lambda manifest: dumps(manifest, indent=2),
    "markdown": markdown.summary,
}
