"""Stages laid over clips: what they change, what they leave, and where their faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import RecipeError, UserError
from pipeline.recipe.allowance import Work
from pipeline.recipe.load import load
from pipeline.recipe.model import Recipe, Shot
from pipeline.recipe.stages import room
from pipeline.recipe.template import parsed
from tests.recipe.written import DATE, HEAD, faults, loaded, write

STORY = """
vars: {small: seedance-2-mini}
defaults: {provider: seegen, account: agency, model: seedance-2, options: {seegen: {a: 1, b: 2}}}
stages:
  draft: {model: "{{ small }}", takes: 3, options: {seegen: {b: 3}}}
  better: {provider: seedance2-movie}
  final: {upscale: 2k, fallback: [{provider: naci}]}
shots:
  - {id: sheet, kind: image, model: gpt-image-2, prompt: a sheet}
  - {id: dawn, first_frame: sheet, model: happyhorse-1, prompt: he climbs}
  - {id: "{{ kind }}", each: {kind: [image, video]}, kind: "{{ kind }}", prompt: he sleeps}
"""


def staged(folder: Path, stage: str, text: str = STORY) -> Recipe:
    return load(write(folder, HEAD + text), date=DATE, stage=stage)


def by_id(recipe: Recipe) -> dict[str, Shot]:
    return {shot.id: shot for shot in recipe.shots}


def test_without_a_stage_shots_are_as_declared(tmp_path: Path) -> None:
    """And the recipe knows what stages it has."""
    recipe = loaded(tmp_path, STORY)
    assert (recipe.stage, recipe.stages, recipe.drafts) == ("", ("draft", "better", "final"), "better")
    assert list(recipe.others) == ["draft", "better", "final"]
    assert by_id(recipe)["dawn"].model == "happyhorse-1"


def test_a_stage_is_laid_over_every_clip(tmp_path: Path) -> None:
    """Over what the shot says itself, options by provider and key; stills are as declared, also by a template."""
    shots = by_id(staged(tmp_path, "draft"))
    assert (shots["dawn"].model, shots["dawn"].takes) == ("seedance-2-mini", 3)
    assert dict(shots["dawn"].options["seegen"]) == {"a": 1, "b": 3}
    assert (shots["video"].model, shots["video"].takes) == ("seedance-2-mini", 3)
    for still in ("sheet", "image"):
        assert (shots[still].takes, dict(shots[still].options["seegen"])) == (1, {"a": 1, "b": 2})


def test_another_provider_brings_its_own_account(tmp_path: Path) -> None:
    """An account of the defaults is that of another service."""
    shots = by_id(staged(tmp_path, "better"))
    assert (shots["dawn"].provider, shots["dawn"].account) == ("seedance2-movie", "seedance2-movie")


def test_fallbacks_of_a_stage_take_the_place_of_others(tmp_path: Path) -> None:
    """And have the stage's own fields beneath them."""
    (dawn,) = (shot for shot in staged(tmp_path, "final").shots if shot.id == "dawn")
    assert [rung.provider for rung in dawn.rungs] == ["seegen", "naci"]
    assert dawn.upscale


def test_the_last_stage_has_its_drafts_beside_it(tmp_path: Path) -> None:
    """Those of the stage before it, or the shots as declared where it is the only one."""
    recipe = staged(tmp_path, "final")
    assert recipe.is_final
    assert recipe.draft
    assert recipe.draft.stage == "better"
    alone = staged(tmp_path, "final", "stages: {final: {upscale: 2k}}\nshots: [{id: a, prompt: b, takes: 2}]\n")
    assert alone.draft
    assert (alone.draft.stage, alone.draft.shots[0].takes, alone.shots[0].numbers) == ("", 2, (1,))


def test_an_unknown_stage_gets_the_nearest_name(tmp_path: Path) -> None:
    """Or all there are, or how one is declared."""
    for stage, hint in (("finel", "Did you mean final?"), ("zzz", "It has draft, better, final.")):
        with pytest.raises(UserError) as refused:
            staged(tmp_path, stage)
        assert refused.value.hint == hint
    with pytest.raises(UserError, match="Declare it"):
        staged(tmp_path, "draft", "shots: [{id: a, prompt: b}]\n")


