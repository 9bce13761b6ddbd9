"""How inputs reach every service: published, stored, reviewed or inside the request; once, and no more than needed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.digest import file_digest
from pipeline.emulators.settings import ALL
from pipeline.errors import UserError
from pipeline.media import frames
from tests.journeys.services import YES, Street, charged, creates, shots

D = Decimal
Write = Callable[..., Path]

THREE = """
defaults: {{provider: {}, duration: 4, resolution: 720p}}
references: {{keeper: {{image: keeper.png}}}}
shots:
  - {{id: a, references: [keeper], prompt: one}}
  - {{id: b, references: [keeper], prompt: two}}
  - {{id: c, references: [keeper], prompt: three}}
"""


@pytest.mark.parametrize("name", ALL)
def test_one_file_goes_once(name: str, write: Write, street: Street, picture: bytes) -> None:
    """Three shots, one file: published or stored once; naci has it inside each request."""
    path = write(THREE.format(name))
    (path.parent / "keeper.png").write_bytes(picture)
    digest = file_digest(path.parent / "keeper.png").partition(":")[2]
    with street(name) as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        assert quarter.published() == ([f"{digest}.png"] if name in ("seegen", "seedancee2") else [])
        assert len(quarter.stand.log.of("put")) == (name == "seedance2-movie")
        used = [_pictures(name, body) for body in quarter.bodies()]
        assert used == [used[0]] * 3
        assert used[0][0].startswith("data:image/png;base64,") == (name == "naci")


@pytest.mark.parametrize("name", ALL)
def test_what_has_reached_a_service_is_used_again(name: str, write: Write, street: Street, picture: bytes) -> None:
    """A changed shot names the file by its address of before; after an hour movie's storage gets it anew (B16)."""
    path = write(THREE.format(name))
    (path.parent / "keeper.png").write_bytes(picture)
    with street(name) as quarter:
        house = quarter.house()
        assert api.run(path, YES, house).exit_code == 0
        path.write_text(path.read_text().replace("three", "four"))
        assert api.run(path, YES, house).exit_code == 0
        used = [_pictures(name, body) for body in quarter.bodies()]
        assert used == [used[0]] * 4
        assert len(quarter.stand.log.of("put")) == (name == "seedance2-movie")
        later = dataclasses.replace(house, now=lambda: datetime.now(UTC) + timedelta(minutes=61))
        path.write_text(path.read_text().replace("four", "five"))
        assert api.run(path, YES, later).exit_code == 0
        assert len(quarter.stand.log.of("put")) == 2 * (name == "seedance2-movie")


def _pictures(name: str, body: Any) -> list[str]:
    """The pictures that a request names."""
    match name:
        case "seegen":
            return list(body["inputs"]["urls"])
        case "seedancee2":
            return list(body["input"]["image_urls"])
        case "seedance2-movie":
            return [item["image_url"] for item in body["content"] if item["type"] == "image_url"]
    return [item["image_url"]["url"] for item in body["content"] if item["type"] == "image_url"]


PEOPLE = """
defaults: {provider: seegen, duration: 4, resolution: 720p}
references: {keeper: {image: keeper.png, people: true}}
shots:
  - {id: a, references: [keeper], prompt: one}
  - {id: b, references: [keeper], prompt: two}
"""


def test_people_are_reviewed_once(write: Write, street: Street, picture: bytes, tmp_path: Path) -> None:
    """One review, its asset in both requests; a fresh workspace finds the approved asset by its content."""
    path = write(PEOPLE)
    (path.parent / "keeper.png").write_bytes(picture)
    digest = file_digest(path.parent / "keeper.png").partition(":")[2]
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        (handed_in,) = quarter.handed_in()
        assert (handed_in["type"], handed_in["name"]) == ("IMAGE", digest)
        addresses = {body["inputs"]["urls"][0] for body in quarter.bodies()}
        assert len(addresses) == 1
        assert addresses.pop().startswith("asset://asset-")
        fresh = dataclasses.replace(YES, workspace=tmp_path / "fresh", output=tmp_path / "elsewhere")
        assert api.run(path, fresh, quarter.house()).exit_code == 0
        assert len(quarter.stand.log.of("asset")) == 1
        assert len(creates(quarter.stand)) == 4


def test_a_frame_with_people_is_reviewed_too(write: Write, street: Street) -> None:
    """The last frame of a shot with people reaches the next one as an asset."""
    path = write(
        "defaults: {provider: seegen, duration: 4, people: true}\n"
        "shots: [{id: a, prompt: she turns}, {id: b, chain: a, prompt: she smiles}]\n"
    )
    with street("seegen") as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0
        first, second = quarter.bodies()
        assert "urls" not in first["inputs"]
        assert second["inputs"]["urls"][0].startswith("asset://")
        assert second["inputs"]["videoInputMode"] == "keyframe"


def test_a_refused_review_is_told_and_not_handed_in_again(write: Write, street: Street, picture: bytes) -> None:
    """What was flagged stands in the manifest; nothing is charged, and the same command hands nothing in."""
    path = write(PEOPLE)
    (path.parent / "keeper.png").write_bytes(picture)
    with street("seegen") as quarter:
        quarter.stand.faults.add("asset_fails", message="a face of a public person")
        ended = api.run(path, YES, quarter.house())
        found = shots(ended.manifest)
        assert (ended.exit_code, creates(quarter.stand), charged(quarter.stand)) == (1, [], 0)
        told = " ".join(filter(None, (found["a"]["error"], found["a"]["why"], *ended.manifest["warnings"])))
        assert "a face of a public person" in told
        assert api.run(path, YES, quarter.house()).exit_code == 1
        assert len(quarter.stand.log.of("asset")) == 1
        assert creates(quarter.stand) == []


