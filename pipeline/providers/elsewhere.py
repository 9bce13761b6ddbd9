"""Who can do what another provider cannot: the one table behind every hint that names a way out."""

from __future__ import annotations

from collections.abc import Mapping

_ARK = ("seedance2-movie", "seedancee2", "naci")

ABLE: Mapping[str, tuple[str, ...]] = {
    "480p": _ARK,
    "1080p": ("seegen", *_ARK),
    "2k": ("seegen",),
    "4k": ("seegen", "naci"),
    "adaptive": ("seedancee2", "naci"),
    "21:9": ("seegen", *_ARK),
    "first_frame": ("seegen", "naci"),  # a hard one: the clip begins with this very picture
    "last_frame": ("seegen", "seedancee2", "naci"),
    "references": ("seegen", *_ARK),
    "seed": ("seedance2-movie", "seedancee2"),
    "sound": _ARK,
    "watermark": _ARK,
    "people": ("seegen",),
    "still": ("seegen",),
    "seedance-2": ("seegen", *_ARK),
    "seedance-2-fast": ("seegen", "seedance2-movie", "seedancee2"),
    "seedance-2-mini": ("seedancee2",),
    "happyhorse-1": ("seegen",),
    "gpt-image-2": ("seegen",),
}
"""Capability, or portable model name -> the providers whose documents have it, some only with certain models."""


def instead(what: str, but: str) -> str:
    """A sentence that names the other providers who can, and the one that draws everything."""
    others = [name for name in ABLE.get(what, ()) if name != but]
    if not others:
        return "No service here does; `provider: animatic` draws a rough cut."
    *most, last = others
    names = f"{', '.join(most)} or {last}" if most else last
    return f"Use `provider: {names}` for it."
