"""Long chains: where one begins anew from a picture, and what to look at twice before a chain is paid for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from pipeline.recipe.entry import Draft
from pipeline.recipe.findings import Findings
from pipeline.recipe.inputs import Inputs
from pipeline.recipe.model import Shot, Source
from pipeline.recipe.words import counted

DEEP = 8  # shots of one chain: further on, what each adds to the last one's faults shows


def anchored(shots: Sequence[Shot], drafts: Sequence[Draft], inputs: Inputs, findings: Findings) -> tuple[Shot, ...]:
    """The shots; one that `reanchor` is due for begins with its picture instead of the frame before.

    `drafts` are what the shots were made of, in the same order. Warns of chains that go too far without one, and of
    those that go on in another shape or size.
    """
    by_id = {shot.id: shot for shot in shots}
    rules = {draft.id: draft for draft in drafts if draft.fields.get("reanchor")}
    stills: dict[tuple[str, str], Source | None] = {}
    run: dict[str, int] = {}  # how many shots, up to and with this one, go on from one beginning
    made: dict[str, Shot] = {}
    for shot in shots:
        for link in _unsettled(shot, by_id, run):
            before = link.chain.shot if link.chain else ""
            far = run.get(before, 0)
            rule = rules.get(link.id)
            if before and rule and far >= rule.fields["reanchor"]["every"]:
                way = (*rule.places.way("reanchor"), "to")
                name = rule.fields["reanchor"]["to"]
                named = rule.scene, name
                if named not in stills:
                    stills[named] = inputs.still(name, way, "reanchor", rule.scene)
                run[link.id] = 1
                made[link.id] = _begun(link, stills[named], far)
                continue
            run[link.id] = far + 1 if before else 1
    found = tuple(made.get(shot.id, shot) for shot in shots)
    for shot, draft in zip(found, drafts, strict=True):
        if shot.chain and shot.chain.shot in by_id:
            _look(shot, by_id[shot.chain.shot], run[shot.id], draft, findings)
    return found


def _unsettled(shot: Shot, by_id: Mapping[str, Shot], run: Mapping[str, int]) -> list[Shot]:
    """The shot and those up its chain that are not settled yet, the first of the chain first; a circle ends it."""
    found: dict[str, Shot] = {}
    link: Shot | None = shot
    while link and link.id not in run and link.id not in found:
        found[link.id] = link
        link = by_id.get(link.chain.shot) if link.chain else None
    return list(reversed(found.values()))


def _begun(shot: Shot, still: Source | None, far: int) -> Shot:
    """The shot, and what may be asked for in its place, beginning with the still and not with the frame before."""
    if still is None:
        return shot
    note = f"begins anew from {still.name} after {counted(far)} shots of its chain"
    rungs = tuple(
        dataclasses.replace(rung, chain=None, first_frame=still) if rung.chain == shot.chain else rung
        for rung in shot.fallback
    )
    return dataclasses.replace(shot, chain=None, first_frame=still, fallback=rungs, note=note)


def _look(shot: Shot, before: Shot, run: int, draft: Draft, findings: Findings) -> None:
    way = draft.places.way("chain")
    if run == DEEP + 1:
        fact = f"This chain goes through more than {DEEP} shots: each adds to the faults of the frame before."
        hint = "Faces and colours drift; say `reanchor: {every: 4, to: keeper}` with a picture to begin anew from."
        findings.warn(way, fact, hint)
    for what, mine, other in (
        ("ratio", shot.ratio, before.ratio),
        ("resolution", shot.resolution, before.resolution),
    ):
        if mine != other and "adaptive" not in (mine, other):
            fact = f"This chain goes on at {mine} from a clip at {other}."
            says = f"Give both one `{what}`: else the first picture is cut or scaled to fit, and the joint shows."
            findings.warn(way, fact, says)
