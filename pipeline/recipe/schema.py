"""The grammar of a recipe as a JSON schema (Draft 2020-12), composed from what the catalogs know.

`errorMessage` says what a value must be: editors show it, and `explain` puts it into its hints. Where a template may
stand for a value, the published schema lets it; `strict` is the same grammar for values that have been rendered.
"""

from __future__ import annotations

from functools import cache

from pipeline.providers.catalog import DEFAULT, DEFAULT_MODELS, MODELS, PROVIDERS, RATIOS, RESOLUTIONS
from pipeline.recipe import options
from pipeline.recipe.leaves import NULL, OFF, TOLD, Leaves, Schema, either

ID = "https://rushes.dev/schemas/recipe.schema.json"
MOST_PROMPT = 20_000
MOST_TAKES = 100
LARGER = RESOLUTIONS[2:]
NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,99}$"
VARIABLE = r"^[A-Za-z][A-Za-z0-9_]{0,99}$"
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
        "$defs": {"shot": grammar.shot(), "reference": grammar.reference(), "caps": grammar.caps()},
        "title": whole["title"],
        "references": whole["references"],
        "budget": whole["budget"],
        "film": whole["film"],
    }


class _Grammar(Leaves):
    """One composition of the grammar, with or without templates in the place of values."""

    def recipe(self) -> Schema:
        """The top of the file."""
        defaults = {key: part for key, part in self.fields().items() if key not in ("id", "prompt", "each")}
        says = "Fields that every shot has unless it says otherwise; those that make no sense for a still pass it by."
        properties: Schema = {
            **self.heading(),
            "defaults": {
                "type": "object",
                "title": "`defaults`",
                "description": says,
                "properties": defaults,
                "additionalProperties": False,
                "errorMessage": "Write fields of a shot, as in `defaults: {duration: 5}`.",
            },
            "budget": self.budget(),
            "references": self.references(),
            "shots": {
                "type": "array",
                "items": {"$ref": "#/$defs/shot"},
                "minItems": 1,
                "description": "The clips and stills to make, in the order of the film.",
                "errorMessage": "Write at least one shot: `- id: dawn` with a `prompt`.",
            },
            "film": self.film(),
        }
        return {
            "type": "object",
            "properties": properties,
            "required": ["rushes", "name", "shots"],
            "additionalProperties": False,
            "errorMessage": "A recipe is a map of keys: `rushes: 1`, `name` and `shots`.",
        }

    def heading(self) -> Schema:
        """What a recipe says first: its version, its name, its variables."""
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
            "vars": {
                "type": "object",
                "propertyNames": {
                    "pattern": VARIABLE,
                    "errorMessage": "A variable's name has letters, digits and '_', and begins with a letter.",
                },
                "description": "Values for templates; `--var name=value` replaces one; later ones may use earlier.",
                "examples": [{"look": "35mm film, overcast light"}],
                "errorMessage": "Write one `name: value` a line.",
            },
        }

    def references(self) -> Schema:
        """All references by name."""
        return {
            "type": "object",
            "propertyNames": {"pattern": NAME, "errorMessage": "A name has letters, digits, '_' and '-'."},
            "additionalProperties": {"$ref": "#/$defs/reference"},
            "description": "Named pictures, videos and sounds that shots use.",
            "examples": [{"keeper": {"image": "assets/keeper.png", "people": True}}],
            "errorMessage": "Write one `name: {image: assets/name.png}` a line.",
        }

    def reference(self) -> Schema:
        """One reference: exactly one source."""
        where = "A path inside the recipe's folder, or an https URL."
        properties = {
            media: self.value(
                {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 2048,
                    "description": f"{what} {where}",
                    "errorMessage": where,
                }
            )
            for media, what in (("image", "A picture."), ("video", "A video."), ("audio", "A sound."))
        }
        properties["shot"] = self.shot_name("A shot of this recipe makes it.")
        properties["seconds"] = self.seconds(
            "How long a video or sound given by URL is; decides its price.", least=False
        )
        properties["people"] = self.switch("It shows people: it needs the provider's review.")
        return {
            "type": "object",
            "title": "a reference",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
            "errorMessage": "Write where it comes from: `{image: assets/keeper.png}` or `{shot: sheet}`.",
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

    def film(self) -> Schema:
        """The cut."""
        shots = self.value(
            {
                "type": "array",
                "items": self.shot_name("A video shot."),
                "minItems": 1,
                "description": "Video shots in the order of the cut; absent: all of them.",
                "errorMessage": "Write a list of video shots, as in `[dawn, lamp]`.",
            }
        )
        cut = {
            "type": "object",
            "title": "`film`",
            "properties": {
                "shots": shots,
                "audio": self.source("The sound under the film: a reference, a path or a URL."),
                "resolution": self.one_of(RESOLUTIONS, "Absent: that of the largest clip.", default=None),
            },
            "additionalProperties": False,
        }
        return {
            "anyOf": [{"type": "boolean"}, {"type": "null"}, {k: v for k, v in shots.items() if k not in TOLD}, cut],
            "description": "The cut: `true` for every video shot in order, a list of shots, or a map.",
            "examples": [True, {"shots": ["dawn", "lamp"], "audio": "waves"}],
            "errorMessage": "Write `film: true`, a list of shots, or `{shots: [dawn, lamp], audio: waves}`.",
        }

    def shot(self) -> Schema:
        """One entry of `shots`."""
        return {
            "type": "object",
            "title": "a shot",
            "description": "One clip or still; `each` makes many of one entry.",
            "properties": self.fields(),
            "required": ["id"],
            "additionalProperties": False,
            "errorMessage": "A shot is a map of keys: `id`, `prompt` and what differs from the defaults.",
        }

    def fields(self) -> Schema:
        """All fields of a shot."""
        return {**self.identity(), **self.request(), **self.inputs(), **self.running()}

    def identity(self) -> Schema:
        """What a shot is called, and how many it stands for."""
        variable = {
            "pattern": VARIABLE,
            "errorMessage": "A name has letters, digits and '_', and begins with a letter.",
        }
        columns: Schema = {
            "type": "object",
            "propertyNames": variable,
            "additionalProperties": self.value(
                {"type": "array", "minItems": 1, "errorMessage": "Write a list of values, as in `[calm, storm]`."}
            ),
            "minProperties": 1,
        }
        rows = {
            "type": "array",
            "items": {
                "type": "object",
                "propertyNames": variable,
                "errorMessage": "A row is a map of names to values.",
            },
            "minItems": 1,
        }
        return {
            "id": {
                "type": "string",
                "minLength": 1,
                "description": "At most 100 letters, digits, '_' and '-'; templates allowed; `slug` fits any text.",
                "examples": ["dawn", "harbour-{{ weather }}"],
                "errorMessage": "An id is a text: put it in quotes.",
            },
            "each": {
                "anyOf": [columns, rows, *([{"$ref": "#/$defs/template"}] if self.templates else [])],
                "description": "Makes a shot of each combination of lists, or of each map in a list.",
                "examples": [{"weather": ["calm", "storm"]}, [{"who": "keeper", "where": "stairs"}]],
                "errorMessage": "Write lists by name, `{weather: [calm, storm]}`, or a list of maps.",
            },
            "takes": self.number("How many results to make of it.", 1, MOST_TAKES, default=1),
        }

    def request(self) -> Schema:
        """What is asked of the provider, in portable words."""
        return {
            "kind": self.one_of(("video", "image"), "A clip or a still.", default="video"),
            "prompt": {
                "type": "string",
                "minLength": 1,
                "maxLength": MOST_PROMPT,
                "description": "What is to be seen, and heard; templates allowed.",
                "errorMessage": f"A prompt is a text of at most {MOST_PROMPT:,} characters.",
            },
            "provider": self.named("Who makes it.", PROVIDERS, default=DEFAULT),
            "model": self.named("A portable model name, or one of the service's own.", MODELS, DEFAULT_MODELS["video"]),
            "account": self.named("Whose credits are spent; absent: the account named like the provider.", (), None),
            "duration": {**self.seconds("How long the clip is.", least=True), "default": 5, "examples": [5, "5s", 5.5]},
            "resolution": self.one_of(RESOLUTIONS, "How large it is made; `upscale` makes it larger.", default="720p"),
            "ratio": self.one_of(RATIOS, "Width to height.", default="16:9"),
            "seed": self.value(
                {
                    "anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, NULL],
                    "description": "Take n has this seed + n - 1; absent: derived where the service takes seeds.",
                    "errorMessage": "A seed is a whole number, zero or more; leave it out for a random one.",
                }
            ),
            "audio": self.switch("The clip has sound."),
            "watermark": self.switch("The service may put its mark on it."),
            "people": self.switch("It shows people: what uses it needs the provider's review."),
            "options": options.grammar(self),
        }

    def inputs(self) -> Schema:
        """What a shot stands on, and its upscale."""
        offset = self.seconds("How long before the end of that clip.", least=False)
        chain: Schema = {
            "type": "object",
            "title": "`chain`",
            "properties": {"from": self.shot_name("The shot before."), "offset": offset},
            "required": ["from"],
            "additionalProperties": False,
        }
        larger = self.one_of(LARGER, "How large.", default=None)
        upscale: Schema = {
            "type": "object",
            "title": "`upscale`",
            "properties": {
                "to": larger,
                "by": self.one_of(
                    ("provider", "service", "local"), "Who does it; absent: the cheapest paid way.", default=None
                ),
            },
            "required": ["to"],
            "additionalProperties": False,
        }
        name: Schema = {"type": "string", "minLength": 1}
        return {
            "references": self.value(
                {
                    "type": "array",
                    "items": self.source("A reference, a shot, a path or a URL."),
                    "maxItems": 100,
                    "description": "Pictures, videos and sounds that the prompt may name with `{{ ref('name') }}`.",
                    "errorMessage": "Write a list, as in `references: [keeper]`.",
                }
            ),
            "first_frame": self.frame("The picture that the clip begins with."),
            "last_frame": self.frame("The picture that the clip ends with."),
            "chain": {
                "anyOf": [*self.value({"anyOf": [name, OFF]})["anyOf"], chain],
                "description": "Goes on from the last frame of that shot.",
                "examples": ["dawn", {"from": "dawn", "offset": "0.2s"}],
                "errorMessage": "Write the id of the shot before, or `{from: dawn, offset: 0.2s}`.",
            },
            "upscale": {
                "anyOf": [*self.value({"anyOf": [{"enum": list(LARGER)}, OFF]})["anyOf"], upscale],
                "description": "Makes the finished result larger.",
                "examples": ["2k", {"to": "2k", "by": "local"}],
                "errorMessage": f"Write {either(LARGER)}, or `{{to: 2k, by: provider}}`.",
            },
        }

    def running(self) -> Schema:
        """When and how often a shot is made."""
        return {
            "needs": self.value(
                {
                    "type": "array",
                    "items": self.shot_name("A shot that must be done before."),
                    "description": "Shots that must be done before this one starts.",
                    "errorMessage": "Write a list of shot ids, as in `needs: [dawn]`.",
                }
            ),
            "priority": self.number(
                "Higher first; `on_exceed: skip` keeps the highest.", -1_000_000, 1_000_000, default=0
            ),
            "retry": self.number("How many further paid attempts are allowed after a failure.", 0, 10, default=0),
            "pin": self.switch("Keeps its result even when that is out of date."),
        }