WALK = """
defaults: {{provider: {}, duration: 4, resolution: 720p}}
references: {{walk: {{video: walk.mp4}}}}
shots: [{{id: a, references: [walk], prompt: as he walks}}]
"""


@pytest.mark.parametrize("name", ALL)
def test_a_video_goes_the_way_its_service_wants(name: str, write: Write, street: Street, moving: bytes) -> None:
    """SeeGen: a reviewed asset, priced by its seconds; movie: stored there; the others: a URL."""
    path = write(WALK.format(name))
    (path.parent / "walk.mp4").write_bytes(moving)
    digest = file_digest(path.parent / "walk.mp4").partition(":")[2]
    with street(name) as quarter:
        ended = api.run(path, YES, quarter.house())
        assert ended.exit_code == 0
        (body,) = quarter.bodies()
        shown = f"{quarter.standing.folder_url}/{digest}.mp4"
        match name:
            case "seegen":
                assert body["inputs"]["videoUrls"][0].startswith("asset://")
                assert quarter.handed_in()[0]["url"] == shown
                least = 4 + D(4) * 2 / 3  # the reference counts as two thirds of the clip at least, S0:42
                assert charged(quarter.stand) == 30 * least  # S0:45
                assert shots(ended.manifest)["a"]["credits"]["charged"] == 30 * least
            case "seedance2-movie":
                address = next(item["video_url"] for item in body["content"] if item["type"] == "video_url")
                assert address.endswith(".mp4")
                assert "://" not in address
                assert [entry.body for entry in quarter.stand.log.of("put")] == [f"({len(moving)} bytes)"]
            case "seedancee2":
                assert body["input"]["video_urls"] == [shown]
            case "naci":
                item = next(item for item in body["content"] if item["type"] == "video_url")
                assert (item["video_url"], item["role"]) == ({"url": shown}, "reference_video")


_heard: list[str] | None = None


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if _heard is not None and event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        _heard.append(f"{event} {args[1:]}")


def test_a_preview_asks_nobody(write: Write, picture: bytes) -> None:
    """Every shot is drawn here: no connection, no name looked up, no key wanted."""
    global _heard  # an audit hook is for the life of the process
    from pipeline.desk import House

    path = write(THREE.format("seegen") + "  - {id: d, provider: naci, chain: a, prompt: four}\n")
    (path.parent / "keeper.png").write_bytes(picture)
    sys.addaudithook(_hear)
    _heard = []
    try:
        ended = api.run(path, dataclasses.replace(YES, preview=True), House())
        heard = list(_heard)
    finally:
        _heard = None
    assert (ended.exit_code, heard) == (0, [])
    assert {shot["provider"] for shot in ended.manifest["shots"]} == {"animatic"}


@pytest.mark.parametrize("name", ["seegen", "seedancee2"])
def test_without_a_place_for_inputs_nothing_is_sent(name: str, write: Write, street: Street, picture: bytes) -> None:
    """Exit 2, naming the input and the setting."""
    path = write(THREE.format(name))
    (path.parent / "keeper.png").write_bytes(picture)
    with street(name, publish=False) as quarter:
        with pytest.raises(UserError, match=r"keeper\.png.*RUSHES_PUBLISH") as error:
            api.run(path, YES, quarter.house())
        assert (error.value.exit_code, len(quarter.stand.log)) == (2, 0)


@pytest.mark.parametrize("name", ["seedance2-movie", "naci"])
def test_who_takes_files_needs_no_place_for_them(name: str, write: Write, street: Street, picture: bytes) -> None:
    """Stored with the service, or inside the request; a chain's frame too."""
    path = write(THREE.format(name) + "  - {id: d, chain: a, prompt: four}\n")
    (path.parent / "keeper.png").write_bytes(picture)
    with street(name, publish=False) as quarter:
        assert api.run(path, YES, quarter.house()).exit_code == 0


def test_a_chain_from_service_to_service(write: Write, street: Street, tmp_path: Path) -> None:
    """What the second and the third service were given is the true last frame of the clip before, to the byte."""
    path = write(
        "defaults: {duration: 4, resolution: 480p}\n"
        "shots:\n"
        "  - {id: a, provider: seegen, resolution: 720p, prompt: a lighthouse at dawn}\n"
        "  - {id: b, provider: seedance2-movie, chain: a, prompt: the lamp goes out}\n"
        "  - {id: c, provider: naci, chain: b, prompt: the keeper sleeps}\n"
    )
    state = tmp_path / "state"
    with street("seegen", "seedance2-movie", "naci", draw=True, state=state) as quarter:
        ended = api.run(path, YES, quarter.house())
        assert ended.exit_code == 0
        found = shots(ended.manifest)
        for before, after, name in (("a", "b", "seedance2-movie"), ("b", "c", "naci")):
            clip = ended.output / found[before]["outputs"]["video"]["path"]
            true = tmp_path / f"{before}.png"
            frame = frames.last_frame(clip, true)
            (job,) = quarter.standing.stands[name].desk.jobs.values()
            assert job.sheet is not None
            (given,) = filter(None, (job.sheet.first, *job.sheet.references))
            assert (state / "inputs" / given).read_bytes() == true.read_bytes()
            assert found[after]["first_frame"]["from"] == f"{before}/last_frame"
            assert found[after]["first_frame"]["index"] == frame.index
            assert (ended.output / "frames" / f"{before}.last.png").read_bytes() == true.read_bytes()
