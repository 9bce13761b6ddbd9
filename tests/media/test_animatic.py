"""The animatic: the same drawing gives the same bytes, a chain goes on where it stopped, and no prompt breaks it."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from pipeline.errors import MediaError
from pipeline.media import frames
from pipeline.media.animatic import Drawing, Picture, draw_clip, draw_still, picture_box

SIZE = 320, 180
PROMPT = "an old keeper in a yellow oilskin looks over the harbour at dawn"


def drawing(prompt: str = PROMPT, **changes: object) -> Drawing:
    base = {
        "shot": "dawn@2",
        "prompt": prompt,
        "width": SIZE[0],
        "height": SIZE[1],
        "seconds": Decimal("1"),
        "seed": 7,
        "model": "seedance-2",
    }
    return Drawing(**{**base, **changes})  # type: ignore[arg-type]


def psnr(one: Image.Image, other: Image.Image) -> float:
    """How alike two RGB pictures are, in decibels."""
    squares = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum2
    mean = sum(squares) / (3 * one.width * one.height)
    return 10 * math.log10(255 * 255 / mean) if mean else 99.0


def shown(path: Path, size: tuple[int, int] = SIZE) -> Image.Image:
    """The picture area of the first picture of a file."""
    return frames.picture(path).crop(picture_box(*size))


def kept_last(clip: Path) -> Path:
    """The last picture of a clip as a PNG beside it, as a chain hands it on."""
    still = clip.with_suffix(".png")
    with av.open(str(clip)) as container:
        last = list(container.decode(video=0))[-1]
    last.to_image(dst_colorspace="ITU709", interpolation="BICUBIC").save(still)
    return still


def clip_facts(path: Path) -> dict[str, object]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        return {
            "codec": context.name,
            "format": context.pix_fmt,
            "size": (context.width, context.height),
            "rate": stream.average_rate,
            "pictures": sum(1 for _ in container.decode(video=0)),
            "colours": (context.color_primaries, context.color_trc, context.colorspace, context.color_range),
        }


@pytest.mark.parametrize("seconds, pictures", [("2", 48), ("0.5", 12), ("0", 1)])
def test_a_clip_has_the_length_size_and_tags_that_were_asked(tmp_path: Path, seconds: str, pictures: int) -> None:
    """24 pictures a second, H.264 4:2:0, BT.709 limited, the index before the pictures."""
    out = tmp_path / "clip.mp4"
    draw_clip(drawing(seconds=Decimal(seconds)), out)
    facts = clip_facts(out)
    assert facts["codec"] == "h264"
    assert facts["format"] == "yuv420p"
    assert facts["size"] == SIZE
    assert facts["rate"] == 24
    assert facts["pictures"] == pictures
    assert facts["colours"] == (1, 1, 1, 1)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_another_process_draws_the_same_bytes(tmp_path: Path) -> None:
    """Neither the process nor its hash seed leaves a trace in clips with sound, cards and weather, nor in stills."""
    draw_still(drawing(), tmp_path / "card.png")
    code = (
        "import sys, hashlib; from pathlib import Path; from decimal import Decimal\n"
        "from pipeline.media.animatic import *\n"
        "folder = Path(sys.argv[1])\n"
        "cards = (Picture(path=folder / 'card.png', drawn=True, name='sheet'),)\n"
        "d = Drawing(shot='a', prompt='storm over the harbour', width=320, height=180, seconds=Decimal('0.5'),\n"
        "            seed=3, audio=True, watermark=True, references=cards)\n"
        "draw_clip(d, folder / f'{sys.argv[2]}.mp4'); draw_still(d, folder / f'{sys.argv[2]}.png')\n"
    )
    for seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path), seed], env=environment, check=True)
    for suffix in (".mp4", ".png"):
        one, other = (hashlib.sha256((tmp_path / f"{seed}{suffix}").read_bytes()) for seed in ("0", "4242"))
        assert one.hexdigest() == other.hexdigest()


def test_a_chain_goes_on_exactly_where_it_stopped_and_then_moves(tmp_path: Path) -> None:
    """Over a chain of three each clip begins as the one before ended, at 35 dB or more, and ends somewhere else."""
    draw_clip(drawing(), tmp_path / "0.mp4")
    for index, prompt in enumerate(("he climbs the stairs", "he lights the great lamp at dusk"), start=1):
        before = kept_last(tmp_path / f"{index - 1}.mp4")
        out = tmp_path / f"{index}.mp4"
        draw_clip(drawing(prompt, first_frame=Picture(path=before, drawn=True)), out)
        assert psnr(shown(before), shown(out)) >= 35
        assert psnr(shown(before), shown(kept_last(out))) < 25


def test_a_chain_into_another_size_begins_with_the_same_picture(tmp_path: Path) -> None:
    """A drawn frame of another size is scaled, its bands left away."""
    draw_still(drawing(width=640, height=360), tmp_path / "large.png")
    draw_clip(drawing(first_frame=Picture(path=tmp_path / "large.png", drawn=True)), tmp_path / "small.mp4")
    large = shown(tmp_path / "large.png", (640, 360)).resize(
        shown(tmp_path / "small.mp4").size, Image.Resampling.LANCZOS
    )
    assert psnr(large, shown(tmp_path / "small.mp4")) > 27


def test_a_given_picture_is_moved_over_and_never_drawn_over(tmp_path: Path) -> None:
    """A user's picture stays the only thing in the picture area, from the first picture to the last."""
    Image.linear_gradient("L").convert("RGB").resize((400, 300)).save(tmp_path / "own.png")
    out = tmp_path / "clip.mp4"
    draw_clip(drawing("push in", first_frame=Picture(path=tmp_path / "own.png")), out)
    for picture in (shown(out), shown(kept_last(out))):
        red, green, blue = picture.split()
        assert ImageStat.Stat(ImageChops.difference(red, blue)).mean[0] < 4
        assert ImageStat.Stat(ImageChops.difference(red, green)).mean[0] < 4
    assert 12 < psnr(shown(out), shown(kept_last(out))) < 40


