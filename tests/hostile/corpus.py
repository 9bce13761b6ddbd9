"""The attacks, each by its name: what is written, what lies beside it, and what must come of it."""

from __future__ import annotations

from tests.hostile import beside, files, grammar, loads, templates
from tests.hostile.case import Case

CASES: dict[str, Case] = {**templates.CASES, **loads.CASES, **grammar.CASES, **files.CASES, **beside.CASES}
TEXTS = [  # to begin from: what costs little to read
    case.text
    for name, case in CASES.items()
    if isinstance(case.text, str) and len(case.text) < 3_000 and not name.startswith(("the path", "the address"))
    if name not in templates.LOOPS and name not in loads.CASES
]
