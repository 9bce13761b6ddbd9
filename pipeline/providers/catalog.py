"""The providers Rushes knows. Adding one is a page beside this file and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.providers import animatic
from pipeline.providers.base import LocalPage, RemotePage

LOCAL: Mapping[str, LocalPage] = {"animatic": animatic}
REMOTE: Mapping[str, RemotePage] = {}

Providers = Mapping[str, LocalPage | RemotePage]
PROVIDERS: Providers = {**LOCAL, **REMOTE}

DEFAULT = "animatic"
MODELS = ("seedance-2", "seedance-2-fast", "seedance-2-mini", "happyhorse-1", "gpt-image-2")
"""Portable model names; a service's own names are accepted too, and `animatic` takes any."""
DEFAULT_MODELS = {"video": "seedance-2", "image": "gpt-image-2"}
RESOLUTIONS = ("480p", "720p", "1080p", "2k", "4k")
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "adaptive")
