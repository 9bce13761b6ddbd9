"""Every worked price of the documents and their contracts comes out to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.providers import naci, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Clip
from pipeline.providers.catalog import SERVICES
from tests.providers.wishes import image, still, video, wish

D = Decimal

SEEGEN: list[dict[str, Any]] = [
    {"model": "sd2", "tier": "720p", "out": 5, "credits": 200},
    {"model": "sd2", "tier": "1080p", "out": 8, "credits": 800},
    {"model": "sd2", "tier": "2k", "out": 5, "credits": 350},
    {"model": "sd2", "tier": "4k", "out": 10, "credits": 800},
    {"model": "sd2-fast", "tier": "720p", "out": 4, "credits": 128},
    {"model": "sd2-fast", "tier": "1080p", "out": 6, "credits": 312},
    {"model": "sd2-fast", "tier": "4k", "out": 15, "credits": 1080},
    {"model": "sd2", "tier": "720p", "out": 5, "videos": ["3.2", "4.1"], "credits": 420, "reserve": 420},
    {"model": "sd2", "tier": "720p", "out": 5, "videos": ["2"], "credits": 250, "reserve": 270},
    {"model": "sd2", "tier": "1080p", "out": 5, "videos": ["2"], "credits": 625, "reserve": 675},
    {"model": "sd2-fast", "tier": "1080p", "out": 6, "videos": ["2.5"], "credits": 360, "reserve": 360},
    {"model": "sd2", "tier": "4k", "out": 10, "videos": ["4.01", "5"], "credits": 1000, "reserve": 1000},
    {"model": "sd2-fast", "tier": "2k", "out": 11, "videos": ["3"], "credits": 770, "reserve": 786},
    {"model": "happyhorse", "tier": "720p", "out": 5, "credits": 160},
    {"model": "happyhorse", "tier": "720p", "out": 15, "credits": 480},
    {"model": "happyhorse", "tier": "1080p", "out": 15, "credits": 900},
    {"model": "happyhorse", "tier": "1080p", "out": 5, "credits": 300},
]


@pytest.mark.parametrize("row", SEEGEN, ids=str)
def test_seegens_clips(row: dict[str, Any]) -> None:
    """Expected as the document's formula is written, reserved with its minimum rounded up (A3)."""
    inputs = tuple(video(seconds) for seconds in row.get("videos", ()))
    price = seegen.price(wish(model=row["model"], resolution=row["tier"], seconds=row["out"], inputs=inputs))
    assert (price.low, price.high) == (D(row["credits"]), D(row.get("reserve", row["credits"])))
    assert price.usd == price.high * D("0.004")
    assert price.source.startswith("SeeGen's API document, S0:")


# S0:43-52, each cell for 10 seconds, the second with 7 seconds of video: 10 + 7
TABLE = [
    ("sd2", "720p", 400, 510),
    ("sd2", "1080p", 1000, 1275),
    ("sd2", "2k", 700, 810),
    ("sd2", "4k", 800, 910),
    ("sd2-fast", "720p", 320, 408),
    ("sd2-fast", "1080p", 520, 608),
    ("sd2-fast", "2k", 620, 708),
    ("sd2-fast", "4k", 720, 808),
]


@pytest.mark.parametrize(("model", "tier", "plain", "with_video"), TABLE)
def test_each_cell_of_seegens_table(model: str, tier: str, plain: int, with_video: int) -> None:
    """Eight rows, two columns, by the model's own name and by the portable one."""
    portable = {"sd2": "seedance-2", "sd2-fast": "seedance-2-fast"}[model]
    for name in (model, portable):
        assert seegen.price(wish(model=name, resolution=tier, seconds=10)).high == plain
        assert seegen.price(wish(model=name, resolution=tier, seconds=10, inputs=(video("7"),))).low == with_video


@pytest.mark.parametrize(
    ("model", "tier", "usd"),
    [
        ("sd2-fast", "720p", "0.128"),  # S0:19-24, a second
        ("sd2", "720p", "0.160"),
        ("sd2", "1080p", "0.400"),
    ],
)
def test_the_dollars_of_seegens_front_page(model: str, tier: str, usd: str) -> None:
    """A second costs what the comparison at the top of the document says."""
    assert seegen.price(wish(model=model, resolution=tier, seconds=5)).usd == D(usd) * 5


@pytest.mark.parametrize(
    ("model", "tier", "usd"), [("sd2-fast", "720p", "0.160"), ("sd2", "720p", "0.200"), ("sd2", "1080p", "0.500")]
)
def test_the_from_prices_of_seegens_front_page(model: str, tier: str, usd: str) -> None:
    """With the shortest video input a second costs the "from" price: the minimum is not rounded (A3)."""
    price = seegen.price(wish(model=model, resolution=tier, seconds=5, inputs=(video("1"),)))
    assert price.low * D("0.004") == D(usd) * 5


def test_an_inline_upscale_costs_the_row_of_its_size() -> None:
    """`upscale: 2k` in the same request is the 2K row."""
    assert seegen.price(wish(upscale="2k")).high == 350
    assert seegen.price(wish(model="sd2-fast", upscale="1080p", seconds=6)).high == 312
    assert not seegen.price(wish(upscale="1080p")).known


def test_a_video_of_unknown_length_is_priced_at_the_limit() -> None:
    """15 seconds each (S0:187); one that is still to be made may come out a little longer than was asked."""
    assert seegen.price(wish(inputs=(video(None),))).high == 30 * (5 + 15)
    made = seegen.price(wish(inputs=(video("5", provider="seegen"),)))
    assert (made.low, made.high) == (30 * 10, 30 * 11)


