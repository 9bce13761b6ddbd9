"""The grammar of what a recipe and the files it includes are made of: variables, defaults, references, shots."""

from __future__ import annotations

from pipeline.recipe.film import Film
from pipeline.recipe.leaves import Schema
from pipeline.recipe.request import Request

MOST_TAKES = 100
MOST_RUNGS = 10
MOST_INCLUDED = 100
NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,99}$"
VARIABLE = r"^[A-Za-z][A-Za-z0-9_]{0,99}$"
SCENE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,97}$"
NOT_SHARED = ("id", "prompt", "prompt_file", "each", "exclude", "when")


class Parts(Request, Film):
    """What stands in a recipe's own file or in one that it includes, with or without templates for values."""

    def body(self) -> Schema:
        """What an included file may have too."""
        file: Schema = {"type": "string", "minLength": 1, "errorMessage": "Write the path of a YAML file, in quotes."}
        return {
            "include": {
                "type": "array",
                "items": file,
                "minItems": 1,
                "maxItems": MOST_INCLUDED,
                "description": "Files of `vars`, `defaults`, `references` and shots; what is said here holds over what"
                " they say, and their shots come first. Paths are from the recipe's folder, in included files too.",
                "examples": [["look.yaml"]],
                "errorMessage": "Write a list of paths from the recipe's folder, as in `[look.yaml]`.",
            },
            "vars": self.variables(
                "Values for templates; `--var name=value` replaces one; later ones may use earlier."
            ),
            "defaults": self.defaults(
                "Fields that every shot has unless it says otherwise; those that make no sense for a still pass it by."
            ),
            "references": self.references(),
            "shots": self.shots("The clips and stills to make, in the order of the film."),
            "scenes": {
                "type": "array",
                "items": {"$ref": "#/$defs/scene"},
                "minItems": 1,
                "description": "Shots in groups, in the place of `shots`; a scene's shots are called `scene.shot`.",
                "errorMessage": "Write at least one scene: `- id: storm` with its `shots`.",
            },
        }

    def scene(self) -> Schema:
        """One entry of `scenes`."""
        chain: Schema = {
            "type": "boolean",
            "description": "Each video shot goes on from the one before it in the scene, past any stills, unless it"
            " says `chain`, `first_frame` or `references` itself; `chain: false` on a shot breaks the chain.",
            "default": False,
            "errorMessage": "Write true or false.",
        }
        return {
            "type": "object",
            "title": "a scene",
            "description": "Shots that belong together. A name in it means a shot of the scene first, then a reference"
            " or the full `scene.shot` of another; templates have `scene.id`, `scene.title` and `scene.index`.",
            "properties": {
                "id": {
                    "type": "string",
                    "pattern": SCENE,
                    "description": "Begins the ids of its shots: `storm` makes `storm.dawn` of `dawn`.",
                    "examples": ["storm"],
                    "errorMessage": "A scene's id has letters, digits, '_' and '-', as in `id: storm`.",
                },
                "title": {
                    "type": "string",
                    "maxLength": 200,
                    "description": "What templates have as `scene.title`; absent: the id.",
                    "errorMessage": "A title is a text of at most 200 characters; put it in quotes.",
                },
                "chain": chain,
                "vars": self.variables("Values for its templates, over those of the recipe, which they may use."),
                "defaults": self.defaults(
                    "Fields of its shots, over the recipe's defaults; `options` are added to those by provider and key."
                ),
                "shots": self.shots("The clips and stills of the scene, in the order of the film."),
            },
            "required": ["id", "shots"],
            "additionalProperties": False,
            "errorMessage": "A scene is a map of keys: `id`, `shots` and what they have in common.",
        }

    def variables(self, description: str) -> Schema:
        """Values by name."""
        return {
            "type": "object",
            "propertyNames": {
                "pattern": VARIABLE,
                "errorMessage": "A variable's name has letters, digits and '_', and begins with a letter.",
            },
            "description": description,
            "examples": [{"look": "35mm film, overcast light"}],
            "errorMessage": "Write one `name: value` a line.",
        }

    def defaults(self, description: str) -> Schema:
        """Fields that shots share."""
        return {
            "type": "object",
            "title": "`defaults`",
            "description": description,
            "properties": {key: part for key, part in self.fields().items() if key not in NOT_SHARED},
            "additionalProperties": False,
            "errorMessage": "Write fields of a shot, as in `defaults: {duration: 5}`.",
        }

    def shots(self, description: str) -> Schema:
        """A list of entries."""
        return {
            "type": "array",
            "items": {"$ref": "#/$defs/shot"},
            "minItems": 1,
            "description": description,
            "errorMessage": "Write at least one shot: `- id: dawn` with a `prompt`.",
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
        return {**self.identity(), **self.request(), **self.inputs(), "reanchor": self.reanchor(), **self.running()}

    def identity(self) -> Schema:
        """What a shot is called, and how many it stands for."""
        return {
            "id": {
                "type": "string",
                "minLength": 1,
                "description": "At most 100 letters, digits, '_' and '-'; templates allowed; `slug` fits any text.",
                "examples": ["dawn", "harbour-{{ weather }}"],
                "errorMessage": "An id is a text: put it in quotes.",
            },
            "each": self.each(),
            "exclude": self.value(
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "minProperties": 1,
                        "errorMessage": "Write names of `each` and values, as in `{weather: storm, where: stairs}`.",
                    },
                    "description": "Rows of `each` to leave out: those that have all the values of an entry.",
                    "examples": [[{"weather": "storm", "where": "stairs"}]],
                    "errorMessage": "Write a list of maps, as in `[{weather: storm, where: stairs}]`.",
                }
            ),
            "when": self.value(
                {
                    "type": "boolean",
                    "description": "Whether the shot is there at all; looked at for each row of `each`.",
                    "default": True,
                    "examples": ["{{ weather != 'storm' }}"],
                    "errorMessage": "Write true or false, or a template of one: \"{{ weather != 'storm' }}\".",
                }
            ),
            "takes": self.number("How many results to make of it.", 1, MOST_TAKES, default=1),
        }

    def each(self) -> Schema:
        """What an entry is unfolded over."""
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
        path: Schema = {"type": "string", "minLength": 1, "maxLength": 1000}
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
            "anyOf": [columns, rows, path, *([{"$ref": "#/$defs/template"}] if self.templates else [])],
            "description": "Makes a shot of each combination of lists, of each map in a list, or of each row of a"
            " CSV, JSON or YAML file in the recipe's folder; cells of a CSV file are text.",
            "examples": [{"weather": ["calm", "storm"]}, [{"who": "keeper", "where": "stairs"}], "cities.csv"],
            "errorMessage": "Write lists by name, `{weather: [calm, storm]}`, a list of maps, or a path.",
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
            "fallback": {
                "type": "array",
                "items": {"$ref": "#/$defs/override"},
                "maxItems": MOST_RUNGS,
                "description": "What is asked for instead, one after the other, where the shot fails.",
                "examples": [[{"prompt": "the same, in softer words"}, {"provider": "seedance2-movie"}]],
                "errorMessage": "Write a list of what differs, as in `[{provider: seedance2-movie}]`.",
            },
            "pin": self.switch("Keeps its result even when that is out of date."),
        }
