"""A chain begins anew where `reanchor` says so; chains that go too far, or on in another shape, are warned of."""

from __future__ import annotations

from pathlib import Path

from pipeline.recipe.model import Shot
from tests.recipe.written import HEAD, faults, loaded, png

KEEPER = "references: {keeper: {image: keeper.png}}\n"


def _chain(count: int, more: str = "") -> str:
    links = "".join(f"- {{id: s{n}, prompt: p{n}, chain: s{n - 1}{more}}}\n" for n in range(2, count + 1))
    return f"shots:\n- {{id: s1, prompt: p}}\n{links}"


def _begins(shots: tuple[Shot, ...]) -> list[str]:
    return [shot.first_frame.name if shot.first_frame else shot.chain.shot if shot.chain else "" for shot in shots]


def test_every_so_many_shots_a_chain_begins_anew(tmp_path: Path) -> None:
    """With the picture as first frame, as the plan will say; no warning of a chain that is too long."""
    rule = "defaults: {reanchor: {every: 4, to: keeper}}\n"
    recipe = loaded(tmp_path, rule + KEEPER + _chain(10), keeper_png=png())
    assert _begins(recipe.shots) == ["", "s1", "s2", "s3", "keeper", "s5", "s6", "s7", "keeper", "s9"]
    assert recipe.shots[4].note == "begins anew from keeper after 4 shots of its chain"
    assert [shot.note for shot in recipe.shots if not shot.first_frame] == [""] * 8
    assert recipe.warnings == ()


def test_shots_may_come_in_any_order_and_chains_may_fork(tmp_path: Path) -> None:
    """What counts is how far a shot is from where its chain began; a shot may have a rule of its own, or none."""
    text = (
        "defaults: {reanchor: {every: 2, to: keeper}}\n" + KEEPER + "shots:\n"
        "- {id: d, prompt: p, chain: c}\n- {id: c, prompt: p, chain: b}\n- {id: b, prompt: p, chain: a}\n"
        "- {id: a, prompt: p}\n- {id: e, prompt: p, chain: b, reanchor: null}\n"
        "- {id: f, prompt: p, chain: e, reanchor: {every: 3, to: keeper.png}}\n"
    )
    assert _begins(loaded(tmp_path, text, keeper_png=png()).shots) == ["c", "keeper", "a", "", "b", "keeper.png"]


def test_fallbacks_of_a_shot_begin_anew_with_it(tmp_path: Path) -> None:
    """Whichever of them is asked for; one that begins otherwise does so still."""
    rule = ", reanchor: {every: 1, to: keeper}, fallback: [{prompt: q}, {first_frame: other.png}]"
    recipe = loaded(tmp_path, KEEPER + _chain(2, rule), keeper_png=png(), other_png=png(9))
    last = recipe.shots[1]
    assert [rung.first_frame and rung.first_frame.name for rung in last.rungs] == ["keeper", "keeper", "other.png"]
    assert [rung.chain for rung in last.rungs] == [None, None, None]


def test_what_a_chain_begins_anew_from_is_a_picture(tmp_path: Path) -> None:
    """A clip, a name that is nothing, a rule without a picture: told at its place."""
    for to, fact in (("s1", "'s1' is a video shot, and `reanchor` is a picture"), ("kepper", "no shot or reference")):
        (found,) = faults(tmp_path, HEAD + _chain(2, f", reanchor: {{every: 1, to: {to}}}"))
        assert fact in found.fact
        assert (found.place.line, found.place.column) == (5, 60)
    (found,) = faults(tmp_path, HEAD + _chain(2, ", reanchor: {every: 1}"))
    assert found.fact == "'to' is missing in `reanchor`."


def test_a_chain_of_many_shots_is_warned_of_once(tmp_path: Path) -> None:
    """At the first that goes too far, with the way out."""
    (warning,) = loaded(tmp_path, _chain(14)).warnings
    assert warning.place.line == 3 + 9
    assert "more than 8 shots" in warning.fact
    assert "reanchor" in warning.hint
    assert loaded(tmp_path, _chain(8)).warnings == ()


def test_a_chain_over_another_shape_or_size_is_warned_of(tmp_path: Path) -> None:
    """Each change at its shot; the same shape says nothing."""
    text = (
        "shots:\n- {id: a, prompt: p}\n- {id: b, prompt: p, chain: a, ratio: '9:16'}\n"
        "- {id: c, prompt: p, chain: b, ratio: '9:16', resolution: 1080p}\n"
    )
    warnings = loaded(tmp_path, text).warnings
    assert [(warning.place.line, warning.fact) for warning in warnings] == [
        (5, "This chain goes on at 9:16 from a clip at 16:9."),
        (6, "This chain goes on at 1080p from a clip at 720p."),
    ]


def test_a_circle_of_chains_ends(tmp_path: Path) -> None:
    """It is a fault of the plan, not of reading."""
    text = "shots:\n- {id: a, prompt: p, chain: b}\n- {id: b, prompt: p, chain: a}\n"
    assert len(loaded(tmp_path, text).shots) == 2
