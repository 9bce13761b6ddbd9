"""`--redo` that is cut short: one wish is paid for once, whatever ran in between; named again it is another wish."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline import desk as desks
from pipeline.desk import House, Wants
from pipeline.errors import Held
from pipeline.providers.base import Call, Reply
from pipeline.providers.catalog import PROVIDERS
from pipeline.recover import recover
from pipeline.settle import Decision
from pipeline.store import leases, workspace
from tests import till
from tests.test_session import ONE, YES, DeathError, dies_at, edit
from tests.till import Till

Write = Callable[..., Path]
MakeHouse = Callable[..., tuple[House, Till]]
D = Decimal

TWO = """
defaults: {provider: till, duration: 2}
shots:
  - {id: a, prompt: first, takes: 2}
  - {id: z, prompt: other}
"""
REDO = dataclasses.replace(YES, redo=("a@1",))
OTHER = dataclasses.replace(YES, only=("z",))
BEFORE = 3  # jobs that are made before anything is asked for anew


class Deaf(Till):
    """A till whose user dies between a request and its answer, where `dies` says so."""

    dies = False

    async def send(self, call: Call) -> Reply:
        reply = await super().send(call)
        if self.dies and call.method == "POST":
            self.dies = False
            raise DeathError
        return reply


Made = tuple[Path, House, Deaf]


@pytest.fixture
def made(write: Write, clip: Path) -> Made:
    """A recipe whose three takes are made."""
    service, path = Deaf(clip), write(TWO)
    home = House(providers={**PROVIDERS, "till": till}, wires={"till": service})
    assert api.run(path, YES, home).exit_code == 0
    assert len(service.jobs) == BEFORE
    return path, home, service


def dying(path: Path, wants: Wants, home: House, moment: str) -> None:
    """A run that dies at its first event of this class and step, where it comes to that."""
    with contextlib.suppress(DeathError, BaseExceptionGroup):
        api.run(path, wants, home, listen=dies_at(*moment.split(" ")))  # type: ignore[arg-type]


def cut_short(path: Path, wants: Wants, home: House, service: Deaf, moment: str) -> None:
    """The command dies at this moment: at an event, or before the service's answer is heard."""
    service.dies = moment == "unheard"
    dying(path, wants, home, moment)
    assert not service.dies


def bought(path: Path, wants: Wants, home: House, service: Till) -> tuple[int, int]:
    """How a command ends, and how many jobs it makes."""
    before = len(service.jobs)
    return api.run(path, wants, home).exit_code, len(service.jobs) - before


BETWEEN: dict[str, list[Wants | str]] = {
    "nothing": [],
    "a run": [YES],
    "a run of another shot": [OTHER],
    "a run that dies": ["RunStarted"],
    "runs that end and die": [OTHER, "RunStarted"],
}
MOMENTS = ("RunStarted", "Started a/generate", "unheard", "Submitted a/generate", "Settled a/generate",
           "Succeeded a/generate", "RunEnded")  # fmt: skip
UNKNOWN = ("Started a/generate", "unheard")


RARER = {"a run of another shot", "a run that dies"}
OTHERS = [pytest.param(other, marks=pytest.mark.slow if other in RARER else ()) for other in BETWEEN]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("other", OTHERS)
def test_a_redo_that_was_cut_short_is_paid_for_once(moment: str, other: str, made: Made) -> None:
    """Wherever it dies and whatever runs in between; once it has come to its end, it is another wish."""
    path, home, service = made
    cut_short(path, REDO, home, service, moment)
    for wants in BETWEEN[other]:
        dying(path, YES, home, wants) if isinstance(wants, str) else api.run(path, wants, home)
    code, _ = bought(path, REDO, home, service)
    held = moment in UNKNOWN
    assert (code, len(service.jobs)) == ((4, BEFORE + (moment == "unheard")) if held else (0, BEFORE + 1))
    assert bought(path, REDO, home, service) == ((4, 0) if held else (0, 1))
    assert bought(path, YES, home, service) == ((4, 0) if held else (0, 0))


@pytest.mark.parametrize("way", ["resubmit", "write-off", "adopt"])
def test_an_unknown_redo_goes_on_as_the_user_decides(way: Any, made: Made) -> None:
    """What is decided is of the same wish: sent again at most once, and named again it is another."""
    path, home, service = made
    cut_short(path, REDO, home, service, "unheard")
    task = list(service.jobs)[-1] if way == "adopt" else ""
    recover(path.parent / ".rushes", home, decisions=[Decision(step="a", way=way, task=task)])
    assert bought(path, REDO, home, service) == (0, 0 if way == "adopt" else 1)
    assert bought(path, REDO, home, service) == (0, 1)


def test_a_redo_that_ended_as_unknown_is_held(write: Write, house: MakeHouse) -> None:
    """The answer was lost and nothing died: the same command asks for nothing more, however often it is typed."""
    path = write(ONE)
    home, service = house({"first": ["", "lost"]})
    codes = [bought(path, wants, home, service) for wants in (YES, REDO, REDO, YES, REDO)]
    assert codes == [(0, 1), (4, 1), (4, 0), (4, 0), (4, 0)]


