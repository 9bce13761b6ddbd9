"""The house's `dataclass` makes what the standard library's does, but for the lock."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from decimal import Decimal

import pytest

from pipeline import values
from pipeline.plan.model import Price

PRICE = Price(low=Decimal(1), high=Decimal(2))


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A value."""

    a: int
    b: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The same value."""

    a: int
    b: tuple[str, ...] = ()


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A value of which one field does not count, and one does not count for its hash."""

    a: int
    where: str = values.field(default="", compare=False, repr=False)
    b: list[int] = values.field(default_factory=list, hash=False)


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """A value that holds nothing."""


@values.dataclass(frozen=True, slots=True)
class Hashed:
    """A value that knows its hash."""

    a: list[int]

    def __hash__(self) -> int:
        return len(self.a)


@values.dataclass(frozen=True, slots=True, kw_only=True)
class Doubled(Ours):
    """A value that works something out when it is made."""

    twice: int = values.field(default=0, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.a)


def test_what_is_worked_out_is_worked_out_for_each() -> None:
    """Also for one that is like another."""
    assert (Doubled(a=4).twice, dataclasses.replace(Doubled(a=1, b=("x",)), a=4).twice) == (8, 8)


def test_equality_hash_words_and_copies_are_the_same() -> None:
    """Equal where all fields are, of one hash then, told by them, and copied whole."""
    one, other = Ours(a=1, b=("x",)), Ours(a=1, b=("x",))
    locked = Locked(a=1, b=("x",))
    assert one == other
    assert hash(one) == hash(other) == hash(locked)
    assert repr(one) == repr(locked).replace("Locked", "Ours")
    assert dataclasses.replace(one, a=2) == Ours(a=2, b=("x",)) != one
    assert dataclasses.asdict(one) == dataclasses.asdict(locked)
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(PRICE)) == PRICE


def test_a_field_counts_as_it_says() -> None:
    """For equality, for the hash, and in words."""
    assert Placed(a=1, where="here") == Placed(a=1, where="there") != Placed(a=1, b=[2])
    assert hash(Placed(a=1, b=[1])) == hash(Placed(a=1, b=[2])) != hash(Placed(a=2))
    assert repr(Placed(a=1, where="here")) == "Placed(a=1, b=[])"
    assert {Empty(), Empty()} == {Empty()}
    assert Ours(a=1) != Locked(a=1)


def test_a_hash_of_its_own_stays() -> None:
    """As with the standard library's."""
    assert hash(Hashed([1, 2])) == 2


def test_there_are_no_other_fields() -> None:
    """A slip of the pen does not pass at run time either."""
    with pytest.raises(AttributeError):
        Ours(a=1).c = 2  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Ours(1)  # type: ignore[misc]
