"""Which rung of a shot's ladder is asked for, the shot as declared or a fallback, by what is known of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property

from pipeline.money import FREE
from pipeline.plan.budget import Book
from pipeline.plan.known import Known
from pipeline.plan.model import Action, Fallback, Step, take_id
from pipeline.plan.setting import Passed
from pipeline.values import dataclass


class Chance(Enum):
    """What is known of one rung's request."""

    KEPT = "kept"  # its result is there
    OUT = "out"  # a service has it, or may have it
    FRESH = "fresh"  # nothing was heard of it
    FAILED = "failed"  # it failed before, and might not fail again
    STANDS = "stands"  # its failure stands for its key
    PASSED = "passed"  # it failed in an earlier round of this very process


def choose(chances: Sequence[Chance]) -> int | None:
    """The number of the rung to ask for: the first that has not failed for good; None where every one has.

    One that might not fail again is not bought where one below it is there or on its way.
    """
    for number, chance in enumerate(chances):
        if chance in (Chance.KEPT, Chance.OUT, Chance.FRESH):
            return number
        if chance is Chance.FAILED:
            below = range(number + 1, len(chances))
            return next((n for n in below if chances[n] in (Chance.KEPT, Chance.OUT)), number)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """What a request is known by; two of one key may be paid by two accounts."""

    key: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The rung that is asked for, and why where it is not the shot as declared; `left` is False where none is left."""

    number: int
    why: str = ""
    left: bool = True


class Ladders:
    """Chooses rungs by what the workspace knows and by what has failed in this process."""

    def __init__(self, known: Known, passed: Mapping[tuple[str, str], Passed]) -> None:
        self._known = known
        self._passed = passed

    @cached_property
    def _failed(self) -> Mapping[str, str]:
        # WHY: all at once, since a question for each of many shots that never failed would cost much more.
        return self._known.failures()

    def pick(self, rungs: Sequence[Rung], broken: Mapping[int, str] | None = None) -> Pick:
        """The rung to ask for; those that are `broken` cannot be asked for, for the reason given."""
        first = (rungs[0].key, rungs[0].account)
        if first not in self._passed and first[0] not in self._failed and not broken:
            return Pick(number=0)
        errors = self._errors(rungs, broken or {})
        number = choose(self._chances(rungs, broken or {}))
        if number is None:
            told = [f"{_name(n)} failed: {error}" for n, error in enumerate(errors)]
            return Pick(number=len(rungs) - 1, why=f"no fallback is left: {'; '.join(told)}", left=False)
        if number == 0:
            return Pick(number=0)
        why = f"fallback {number} of {len(rungs) - 1}: {_name(number - 1)} failed: {errors[number - 1]}"
        return Pick(number=number, why=why)

    def stands(self, keys: Iterable[str]) -> str:
        """The failure that stands for one of these keys, empty where none does."""
        tried = [key for key in keys if key in self._failed]
        found = self._known.standing(tried) if tried else {}
        return next((one.error for one in found.values()), "")

    def has_failed(self, rung: Rung) -> bool:
        """Whether a request has failed, in this process or before, for good or not."""
        return (rung.key, rung.account) in self._passed or rung.key in self._failed

    def is_spent(self, rungs: Sequence[Rung]) -> bool:
        """Whether every rung has failed for good, and none of them in this very process."""
        return not self.pick(rungs).left and not any((rung.key, rung.account) in self._passed for rung in rungs)

    def _chances(self, rungs: Sequence[Rung], broken: Mapping[int, str]) -> list[Chance]:
        keys = {rung.key for rung in rungs}
        kept = {key: one.account for key, one in self._known.kept(keys).items()}
        pending = self._known.pending(keys)
        out = {key: one.account if one.job_id else "" for key, one in pending.items()}
        standing = self._known.standing(keys)
        found = []
        for number, rung in enumerate(rungs):
            passed = self._passed.get((rung.key, rung.account))
            if _is_of(rung, kept, rungs):
                found.append(Chance.KEPT)
            elif _is_of(rung, out, rungs) or (passed and not passed.falls):
                found.append(Chance.OUT)
            elif passed or rung.key in kept or rung.key in out:  # or another rung has it, on its own account
                found.append(Chance.PASSED)
            elif rung.key in standing or number in broken:
                found.append(Chance.STANDS)
            else:
                found.append(Chance.FAILED if rung.key in self._failed else Chance.FRESH)
        return found

    def _errors(self, rungs: Sequence[Rung], broken: Mapping[int, str]) -> list[str]:
        """Why each rung failed, where it did."""
        found = []
        for number, rung in enumerate(rungs):
            passed = self._passed.get((rung.key, rung.account))
            found.append(passed.error if passed else broken.get(number) or self._failed.get(rung.key, ""))
        return found


def _is_of(rung: Rung, accounts: Mapping[str, str], rungs: Iterable[Rung]) -> bool:
    """Whether what is there for a key is this rung's, and not that of another which asks the same of its account."""
    account = accounts.get(rung.key)
    if account is None:
        return False
    return account == rung.account or not any((one.key, one.account) == (rung.key, account) for one in rungs)


def _name(number: int) -> str:
    return f"fallback {number}" if number else "the shot as declared"


def ahead(steps: Iterable[Step], known: Known, passed: Mapping[tuple[str, str], Passed]) -> list[Step]:
    """The steps, each with those of its fallbacks that may yet be asked for; what is there already costs nothing."""
    steps = list(steps)
    doing = (Action.RUN, Action.RESUME)
    keys = {one.key for step in steps if step.action in doing for one in step.fallback}
    if not keys:
        return [dataclasses.replace(step, fallback=()) if step.fallback else step for step in steps]
    standing, kept = known.standing(keys), known.kept(keys)
    found = []
    for step in steps:
        if step.fallback:
            left: list[Fallback] = []
            for one in step.fallback if step.action in doing else ():
                if one.key in standing or (one.key, one.account) in passed:
                    continue
                left.append(dataclasses.replace(one, account="", price=FREE) if one.key in kept else one)
            step = dataclasses.replace(step, fallback=tuple(left))
        found.append(step)
    return found


def judged(steps: Iterable[Step], book: Book) -> list[Step]:
    """The steps, each fallback with the cap that forbids it as things stand."""
    found = []
    for step in steps:
        if step.fallback:
            left = []
            for one in step.fallback:
                denial = book.deny(take_id(step.shot, step.take), one.account, one.price.high, one.price.usd)
                left.append(dataclasses.replace(one, denied=str(denial) if denial and one.account else ""))
            step = dataclasses.replace(step, fallback=tuple(left))
        found.append(step)
    return found
