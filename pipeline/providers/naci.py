"""`naci`: the naci gateway (S4, "SeeDance 2.0 Usage Examples", its samples of March 2026), Ark's own request behind it.

The document gives neither prices nor other model names than `sd2.0`: both come from the user's configuration, so this
page is a value, `page(models=..., prices=..., usd_per_credit=...)`. Limits are Ark's; that the gateway forwards every
field of Ark's is an inference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipeline.errors import ProviderError
from pipeline.money import UNPRICED, Price
from pipeline.providers import answers, ark, hooks, naci_answers
from pipeline.providers.base import Asked, Call, Complaint, Input, Media, Reach, Reply, Status, Wish
from pipeline.providers.elsewhere import instead
from pipeline.providers.fit import Fit
from pipeline.providers.limits import (
    filled,
    of_duration,
    of_flags,
    of_frames,
    of_inputs,
    of_options,
    of_prompt,
    of_words,
    priced,
)
from pipeline.values import dataclass, field

NAME = "naci"
MODELS: Mapping[str, str] = {"seedance-2": "sd2.0"}  # S4:7
RESOLUTIONS = ("480p", "720p", "1080p", "4k")
SMALL = ("480p", "720p")  # what Ark's fast and mini models make
_OPTIONS: Mapping[str, Sequence[Any]] = {"return_last_frame": (True, False)}
PORTABLE = frozenset(
    {"model", "content", "prompt", "metadata", "generate_audio", "resolution", "ratio", "duration", "watermark", "seed",
     "callback_url"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Naci:
    """The gateway as one user has set it up. `prices` are credits a second of output by the service's model name."""

    models: Mapping[str, str] = field(default_factory=lambda: MODELS)
    prices: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    usd_per_credit: Decimal | None = None
    data_urls: bool = True  # pictures and sounds inside the request, as Ark takes them; some gateways refuse them
    mainline: bool = False  # `prompt` and `metadata` too, for gateways of the main line of new-api (D6)

    NAME = NAME
    TITLE = "naci gateway: Seedance 2.0"
    UNIT = "credits"
    CONCURRENCY = 3
    SEED_LIMIT = 0  # Ark's 2.0 may refuse or ignore one: only what the user gives is sent
    BASE_URL = "https://api-cs-al.naci-tech.com"  # S4:3
    BASE_URL_ENV = "NACI_BASE_URL"
    KEY_ENV = "NACI_API_KEY"
    SECRET_ENV = ""
    POLL_SECONDS = 10.0  # such gateways ask Ark every 15 seconds themselves
    LINK_SECONDS = ark.LINK_SECONDS  # D10
    OPTIONS = _OPTIONS

    def model(self, name: str) -> str:
        """The service's name for a portable one or for one of its own; empty for others."""
        return self.models.get(name) or MODELS.get(name) or (name if self._is_own(name) else "")

    def _is_own(self, name: str) -> bool:
        return name in self.prices or name in MODELS.values() or name in self.models.values()

    def complaints(self, wish: Wish) -> Iterable[Complaint]:
        """What Ark cannot do of a wish, and a warning where the configuration has no price for it."""
        if wish.kind == "image":
            yield Complaint(field="kind", fact=f"{NAME} makes videos, no stills (S4:2).", hint=instead("still", NAME))
            return
        model = self.model(wish.model)
        if not model:
            fact = f"{NAME}'s document names no model for {wish.model} (S4:7)."
            way = f'Name it in the configuration, [providers.naci] models = {{{wish.model} = "..."}}.'
            yield Complaint(field="model", fact=fact, hint=f"{way} {instead(wish.model, NAME)}")
            return
        sizes = SMALL if any(word in f"{wish.model} {model}" for word in ("fast", "mini")) else RESOLUTIONS
        yield from of_words("resolution", f"{NAME}'s {model}", wish.resolution, sizes, ark.PLACE, NAME)
        yield from of_words("ratio", NAME, wish.ratio, ark.RATIOS, ark.PLACE, NAME)
        if wish.upscale:
            hint = "Let another way enlarge it: `upscale: {by: service}`."
            yield Complaint(field="upscale", fact=f"{NAME} makes nothing larger (S4:6-18).", hint=hint)
        yield from of_duration(NAME, wish, 4, 15, ark.PLACE)
        if not wish.inputs:
            yield from of_prompt(NAME, wish, ark.PLACE)
        yield from of_frames(NAME, wish, ark.PLACE)
        yield from of_inputs(NAME, wish, ark.LIMITS)
        inside = sum(item.bytes for item in wish.inputs if self.reach(wish, item) == "data")
        if inside * 4 > ark.MOST_BODY * 3:  # base64 makes four bytes of three
            fact = f"{NAME} takes requests of at most {ark.MOST_BODY:,} bytes ({ark.PLACE}), its inputs in them."
            yield Complaint(field="references", fact=fact, hint="Use smaller pictures, or give them by URL.")
        yield from of_options(NAME, wish, _OPTIONS, PORTABLE)
        yield from of_flags(NAME, wish)
        yield from self._warnings(wish, model)

    def _warnings(self, wish: Wish, model: str) -> Iterable[Complaint]:
        if wish.seed is not None:
            fact = f"{NAME} may refuse or ignore a seed with Seedance 2.0 ({ark.PLACE})."
            if not -1 <= wish.seed < ark.SEED_LIMIT:
                fact = f"{NAME} takes seeds from -1 to {ark.SEED_LIMIT - 1} ({ark.PLACE})."
            refused = not -1 <= wish.seed < ark.SEED_LIMIT
            yield Complaint(field="seed", fact=fact, hint=instead("seed", NAME), warning=not refused)
        if any(wish.people or item.people for item in wish.inputs if item.media != "audio"):
            fact = f"{NAME} has no review, and real faces are refused in pictures and videos without one ({ark.PLACE})."
            yield Complaint(field="people", fact=fact, hint=instead("people", NAME), warning=True)
        if any(item.media == "video" for item in wish.inputs) and wish.resolution in self.prices.get(model, {}):
            fact = f"{NAME} may charge more with a video reference; your prices are by the second of output."
            yield Complaint(field="references", fact=fact, hint="Look at what the first one costs.", warning=True)
        if wish.resolution not in self.prices.get(model, {}):
            fact = f"What {model} costs at {wish.resolution} is not known: {NAME}'s document has no prices."
            hint = f'Write them into the configuration: [providers.naci] prices = {{"{model}" = {{720p = ...}}}}.'
            yield Complaint(field="model", fact=fact, hint=hint, warning=True)

    def request(self, wish: Wish) -> Mapping[str, Any]:
        """Ark's body at the top level (S4:6-18, D6)."""
        body: dict[str, Any] = {
            "model": self.model(wish.model),
            "content": ark.content(wish),
            "generate_audio": wish.audio,
            "resolution": wish.resolution,
            "ratio": wish.ratio,
            "duration": int(wish.seconds),
            "watermark": wish.watermark,
        }
        if wish.seed is not None:
            body["seed"] = wish.seed
        body |= dict(wish.options)
        if self.mainline:
            copies = {key: value for key, value in body.items() if key != "model"}
            body |= {"prompt": wish.prompt, "metadata": copies}
        return body

    def price(self, wish: Wish) -> Price:
        """Seconds x the configured price; not known where there is none (D9)."""
        rate = self.prices.get(self.model(wish.model), {}).get(wish.resolution)
        if rate is None or wish.upscale:
            return UNPRICED
        cost = rate * wish.seconds
        price = Price(low=cost, high=cost, usd_per_credit=self.usd_per_credit, source="your configuration")
        return priced(price, wish, _OPTIONS)

    def effort_seconds(self, wish: Wish) -> float:
        """As Ark was measured: five minutes for five seconds at 720p."""
        return 60.0 * float(wish.seconds)

    def seed_limit(self, model: str) -> int:
        """None of its own accord; a seed that the user gives is sent."""
        return 0

    def pictures(self, model: str) -> Fit:
        """Ark's bounds."""
        return ark.LIMITS.fit()

    def mention(self, model: str, media: Media, number: int) -> str:
        """The document has no words for references in a prompt."""
        return ""

    def reach(self, wish: Wish, item: Input) -> Reach:
        """Local pictures and sounds inside the request; videos by URL alone, which Ark insists on."""
        return "data" if self.data_urls and item.local and item.media != "video" else "url"

    def headers(self, key: str) -> Mapping[str, str]:
        """A bearer token (S4:4)."""
        return {"Authorization": f"Bearer {key}"}

    def submit(self, request: Mapping[str, Any], inputs: Sequence[str], mark: str = "", callback: str = "") -> Call:
        """POST /v1/video/generations (S4:3). The gateway echoes no mark and has no list."""
        body = filled(request, inputs)
        return Call(
            method="POST", path=naci_answers.PATH, body={**body, "callback_url": callback} if callback else body
        )

    def job_id(self, reply: Reply) -> str | None:
        """The id, wherever the gateway's family puts it."""
        return naci_answers.job_id(reply)

    def poll(self, job_id: str) -> Call:
        """GET with raw task and usage asked for (S4:49, D1)."""
        query = {"show_raw": "true", "show_usage": "true"}
        return Call(method="GET", path=f"{naci_answers.PATH}/{quote(job_id, safe='')}", query=query)

    def status(self, reply: Reply) -> Status:
        """Whichever form was answered. Raises `ProviderError`."""
        return naci_answers.status(reply)

    def heard(self, body: bytes, headers: Mapping[str, str], secret: str, now: float) -> str | None:
        """Ark's callback is its query's body, unsigned; any form of the gateway's family is read (D1)."""
        layers = naci_answers.layers(hooks.told(body))
        names = (answers.text(layer.get(word)) for layer in layers for word in ("task_id", "id"))
        return next(filter(None, names), None)

    def fault(self, reply: Reply, asked: Asked = "create") -> ProviderError:
        """Either envelope of the gateway's family, with Ark's own error inside or not."""
        return naci_answers.fault(reply, asked)


def page(
    *,
    models: Mapping[str, str] | None = None,
    prices: Mapping[str, Mapping[str, Decimal]] | None = None,
    usd_per_credit: Decimal | None = None,
    data_urls: bool = True,
    mainline: bool = False,
) -> Naci:
    """The page for one user's settings; without any it makes `sd2.0` and knows no price."""
    return Naci(
        models={**MODELS, **(models or {})},
        prices=prices or {},
        usd_per_credit=usd_per_credit,
        data_urls=data_urls,
        mainline=mainline,
    )