@pytest.mark.parametrize("first", [False, True])
def test_a_clip_ends_on_its_last_frame(tmp_path: Path, first: bool) -> None:
    """With a last frame the clip dissolves into it and its last picture is that frame."""
    draw_still(drawing("snow in the mountains"), tmp_path / "goal.png")
    draw_still(drawing(), tmp_path / "start.png")
    start = Picture(path=tmp_path / "start.png", drawn=True) if first else None
    goal = Picture(path=tmp_path / "goal.png", drawn=True)
    out = tmp_path / "clip.mp4"
    draw_clip(drawing("desert", first_frame=start, last_frame=goal), out)
    assert psnr(shown(kept_last(out)), shown(tmp_path / "goal.png")) >= 33
    assert psnr(shown(out), shown(tmp_path / "goal.png")) < 20
    if first:
        assert psnr(shown(out), shown(tmp_path / "start.png")) >= 33


def test_prompts_seeds_and_references_show(tmp_path: Path) -> None:
    """Another prompt gives another picture, another seed another framing, a reference a card, a mark a mark."""
    variants = {
        "harbour": drawing(),
        "desert": drawing("dunes at noon"),
        "other": drawing("one two three"),
        "words": drawing("four five six"),
        "seed": drawing(seed=8),
        "mark": drawing(watermark=True),
    }
    for name, variant in variants.items():
        draw_still(variant, tmp_path / f"{name}.png")
    draw_still(
        drawing(references=(Picture(path=tmp_path / "desert.png", drawn=True, name="d"),)), tmp_path / "card.png"
    )
    pictures = {path.stem: shown(path) for path in tmp_path.glob("*.png")}
    assert psnr(pictures["harbour"], pictures["desert"]) < 18
    assert psnr(pictures["other"], pictures["words"]) < 30
    assert psnr(pictures["harbour"], pictures["seed"]) < 25
    assert psnr(pictures["harbour"], pictures["card"]) < 25
    assert 20 < psnr(pictures["harbour"], pictures["mark"]) < 60


