"""`fallback`: what each entry becomes, what gives way to it, and where its faults are told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.recipe.model import Shot
from tests.recipe.written import HEAD, faults, loaded, png

D = Decimal


def shot(folder: Path, text: str, id: str = "a", **files: bytes) -> Shot:
    """One shot of a recipe without faults."""
    return next(one for one in loaded(folder, text, **files).shots if one.id == id)


def test_each_entry_is_a_whole_shot(tmp_path: Path) -> None:
    """It has what the shot says but for what it says otherwise; options are merged by provider."""
    found = shot(
        tmp_path,
        "defaults: {duration: 7, account: agency, provider: seegen, options: {seegen: {quality: high}}}\n"
        "shots:\n"
        "  - id: a\n"
        "    prompt: the sea\n"
        "    retry: 2\n"
        "    fallback:\n"
        "      - {prompt: a calm sea, options: {seegen: {style: soft}}}\n"
        "      - {provider: naci, resolution: 480p}\n"
        "      - {account: other}\n",
    )
    first, second, third = found.fallback
    assert (first.id, first.prompt, first.seconds, first.account, first.retry) == ("a", "a calm sea", D(7), "agency", 2)
    assert first.options == {"seegen": {"quality": "high", "style": "soft"}}
    assert (second.prompt, second.provider, second.account, second.resolution) == ("the sea", "naci", "naci", "480p")
    assert (third.provider, third.account) == ("seegen", "other")
    assert found.rungs == (found, first, second, third)
    assert not any(rung.fallback for rung in found.fallback)


def test_fields_stand_where_they_are_written(tmp_path: Path) -> None:
    """In the entry of `fallback` what it says, else in the shot or the defaults; the entry itself for the rest."""
    found = shot(
        tmp_path,
        "defaults: {duration: 7}\nshots:\n  - id: a\n    prompt: the sea\n    fallback:\n      - seed: 3\n",
    )
    lines = {field: found.fallback[0].where(field).line for field in ("", "seed", "prompt", "duration", "ratio")}
    assert lines == {"": 8, "seed": 8, "prompt": 6, "duration": 3, "ratio": 8}


def test_templates_work_as_in_the_shot(tmp_path: Path) -> None:
    """`each`, `shot` and `ref` over the entry's own references; the shot's prompt is worked out anew over them."""
    found = shot(
        tmp_path,
        "references: {k: {image: k.png}, w: {image: w.png}}\n"
        "shots:\n"
        '  - id: "{{ c }}"\n'
        "    each: {c: [a, b]}\n"
        "    references: [k]\n"
        "    prompt: \"{{ ref('k') }} in {{ c }}\"\n"
        "    fallback:\n"
        "      - {references: [w], prompt: \"{{ ref('w') }} in {{ shot.id }}\"}\n"
        "      - {references: [k, w]}\n",
        k_png=png(),
        w_png=png(),
    )
    assert [rung.prompt for rung in found.rungs] == ["k in a", "w in a", "k in a"]
    assert [[source.name for source in rung.references] for rung in found.rungs] == [["k"], ["w"], ["k", "w"]]


def test_a_reference_that_a_fallback_took_away_cannot_be_named(tmp_path: Path) -> None:
    """Told at the prompt, with whose it is."""
    text = (
        HEAD + "references: {k: {image: k.png}}\nshots:\n  - id: a\n    references: [k]\n"
        "    prompt: \"{{ ref('k') }}\"\n    fallback: [{references: []}]\n"
    )
    (fault,) = faults(tmp_path, text, k_png=png())
    assert (fault.place.line, fault.fact) == (7, "ref('k'): its fallback 1 has no such reference.")


@pytest.mark.parametrize(
    ("shots", "fallback", "left"),
    [
        ("chain: z", "{first_frame: k.png}", {"chain": False, "first_frame": True, "references": 0}),
        ("first_frame: k.png", "{chain: z}", {"chain": True, "first_frame": False, "references": 0}),
        ("chain: z", "{references: [k.png]}", {"chain": False, "first_frame": False, "references": 1}),
        ("references: [k.png]", "{chain: z}", {"chain": True, "first_frame": False, "references": 0}),
        ("chain: z", "{chain: false}", {"chain": False, "first_frame": False, "references": 0}),
    ],
)
def test_what_excludes_it_gives_way(shots: str, fallback: str, left: dict[str, object], tmp_path: Path) -> None:
    """Frames for references and the other way; a chain for a first frame."""
    text = f"shots:\n  - {{id: z, prompt: x}}\n  - {{id: a, prompt: y, {shots}, fallback: [{fallback}]}}\n"
    (rung,) = shot(tmp_path, text, k_png=png()).fallback
    found = {"chain": bool(rung.chain), "first_frame": bool(rung.first_frame), "references": len(rung.references)}
    assert found == left


def test_the_same_request_twice_is_a_warning_and_asked_once(tmp_path: Path) -> None:
    """Told at the entry; from the defaults it vanishes unsaid, since it fits other shots."""
    rows = "      - {seed: 1}\n      - {seed: 1}\n      - {prompt: x}\n"
    text = f"shots:\n  - id: a\n    prompt: x\n    fallback:\n{rows}"
    recipe = loaded(tmp_path, text)
    assert len(recipe.shots[0].fallback) == 1
    assert [(fault.place.line, fault.fact) for fault in recipe.warnings] == [
        (8, "This fallback of 'a' asks for the same as fallback 1."),
        (9, "This fallback of 'a' asks for the same as the shot itself."),
    ]
    shared = "defaults: {fallback: [{provider: naci}]}\nshots:\n  - {id: a, prompt: x, provider: naci}\n"
    assert (loaded(tmp_path, shared).shots[0].fallback, loaded(tmp_path, shared).warnings) == ((), ())


def test_defaults_give_every_shot_its_fallbacks(tmp_path: Path) -> None:
    """A shot's own list replaces them, also an empty one; what makes no sense for a still passes it by."""
    found = loaded(
        tmp_path,
        "defaults: {provider: seegen, fallback: [{provider: naci, duration: 8, model: seedance-2-fast}]}\n"
        "shots:\n  - {id: a, prompt: x}\n  - {id: b, prompt: x, fallback: []}\n"
        "  - {id: c, kind: image, prompt: x}\n",
    ).shots
    assert [len(one.fallback) for one in found] == [1, 0, 1]
    assert (found[0].fallback[0].seconds, found[2].fallback[0].seconds) == (D(8), D(0))
    assert found[2].fallback[0].model == found[2].model


