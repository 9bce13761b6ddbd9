"""Who could do what a page cannot: found out by asking the other pages, so that no hint can be untrue."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from pipeline.providers.animatic import NAME as DRAWN
from pipeline.providers.base import Complaint, LocalPage, RemotePage, Wish
from pipeline.providers.catalog import MODELS, Providers

_GENERAL = re.compile(r" ?(?:Use `provider: [^`]*` for it\.|No service here does[^.]*\.)")
"""What a page says of others without knowing the shot."""


class Others:
    """The pages beside the one that complains. What was asked once is remembered: many shots have one complaint."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._known: dict[tuple[str, str, Complaint], str] = {}

    def hint(self, wrong: Complaint, wish: Wish, page: LocalPage | RemotePage) -> str:
        """The complaint's hint, naming the model or the providers that could do it for this very shot."""
        if not _GENERAL.search(wrong.hint) and wrong.field not in ("duration", "resolution", "ratio", "references"):
            return wrong.hint
        known = (page.NAME, wish.model, wrong)
        if known not in self._known:
            own = _GENERAL.sub("", wrong.hint).strip()
            self._known[known] = f"{own} {self._way(wrong, wish, page) or ''}".strip()
        return self._known[known]

    def _way(self, wrong: Complaint, wish: Wish, page: LocalPage | RemotePage) -> str:
        models = [m for m in self._able([page], wrong, wish) if m[1] != wish.model]
        if models:
            return f"Use `model: {models[0][1]}` for it."
        elsewhere = [p for name, p in self._providers.items() if name not in (page.NAME, DRAWN)]
        found = list(self._able(elsewhere, wrong, wish))
        same = [name for name, model in found if model == wish.model]
        if same:
            first, *rest = same
            others = f" (or {', '.join(rest)})" if rest else ""
            return f"Use `provider: {first}`{others} for it."
        if found:
            name, model = found[0]
            return f"Use `provider: {name}` with `model: {model}` for it."
        return "" if wrong.warning else "No service here does; `provider: animatic` draws a rough cut."

    def _able(self, pages: Iterable[LocalPage | RemotePage], wrong: Complaint, wish: Wish) -> Iterator[tuple[str, str]]:
        """The providers and models that could: without any fault, and without this complaint as a warning."""
        for page in pages:
            for model in dict.fromkeys((wish.model, *MODELS)):
                asked = dataclasses.replace(wish, model=model, options={})
                if all(c.warning and c.field != wrong.field for c in page.complaints(asked)):
                    yield page.NAME, model
