"""A take as a service is asked for it: how its prompt names references, its options, its inputs, its seed."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan.keys import derived_seed
from pipeline.plan.model import Plan
from pipeline.plan.wish import inputs_of, wish_of
from pipeline.providers import animatic, naci, seedance2_movie, seedancee2, seegen
from pipeline.providers.base import Input, LocalPage, Media, RemotePage
from pipeline.recipe.mention import marked, unmarked
from pipeline.recipe.model import Chain, LocalFile, Shot, Source
from tests import made

D = Decimal
HORSE = "happyhorse-1"
ACCOUNTS = {name: name for name in ("seegen", "seedance2-movie", "seedancee2", "naci")}


def reference(name: str, media: Media = "image", **file: Any) -> Source:
    found = LocalFile(name=f"{name}.bin", path=Path(f"{name}.bin"), sha256=f"sha256:{name}", **({"bytes": 1} | file))
    return Source(name=name, media=media, file=found)


KEEPER, COAT = reference("keeper"), reference("coat")
WAVES, WALK = reference("waves", "audio", seconds=D("2.5")), reference("walk", "video", seconds=D(4))


def shot(id: str = "a", *, asked: str = "p", provider: str = "seegen", **values: Any) -> Shot:
    fields: dict[str, Any] = {"model": HORSE, "account": provider, "seconds": D(5)}
    return made.shot(id, prompt=unmarked(asked), asked=asked, provider=provider, **(fields | values))


def prompt(shot: Shot, page: LocalPage | RemotePage, *before: Shot) -> str:
    return wish_of(shot, 1, inputs_of(shot, {other.id: other for other in before}), page).prompt


ASKED = f"{marked('coat')} hangs beside {marked('keeper')}; {marked('coat')} is wet"


def test_happyhorse_calls_its_references_characters_in_their_order() -> None:
    """By their place among the shot's references, not by where the prompt names them."""
    found = shot(asked=ASKED, references=(KEEPER, COAT))
    assert prompt(found, seegen) == "character2 hangs beside character1; character2 is wet"
    turned = dataclasses.replace(found, references=(COAT, KEEPER))
    assert prompt(turned, seegen) == "character1 hangs beside character2; character1 is wet"


@pytest.mark.parametrize("page", [seedancee2, seedance2_movie, naci.page(), animatic])
def test_elsewhere_they_are_called_as_in_the_recipe(page: Any) -> None:
    """Where the document has no word for them, and on this machine."""
    found = shot(asked=ASKED, references=(KEEPER, COAT))
    assert prompt(found, page) == "coat hangs beside keeper; coat is wet" == found.prompt


def test_another_model_of_the_same_service_has_no_such_word() -> None:
    """The word is the model's."""
    found = shot(asked=ASKED, references=(KEEPER, COAT), model="seedance-2")
    assert prompt(found, seegen) == "coat hangs beside keeper; coat is wet"


class Counting:
    """A service that calls each reference by its media and number."""

    NAME = "counting"
    POLL_SECONDS = 1.0

    def mention(self, model: str, media: Media, number: int) -> str:
        return f"@{media}{number} of {model}"


def test_references_are_counted_by_media_in_the_order_in_which_they_are_sent() -> None:
    """Frames count among the pictures, also a chain's, which no prompt can name."""
    page: Any = Counting()
    names = [marked(name) for name in ("keeper", "waves", "coat", "walk")]
    found = shot(asked=" ".join(names), model="m", references=(KEEPER, WAVES, COAT, WALK))
    assert prompt(found, page) == "@image1 of m @audio1 of m @image2 of m @video1 of m"
    framed = shot(asked=marked("coat"), model="m", first_frame=KEEPER, last_frame=COAT)
    assert prompt(framed, page) == "@image2 of m"
    chained = shot(asked=marked("coat"), model="m", chain=Chain(shot="b"), last_frame=COAT)
    assert prompt(chained, page, shot("b")) == "@image2 of m"


def test_what_is_named_and_not_sent_keeps_its_name() -> None:
    """A reference that this shot does not stand on has no number."""
    found = shot(asked=f"{marked('keeper')} misses {marked('ghost')}", references=(KEEPER,))
    assert prompt(found, seegen) == "character1 misses ghost"


