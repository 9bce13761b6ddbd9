"""The grammar of the cut: what a film shows, how one clip becomes the next, its titles and its sound."""

from __future__ import annotations

from pipeline.providers.catalog import RESOLUTIONS
from pipeline.recipe.leaves import NULL, TOLD, Leaves, Schema

MOST_TITLES = 1_000
MOST_TITLE = 200
QUIETEST, LOUDEST = -60, 20


class Film(Leaves):
    """The film of a recipe, with or without templates in the place of values."""

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
                "audio": self.bed(),
                "resolution": self.one_of(RESOLUTIONS, "Absent: that of the largest clip.", default=None),
                "crossfade": {
                    **self.seconds("How long each clip fades into the next; absent: they are cut.", least=False),
                    "examples": ["0.5s"],
                },
                "joins": self.joins(),
                "titles": self.titles(),
                "fade_in": self.seconds("How long the film takes to rise from black, and its sound.", least=False),
                "fade_out": self.seconds("How long the film takes to fall to black, and its sound.", least=False),
            },
            "additionalProperties": False,
        }
        return {
            "anyOf": [{"type": "boolean"}, {"type": "null"}, {k: v for k, v in shots.items() if k not in TOLD}, cut],
            "description": "The cut: `true` for every video shot in order, a list of shots, or a map.",
            "examples": [True, {"shots": ["dawn", "lamp"], "audio": "waves", "crossfade": "0.5s"}],
            "errorMessage": "Write `film: true`, a list of shots, or `{shots: [dawn, lamp], audio: waves}`.",
        }

    def reanchor(self) -> Schema:
        """When a chain begins anew."""
        return {
            "anyOf": [
                NULL,
                {
                    "type": "object",
                    "title": "`reanchor`",
                    "properties": {
                        "every": self.number(
                            "How many shots of a chain may go on from one beginning.", 1, 1000, default=4
                        ),
                        "to": self.source("The picture: a reference, a shot that is a still, a path or a URL."),
                    },
                    "required": ["every", "to"],
                    "additionalProperties": False,
                },
            ],
            "description": (
                "After so many shots of a chain the next begins anew with this picture as its first_frame, instead of "
                "the frame before: faults do not add up. Best in `defaults`."
            ),
            "examples": [{"every": 4, "to": "keeper"}],
            "errorMessage": "Write `{every: 4, to: keeper}`.",
        }

    def joins(self) -> Schema:
        """What some joints have instead of the film's crossfade."""
        seconds = self.seconds("How long that clip fades into the next.", least=False)
        return {
            "type": "object",
            "title": "`joins`",
            "description": "By shot, how it becomes what comes after it: so many seconds of crossfade, or `cut`.",
            "additionalProperties": {
                **seconds,
                "anyOf": [{"const": "cut"}, *seconds["anyOf"]],
                "errorMessage": "Write seconds, as in 1s, or `cut`.",
            },
            "examples": [{"dawn": "1s", "lamp": "cut"}],
            "errorMessage": "Write a shot and what follows it, as in `{dawn: 1s, lamp: cut}`.",
        }

    def titles(self) -> Schema:
        """What is lettered."""
        where = "nothing of `over`, `before` and `after`: on a card at the beginning"
        title = {
            "type": "object",
            "title": "a title",
            "properties": {
                "text": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MOST_TITLE,
                    "description": "What is written; templates allowed; a new line in it is one on the screen.",
                    "errorMessage": f"A title is a text of at most {MOST_TITLE} characters; put it in quotes.",
                },
                "seconds": {**self.seconds("How long it is seen.", least=True), "default": 3},
                "over": self.shot_name("It is written over the beginning of this shot."),
                "before": self.shot_name("It is on a black card of its own before this shot."),
                "after": self.shot_name("It is on a black card of its own after this shot."),
            },
            "required": ["text"],
            "additionalProperties": False,
            "errorMessage": "Write a map, as in `{text: The Lighthouse Keeper, over: dawn}`.",
        }
        return {
            "type": "array",
            "items": title,
            "maxItems": MOST_TITLES,
            "description": f"Words over the picture or on black cards; with {where}. Cards are silent.",
            "examples": [[{"text": "The Lighthouse Keeper", "over": "dawn", "seconds": 3}]],
            "errorMessage": "Write a list of titles, as in `[{text: The Lighthouse Keeper, over: dawn}]`.",
        }

    def bed(self) -> Schema:
        """The sound beneath the film."""
        named = self.source("The sound under the film: a reference, a path or a URL; a map for its level.")
        level = {
            "type": "object",
            "title": "`audio`",
            "properties": {
                "from": self.source("A reference, a path or a URL."),
                "fade_in": self.seconds("How long it takes to come up.", least=False),
                "fade_out": {
                    **self.seconds("How long it takes to die away at the film's end.", least=False),
                    "default": 1.5,
                },
                "volume_db": self.value(
                    {
                        "type": "number",
                        "minimum": QUIETEST,
                        "maximum": LOUDEST,
                        "default": 0,
                        "description": "How many decibels louder it is made, or with a minus softer.",
                        "examples": [-6],
                        "errorMessage": f"Write decibels, a number from {QUIETEST} to {LOUDEST}.",
                    }
                ),
                "duck": self.switch(
                    "12 dB lower only while a clip with sound is seen; else throughout, where any clip has sound."
                ),
            },
            "required": ["from"],
            "additionalProperties": False,
        }
        return {
            **named,
            "anyOf": [*named["anyOf"], level],
            "examples": ["waves", {"from": "waves", "duck": True, "fade_in": "1s"}],
            "errorMessage": "Write a reference's name, or `{from: waves, duck: true}`.",
        }
