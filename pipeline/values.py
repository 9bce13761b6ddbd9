"""`dataclass` as the house writes its values: `@dataclass(frozen=True, slots=True, kw_only=True)`.

Type checkers see the standard library's own, and refuse whoever would change a value. At run time it is made without
the lock, with the same equality and hash: a locked one takes three times as long to make, a plan of 10,000 shots makes
hundreds of thousands, and the locks of some 200 classes are a sixth of what `rushes check` waits for.
"""

from __future__ import annotations

from dataclasses import field as field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(cls=None, /, *, frozen=False, **options):
        """The standard library's `dataclass`; `frozen` says no more than that it has a hash."""

        def made(cls):
            hashed = frozen and "__hash__" not in cls.__dict__
            return dataclasses.dataclass(unsafe_hash=hashed, **options)(cls)

        return made if cls is None else made(cls)
