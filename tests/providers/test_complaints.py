"""Every limit of the documents is told before a credit is spent, with its place and with who could do it instead."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.providers import naci, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Clip, Service, Wish
from pipeline.providers.catalog import MODELS, RATIOS, RESOLUTIONS, SERVICES
from pipeline.providers.elsewhere import ABLE, instead
from tests.providers.wishes import D, audio, faults, first, image, last, still, video, warnings, wish

HORSE: dict[str, Any] = {"model": "happyhorse-1"}
FAST: dict[str, Any] = {"model": "seedance-2-fast"}

WRONG: list[tuple[str, Wish, str]] = [
    # SeeGen's sd2 and sd2-fast
    ("seegen", wish(resolution="480p"), "resolution"),
    ("seegen", wish(ratio="adaptive"), "ratio"),
    ("seegen", wish(seconds=3), "duration"),
    ("seegen", wish(seconds=16), "duration"),
    ("seegen", wish(seconds="5.5"), "duration"),
    ("seegen", wish(prompt=" "), "prompt"),
    ("seegen", wish(upscale="1080p"), "upscale"),  # A6
    ("seegen", wish(resolution="1080p", upscale="2k"), "upscale"),  # A6
    ("seegen", wish(**FAST, resolution="1080p", upscale="4k"), "upscale"),
    ("seegen", wish(inputs=(last(),)), "last_frame"),
    ("seegen", wish(inputs=(first(), image())), "references"),
    ("seegen", wish(inputs=(image(),) * 10), "references"),
    ("seegen", wish(inputs=(image(), *((video("3"),) * 4))), "references"),
    ("seegen", wish(inputs=(image(), *((audio("3"),) * 4))), "references"),
    ("seegen", wish(inputs=(image(),) * 7 + (video("3"),) * 3 + (audio("3"),) * 3), "references"),  # 13 files
    ("seegen", wish(inputs=(video("15.1"),)), "references"),
    ("seegen", wish(inputs=(image(), audio("16"))), "references"),
    ("seegen", wish(inputs=(audio(),)), "references"),  # A28
    ("seegen", wish(inputs=(image(width=399, height=800),)), "references"),  # A27
    ("seegen", wish(inputs=(first(width=399, height=800),)), "first_frame"),
    ("seegen", wish(model="seedance-2-mini"), "model"),
    ("seegen", wish(model="gpt-image-2"), "model"),
    ("seegen", still(model="seedance-2"), "model"),
    ("seegen", wish(options={"resolution": "720x720"}), "options"),
    ("seegen", still(options={"quality": "best"}), "options"),
    # happyhorse
    ("seegen", wish(**HORSE, resolution="2k"), "resolution"),
    ("seegen", wish(**HORSE, resolution="480p"), "resolution"),
    ("seegen", wish(**HORSE, ratio="21:9"), "ratio"),
    ("seegen", wish(**HORSE, seconds=2), "duration"),
    ("seegen", wish(**HORSE, seconds=16), "duration"),
    ("seegen", wish(**HORSE, upscale="2k"), "upscale"),
    ("seegen", wish(**HORSE, inputs=(first(), last())), "last_frame"),
    ("seegen", wish(**HORSE, inputs=(first(), image())), "references"),
    ("seegen", wish(**HORSE, inputs=(video(),)), "references"),
    ("seegen", wish(**HORSE, inputs=(image(), audio())), "references"),
    ("seegen", wish(**HORSE, inputs=(image(),) * 10), "references"),
    ("seegen", wish(**HORSE, prompt="", inputs=(image(),)), "prompt"),
    ("seegen", wish(**HORSE, inputs=(first(width=299, height=400),)), "first_frame"),
    ("seegen", wish(**HORSE, inputs=(first(width=1001, height=400),)), "first_frame"),
    ("seegen", wish(**HORSE, inputs=(first(format="gif"),)), "first_frame"),
    ("seegen", wish(**HORSE, inputs=(image(bytes=10_000_001),)), "references"),
    ("seegen", wish(**HORSE, seed=2**31), "seed"),
    # gpt-image-2
    ("seegen", still(ratio="21:9"), "ratio"),
    ("seegen", still(prompt=""), "prompt"),
    ("seegen", still(inputs=(image(),) * 11), "references"),
    ("seegen", still(inputs=(video(),)), "references"),
    ("seegen", still(inputs=(first(),)), "first_frame"),
    ("seegen", still(inputs=(image(width=255, height=300),)), "references"),
    ("seegen", still(inputs=(image(width=901, height=300),)), "references"),
    ("seegen", still(inputs=(image(format="bmp"),)), "references"),
    ("seegen", still(inputs=(image(bytes=50_000_001),)), "references"),
    ("seegen", still(upscale="2k"), "upscale"),
    # seedance2.movie
    ("seedance2-movie", wish(resolution="2k"), "resolution"),
    ("seedance2-movie", wish(resolution="4k"), "resolution"),
    ("seedance2-movie", wish(seconds=3), "duration"),
    ("seedance2-movie", wish(inputs=(first(), last())), "last_frame"),  # B4
    ("seedance2-movie", wish(inputs=(first(), image())), "references"),
    ("seedance2-movie", wish(inputs=(image(local=False),)), "references"),
    ("seedance2-movie", wish(inputs=(image(people=True),)), "references"),  # S2:261
    ("seedance2-movie", wish(inputs=(image(format="gif"),)), "references"),
    ("seedance2-movie", wish(inputs=(image(),) * 10), "references"),
    ("seedance2-movie", wish(model="seedance-2-mini"), "model"),
    ("seedance2-movie", wish(upscale="2k"), "upscale"),
    ("seedance2-movie", wish(seed=-1), "seed"),
    ("seedance2-movie", wish(seed=2**31), "seed"),
    ("seedance2-movie", still(), "kind"),
    ("seedance2-movie", wish(prompt=""), "prompt"),
    # Seedancee2
    ("seedancee2", wish(**FAST, resolution="1080p"), "resolution"),  # C18
    ("seedancee2", wish(model="seedance-2-mini", resolution="1080p"), "resolution"),
    ("seedancee2", wish(resolution="4k"), "resolution"),
    ("seedancee2", wish(seconds=16), "duration"),
    ("seedancee2", wish(prompt="", inputs=(image(),)), "prompt"),  # C6
    ("seedancee2", wish(inputs=(last(),)), "last_frame"),
    ("seedancee2", wish(inputs=(first(), image())), "references"),
    ("seedancee2", wish(inputs=(image(),) * 10), "references"),
    ("seedancee2", wish(inputs=(image(), *((video(),) * 4))), "references"),
    ("seedancee2", wish(inputs=(image(format="heic"),)), "references"),
    ("seedancee2", wish(model="happyhorse-1"), "model"),
    ("seedancee2", wish(seed=2**31), "seed"),
    ("seedancee2", wish(upscale="2k"), "upscale"),
    ("seedancee2", still(), "kind"),
    # naci
    ("naci", wish(resolution="2k"), "resolution"),
    ("naci", wish(seconds=3), "duration"),
    ("naci", wish(inputs=(last(),)), "last_frame"),
    ("naci", wish(inputs=(first(), image())), "references"),
    ("naci", wish(inputs=(audio(),)), "references"),
    ("naci", wish(inputs=(video("8"), video("8"))), "references"),  # 15 seconds in all
    ("naci", wish(inputs=(video("1"),)), "references"),
    ("naci", wish(inputs=(image(width=6001, height=6000),)), "references"),
    ("naci", wish(inputs=(image(width=1001, height=400),)), "references"),
    ("naci", wish(inputs=(video("5", format="webm"),)), "references"),
    ("naci", wish(inputs=(image(bytes=30_000_001),)), "references"),
    ("naci", wish(inputs=(image(bytes=24_000_001),) * 2), "references"),  # 64 MB in base64
    ("naci", wish(model="seedance-2-fast"), "model"),
    ("naci", wish(options={"content": []}), "options"),
    ("naci", still(), "kind"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "asked", "field"), WRONG)
def test_what_a_document_forbids_is_a_fault_at_its_field(provider: str, asked: Wish, field: str) -> None:
    """That field alone, a fact that ends as a sentence, and a way out."""
    found = [c for c in SERVICES[provider].complaints(asked) if not c.warning]
    assert {c.field for c in found} == {field}
    assert all(c.fact.endswith(".") and c.hint.endswith((".", "`.")) for c in found)


WARNED: list[tuple[str, Wish, str]] = [
    ("seegen", wish(audio=True), "audio"),  # A29
    ("seegen", wish(seed=7), "seed"),
    ("seegen", wish(watermark=True), "watermark"),
    ("seegen", wish(inputs=(video(None),)), "references"),
    ("seegen", wish(prompt="a man --dur 12"), "prompt"),
    ("seegen", wish(**HORSE, audio=True), "audio"),
    ("seegen", wish(**HORSE, prompt="火" * 2501), "prompt"),
    ("seegen", still(seed=7), "seed"),
    ("seedance2-movie", wish(inputs=(first(),)), "first_frame"),
    ("seedance2-movie", wish(**FAST, resolution="1080p"), "resolution"),  # B9
    ("seedance2-movie", wish(ratio="adaptive"), "ratio"),  # B7
    ("seedance2-movie", wish(inputs=(image(people=True, provider="seegen"),)), "references"),
    ("seedance2-movie", wish(inputs=(audio(),)), "references"),
    ("seedancee2", wish(inputs=(first(),)), "first_frame"),
    ("seedancee2", wish(inputs=(audio(),)), "references"),
    ("naci", wish(seed=7), "seed"),
    ("naci", wish(inputs=(image(people=True),)), "people"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "asked", "field"), WARNED)
def test_what_a_document_leaves_open_is_a_warning(provider: str, asked: Wish, field: str) -> None:
    """It stops nothing: seeds and sound without a switch, soft continuity, words that change the job."""
    page: Service = SERVICES[provider]
    if provider == "naci":
        page = naci.page(prices={"sd2.0": {"720p": D(18)}})
    assert faults(page.complaints(asked)) == []
    assert warnings(page.complaints(asked)) == [field]


FINE: list[tuple[str, Wish]] = [
    *((name, wish()) for name in SERVICES if name != "naci"),
    *(("seegen", wish(ratio=ratio)) for ratio in RATIOS if ratio != "adaptive"),
    *(("seedancee2", wish(ratio=ratio)) for ratio in RATIOS),
    *(("seegen", wish(resolution=size)) for size in RESOLUTIONS if size != "480p"),
    *(("seegen", still(resolution=size)) for size in RESOLUTIONS),
    ("seegen", wish(inputs=(image(),) * 6 + (video("15"),) * 3 + (audio("15"),) * 3)),
    ("seegen", wish(prompt="", inputs=(first(), last()))),
    ("seegen", wish(**HORSE, prompt="", ratio="21:9", inputs=(first(),))),
    ("seegen", wish(**HORSE, seconds=3, seed=2**31 - 1, inputs=(image(width=750, height=300),) * 9)),
    ("seegen", still(options={"quality": "high", "outputFormat": "webp"}, inputs=(image(width=900, height=300),) * 10)),
    ("seedance2-movie", wish(seed=0, audio=True, watermark=True, inputs=(image(), video(), audio(local=False)))),
    ("seedancee2", wish(seed=0, audio=True, watermark=True, inputs=(first(), last()))),
    ("seedancee2", wish(inputs=(image(),) * 9 + (video(),) * 3 + (audio(),) * 3)),
]


@pytest.mark.parametrize(("provider", "asked"), FINE)
def test_what_a_document_allows_is_no_complaint(provider: str, asked: Wish) -> None:
    """Up to the limits themselves."""
    assert list(SERVICES[provider].complaints(asked)) == []


def test_nacis_unknown_price_is_warned_of_and_its_models_are_configured() -> None:
    """Without a price the plan says so; a model becomes known by its name in the configuration."""
    assert warnings(naci.page().complaints(wish())) == ["model"]
    mine = naci.page(models={"seedance-2-fast": "sd2.0-fast"}, prices={"sd2.0-fast": {"720p": D(12)}})
    assert list(mine.complaints(wish(**FAST))) == []
    assert mine.request(wish(**FAST))["model"] == "sd2.0-fast"
    assert faults(mine.complaints(wish(**FAST, resolution="1080p"))) == ["resolution"]
    assert list(mine.complaints(wish(model="sd2.0-fast"))) == []


OLDER_WRONG = [
    (wish(resolution="1080p"), "resolution"),
    (wish(**FAST, upscale="1080p"), "upscale"),
    (wish(**HORSE), "model"),
    (still(), "model"),
    (wish(inputs=(image(width=399, height=400),)), "references"),
]


@pytest.mark.parametrize(("asked", "field"), OLDER_WRONG)
def test_seegens_older_edition_has_less(asked: Wish, field: str) -> None:
    """No 1080p, no other models; 2k and 4k are there, and videos by URL (S1:127)."""
    assert faults(seegen_older.complaints(asked)) == [field]
    assert list(seegen_older.complaints(wish(resolution="2k", inputs=(video(None),)))) == []
    assert warnings(seegen_older.complaints(wish(inputs=(first(people=True),)))) == ["people"]


@pytest.mark.parametrize(
    ("clip", "to"),
    [
        (Clip(seconds=D(601)), "2k"),
        (Clip(seconds=D(5), bytes=200_000_001), "2k"),
        (Clip(seconds=D(5), format="mkv"), "2k"),
        (Clip(seconds=D(5), width=3840, height=2160), "4k"),
        (Clip(seconds=D(5)), "8k"),
    ],
)
def test_the_upscalers_limits(clip: Clip, to: str) -> None:
    """S0:459-463."""
    assert faults(seegen_upscaler.complaints(clip, to)) == ["upscale"]
    fine = Clip(seconds=D(600), width=1280, height=720, bytes=200_000_000, format="mp4")
    assert list(seegen_upscaler.complaints(fine, "1080p")) == []


PROOF: dict[str, Wish] = {
    **{size: wish(resolution=size) for size in ("480p", "1080p", "2k", "4k")},
    **{ratio: wish(ratio=ratio) for ratio in ("adaptive", "21:9")},
    "first_frame": wish(inputs=(first(),)),
    "last_frame": wish(inputs=(first(), last())),
    "references": wish(inputs=(image(),)),
    "seed": wish(seed=7),
    "sound": wish(audio=True),
    "watermark": wish(watermark=True),
    "people": wish(inputs=(first(people=True),)),
    "still": still(),
    **{model: still() if "image" in model else wish(model=model) for model in MODELS},
}


def test_who_could_do_it_instead_is_true() -> None:
    """Each ability of the table is had without a complaint by those it names, and by no other service."""
    assert PROOF.keys() == ABLE.keys()
    for ability, asked in PROOF.items():
        able = []
        for name, page in SERVICES.items():
            prices = {"sd2.0": dict.fromkeys(RESOLUTIONS, D(1))}
            complaints = (naci.page(prices=prices) if name == "naci" else page).complaints(asked)
            if not list(complaints):
                able.append(name)
        assert set(able) == set(ABLE[ability]), ability


def test_the_way_out_names_others_only() -> None:
    """Never the one that cannot; the animatic where nobody can."""
    assert instead("480p", "seedancee2") == "Use `provider: seedance2-movie or naci` for it."
    assert instead("people", "seegen") == "No service here does; `provider: animatic` draws a rough cut."
    assert "seedancee2" in next(iter(seegen.complaints(wish(resolution="480p")))).hint
    assert "seegen" in next(iter(seedancee2.complaints(wish(resolution="2k")))).hint
    assert "seegen, seedancee2 or naci" in next(iter(seedance2_movie.complaints(wish(inputs=(first(), last()))))).hint
