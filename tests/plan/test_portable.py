"""What a recipe says in portable words, as every provider is asked for it: models, names of references, scenes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import accounts, api
from pipeline.config import Config
from pipeline.desk import House, Wants
from pipeline.errors import RecipeError
from pipeline.media.animatic import Drawing, draw_still
from pipeline.plan.model import Plan
from pipeline.providers.catalog import MODELS, PROVIDERS
from pipeline.steps.generate import Generate

Write = Callable[..., Path]

EDITIONS = (*PROVIDERS, "seegen-older")
NAMES = {  # what each document calls the portable models; who is not named has none
    "seegen": {  # S0:41-60
        "seedance-2": "sd2",
        "seedance-2-fast": "sd2-fast",
        "happyhorse-1": "happyhorse",
        "gpt-image-2": "gpt-image-2",
    },
    "seegen-older": {"seedance-2": "sd2", "seedance-2-fast": "sd2-fast"},  # S1:156
    "seedance2-movie": {"seedance-2": "seedance-2.0", "seedance-2-fast": "seedance-2.0-fast"},  # S2:90-92
    "seedancee2": {"seedance-2": "pro", "seedance-2-fast": "fast", "seedance-2-mini": "mini"},  # S3:90-95
    "naci": {"seedance-2": "sd2.0"},  # S4:7
}
PLACES = "seegen", "happyhorse-1"  # the only one whose document has a word for references: character1, S0:200


def house(edition: str) -> House:
    """A user of this edition of a service's document."""
    config = Config(editions={"seegen": edition} if edition == "seegen-older" else {})
    return House(providers=accounts.pages(config), config=config)


def plan(path: Path, edition: str) -> Plan:
    """A recipe as this user plans it. Raises `RecipeError` for what it cannot make."""
    return api.plan(path, Wants(), house(edition)).plan


def requests(plan: Plan) -> dict[str, Any]:
    """What would be asked for, by step."""
    return {step.id: step.work.request for step in plan.steps if isinstance(step.work, Generate)}


def texts(value: Any) -> list[str]:
    """Every text in a request."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in inner for text in texts(part)]


def provider_of(edition: str) -> str:
    return "seegen" if edition == "seegen-older" else edition


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A PNG of 640x640."""
    path = tmp_path_factory.mktemp("inputs") / "keeper.png"
    draw_still(Drawing(shot="x", prompt="a keeper", width=640, height=640, seconds=Decimal(0), seed=1), path)
    return path.read_bytes()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_every_portable_model_by_every_provider(edition: str, model: str, write: Write) -> None:
    """In the document's own name, or refused with a fault that names the model and somebody who has it."""
    kind = "image" if model == "gpt-image-2" else "video"
    path = write(
        f"shots:\n  - {{id: a, kind: {kind}, provider: {provider_of(edition)}, model: {model}, prompt: the sea}}\n"
    )
    known = NAMES.get(edition, {name: name for name in MODELS})
    if model in known:
        request = requests(plan(path, edition))["a/generate"]
        assert edition == "animatic" or request["model"] == known[model]
        return
    with pytest.raises(RecipeError) as error:
        plan(path, edition)
    (fault,) = error.value.faults
    assert model in fault.fact or "stills" in fault.fact
    assert any(word in fault.hint for word in ("model:", "provider:", "models"))


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_prompt_names_references_as_its_provider_does(edition: str, write: Write, picture: bytes) -> None:
    """`character1`, `character2` by the order of references where a document says so; else their names."""
    model = "happyhorse-1" if edition == "seegen" else "seedance-2"
    path = write(
        "references: {keeper: {image: k.png}, fan: {image: f.png}}\n"
        f"defaults: {{provider: {provider_of(edition)}, model: {model}}}\n"
        "shots:\n  - {id: a, references: [keeper, fan], prompt: \"{{ ref('fan') }} and {{ ref('keeper') }}\"}\n"
    )
    for name in ("k.png", "f.png"):
        (path.parent / name).write_bytes(picture)
    asked = plan(path, edition)
    told = "character2 and character1" if (edition, model) == PLACES else "fan and keeper"
    assert told in texts(requests(asked)["a/generate"])
    assert asked.takes[0].shot.prompt == "fan and keeper"


def test_the_numbers_are_those_of_the_order_in_which_it_is_asked(write: Write, picture: bytes) -> None:
    """The same prompt with its references the other way round names the other numbers."""
    text = (
        "references: {keeper: {image: k.png}, fan: {image: f.png}}\n"
        "defaults: {provider: seegen, model: happyhorse-1}\n"
        "shots:\n  - {id: a, references: [ORDER], prompt: \"{{ ref('keeper') }} walks\"}\n"
    )
    found = []
    for order in ("keeper, fan", "fan, keeper"):
        path = write(text.replace("ORDER", order))
        for name in ("k.png", "f.png"):
            (path.parent / name).write_bytes(picture)
        found.append(texts(requests(plan(path, "seegen"))["a/generate"]))
    assert ["character1 walks" in found[0], "character2 walks" in found[1]] == [True, True]


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_scene_has_variables_and_defaults_of_its_own(edition: str, write: Write) -> None:
    """Over the recipe's, for its shots alone, whoever makes them."""
    path = write(
        "vars: {mood: calm, look: overcast}\n"
        f"defaults: {{provider: {provider_of(edition)}, duration: 5, ratio: '16:9'}}\n"
        "scenes:\n"
        "  - id: storm\n    vars: {mood: wild}\n    defaults: {duration: 6, ratio: '9:16'}\n"
        '    shots:\n      - {id: a, prompt: "a {{ mood }} sea, {{ look }}"}\n'
        "      - {id: b, duration: 7, prompt: b}\n"
        '  - id: after\n    shots: [{id: a, prompt: "a {{ mood }} sea, {{ look }}"}]\n'
    )
    asked = plan(path, edition)
    shots = {take.shot.id: take.shot for take in asked.takes}
    assert [(shot.prompt, int(shot.seconds), shot.ratio) for shot in shots.values()] == [
        ("a wild sea, overcast", 6, "9:16"),
        ("b", 7, "9:16"),
        ("a calm sea, overcast", 5, "16:9"),
    ]
    assert "a wild sea, overcast" in texts(requests(asked)["storm.a/generate"])
    assert "a calm sea, overcast" in texts(requests(asked)["after.a/generate"])


def test_animatic_takes_any_model(write: Write) -> None:
    """A service's own name, drawn for nothing."""
    path = write("shots:\n  - {id: a, model: somebody-s-own-9, prompt: the sea}\n")
    assert plan(path, "animatic").takes[0].shot.model == "somebody-s-own-9"
