"""The providers Rushes knows. Adding one is a page beside this file and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.providers import (
    animatic,
    naci,
    seedance2_movie,
    seedancee2,
    seegen,
    seegen_older,
    seegen_upscaler,
)
from pipeline.providers.base import Enlarges, LocalPage, RemotePage, Service

LOCAL: Mapping[str, LocalPage] = {"animatic": animatic}
SERVICES: Mapping[str, Service] = {
    "seegen": seegen,
    "seedance2-movie": seedance2_movie,
    "seedancee2": seedancee2,
    "naci": naci.page(),
}
"""The services as they are without any configuration; `naci.page` makes its page from the user's."""
EDITIONS: Mapping[str, Mapping[str, Service]] = {"seegen": {"seegen": seegen, "seegen-older": seegen_older}}
"""Provider -> edition of its document, as the configuration names it -> the page that speaks for it."""
UPSCALERS: Mapping[str, Enlarges] = {"seegen": seegen_upscaler}
"""Provider -> what makes finished clips of any provider larger, on that provider's account."""

Providers = Mapping[str, LocalPage | RemotePage]
PROVIDERS: Providers = {**LOCAL, **SERVICES}

DEFAULT = "animatic"
CHEAPEST = "cheapest"
"""In the place of a provider: whichever service that is configured makes the shot for the least."""
MODELS = ("seedance-2", "seedance-2-fast", "seedance-2-mini", "happyhorse-1", "gpt-image-2")
"""Portable model names; a service's own names are accepted too, and `animatic` takes any."""
DEFAULT_MODELS = {"video": "seedance-2", "image": "gpt-image-2"}
RESOLUTIONS = ("480p", "720p", "1080p", "2k", "4k")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "adaptive")
