"""What a picture that Rushes made must fit into before a service is given it."""

from __future__ import annotations

from pipeline.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Bytes at most, pixels of the shortest side at least, of the longest at most."""

    most_bytes: int = 30_000_000  # Ark's, which stands behind most of them
    shortest: int = 0
    longest: int = 6000
