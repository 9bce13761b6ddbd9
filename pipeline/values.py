"""`dataclass` as the house writes its values: `@dataclass(frozen=True, slots=True, kw_only=True)`.

Type checkers see the standard library's own, and refuse whoever would change a value. At run time it is made without
the lock, and all share one equality, hash and `repr`, which say the same as those that are written anew for each class.
A locked value takes three times as long to make, and a plan of 10,000 shots makes hundreds of thousands; what would be
written for some 200 classes is a quarter of what `rushes check` waits for.
"""

from __future__ import annotations

from dataclasses import field as field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    import functools
    from operator import attrgetter

    def dataclass(cls=None, /, *, frozen=False, order=False, **options):
        """The standard library's `dataclass`; `frozen` says no more than that it has a hash."""

        def made(cls):
            if order or not frozen:
                hashed = frozen and "__hash__" not in cls.__dict__
                return dataclasses.dataclass(order=order, unsafe_hash=hashed, **options)(cls)
            shared = {"__eq__": _equal, "__hash__": _hash, "__repr__": _told}
            for name in shared.keys() - cls.__dict__.keys():
                setattr(cls, name, shared[name])
            return dataclasses.dataclass(eq=False, repr=False, **options)(cls)

        return made if cls is None else made(cls)

    def _equal(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared, _ = _ways(self.__class__)
        return compared(self) == compared(other)

    def _hash(self):
        _, hashed = _ways(self.__class__)
        return hash(hashed(self))

    def _told(self):
        told = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
        return f"{self.__class__.__qualname__}({', '.join(told)})"

    @functools.cache
    def _ways(cls):
        """What two values of a class are compared by, and what a hash is of."""
        fields = dataclasses.fields(cls)
        hashed = [one.name for one in fields if (one.compare if one.hash is None else one.hash)]
        return _of([one.name for one in fields if one.compare]), _of(hashed)

    def _of(names):
        return attrgetter(*names) if names else lambda _: ()