STILLS = [("1k", "720p", 15, 70), ("2k", "2k", 35, 125), ("4k", "4k", 60, 230)]


@pytest.mark.parametrize(("size", "resolution", "medium", "high"), STILLS)
def test_stills(size: str, resolution: str, medium: int, high: int) -> None:
    """S0:54-59: by size and quality; medium where nobody says."""
    asked = still(resolution=resolution)
    assert seegen.request(asked)["inputs"]["resolution"] == size
    assert seegen.price(asked).high == medium
    assert seegen.price(still(resolution=resolution, options={"quality": "high"})).high == high


UPSCALER = [
    ("1080p", "5", 125), ("1080p", "30", 750), ("2k", "5", 190), ("2k", "30", 1140),
    ("4k", "5", 250), ("4k", "30", 1500), ("1080p", "3", 125), ("4k", "12.4", 650),
]  # fmt: skip


@pytest.mark.parametrize(("to", "seconds", "credits"), UPSCALER)
def test_the_upscaler(to: str, seconds: str, credits: int) -> None:
    """S0:464-468: five seconds at least, part of a second as a whole (A16)."""
    price = seegen_upscaler.price(Clip(seconds=D(seconds)), to)
    assert (price.low, price.high, price.usd) == (credits, credits, D("0.004") * credits)


OLDER: list[dict[str, Any]] = [
    {"model": "sd2", "tier": "720p", "out": 5, "credits": 200},
    {"model": "sd2-fast", "tier": "720p", "out": 5, "credits": 160},
    {"model": "sd2", "tier": "2k", "out": 5, "credits": 300},
    {"model": "sd2-fast", "tier": "2k", "out": 5, "credits": 260},
    {"model": "sd2", "tier": "4k", "out": 5, "credits": 400},
    {"model": "sd2-fast", "tier": "4k", "out": 5, "credits": 360},
    {"model": "sd2", "tier": "720p", "out": 5, "video_ref": True, "credits": 400},
    {"model": "sd2-fast", "tier": "720p", "out": 5, "video_ref": True, "credits": 320},
    {"model": "sd2", "tier": "2k", "out": 5, "video_ref": True, "credits": 500},
]


@pytest.mark.parametrize("row", OLDER, ids=str)
def test_seegens_older_edition(row: dict[str, Any]) -> None:
    """S1:154-159, to the last row."""
    inputs = (video("3"),) if row.get("video_ref") else ()
    price = seegen_older.price(wish(model=row["model"], resolution=row["tier"], seconds=row["out"], inputs=inputs))
    assert (price.low, price.high) == (row["credits"], row["credits"])
    assert "S1:" in price.source


MOVIE = [
    ("seedance-2.0", "1080p", 8, "36.0"),
    ("seedance-2.0", "720p", 8, "14.4"),
    ("seedance-2.0", "480p", 8, "7.2"),
    ("seedance-2.0-fast", "1080p", 8, "26.496"),
    ("seedance-2.0-fast", "720p", 8, "11.52"),
    ("seedance-2.0-fast", "480p", 8, "5.76"),
    ("seedance-2.0", "480p", 15, "13.5"),
]


@pytest.mark.parametrize(("model", "tier", "out", "credits"), MOVIE)
def test_movie(model: str, tier: str, out: int, credits: str) -> None:
    """S2:233-241, fractions kept (B10)."""
    price = seedance2_movie.price(wish(model=model, resolution=tier, seconds=out))
    assert (price.low, price.high, price.usd) == (D(credits), D(credits), None)


SEEDANCEE2 = [
    ("mini", "720p", 5, 0, 50),
    ("pro", "480p", 4, 0, 40),
    ("fast", "720p", 10, 0, 160),
    ("pro", "720p", 5, 2, 100),
    ("pro", "1080p", 15, 0, 750),
    ("fast", "480p", 4, 0, 32),
    ("mini", "480p", 4, 0, 20),
]


@pytest.mark.parametrize(("model", "tier", "out", "images", "credits"), SEEDANCEE2)
def test_seedancee2(model: str, tier: str, out: int, images: int, credits: int) -> None:
    """S3:102-114; references cost nothing."""
    price = seedancee2.price(wish(model=model, resolution=tier, seconds=out, inputs=(image(),) * images))
    assert (price.low, price.high) == (credits, credits)


def test_naci_by_configuration_alone() -> None:
    """The user's price a second and dollars a credit; without them the price is not known, and never free."""
    mine = naci.page(prices={"sd2.0": {"480p": D(9), "720p": D(18), "1080p": D(45)}}, usd_per_credit=D("0.004"))
    price = mine.price(wish(seconds=11))
    assert (price.low, price.high, price.usd) == (198, 198, D("0.792"))
    for page, asked in ((naci.page(), wish()), (mine, wish(resolution="4k"))):
        unknown = page.price(asked)
        assert (unknown.known, unknown.usd) == (False, None)


@pytest.mark.parametrize("name", SERVICES)
def test_an_option_that_no_price_book_has_makes_the_price_unknown(name: str) -> None:
    """Passed through, warned of, and not priced."""
    asked = wish(options={"sparkle": 3})
    page = naci.page(prices={"sd2.0": {"720p": D(18)}}) if name == "naci" else SERVICES[name]
    price = page.price(asked)
    assert (price.known, price.usd) == (False, None)
    assert "sparkle" in str(page.request(asked))
    assert [c.field for c in page.complaints(asked) if c.field == "options" and c.warning] == ["options"]