def test_nothing_is_bought_beside_a_request_of_unknown_outcome(write: Write, house: MakeHouse) -> None:
    """Also where that one was no redo: the user decides, then the clip that was lost is the one that was wished for."""
    path = write(ONE)
    home, service = house({"first": ["lost"]})
    redo = dataclasses.replace(YES, redo=("a",))
    assert [api.run(path, wants, home).exit_code for wants in (YES, redo, redo)] == [4, 4, 4]
    assert len(service.jobs) == 1
    recover(path.parent / ".rushes", home, recipe=path, decisions=[Decision(step="a", way="adopt", task="job-1")])
    assert (api.run(path, redo, home).exit_code, len(service.jobs)) == (0, 1)
    assert (api.run(path, redo, home).exit_code, len(service.jobs)) == (0, 2)


def test_a_redo_of_several_goes_on_with_those_that_are_left(made: Made) -> None:
    """Also after another run; what it had made is not bought again, under whichever of its names."""
    path, home, service = made
    both = dataclasses.replace(YES, redo=("a@2", "z"))
    cut_short(path, both, home, service, "Submitted z/generate")
    begun = len(service.jobs)
    assert begun > BEFORE
    api.run(path, dataclasses.replace(YES, only=("a@1",)), home)
    assert bought(path, dataclasses.replace(YES, redo=("z",)), home, service) == (0, BEFORE + 2 - begun)
    assert bought(path, both, home, service)[0] == 0
    assert bought(path, dataclasses.replace(YES, redo=("a@1",)), home, service) == (0, 1)


def test_a_redo_that_money_stopped_goes_on_where_there_is_more(write: Write, house: MakeHouse) -> None:
    """What it had made is kept by the same command with a higher cap, also after a run that ended in between."""
    path = write("budget: {on_exceed: stop}\n" + TWO.lstrip())
    home, service = house()
    assert bought(path, YES, home, service) == (0, BEFORE)
    both = dataclasses.replace(YES, redo=("a@1", "z"), max_credits=D(6))
    assert bought(path, both, home, service) == (3, 1)
    assert bought(path, OTHER, home, service)[0] in (0, 3)
    assert bought(path, dataclasses.replace(both, max_credits=D(1000)), home, service)[0] == 0
    assert len(service.jobs) == BEFORE + 2
    assert bought(path, dataclasses.replace(both, max_credits=D(1000)), home, service) == (0, 2)


def test_what_is_asked_for_otherwise_since_is_another_wish(made: Made) -> None:
    """The prompt was changed after a redo was cut short: that is made, and its redo is another."""
    path, home, service = made
    cut_short(path, REDO, home, service, "Succeeded a/generate")
    edit(path, "first", "changed")
    assert bought(path, YES, home, service) == (0, 2)  # both takes
    assert bought(path, REDO, home, service) == (0, 1)


def test_a_job_that_a_service_has_is_taken_up_by_a_redo(made: Made) -> None:
    """It is not there yet, so that it is what is wished for: nothing is bought beside it."""
    path, home, service = made
    edit(path, "first", "changed")
    dying(path, dataclasses.replace(YES, only=("a@1",)), home, "Submitted a/generate")
    assert bought(path, REDO, home, service) == (0, 0)


def test_a_redo_that_died_while_its_clip_was_made_larger(write: Write, house: MakeHouse) -> None:
    """That is done here, for nothing: the clip is not bought again."""
    path = write(ONE.replace("prompt", "upscale: 1080p, prompt"))
    home, service = house()
    api.run(path, YES, home)
    dying(path, REDO, home, "Started a/upscale")
    api.run(path, YES, home)
    assert bought(path, REDO, home, service) == (0, 0)


def test_recipes_that_share_a_key_pay_once_for_each_wish(tmp_path: Path, write: Write, clip: Path) -> None:
    """A redo that the one was cut short in is shared by the other's; neither buys what is under way."""
    service = Deaf(clip)
    home = House(providers={**PROVIDERS, "till": till}, wires={"till": service})
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(write(ONE, name, tmp_path / name))
    yes, redo = (dataclasses.replace(wants, workspace=tmp_path / "shelf") for wants in (YES, REDO))
    assert [bought(path, yes, home, service) for path in paths] == [(0, 1), (0, 0)]
    cut_short(paths[0], redo, home, service, "Submitted a/generate")
    assert bought(paths[1], redo, home, service) == (0, 0)
    assert bought(paths[0], redo, home, service) == (0, 0)
    assert [bought(path, redo, home, service) for path in paths] == [(0, 1), (0, 1)]


def test_a_redo_beside_another_of_the_same_recipe_does_not_begin(made: Made) -> None:
    """Exit 5, and nothing is noted of it."""
    path, home, service = made
    reading = desks.read(path, REDO, home)
    with leases.hold(workspace.open_workspace(reading.folder, create=True), reading.lock, who="Another run"):
        with pytest.raises(Held) as refused:
            api.run(path, REDO, home)
        assert refused.value.exit_code == 5
    assert bought(path, YES, home, service) == (0, 0)
    assert bought(path, REDO, home, service) == (0, 1)
