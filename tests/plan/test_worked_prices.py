"""What the documents work out, out of the plan of a recipe: `rushes plan --format json`, to the last digit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.desk import House
from pipeline.digest import loads

D = Decimal
Write = Callable[..., Path]
Steps = Mapping[str, Mapping[str, Any]]

CONFIG = """
[publish]
store = "file://{folder}"
base_url = "https://cdn.example"
"""
OLDER = '[providers.seegen]\nedition = "seegen-older"\n'
GATEWAY = """
[providers.naci]
usd_per_credit = "0.14"
[providers.naci.prices."sd2.0"]
480p = "0.462024"
720p = "0.9936"
1080p = "2.4786"
"""
"""Yuan a second without video input: width x height x 24 / 1024 tokens, 46, 46 and 51 yuan a million of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A shot as a recipe says it, and what the document says it costs: expected, and at most where that differs."""

    place: str
    says: str
    low: str
    high: str = ""
    step: str = "generate"


def clip(seconds: str) -> str:
    """The name of the video reference of this length."""
    return f"clip-{seconds.replace('.', '-')}"


def sd2(model: str, out: int, low: str, high: str = "", *, place: str, videos: Sequence[str] = (), to: str = "") -> Row:
    """SeeGen's Seedance, its size said as `resolution`, its inputs by URL with their seconds."""
    names = ", ".join(map(clip, videos))
    size = f", resolution: {to}" if to else ""
    return Row(place=place, says=f"model: {model}, duration: {out}{size}, references: [{names}]", low=low, high=high)


def still(size: str, quality: str, low: str, place: str) -> Row:
    says = f"kind: image, model: gpt-image-2, resolution: {size}, options: {{seegen: {{quality: {quality}}}}}"
    return Row(place=place, says=says, low=low)


def horse(size: str, out: int, low: str, place: str) -> Row:
    return Row(place=place, says=f"model: happyhorse-1, resolution: {size}, duration: {out}", low=low)


def larger(to: str, seconds: str, low: str, high: str, place: str) -> Row:
    """A rough cut, enlarged by the service: at most as if it came out a second longer than was asked."""
    says = f"provider: animatic, duration: {seconds}, upscale: {{to: {to}, by: service}}"
    return Row(place=place, says=says, low=low, high=high, step="upscale")


VIDEOS = ("2", "2.5", "3", "3.2", "4.01", "4.1", "5", "7")
SEEGEN = [
    sd2("sd2", 10, "400", place="S0:45"),
    sd2("sd2", 10, "510", place="S0:45", videos=["7"]),
    sd2("sd2", 10, "1000", place="S0:46", to="1080p"),
    sd2("sd2", 10, "1275", place="S0:46", to="1080p", videos=["7"]),
    sd2("sd2", 10, "700", place="S0:47", to="2k"),
    sd2("sd2", 10, "810", place="S0:47", to="2k", videos=["7"]),
    sd2("sd2", 10, "800", place="S0:48", to="4k"),
    sd2("sd2", 10, "910", place="S0:48", to="4k", videos=["7"]),
    sd2("sd2-fast", 10, "320", place="S0:49"),
    sd2("sd2-fast", 10, "408", place="S0:49", videos=["7"]),
    sd2("sd2-fast", 10, "520", place="S0:50", to="1080p"),
    sd2("sd2-fast", 10, "608", place="S0:50", to="1080p", videos=["7"]),
    sd2("sd2-fast", 10, "620", place="S0:51", to="2k"),
    sd2("sd2-fast", 10, "708", place="S0:51", to="2k", videos=["7"]),
    sd2("sd2-fast", 10, "720", place="S0:52", to="4k"),
    sd2("sd2-fast", 10, "808", place="S0:52", to="4k", videos=["7"]),
    sd2("sd2", 5, "200", place="S0:45"),
    sd2("sd2", 8, "800", place="S0:46", to="1080p"),
    sd2("sd2", 5, "350", place="S0:47", to="2k"),
    sd2("sd2-fast", 4, "128", place="S0:49"),
    sd2("sd2-fast", 5, "160", place="S0:37"),
    sd2("sd2-fast", 6, "312", place="S0:50", to="1080p"),
    sd2("sd2-fast", 15, "1080", place="S0:52", to="4k"),
    sd2("sd2", 5, "420", place="S0:42", videos=["3.2", "4.1"]),
    sd2("sd2", 5, "250", "270", place="S0:42", videos=["2"]),
    sd2("sd2", 5, "625", "675", place="S0:42", to="1080p", videos=["2"]),
    sd2("sd2-fast", 6, "360", place="S0:42", to="1080p", videos=["2.5"]),
    sd2("sd2", 10, "1000", place="S0:42", to="4k", videos=["4.01", "5"]),
    sd2("sd2-fast", 11, "770", "786", place="S0:42", to="2k", videos=["3"]),
    Row(place="S0:47", says="model: seedance-2, duration: 5, upscale: 2k", low="350"),
    Row(place="S0:50", says="model: seedance-2-fast, duration: 6, upscale: {to: 1080p, by: provider}", low="312"),
    still("720p", "medium", "15", "S0:57"),
    still("720p", "high", "70", "S0:57"),
    still("2k", "medium", "35", "S0:58"),
    still("2k", "high", "125", "S0:58"),
    still("4k", "medium", "60", "S0:59"),
    still("4k", "high", "230", "S0:59"),
    horse("720p", 5, "160", "S0:263"),
    horse("720p", 15, "480", "S0:263"),
    horse("1080p", 5, "300", "S0:264"),
    horse("1080p", 15, "900", "S0:264"),
    larger("1080p", "3", "125", "125", "S0:468"),
    larger("1080p", "5", "125", "150", "S0:465"),
    larger("1080p", "30", "750", "775", "S0:465"),
    larger("2k", "5", "190", "228", "S0:466"),
    larger("2k", "30", "1140", "1178", "S0:466"),
    larger("4k", "5", "250", "300", "S0:467"),
    larger("4k", "12.4", "650", "650", "S0:467"),
    larger("4k", "30", "1500", "1550", "S0:467"),
]
OLD = [
    sd2("sd2", 5, "200", place="S1:156"),
    sd2("sd2-fast", 5, "160", place="S1:156"),
    sd2("sd2", 5, "300", place="S1:157", to="2k"),
    sd2("sd2-fast", 5, "260", place="S1:157", to="2k"),
    sd2("sd2", 5, "400", place="S1:158", to="4k"),
    sd2("sd2-fast", 5, "360", place="S1:158", to="4k"),
    sd2("sd2", 5, "400", place="S1:159", videos=["3"]),
    sd2("sd2-fast", 5, "320", place="S1:159", videos=["3"]),
    sd2("sd2", 5, "500", place="S1:159", to="2k", videos=["3"]),
]


