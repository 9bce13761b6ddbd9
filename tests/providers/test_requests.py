"""What is sent: the documents' printed bodies, and everything else said as the documents name it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.providers import naci, seedance2_movie, seedancee2, seegen, seegen_older, seegen_upscaler
from pipeline.providers.base import Service, Wish
from pipeline.providers.catalog import SERVICES
from tests.providers.wishes import audio, first, image, last, still, video, wish

Body = dict[str, Any]


def _within(small: Any, large: Any) -> bool:
    """Whether all that `small` says stands in `large`; lists are compared whole."""
    if isinstance(small, dict) and isinstance(large, dict):
        return all(key in large and _within(value, large[key]) for key, value in small.items())
    return bool(small == large)


def sent(page: Service, asked: Wish, *inputs: str) -> Body:
    """The body of the call for a wish, with these addresses."""
    assert not [c for c in page.complaints(asked) if not c.warning]
    call = page.submit(page.request(asked), inputs)
    assert call.method == "POST"
    assert not call.repeatable
    assert call.body is not None
    return dict(call.body)


PHOTO = "https://example.com/photo.jpg"
REF1, REF2 = "https://example.com/ref1.jpg", "https://example.com/ref2.jpg"
FIRST, LAST = "https://example.com/first-frame.jpg", "https://example.com/last-frame.jpg"
MOTION, SOUND = "https://example.com/motion-ref.mp4", "https://example.com/audio.mp3"

SEEGEN: list[tuple[str, Wish, tuple[str, ...], Body]] = [
    (
        "S0:72-79",
        wish(prompt="A golden retriever running on the beach at sunset"),
        (),
        {
            "model": "sd2",
            "inputs": {
                "prompt": "A golden retriever running on the beach at sunset",
                "duration": "5s",
                "resolution": "1280x720",
            },
        },
    ),
    (
        "S0:127-133",
        wish(prompt="The woman slowly turns her head and smiles", inputs=(first(),)),
        (PHOTO,),
        {
            "model": "sd2",
            "inputs": {"urls": [PHOTO], "prompt": "The woman slowly turns her head and smiles", "duration": "5s"},
        },
    ),
    (
        "S0:145-156",
        wish(prompt="Smooth camera transition from day to night", inputs=(first(), last())),
        (FIRST, LAST),
        {
            "model": "sd2",
            "inputs": {
                "urls": [FIRST, LAST],
                "prompt": "Smooth camera transition from day to night",
                "duration": "5s",
                "videoInputMode": "keyframe",
            },
        },
    ),
    (
        "S0:169-183",
        wish(prompt="Character walks through a garden", inputs=(image(), image(), video(), audio())),
        (REF1, REF2, MOTION, SOUND),
        {
            "model": "sd2",
            "inputs": {
                "urls": [REF1, REF2],
                "videoUrls": [MOTION],
                "audioUrls": [SOUND],
                "prompt": "Character walks through a garden",
                "duration": "5s",
                "videoInputMode": "reference",
                "resolution": "1280x720",
            },
        },
    ),
]
SEEGEN_ONLY: list[tuple[str, Wish, tuple[str, ...], Body]] = [
    (
        "S0:206-214",
        wish(model="happyhorse-1", prompt="A panda DJ at a beach party, smoky sunset"),
        (),
        {
            "model": "happyhorse",
            "inputs": {
                "prompt": "A panda DJ at a beach party, smoky sunset",
                "duration": "5s",
                "outputResolution": "720p",
                "ratio": "16:9",
            },
        },
    ),
    (
        "S0:219-227",
        wish(model="happyhorse", prompt="The panda blinks and smiles", resolution="1080p", inputs=(first(),)),
        ("https://example.com/panda.jpg",),
        {
            "model": "happyhorse",
            "inputs": {
                "urls": ["https://example.com/panda.jpg"],
                "prompt": "The panda blinks and smiles",
                "duration": "5s",
                "outputResolution": "1080p",
            },
        },
    ),
    (
        "S0:233-247",
        wish(
            model="happyhorse-1",
            prompt="A woman in red character1 opening folding fan character2",
            inputs=(image(),) * 3,
        ),
        (
            "https://example.com/character.jpg",
            "https://example.com/folding-fan.jpg",
            "https://example.com/earrings.jpg",
        ),
        {
            "model": "happyhorse",
            "inputs": {
                "videoWorkflowTab": "multi-reference",
                "urls": [
                    "https://example.com/character.jpg",
                    "https://example.com/folding-fan.jpg",
                    "https://example.com/earrings.jpg",
                ],
                "prompt": "A woman in red character1 opening folding fan character2",
                "duration": "5s",
                "outputResolution": "720p",
                "ratio": "16:9",
            },
        },
    ),
    (
        "S0:288-296",
        still(prompt="A neon-lit cyberpunk alley at midnight, photoreal", resolution="2k"),
        (),
        {
            "model": "gpt-image-2",
            "inputs": {
                "prompt": "A neon-lit cyberpunk alley at midnight, photoreal",
                "quality": "medium",
                "resolution": "2k",
                "aspectRatio": "16:9",
            },
        },
    ),
    (
        "S0:302-311",
        still(prompt="Restyle as oil painting", ratio="1:1", inputs=(image(),)),
        ("https://example.com/portrait.jpg",),
        {
            "model": "gpt-image-2",
            "inputs": {
                "urls": ["https://example.com/portrait.jpg"],
                "prompt": "Restyle as oil painting",
                "quality": "medium",
                "resolution": "1k",
                "aspectRatio": "1:1",
            },
        },
    ),
    (
        "S0:400-407",
        wish(prompt="The person slowly looks up and smiles", inputs=(first(people=True),)),
        ("asset://asset-20260326-abc123",),
        {
            "model": "sd2",
            "inputs": {
                "urls": ["asset://asset-20260326-abc123"],
                "prompt": "The person slowly looks up and smiles",
                "duration": "5s",
            },
        },
    ),
]
# What is said beyond the printed body, so that no default decides: shape, size and mode (A25, A26), the still's format.
BEYOND = {"resolution", "outputResolution", "videoInputMode", "outputFormat"}


@pytest.mark.parametrize(("asked", "inputs", "printed"), [row[1:] for row in SEEGEN + SEEGEN_ONLY])
def test_seegens_printed_bodies(asked: Wish, inputs: tuple[str, ...], printed: Body) -> None:
    """Each as printed, with nothing added but what would else be left to a default."""
    body = sent(seegen, asked, *inputs)
    assert _within(printed, body)
    assert body.keys() == printed.keys()
    assert body["inputs"].keys() - printed["inputs"].keys() <= BEYOND


@pytest.mark.parametrize(("asked", "inputs", "printed"), [row[1:] for row in SEEGEN])
def test_the_older_editions_printed_bodies(asked: Wish, inputs: tuple[str, ...], printed: Body) -> None:
    """The same bodies (S1:16-123), without the field that it does not have."""
    body = sent(seegen_older, asked, *inputs)
    assert _within(printed, body)
    assert body["inputs"].keys() - printed["inputs"].keys() <= BEYOND - {"outputResolution"}


@pytest.mark.parametrize(
    ("model", "said", "own", "upscale"),
    [
        ("seedance-2", {"resolution": "1080p"}, "1080p", None),
        ("seedance-2-fast", {"resolution": "1080p"}, "720p", "1080p"),
        ("seedance-2", {"resolution": "2k"}, "720p", "2k"),
        ("seedance-2", {"upscale": "4k"}, "720p", "4k"),
    ],
)
def test_seegens_sizes(model: str, said: dict[str, str], own: str, upscale: str | None) -> None:
    """1080p is native for sd2 and an upscale for sd2-fast; 2k and 4k are upscales for both (S0:53)."""
    inputs = sent(seegen, wish(model=model, **said))["inputs"]
    assert (inputs["outputResolution"], inputs.get("upscaleResolution")) == (own, upscale)


def test_the_upscalers_printed_body() -> None:
    """S0:413-417."""
    call = seegen_upscaler.submit(
        seegen_upscaler.request("2k"), ["https://your-cdn.com/video.mp4"], callback="https://your-server.com/webhook"
    )
    assert (call.method, call.path) == ("POST", "/upscale/create")
    assert call.body == {
        "source": {"type": "url", "url": "https://your-cdn.com/video.mp4"},
        "targetResolution": "2k",
        "callBackUrl": "https://your-server.com/webhook",
    }


MOVIE: list[tuple[Wish, tuple[str, ...], Body]] = [
    (
        wish(prompt="A cat running under cherry blossoms, warm sunlight", seconds=8),
        (),
        {  # S2:109-118
            "model": "seedance-2.0",
            "content": [{"type": "text", "text": "A cat running under cherry blossoms, warm sunlight"}],
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 8,
            "generate_audio": False,
        },
    ),
    (
        wish(prompt="The character slowly turns around", seconds=8, inputs=(first(),)),
        ("api/uploads/1/uuid_character.png",),
        {  # S2:308-317
            "model": "seedance-2.0",
            "content": [
                {"type": "image_url", "image_url": "api/uploads/1/uuid_character.png"},
                {"type": "text", "text": "The character slowly turns around"},
            ],
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 8,
        },
    ),
    (
        wish(prompt="A spaceship gliding past Saturn's rings", ratio="21:9", seconds=10, audio=True),
        (),
        {  # S2:359-368
            "model": "seedance-2.0",
            "content": [{"type": "text", "text": "A spaceship gliding past Saturn's rings"}],
            "resolution": "720p",
            "ratio": "21:9",
            "duration": 10,
            "generate_audio": True,
        },
    ),
]


@pytest.mark.parametrize(("asked", "inputs", "printed"), MOVIE)
def test_movies_printed_bodies(asked: Wish, inputs: tuple[str, ...], printed: Body) -> None:
    """Each as printed; sound and watermark always said."""
    body = sent(seedance2_movie, asked, *inputs)
    assert _within(printed, body)
    assert body.keys() - printed.keys() <= {"generate_audio", "watermark"}


def test_movies_presigned_place() -> None:
    """POST with query parameters and no body (S2:389)."""
    call = seedance2_movie.presign("scene.png", "image/png")
    assert (call.method, call.path, call.body) == ("POST", "/api/v1/video/upload/presign", None)
    assert call.query == {"filename": "scene.png", "content_type": "image/png"}
    assert call.repeatable
    assert set(seedance2_movie.CONTENT_TYPES.values()) == {
        "image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime", "video/webm",
    }  # fmt: skip


def test_seedancee2s_printed_bodies() -> None:
    """S3:17-28 and S3:154-173: the fields printed, the mark in the metadata, the callback beside it."""
    prompt = "A cinematic drone shot of waves breaking against black volcanic rocks"
    asked = wish(model="seedance-2-mini", prompt=prompt)
    call = seedancee2.submit(seedancee2.request(asked), [], mark="job_123")
    assert call.path == "/v1/videos/generations"
    assert call.body is not None
    minimal = {
        "model": "mini",
        "input": {"prompt": prompt, "duration": 5, "resolution": "720p", "aspect_ratio": "16:9"},
        "metadata": {"customer_job_id": "job_123"},
    }
    assert _within(minimal, call.body)
    refs = ["https://example-cdn.com/reference-1.png", "https://example-cdn.com/reference-2.png"]
    full = wish(prompt="A market", audio=True, inputs=(image(), image()), options={"return_last_frame": True})
    call = seedancee2.submit(seedancee2.request(full), refs, callback="https://example.com/webhooks/seedancee2")
    assert call.body is not None
    printed = {
        "model": "pro",
        "callback_url": "https://example.com/webhooks/seedancee2",
        "input": {
            "prompt": "A market",
            "image_urls": refs,
            "duration": 5,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "generate_audio": True,
            "return_last_frame": True,
        },
    }
    assert _within(printed, call.body)
    assert call.body["input"].keys() - printed["input"].keys() == {"generation_type", "watermark"}  # type: ignore[attr-defined]


def test_seedancee2s_frames_and_references() -> None:
    """First and last frame in their own fields (C7); videos always as a list (C8)."""
    body = sent(seedancee2, wish(inputs=(first(), last())), FIRST, LAST)["input"]
    assert (body["generation_type"], body["start_image_url"], body["end_image_url"]) == (
        "first_and_last_frames", FIRST, LAST,
    )  # fmt: skip
    assert "image_urls" not in body
    body = sent(seedancee2, wish(inputs=(image(), video(), audio())), REF1, MOTION, SOUND)["input"]
    assert (body["generation_type"], body["image_urls"], body["video_urls"], body["audio_urls"]) == (
        "omni_reference", [REF1], [MOTION], [SOUND],
    )  # fmt: skip


def test_nacis_printed_body() -> None:
    """S4:6-18, with the size said too."""
    body = sent(naci.page(), wish(prompt="A Christmas bunny flying in the sky", seconds=11, audio=True))
    printed = {
        "model": "sd2.0",
        "content": [{"type": "text", "text": "A Christmas bunny flying in the sky"}],
        "generate_audio": True,
        "ratio": "16:9",
        "duration": 11,
        "watermark": False,
    }
    assert _within(printed, body)
    assert body.keys() - printed.keys() == {"resolution"}


def test_nacis_content_items_have_arks_roles() -> None:
    """{"url": ...} and a role for each input."""
    body = sent(naci.page(), wish(inputs=(first(), last())), FIRST, LAST)
    assert body["content"][1:] == [
        {"type": "image_url", "image_url": {"url": FIRST}, "role": "first_frame"},
        {"type": "image_url", "image_url": {"url": LAST}, "role": "last_frame"},
    ]
    body = sent(naci.page(), wish(inputs=(image(), video(), audio())), REF1, MOTION, SOUND)
    assert [item.get("role") for item in body["content"]] == [
        None, "reference_image", "reference_video", "reference_audio",
    ]  # fmt: skip


def test_naci_for_gateways_of_the_main_line() -> None:
    """`prompt`, and the rest once more as `metadata`, with the addresses filled in there too."""
    body = sent(naci.page(mainline=True), wish(prompt="a bunny", inputs=(first(),)), FIRST)
    assert body["prompt"] == "a bunny"
    assert body["metadata"]["content"] == body["content"]
    assert FIRST in str(body["metadata"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_address_is_in_what_is_keyed(name: str) -> None:
    """Inputs stand in the request as their place; the same wish is the same request wherever its inputs lie."""
    page = SERVICES[name]
    asked = wish(inputs=(image(), image(), video(), audio()))
    request = page.request(asked)
    assert "http" not in str(request)
    addresses = [f"https://a.example/{i}" for i in range(4)]
    sent_text = str(page.submit(request, addresses).body)
    assert all(address in sent_text for address in addresses)
    assert page.request(asked) == request


@pytest.mark.parametrize("name", SERVICES)
def test_two_wishes_that_differ_are_two_requests(name: str) -> None:
    """Every portable field that a service has is in its request."""
    page = SERVICES[name]
    plain = page.request(wish())
    said: list[dict[str, Any]] = [{"prompt": "another"}, {"seconds": 6}, {"ratio": "9:16"}, {"resolution": "1080p"}]
    if name != "seegen":
        said += [{"audio": True}, {"watermark": True}, {"seed": 7}]
    for change in said:
        assert page.request(wish(**change)) != plain, change


def test_a_mark_is_sent_where_it_is_echoed() -> None:
    """Seedancee2 in its metadata, movie as the seed where the request has none; the others have no place for it."""
    call = seedance2_movie.submit(seedance2_movie.request(wish()), [], mark="k1:abc")
    assert call.body is not None
    assert call.body["seed"] == seedance2_movie.seed_of("k1:abc")
    call = seedance2_movie.submit(seedance2_movie.request(wish(seed=7)), [], mark="k1:abc")
    assert call.body is not None
    assert call.body["seed"] == 7
    for page in (seegen, naci.page()):
        assert "abc" not in str(page.submit(page.request(wish()), [], mark="k1:abc").body)


@pytest.mark.parametrize("name", SERVICES)
def test_a_callback_is_only_in_what_is_sent(name: str) -> None:
    """It decides no result."""
    page = SERVICES[name]
    body = page.submit(page.request(wish()), [], callback="https://hooks.example/x").body
    assert body is not None
    assert [key for key, value in body.items() if value == "https://hooks.example/x"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_job_id_cannot_lead_elsewhere(name: str) -> None:
    """A slash or a question mark in an id stays inside its place in the address."""
    call = SERVICES[name].poll("../balance?x=1#y")
    assert "../" not in call.path
    assert "?" not in call.path


def test_how_inputs_reach_each_service() -> None:
    """Asset, upload, inside the request, or URL."""
    asked = wish()
    people = image(people=True)
    assert seegen.reach(asked, image()) == "url"
    assert seegen.reach(asked, people) == "asset"
    assert seegen.reach(wish(people=True), first()) == "asset"
    assert seegen.reach(asked, video()) == "asset"
    assert seegen.reach(asked, audio()) == "url"
    assert seegen.reach(wish(model="happyhorse-1"), people) == "url"
    assert seegen.reach(still(), people) == "url"
    assert seegen_older.reach(asked, video()) == "url"
    assert seedance2_movie.reach(asked, image()) == "upload"
    assert seedance2_movie.reach(asked, video()) == "upload"
    assert seedance2_movie.reach(asked, audio()) == "url"
    assert seedancee2.reach(asked, image()) == "url"
    assert naci.page().reach(asked, image()) == "data"
    assert naci.page().reach(asked, image(local=False)) == "url"
    assert naci.page().reach(asked, video()) == "url"
    assert naci.page(data_urls=False).reach(asked, image()) == "url"


def test_happyhorses_references_have_names_in_prompts() -> None:
    """`character1`, `character2` (S0:200); the others have none in their documents."""
    assert seegen.mention("happyhorse-1", "image", 2) == "character2"
    assert seegen.mention("seedance-2", "image", 2) == ""
    assert (seegen.seed_limit("happyhorse-1"), seegen.seed_limit("seedance-2")) == (2**31, 0)
