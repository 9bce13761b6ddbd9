"""When Python looks for garbage: not while a recipe, its plan and its documents are made, where all that is made stays.

Knows nothing of what is made.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing made here is garbage before the end, and looking for it costs a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def collected() -> Iterator[None]:
    """Within `uncollected`: what takes its time leaves garbage; what was there before it stays and is not looked at."""
    was = gc.isenabled()
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        if not was:
            gc.disable()
        gc.unfreeze()