def plain(place: str, model: str, size: str, out: int, low: str, more: str = "") -> Row:
    return Row(place=place, says=f"model: {model}, resolution: {size}, duration: {out}{more}", low=low)


MOVIE = [
    plain("S2:236", "seedance-2.0", "1080p", 8, "36"),
    plain("S2:237", "seedance-2.0", "720p", 8, "14.4"),
    plain("S2:238", "seedance-2.0", "480p", 8, "7.2"),
    plain("S2:239", "seedance-2.0-fast", "1080p", 8, "26.496"),
    plain("S2:240", "seedance-2.0-fast", "720p", 8, "11.52"),
    plain("S2:241", "seedance-2.0-fast", "480p", 8, "5.76"),
    plain("S2:238", "seedance-2", "480p", 15, "13.5"),
]
SEEDANCEE2 = [
    plain("S3:111", "mini", "720p", 5, "50"),
    plain("S3:112", "pro", "480p", 4, "40"),
    plain("S3:113", "fast", "720p", 10, "160"),
    plain("S3:114", "pro", "720p", 5, "100", ", references: [first, second]"),
    plain("S3:105", "seedance-2", "1080p", 15, "750"),
    plain("S3:106", "seedance-2-fast", "480p", 4, "32"),
    plain("S3:107", "seedance-2-mini", "480p", 4, "20"),
]
NACI = [
    plain("S4:6-18", "sd2.0", "720p", 11, "10.9296"),
    plain("S4:6-18", "seedance-2", "1080p", 5, "12.393"),
    plain("S4:6-18", "seedance-2", "480p", 4, "1.848096"),
]


def planned(
    path: Path, settings: str, rate: str, rows: Sequence[Row], capsys: pytest.CaptureFixture[str]
) -> list[tuple[str, Decimal, Decimal, Decimal | None]]:
    """Each row's place and what the command says of it; dollars where a credit has a price."""
    config = path.parent / "config.toml"
    config.write_text(CONFIG.format(folder=path.parent / "published") + settings, encoding="utf-8")
    (path.parent / "published").mkdir()
    code = main(["plan", str(path), "--format", "json"], House.of_user({"RUSHES_CONFIG": str(config)}))
    written = capsys.readouterr()
    assert code == 0, written.err
    steps: Steps = {step["id"]: step for step in loads(written.out)["steps"]}
    found = []
    for n, row in enumerate(rows):
        step = steps[f"s{n}/{row.step}"]
        assert (step["usd"] is None) == (not rate)
        found.append((row.place, D(step["credits"]["low"]), D(step["credits"]["high"]), step["usd"]))
    return found


@pytest.mark.parametrize(
    ("provider", "settings", "rate", "rows"),
    [
        pytest.param("seegen", "", "0.004", SEEGEN, id="seegen"),
        pytest.param("seegen", OLDER, "", OLD, id="seegen-older"),
        pytest.param("seedance2-movie", "", "", MOVIE, id="seedance2-movie"),
        pytest.param("seedancee2", "", "", SEEDANCEE2, id="seedancee2"),
        pytest.param("naci", GATEWAY, "0.14", NACI, id="naci"),
    ],
)
def test_a_plan_says_what_the_document_works_out(
    provider: str, settings: str, rate: str, rows: Sequence[Row], write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell and every example; an upper price above it is A3's rounded minimum or a clip's spare second."""
    clips = "".join(f"  {clip(s)}: {{video: 'https://x.example/{s}.mp4', seconds: {s}}}\n" for s in VIDEOS)
    pictures = "".join(f"  {name}: {{image: 'https://x.example/{name}.png'}}\n" for name in ("first", "second"))
    listed = "".join(f"  - {{id: s{n}, prompt: number {n}, {row.says}}}\n" for n, row in enumerate(rows))
    path = write(f"defaults: {{provider: {provider}}}\nreferences:\n{clips}{pictures}shots:\n{listed}")
    wanted = [(row.place, D(row.low), high := D(row.high or row.low), high * D(rate) if rate else None) for row in rows]
    assert planned(path, settings, rate, rows, capsys) == wanted
