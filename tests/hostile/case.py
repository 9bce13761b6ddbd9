"""What an attack is: a recipe, what lies beside it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HEAD = "rushes: 1\nname: t\n"
SHOTS = HEAD + "shots:\n"  # the first shot is in line 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`fact` and `hint` are parts of what is told first, empty where a plain plan is made; `at` is its line."""

    text: str | bytes
    fact: str = ""
    hint: str = ""
    at: int = 4
    lay: Callable[[Path], object] | None = None  # puts files beside the recipe; its folder is given
    seconds: float = 2.0


def prompt(text: str) -> str:
    """A recipe whose only shot has this prompt."""
    return SHOTS + "- {id: a, prompt: '" + text.replace("'", "''") + "'}\n"


def shot(fields: str) -> str:
    """A recipe whose only shot has these fields."""
    return SHOTS + f"- {{id: a, prompt: p, {fields}}}\n"


def variables(fields: str) -> str:
    """A recipe with these variables in line 3, and one plain shot."""
    return HEAD + f"vars: {{{fields}}}\nshots:\n- {{id: a, prompt: p}}\n"