def test_a_shot_has_sound_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """Sound lasts as long as the pictures, is heard, and begins and ends in silence."""
    draw_clip(drawing(), tmp_path / "mute.mp4")
    draw_clip(drawing(audio=True, seconds=Decimal(2)), tmp_path / "loud.mp4")
    with av.open(str(tmp_path / "mute.mp4")) as container:
        assert not container.streams.audio
    with av.open(str(tmp_path / "loud.mp4")) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.layout.name) == ("aac", 48_000, "stereo")
        assert stream.duration is not None
        assert abs(float(stream.duration * (stream.time_base or 0)) - 2) < 0.05
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        data = b"".join(
            bytes(p.planes[0])[: p.samples * 2] for f in container.decode(stream) for p in resampler.resample(f)
        )
    levels = memoryview(data).cast("h").tolist()
    assert max(map(abs, levels[24_000:72_000])) > 500
    assert max(map(abs, levels[95_500:96_000])) < 250


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (240, 240), (420, 180), (240, 180), (180, 240), (64, 64)])
def test_every_ratio_has_its_bands_outside_its_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    """The picture area is even, large, and the bands stay the same whatever is drawn in it."""
    width, height = size
    left, top, right, low = picture_box(width, height)
    assert all(side % 2 == 0 for side in (left, top, right, low))
    assert (right - left) * (low - top) > 0.55 * width * height
    for name, seed in (("one", 1), ("two", 2)):
        draw_still(drawing(width=width, height=height, seed=seed), tmp_path / f"{name}.png")
    one, two = (frames.picture(tmp_path / f"{name}.png") for name in ("one", "two"))
    assert one.size == size
    for band in ((0, 0, width, top), (0, low, width, height)):
        assert psnr(one.crop(band), two.crop(band)) == 99.0
    assert psnr(one.crop((left, top, right, low)), two.crop((left, top, right, low))) < 40


HOSTILE = [
    "",
    " \n\t ",
    "\x00\x07\x1b[31m",
    "a\ud800b\udfff",
    "\u202eright to left\u2066\u2069\ufeff",
    "e" + "\u0301" * 5000,
    "\U0001f3ac\U0001f468\u200d\U0001f469 مرحبا 日本語 नमस्ते",
    "x" * 100_000,
    "word " * 20_000,
    "\U0010ffff\ue000\ufdd0",
]


@pytest.mark.parametrize("prompt", HOSTILE, ids=range(len(HOSTILE)))
def test_no_prompt_and_no_name_breaks_a_drawing(tmp_path: Path, prompt: str) -> None:
    """Controls, lone surrogates, floods of accents, any script, 100 kB: there is a picture."""
    draw_still(drawing(width=192, height=108), tmp_path / "card.png")
    card = Picture(path=tmp_path / "card.png", name=prompt)
    out = tmp_path / "still.jpg"
    draw_still(drawing(prompt, shot=prompt, model=prompt, width=192, height=108, references=(card,) * 6), out)
    with Image.open(out) as image:
        assert (image.format, image.size) == ("JPEG", (192, 108))


@pytest.mark.parametrize("width, height", [(321, 180), (320, 181), (0, 180), (32, 32), (20_000, 180)])
def test_a_size_that_cannot_be_drawn_is_refused(tmp_path: Path, width: int, height: int) -> None:
    """Odd, tiny and huge sizes raise a fault with a hint, and leave no file."""
    with pytest.raises(MediaError) as caught:
        draw_clip(drawing(width=width, height=height), tmp_path / "clip.mp4")
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_none_fails_the_drawing_and_leaves_no_file(tmp_path: Path) -> None:
    """Bytes that are no picture raise `MediaError` before anything is written."""
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(MediaError):
        draw_clip(drawing(first_frame=Picture(path=tmp_path / "bad.png")), tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()