@pytest.mark.parametrize(
    ("entry", "column", "word"),
    [
        ("{id: b}", 18, "id"),
        ("{takes: 2}", 18, "takes"),
        ("{upscale: 2k}", 18, "upscale"),
        ("{fallback: []}", 18, "fallback"),
        ("{}", 17, "empty"),
        ("naci", 17, "naci"),
        ("{duration: -1}", 28, "duration"),
        ("{provider: nobody}", 28, "nobody"),
        ("{chain: nowhere}", 25, "nowhere"),
        ("{references: [gone.png]}", 31, "gone.png"),
        ("{chain: z, first_frame: k.png}", 41, "first_frame"),
    ],
)
def test_faults_are_told_at_the_entry(entry: str, column: int, word: str, tmp_path: Path) -> None:
    """What a fallback may not say, or says wrongly."""
    text = HEAD + f"shots:\n  - {{id: z, prompt: x}}\n  - id: a\n    prompt: y\n    fallback: [ {entry} ]\n"
    found = faults(tmp_path, text, k_png=png())
    assert len(found) == 1, [str(fault) for fault in found]
    assert (found[0].place.line, found[0].place.column) == (7, column), str(found[0])
    assert word in str(found[0])


def test_a_dated_fallback_makes_its_shot_dated(tmp_path: Path) -> None:
    """A run that is continued tomorrow asks for the same then."""
    found = shot(tmp_path, "shots:\n  - {id: a, prompt: x, fallback: [{prompt: 'on {{ run.date }}'}]}\n")
    assert (found.dated, found.fallback[0].prompt) == (True, "on 2026-11-21")


def test_fallbacks_count_among_the_shots(tmp_path: Path) -> None:
    """A recipe of strangers stays within bounds."""
    rows = ", ".join(["1"] * 300)
    text = HEAD + (
        'shots:\n  - id: "s{{ a }}{{ b }}"\n    prompt: x\n'
        f"    each: {{a: [{rows}], b: [{rows}]}}\n    fallback: [{{seed: 1}}, {{seed: 2}}]\n"
    )
    (fault,) = faults(tmp_path, text)
    assert "270,000 shots, fallbacks counted" in fault.fact
