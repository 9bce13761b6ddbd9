"""`--provider` and `--preview`: every shot, and each of its fallbacks, moves to one provider that can make it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.errors import Fault, Place, listed
from pipeline.plan.others import Others
from pipeline.plan.setting import Setting
from pipeline.plan.wish import inputs_of, shows_people, wish_of
from pipeline.providers.base import Complaint, Input
from pipeline.providers.catalog import CHEAPEST
from pipeline.recipe.model import Shot


def move(shots: Sequence[Shot], setting: Setting) -> tuple[list[Shot], list[Fault]]:
    """The shots on the provider that was asked for, where it can make them; and a warning for each that stays.

    `shots` come each after those it stands on, since what a shot stands on decides whether it can move. Fallbacks that
    then ask for what was asked before them are left out.
    """
    if setting.provider in ("", CHEAPEST):  # which is settled shot by shot, once it is known what each stands on
        return list(shots), []
    mover = _Mover(setting)
    for shot in shots:
        mover.add(shot)
    return list(mover.moved.values()), [_stays(*why, names) for why, names in mover.stayed.items()]


class _Mover:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.page = setting.providers[setting.provider]
        self.others = Others(setting.providers)
        self.moved: dict[str, Shot] = {}
        self.people: set[str] = set()
        self.stayed: dict[tuple[Complaint, str, Place], list[str]] = {}

    def add(self, shot: Shot) -> None:
        """Moves a shot and its fallbacks, where that can be."""
        found: list[Shot] = []
        for number, rung in enumerate(shot.rungs):
            there = dataclasses.replace(self._moved(rung, number), fallback=())
            if there not in found:
                found.append(there)
        self.moved[shot.id] = dataclasses.replace(found[0], fallback=tuple(found[1:]))

    def _moved(self, shot: Shot, number: int) -> Shot:
        name = self.setting.provider
        account = shot.account if self.setting.accounts.get(shot.account) == self.page.NAME else name
        there = dataclasses.replace(shot, provider=name, account=account)
        inputs = inputs_of(there, self.moved, self.people)
        if not number and shows_people(there, inputs):
            self.people.add(shot.id)
        wrong = self._wrong(there, inputs)
        if wrong is None:
            return there
        told = f"{shot.id} (fallback {number})" if number else shot.id
        self.stayed.setdefault((wrong, shot.provider, shot.where(wrong.field)), []).append(told)
        return shot

    def _wrong(self, shot: Shot, inputs: Sequence[Input]) -> Complaint | None:
        """Why a shot cannot be made there."""
        wish = wish_of(shot, 1, inputs, self.page)
        wrong = next((complaint for complaint in self.page.complaints(wish) if not complaint.warning), None)
        return wrong and dataclasses.replace(wrong, hint=self.others.hint(wrong, wish, self.page))


def _stays(wrong: Complaint, provider: str, place: Place, names: Sequence[str]) -> Fault:
    """The warning about shots that cannot move, for one reason."""
    whose = f"shot {names[0]} stays" if len(names) == 1 else f"shots {listed(names)} stay"
    return Fault(place=place, fact=f"{whose} on {provider}: {wrong.fact}", hint=wrong.hint, warning=True)
