"""The grammar of what a shot asks for: the request in portable words, what it stands on, and a fallback's overrides."""

from __future__ import annotations

from pipeline.providers.catalog import CHEAPEST, DEFAULT, DEFAULT_MODELS, MODELS, PROVIDERS, RATIOS, RESOLUTIONS
from pipeline.recipe import options
from pipeline.recipe.leaves import NULL, OFF, Leaves, Schema, either

MOST_PROMPT = 20_000
LARGER = RESOLUTIONS[2:]


class Request(Leaves):
    """The fields of a shot that describe its request, with or without templates in the place of values."""

    def override(self) -> Schema:
        """One entry of `fallback`: what describes the request, and nothing of when or how often it is made."""
        fields = {**self.request(), **self.inputs()}
        return {
            "type": "object",
            "title": "a fallback",
            "description": "What is asked for otherwise where the shot has failed; the rest is as the shot says.",
            "properties": {name: part for name, part in fields.items() if name not in ("kind", "upscale")},
            "additionalProperties": False,
            "minProperties": 1,
            "errorMessage": "Write what differs from the shot, as in `{provider: seedance2-movie}`.",
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
            "prompt_file": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1000,
                "description": "A text file in the recipe's folder that has the prompt, templates and all.",
                "examples": ["prompts/dawn.txt"],
                "errorMessage": "Write a path from the recipe's folder, as in prompts/dawn.txt.",
            },
            "provider": self.named(
                "Who makes it; `cheapest`: whichever service that is configured can for the least, shot by shot.",
                (*PROVIDERS, CHEAPEST),
                default=DEFAULT,
            ),
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
