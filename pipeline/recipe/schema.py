"""The grammar of a recipe as a JSON schema (Draft 2020-12), composed from what the catalogs know.

`errorMessage` says what a value must be: editors show it, and `explain` puts it into its hints. Where a template may
stand for a value, the published schema lets it; `strict` is the same grammar for values that have been rendered.
"""

from __future__ import annotations

from functools import cache

from pipeline.recipe import stages
from pipeline.recipe.leaves import Schema
from pipeline.recipe.parts import Parts

ID = "https://rushes.dev/schemas/recipe.schema.json"
AMOUNT = r"^[0-9]{1,15}(\.[0-9]{1,15})?$"


@cache
def schema() -> Schema:
    """The published schema: a recipe as it is written, templates included."""
    grammar = _Grammar(templates=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "the recipe",
        "description": "A Rushes recipe: the shots of a film, and all that is needed to make them.",
        **grammar.recipe(),
        "$defs": {
            "template": {"type": "string", "pattern": r"\{\{|\{%", "description": "A jinja2 template, in quotes."},
            "shot": grammar.shot(),
            "scene": grammar.scene(),
            "part": grammar.part(),
            "override": grammar.override(),
            "stage": stages.stage(grammar),
            "reference": grammar.reference(),
            "caps": grammar.caps(),
        },
    }


@cache
def strict() -> Schema:
    """The same grammar without templates, by its parts: what a rendered value must be."""
    grammar = _Grammar(templates=False)
    whole = grammar.recipe()["properties"]
    return {
        "$defs": {
            "shot": grammar.shot(),
            "override": grammar.override(),
            "reference": grammar.reference(),
            "caps": grammar.caps(),
        },
        "title": whole["title"],
        "references": whole["references"],
        "budget": whole["budget"],
        "film": whole["film"],
    }


class _Grammar(Parts):
    """One composition of the grammar, with or without templates in the place of values."""

    def recipe(self) -> Schema:
        """The top of the file."""
        properties: Schema = {
            **self.heading(),
            **self.body(),
            "stages": stages.grammar(self),
            "budget": self.budget(),
            "film": self.film(),
        }
        return {
            "type": "object",
            "properties": properties,
            "required": ["rushes", "name"],
            "anyOf": [{"required": [key]} for key in ("shots", "scenes", "include")],
            "additionalProperties": False,
            "errorMessage": "A recipe is a map of keys: `rushes: 1`, `name` and `shots`.",
        }

    def part(self) -> Schema:
        """A file that a recipe includes."""
        return {
            "type": "object",
            "title": "an included file",
            "description": "What a recipe brings in from another file.",
            "properties": self.body(),
            "additionalProperties": False,
            "errorMessage": "Write `vars`, `defaults`, `references`, `shots` or `scenes`, and what it includes itself.",
        }

    def heading(self) -> Schema:
        """What a recipe says first: its version, its name, its title."""
        return {
            "rushes": {"const": 1, "description": "The version of this grammar.", "errorMessage": "Write `rushes: 1`."},
            "name": {
                "type": "string",
                "pattern": "^[a-z0-9][a-z0-9-]{0,99}$",
                "description": "Names the recipe's results: they go to `out/<name>/`.",
                "examples": ["lighthouse"],
                "errorMessage": "A name has small letters, digits and '-', as in `name: lighthouse-2`.",
            },
            "title": {
                "type": "string",
                "maxLength": 200,
                "description": "The film's title, for people.",
                "errorMessage": "A title is a text of at most 200 characters; put it in quotes.",
            },
        }

    def budget(self) -> Schema:
        """What may be spent."""
        return {
            "type": "object",
            "title": "`budget`",
            "description": "Upper limits; nothing is sent that could exceed them.",
            "properties": {
                "run": {"$ref": "#/$defs/caps", "description": "For a run of this recipe."},
                "shot": {"$ref": "#/$defs/caps", "description": "For one take: all attempts, and its upscale."},
                "day": {"$ref": "#/$defs/caps", "description": "For all runs in the workspace in a day."},
                "week": {"$ref": "#/$defs/caps", "description": "For all of them in a week, from Monday."},
                "month": {"$ref": "#/$defs/caps", "description": "For all of them in a month."},
                "on_exceed": self.one_of(
                    ("refuse", "stop", "skip"),
                    "refuse: start nothing; stop: in the order of the plan; skip: least `priority` first.",
                    default="refuse",
                ),
            },
            "additionalProperties": False,
            "errorMessage": "Write `budget: {run: {usd: 8}}`.",
        }

    def caps(self) -> Schema:
        """Limits of one scope."""
        money = {"type": "number", "minimum": 0}
        text = {"type": "string", "pattern": AMOUNT}
        says = "An amount is a number, zero or more."
        credit = self.value({"anyOf": [money, text], "errorMessage": says})
        return {
            "type": "object",
            "title": "these limits",
            "properties": {
                "usd": self.value(
                    {"anyOf": [money, text], "description": "Dollars.", "examples": [8], "errorMessage": says}
                ),
                "credits": {
                    "anyOf": [
                        *credit["anyOf"],
                        {"type": "object", "additionalProperties": credit, "title": "`credits`"},
                    ],
                    "description": "Credits by account, or a bare number where one account pays.",
                    "examples": [{"seegen": 2000}],
                    "errorMessage": "Write credits by account, as in `{seegen: 2000}`.",
                },
            },
            "additionalProperties": False,
            "minProperties": 1,
            "errorMessage": "Write limits: `{usd: 8, credits: {seegen: 2000}}`.",
        }