def test_faults_are_told_in_every_stage_at_their_lines(tmp_path: Path) -> None:
    """Whichever is chosen, and one does not hide another of the same stage."""
    text = (
        "stages:\n  draft: {provider: seegan, takes: 0, prompt: x}\n  Final: {}\n  preview: {}\n"
        "  last: {resolution: '{{ nope }}', options: {naci: {a: null}}}\nshots: [{id: a, prompt: b}]\n"
    )
    told = {(fault.place.line, fault.fact.split(".")[0]) for fault in faults(tmp_path, HEAD + text)}
    assert {line for line, _ in told} == {4, 5, 6, 7}
    facts = " ".join(fact for _, fact in told)
    for word in ("'seegan'", "'takes' cannot be the number 0", "Unknown key 'prompt' in a stage", "'Final' is no name"):
        assert word in facts
    assert "'preview' is no name" in facts
    assert "Nothing is called 'nope'" in facts
    assert "'a' cannot be empty" in facts


def test_a_stage_says_nothing_of_what_clips_stand_on(tmp_path: Path) -> None:
    """So that a final begins with what its draft began with."""
    for field in ("first_frame: a.png", "chain: a", "references: []", "id: b", "kind: image"):
        (fault, *_) = faults(tmp_path, HEAD + f"stages: {{x: {{{field}}}}}\nshots: [{{id: a, prompt: b}}]\n")
        assert "Unknown key" in fault.fact


def test_what_is_planned_is_read_alone(tmp_path: Path) -> None:
    """Of other stages the grammar is judged; a final has its drafts beside it as soon as there are picks."""
    path = write(tmp_path, HEAD + STORY.replace("takes: 3", "takes: '{{ nope }}'"))
    for stage in ("", "better", "final"):
        assert dict(load(path, date=DATE, stage=stage, every=False).others) == {}
        with pytest.raises(RecipeError, match="nope"):
            load(path, date=DATE, stage=stage)
    path.write_text(path.read_text().replace("better: {", "better: {oops: 1, "))
    with pytest.raises(RecipeError, match="oops"):
        load(path, date=DATE, every=False)
    path.write_text(HEAD + STORY)
    picks = "dawn: {take: 1, sha256: 'sha256:" + "0" * 64 + "'}\n"
    path.with_name("recipe.picks.yaml").write_text(picks)
    assert list(load(path, date=DATE, stage="final", every=False).others) == ["better"]
    assert list(load(path, date=DATE, stage="better", every=False).others) == []


def test_stages_share_what_a_recipe_may_have(tmp_path: Path) -> None:
    """As many results in each, and as declared, as make one recipe's together; the takes of a stage count."""
    rows = "shots: [{id: 'a{{ n }}', prompt: p, each: {n: '{{ range(500) }}'}}]\n"
    assert room(0) == (100_000, "")
    assert room(1)[0] == 50_000
    (fault,) = faults(tmp_path, HEAD + "stages: {x: {takes: 100}, y: {}}\n" + rows)
    assert fault.fact.startswith("Shots, takes and fallbacks come to more than 33,333 results; ")
    assert fault.fact.endswith("a recipe may have no more in each of its 2 stages.")
    assert (fault.place.line, fault.hint) == (3, "Ask for fewer takes, or make several recipes.")
    assert len(loaded(tmp_path, "stages: {x: {takes: 60}, y: {}}\n" + rows).others) == 2


def test_a_template_is_read_once_for_all_stages() -> None:
    """What another stage has read is not read again, though it counts as much."""
    first = Work()
    tree, names = parsed("{{ look | upper }}", first)
    second = Work(trees=first.trees)
    again, same = parsed("{{ look | upper }}", second)
    assert first.read == second.read
    assert (again is tree, names, same) == (True, {"look"}, {"look"})
