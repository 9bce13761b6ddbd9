"""Two independent readings of the documents meet: the pages, over real HTTP, with the stand-ins of the services."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.emulators.settings import Settings
from pipeline.emulators.street import serve
from pipeline.errors import ProviderError
from pipeline.media.animatic import Drawing, draw_clip, draw_still
from pipeline.providers import naci, remote, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Clip, Service, Status, Wish
from pipeline.providers.catalog import SERVICES
from pipeline.providers.http import HttpWire
from tests.providers.wishes import D, audio, first, image, last, still, video, wish

HORSE: dict[str, Any] = {"model": "happyhorse-1"}
FAST: dict[str, Any] = {"model": "seedance-2-fast"}
MINI: dict[str, Any] = {"model": "seedance-2-mini"}
NACI = naci.page(prices={"sd2.0": {"720p": D(18)}})

WISHES: dict[str, list[Wish]] = {
    "seegen": [
        wish(),
        wish(seconds=4, ratio="21:9", resolution="1080p"),
        wish(**FAST, resolution="1080p"),
        wish(resolution="2k"),
        wish(**FAST, upscale="4k", ratio="1:1"),
        wish(inputs=(first(),)),
        wish(inputs=(first(), last())),
        wish(inputs=(first(people=True),)),
        wish(inputs=(image(), image())),
        wish(inputs=(image(), video("2"), audio("2"))),
        wish(resolution="1080p", inputs=(video("2"),)),
        wish(**HORSE, seconds=3, ratio="9:16"),
        wish(**HORSE, resolution="1080p", inputs=(first(),), seed=7),
        wish(**HORSE, inputs=(image(),) * 3),
        still(),
        still(resolution="4k", ratio="1:1", options={"quality": "high", "outputFormat": "webp"}, inputs=(image(),)),
    ],
    "seedance2-movie": [
        wish(seed=7),
        wish(seconds=8, resolution="1080p", ratio="21:9", audio=True, watermark=True, seed=8),
        wish(**FAST, resolution="480p", inputs=(first(),), seed=9),
        wish(inputs=(image(), image(), video("2")), seed=10, options={"return_last_frame": True}),
    ],
    "seedancee2": [
        wish(),
        wish(resolution="1080p", audio=True, watermark=True, seed=3),
        wish(**FAST, ratio="adaptive", inputs=(first(),)),
        wish(**MINI, resolution="480p", inputs=(image(), video("2"), audio("2"))),
        wish(inputs=(first(), last()), options={"return_last_frame": True}),
    ],
    "naci": [
        wish(),
        wish(seconds=11, audio=True),
        wish(inputs=(first(),)),
        wish(inputs=(first(), last())),
        wish(inputs=(image(), video("2"), audio("2"))),
    ],
}
FILES = {"image": "still.png", "video": "clip.mp4", "audio": "waves.wav"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A picture, a clip and a sound of two seconds, and where they can be read."""
    import wave

    folder = tmp_path_factory.mktemp("shelf")
    plain: dict[str, Any] = {"shot": "x", "prompt": "a cat", "width": 640, "height": 640, "seed": 1}
    draw_still(Drawing(seconds=D(0), **plain), folder / FILES["image"])
    draw_clip(Drawing(seconds=D(2), **plain), folder / FILES["video"])
    with wave.open(str(folder / FILES["audio"]), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\0" * 16000)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *values: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


class Visit:
    """One page at its stand-in's door."""

    def __init__(self, page: Service, wire: HttpWire, folder: Path, shown: str) -> None:
        self.page, self.wire, self.folder, self.shown = page, wire, folder, shown

    async def addresses(self, asked: Wish) -> list[str]:
        """Each input as the page says that it must reach the service."""
        found = []
        for item in asked.inputs:
            name = FILES[item.media]
            match self.page.reach(asked, item):
                case "url":
                    found.append(f"{self.shown}/{name}")
                case "data":
                    import base64

                    kind = {"image": "image/png", "audio": "audio/wav"}[item.media]
                    text = base64.b64encode((self.folder / name).read_bytes()).decode()
                    found.append(f"data:{kind};base64,{text}")
                case "upload":
                    kind = seedance2_movie.CONTENT_TYPES[name.rpartition(".")[2]]
                    slot = seedance2_movie.slot(await self.wire.send(seedance2_movie.presign(name, kind)))
                    await self.wire.put(slot.url, self.folder / name, kind)
                    found.append(slot.address)
                case "asset":
                    call = seegen.review(f"{self.shown}/{name}", item.media, "ab" * 32)
                    asset = seegen.asset(await self.wire.send(call))
                    while not asset.done:
                        await anyio.sleep(0.05)
                        asset = seegen.asset(await self.wire.send(seegen.ask_asset(asset.id)))
                    assert asset.error is None
                    found.append(asset.address)
        return found

    async def make(self, asked: Wish, mark: str = "k1:abc run-1") -> tuple[str, Status]:
        assert not [c for c in self.page.complaints(asked) if not c.warning]
        inputs = await self.addresses(asked)
        job = await remote.submit(self.page, self.wire, self.page.request(asked), inputs, mark=mark)
        return job, await remote.wait(self.page, self.wire, job, limit_seconds=60)


def go(name: str, page: Service, shelf: tuple[Path, str], visit: Any, **said: Any) -> Any:
    """Runs `visit` with the page at a stand-in's door."""
    settings = Settings(seconds_per_job=0.05, seconds_per_review=0.05, draw=False, **said)

    async def main() -> Any:
        async with serve([name], settings=settings) as stands:
            stand = stands[name]
            async with HttpWire(page, stand.key, base=stand.base_url, poll_seconds=0.05) as wire:
                return await visit(Visit(page, wire, *shelf))

    return anyio.run(main)


@pytest.mark.parametrize("name", SERVICES)
def test_every_mode_is_taken_and_charged_as_it_was_priced(name: str, shelf: tuple[Path, str], tmp_path: Path) -> None:
    """What the page says is fine, the stand-in takes; what it charges lies within the page's price."""
    page = NACI if name == "naci" else SERVICES[name]

    async def visit(at: Visit) -> None:
        for i, asked in enumerate(WISHES[name]):
            _, status = await at.make(asked)
            assert status.error is None, asked
            price = page.price(asked)
            if name != "naci":
                assert status.charged == price.low, asked
            else:
                assert status.facts["tokens"] > 0
            folder = tmp_path / str(i)
            folder.mkdir()
            files = await remote.fetch(at.wire, status.links, folder)
            assert asked.kind in files

    go(name, page, shelf, visit)


def test_the_older_edition_is_taken_and_charged_as_it_was_priced(shelf: tuple[Path, str]) -> None:
    """Its own price book, video references by URL."""

    async def visit(at: Visit) -> None:
        for asked in (
            wish(),
            wish(**FAST, resolution="4k"),
            wish(inputs=(first(), last())),
            wish(upscale="2k", inputs=(image(), video("2"))),
        ):
            _, status = await at.make(asked)
            assert status.charged == seegen_older.price(asked).high, asked

    go("seegen", seegen_older, shelf, visit, edition="seegen-older")


def test_nacis_other_reading_is_followed_too(shelf: tuple[Path, str]) -> None:
    """The plain answer as the wrapper: the link comes all the same."""

    async def visit(at: Visit) -> None:
        _, status = await at.make(wish())
        assert "video" in status.links

    go("naci", NACI, shelf, visit, naci_plain="wrapped")


def test_movies_two_ways_to_say_no_are_one(shelf: tuple[Path, str]) -> None:
    """In the body under 200, or in the HTTP status."""

    async def visit(at: Visit) -> tuple[type, str]:
        with pytest.raises(ProviderError) as error:
            await remote.submit(at.page, at.wire, {"model": "seedance-9", "content": []}, [])
        return type(error.value), error.value.advice

    told = {go("seedance2-movie", seedance2_movie, shelf, visit, movie_errors=way) for way in ("body", "status")}
    assert len(told) == 1
    assert told.pop()[1] == "never"


def test_an_upscale_is_charged_as_it_was_priced(shelf: tuple[Path, str]) -> None:
    """Of a clip of two seconds: the five-second minimum."""

    async def visit(at: Visit) -> None:
        request = seegen_upscaler.request("2k")
        job = await remote.submit(seegen_upscaler, at.wire, request, [f"{at.shown}/{FILES['video']}"])
        status = await remote.wait(seegen_upscaler, at.wire, job, limit_seconds=60)
        assert status.charged == seegen_upscaler.price(Clip(seconds=D(2)), "2k").high
        assert "video" in status.links

    go("seegen", seegen, shelf, visit)


def test_jobs_are_found_again_by_their_marks(shelf: tuple[Path, str]) -> None:
    """Two requests apart only in their mark: the list tells them apart."""

    async def visit_lists(at: Visit) -> None:
        page: Any = at.page
        jobs = {mark: (await at.make(wish(), mark))[0] for mark in ("k1:a r1", "k1:b r1")}
        for mark, job in jobs.items():
            listing = page.listed(await at.wire.send(page.listing()), page.request(wish()), mark)
            assert [found.job_id for found in listing.found] == [job]
            assert (listing.possible, listing.complete) == ((), True)

    for name in ("seedance2-movie", "seedancee2"):
        go(name, SERVICES[name], shelf, visit_lists)


def test_balances_assets_models_and_usage_are_read(shelf: tuple[Path, str]) -> None:
    """What is free to ask."""

    async def balance(at: Visit) -> None:
        page: Any = at.page
        before = page.balance_of(await at.wire.send(page.balance()))
        asked = wish(inputs=(first(people=True),)) if page is seegen else wish(seed=1)
        _, status = await at.make(asked)
        assert before - page.balance_of(await at.wire.send(page.balance())) == status.charged
        if page is seegen:
            listed = seegen.asset_list(await at.wire.send(seegen.assets("image")), "image")
            assert [item.name for item in listed.items] == ["ab" * 32]

    async def usage(at: Visit) -> None:
        assert set(seedancee2.models_of(await at.wire.send(seedancee2.models()))) == {"pro", "fast", "mini"}
        _, status = await at.make(wish())
        assert seedancee2.usage_of(await at.wire.send(seedancee2.usage()))["net_credits"] == status.charged

    go("seegen", seegen, shelf, balance)
    go("seedance2-movie", seedance2_movie, shelf, balance)
    go("seedancee2", seedancee2, shelf, usage)
