"""A recipe file -> a `Recipe`: read, check shape, expand, check shots, build; every fault on the way is told at once.

Reading runs no code, opens no socket and reads nothing outside the recipe's folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.digest import bytes_digest
from pipeline.errors import Fault, RecipeError, UserError
from pipeline.garbage import uncollected
from pipeline.providers.catalog import PROVIDERS
from pipeline.recipe import continuity, cut, include, picks, source, stages
from pipeline.recipe.allowance import TemplateFault, Trees, Work
from pipeline.recipe.build import Builder
from pipeline.recipe.entry import Draft
from pipeline.recipe.expand import Expansion
from pipeline.recipe.explain import At, misfits
from pipeline.recipe.files import Folder
from pipeline.recipe.findings import Findings
from pipeline.recipe.include import Whole
from pipeline.recipe.inputs import Inputs, Made
from pipeline.recipe.library import Library
from pipeline.recipe.model import Recipe
from pipeline.recipe.mould import mould
from pipeline.recipe.scenes import Scenes
from pipeline.recipe.schema import strict
from pipeline.recipe.setting import Setting
from pipeline.recipe.stages import Stage
from pipeline.recipe.texts import Texts
from pipeline.recipe.variables import Variables, settle


def load(
    path: Path,
    *,
    variables: Mapping[str, str] | None = None,
    date: str,
    stage: str = "",
    every: bool = True,
    providers: Collection[str] = tuple(PROVIDERS),
) -> Recipe:
    """The recipe in a file. `variables` replace those of `vars`; `date` is `run.date`, ISO; `stage` is that of shots.

    Beside it are `every` other stage, or the drafts alone that were picked from, where this is the last. Raises
    `RecipeError` with all faults of the stages that are read, `UserError` where there is no such file, variable or
    stage.
    """
    data = source.read(path)
    with uncollected():
        document = source.parse(data, str(path))
        _refuse_ours(document.value, path)
        known = stages.names(document.value)
        stages.refuse_unknown(stage, known, path)
        found: dict[str, Recipe] = {}
        faults: list[Fault] = []
        folder, trees = Folder(path.parent), Trees()
        for name in dict.fromkeys((stage, *_beside(stage, known, path, every=every))):
            texts, work = Texts(document, folder), Work(trees=trees)
            try:
                found[name] = _loaded(data, texts, work, path, variables or {}, date, name, providers)
            except RecipeError as error:
                faults += error.faults
        if faults:
            raise RecipeError(faults)
        made = found.pop(stage)
        return dataclasses.replace(made, others=found) if found else made


def _refuse_ours(value: Any, path: Path) -> None:
    """Raises `UserError` for what Rushes itself has written, whose every key would else be told of."""
    if isinstance(value, Mapping) and "rushes" not in value:
        if "plan" in value and "steps" in value:
            raise UserError(f"{path} is a saved plan, not a recipe.", f"`rushes run {path}` carries it out.")
        if "manifest" in value and "run" in value:
            raise UserError(f"{path} is a manifest, not a recipe.", f"`rushes status {path}` tells of its run.")


def _beside(stage: str, known: Sequence[str], path: Path, *, every: bool) -> Sequence[str]:
    """The stages that are read beside one, where empty is what is declared: every other, or the drafts of a final."""
    drafts = known[-2] if len(known) > 1 else ""
    if every:
        return (*known[: stages.MOST_STAGES], drafts)  # what has more is refused whichever is read
    return (drafts,) if stage and stage == known[-1] and picks.path_of(path).exists() else ()


def _loaded(
    data: bytes,
    texts: Texts,
    work: Work,
    path: Path,
    variables: Mapping[str, str],
    date: str,
    stage: str,
    providers: Collection[str],
) -> Recipe:
    """The recipe in one of its stages, or as it is declared."""
    findings, known = Findings(texts), stages.names(texts.main.value)
    work.library = Library(texts, work)
    whole = include.whole(findings)
    value = whole.fields
    given = settle(whole.vars, variables, date, findings, work)
    expansion = Expansion(findings, work, stages=len(known))
    expansion.complete = whole.complete
    expansion.stage = Stage.of(stage, value, expansion.settings)
    drafts = expansion.drafts(_entries(whole, expansion, given))
    made = {d.id: _made(d) for d in drafts}
    inputs = Inputs(findings, texts.folder, made, complete=expansion.complete)
    inputs.left = expansion.ids.left
    inputs.declare(
        {name: (_reference(*said, given, findings, work), said[1]) for name, said in whole.references.items()}
    )
    shots = continuity.anchored(Builder(findings, inputs, providers).shots(drafts), drafts, inputs, findings)
    found = picks.read(path, texts, findings)
    picks.judge(found, path, inputs, findings)
    shots = picks.applied(found, shots, final=bool(stage) and stage == known[-1])
    film = cut.film(_rendered("film", value, given, findings, work), shots, inputs, findings)
    budget = cut.budget(_rendered("budget", value, given, findings, work), findings)
    title = _rendered("title", value, given, findings, work)
    if findings.faults:
        raise RecipeError(findings.faults)
    return Recipe(
        name=value["name"],
        title=title or value["name"],
        path=path,
        digest=texts.digest(bytes_digest(data)),
        date=date,
        vars=given.declared,
        shots=shots,
        budget=budget,
        film=film,
        stage=stage,
        stages=known,
        picks=found,
        left_out=expansion.ids.left,
        warnings=tuple(sorted(findings.warnings, key=lambda fault: fault.place)),
    )


def _entries(whole: Whole, expansion: Expansion, given: Variables) -> Iterator[tuple[At, dict[str, Any], Setting]]:
    """All entries of `shots` in their order, each with the setting of the scene it is in."""
    settings = expansion.settings
    common = settings.bare(given)
    for at, defaults in whole.defaults:
        common = settings.over(common, at, defaults, given)
    scenes = Scenes(settings, common, expansion.ids)
    for section in whole.sections:
        setting = common if section.scene is None else scenes.setting(section.at, section.scene)
        for at, fields in section.shots:
            yield at, fields, setting


def _made(draft: Draft) -> Made:
    return Made(id=draft.id, kind=draft.fields.get("kind", "video"), people=draft.fields.get("people", False))


def _reference(entry: Any, at: At, variables: Variables, findings: Findings, work: Work) -> dict[str, Any] | None:
    """One of the `references`, worked out; None where something in it is told of."""
    made: dict[str, Any] | None = _worked_out(entry, at, strict()["$defs"]["reference"], variables, findings, work)
    return made


def _worked_out(
    found: Any, at: At, grammar: Mapping[str, Any], variables: Variables, findings: Findings, work: Work
) -> Any:
    """A value, its templates worked out and what they made checked; None where something is told of."""
    try:
        made = mould(found, at, work)
        if made is None:
            return found
        found = made.make(variables.names, work)
    except TemplateFault as fault:
        findings.template(fault, at)
        return None
    bad = list(misfits(found, grammar, strict(), at))
    for misfit in bad:
        findings.misfit(misfit)
    return None if bad else found


_EMPTY: Mapping[str, Any] = {"budget": {}}


def _rendered(key: str, value: Mapping[str, Any], variables: Variables, findings: Findings, work: Work) -> Any:
    """A field of the recipe itself, its templates worked out and what they made checked."""
    found = value.get(key)
    if found is not None:
        found = _worked_out(found, (key,), strict()[key], variables, findings, work)
    return _EMPTY.get(key) if found is None else found