def test_the_words_of_a_service_are_in_its_request_and_key() -> None:
    """Which reference is meant decides the result; people still read the recipe's own names."""
    one, two = (build(shot(asked=marked(name), references=(KEEPER, COAT))).steps[-1] for name in ("keeper", "coat"))
    assert one.work.words()["request"]["inputs"]["prompt"] == "character1"
    assert two.work.words()["request"]["inputs"]["prompt"] == "character2"
    assert one.key != two.key


def build(*shots: Shot, **values: Any) -> Plan:
    return made.build(*shots, accounts=ACCOUNTS, published="s3://x", **values)


# options


def test_options_go_to_the_provider_that_they_name() -> None:
    """To no other, and not into its key."""
    options = {"seegen": {"quality": "high"}, "naci": {"draft": True}}
    found = shot(options=options)
    assert wish_of(found, 1, (), seegen).options == {"quality": "high"}
    assert wish_of(found, 1, (), naci.page()).options == {"draft": True}
    assert wish_of(found, 1, (), animatic).options == {}
    keys = [build(shot(provider="seedancee2", model="seedance-2", options=o)).steps[0].key for o in ({}, options)]
    assert keys[0] == keys[1]


# inputs


def test_an_input_is_told_as_the_file_is() -> None:
    """Bytes, sides, format and seconds of what lies there; nothing of a URL but what the recipe says."""
    picture = reference("keeper", bytes=9, width=640, height=480, format="png")
    far = Source(name="far", media="video", url="https://x.example/far.mp4", seconds=D(3), people=True)
    assert inputs_of(shot(references=(picture, WAVES, far)), {}) == (
        Input(role="reference", media="image", name="keeper", bytes=9, width=640, height=480, format="png"),
        Input(role="reference", media="audio", name="waves", bytes=1, seconds=D("2.5")),
        Input(role="reference", media="video", name="far", seconds=D(3), people=True, local=False),
    )


def test_an_input_that_is_still_to_be_made_is_told_as_it_is_asked_for() -> None:
    """By whom, and how long; its size is not known yet. A chain brings people from the shot before."""
    walk = shot("walk", provider="seedancee2", seconds=D(7), people=True)
    source = Source(name="walk", media="video", shot="walk")
    assert inputs_of(shot(references=(source,)), {"walk": walk}) == (
        Input(role="reference", media="video", name="walk", provider="seedancee2", seconds=D(7)),
    )
    assert inputs_of(shot(chain=Chain(shot="walk")), {"walk": walk}) == (
        Input(role="first_frame", media="image", name="walk", provider="seedancee2", people=True),
    )


def test_a_path_or_url_names_nothing() -> None:
    """A file that was moved changes no request."""
    for name in ("assets/keeper.png", "https://x.example/k", "keeper.png", "a\\b"):
        (found,) = inputs_of(shot(references=(dataclasses.replace(KEEPER, name=name),)), {})
        assert found.name == ""


# seeds


def test_takes_count_up_from_a_given_seed() -> None:
    """Zero is a seed as well; without one no take has any."""
    for given, found in ((7, [7, 8, 9]), (0, [0, 1, 2]), (None, [None] * 3)):
        assert [wish_of(shot(seed=given), take, (), seegen).seed for take in (1, 2, 3)] == found


@pytest.mark.parametrize(
    ("provider", "model", "limit"),
    [
        ("seegen", HORSE, 2**31),
        ("seegen", "seedance-2", 0),
        ("seedance2-movie", "seedance-2", seedance2_movie.SEED_LIMIT),
        ("seedancee2", "seedance-2", seedancee2.SEED_LIMIT),
        ("naci", "seedance-2", 0),
    ],
)
def test_a_seed_is_derived_where_the_model_takes_one(provider: str, model: str, limit: int) -> None:
    """The model decides, not the service; it comes from the key of the take, and each take has its own."""
    steps = build(shot(provider=provider, model=model, takes=2)).steps
    assert [step.seed for step in steps] == [derived_seed(step.key, limit) if limit else None for step in steps]
    for step in steps:
        assert ("seed" in str(step.work.words()["request"])) is bool(limit)
    assert len({step.seed for step in steps}) == (2 if limit else 1)


def test_a_given_seed_is_sent_as_it_is() -> None:
    """And is in the key: the derived one of the same number is another request's."""
    (step,) = build(shot(seed=7)).steps
    assert (step.seed, step.work.words()["request"]["inputs"]["seed"]) == (7, 7)
    assert step.key != build(shot()).steps[0].key
