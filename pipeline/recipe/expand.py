"""One entry of `shots` -> its rows: `each` unfolded and counted first, templates worked out, ids checked.

A `Draft` still speaks the words of the YAML; `build` turns it into a `Shot`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipeline.providers.catalog import DEFAULT
from pipeline.recipe.allowance import STEPS_A_SHOT, Names, TemplateFault, Work
from pipeline.recipe.entry import Draft, Entry
from pipeline.recipe.explain import At, misfits
from pipeline.recipe.findings import MOST_FAULTS, Findings, Places
from pipeline.recipe.functions import Call
from pipeline.recipe.gate import Check, compiled
from pipeline.recipe.ids import Ids
from pipeline.recipe.ladder import FRAMES, NOT_FOR_STILLS, Override, RungPlaces, give_way
from pipeline.recipe.mention import Naming, naming
from pipeline.recipe.mould import Mould
from pipeline.recipe.options import added
from pipeline.recipe.prose import Prompts
from pipeline.recipe.rows import Each, Excluded
from pipeline.recipe.schema import strict
from pipeline.recipe.setting import BROKEN, Scene, Setting, Settings, both, nothing, one_prompt
from pipeline.recipe.stages import Stage, room
from pipeline.recipe.tables import Tables
from pipeline.recipe.variables import RESERVED
from pipeline.recipe.words import choice, clipped, counted

_BEFORE = frozenset(["id", "kind", "when", "prompt"])  # what is worked out at a time of its own
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?\Z")
_ONE_NAME = re.compile(r"\s*\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}\s*\Z")


class Expansion:
    """All entries of a recipe on their way to drafts. `complete` is False where an id could not be told."""

    def __init__(self, findings: Findings, work: Work, *, stages: int) -> None:
        self.findings, self.work, self.stages = findings, work, stages
        self.stage: Stage | None = None  # what is laid over every clip
        self.complete = True
        self.settings = Settings(findings, work)
        self.prompts = Prompts(findings, work)
        self.tables = Tables(findings)
        self.ids = Ids(findings)
        self.checks: dict[str, Check] = {}
        self.unfit = 0  # fields of rows that the grammar does not let be

    def drafts(self, entries: Iterable[tuple[At, dict[str, Any], Setting]]) -> list[Draft]:
        """The drafts of all entries in order; none where they would be too many."""
        known = [self.entry(at, given, setting) for at, given, setting in entries]
        total, (most, where) = 0, room(self.stages)
        for entry in known:
            total += entry.rows * (1 + len((entry.clips or entry).overrides))
            if total > most:
                too = ", fallbacks counted" if any(one.overrides for one in known) else ""
                fact = f"This makes {counted(total)} shots{too}; a recipe may have {counted(most)}{where}."
                self.findings.add((*entry.at, "each"), fact, "Shorten its lists, or make several recipes.")
                self.complete = False
                return []
        self.work.allowance += STEPS_A_SHOT * total
        made, total = [], 0
        for draft in (draft for entry in known for draft in self.unfolded(entry)):
            made.append(draft)
            total += draft.fields.get("takes", 1) * (1 + len(draft.rungs))
            if total > most:
                found = f"Shots, takes and fallbacks come to more than {counted(most)} results"
                fact = f"{found}; a recipe may have no more{where}."
                self.findings.add(draft.places.way("takes"), fact, "Ask for fewer takes, or make several recipes.")
                self.complete = False
                return []
        return made

    def entry(self, at: At, given: dict[str, Any], setting: Setting) -> Entry:
        """An entry with its templates read and its rows counted."""
        one_prompt(given, at, self.findings)
        entry = Entry(at=at, setting=setting, plain={}, moulds={}, own=frozenset(given), each=Each())
        entry.dated = setting.variables.dated
        entry.overrides = setting.fallback
        if "fallback" in given:
            entry.overrides = self.settings.overrides(given["fallback"], (*at, "fallback"))
        for key, value in given.items():
            if key in ("fallback", "exclude"):
                continue
            part = value, self.settings.moulded(value, (*at, key))
            if key == "each":
                self.each(entry, *part)
                continue
            if key == "options" and key in setting.fields:
                part = both(setting.fields[key], part)
            self.put(entry, key, part[0], part[1])
        for key, (value, made) in setting.fields.items():
            if key not in entry.own:
                self.put(entry, key, value, made)
        if "exclude" in given:
            self.exclude(entry, given["exclude"])
        entry.clips = self.stage.over(entry) if self.stage else None
        return entry

    def put(self, entry: Entry, key: str, value: Any, made: Mould | None) -> None:
        """Gives an entry a field."""
        if made:
            entry.moulds[key] = made
        else:
            entry.plain[key] = value

    def once(self, entry: Entry, key: str, value: Any, made: Mould | None) -> Any:
        """The value of a field that is worked out before there are rows; `BROKEN` where that has been told of."""
        at = (*entry.at, key)
        if made:
            try:
                value = made.make(entry.setting.variables.names, self.work)
            except TemplateFault as fault:
                self.findings.template(fault, at)
                return BROKEN
        return value if value is not BROKEN and self.fits(key, value, at, "") else BROKEN

    def each(self, entry: Entry, value: Any, made: Mould | None) -> None:
        """Settles what an entry is unfolded over."""
        at = (*entry.at, "each")
        value = self.once(entry, "each", value, made)
        each = None if value is BROKEN else Each(value=value)
        if isinstance(value, str):
            each = self.tables.named(value, at)
        if each is None:
            entry.rows, self.complete = 0, False
            return
        if taken := sorted(each.names & RESERVED):
            self.findings.add(at, f"'{taken[0]}' has a meaning of its own in templates.", "Give it another name.")
        entry.each, entry.rows = each, len(each)
        variables = entry.setting.variables
        dated = each.names if made and made.names & variables.dated else frozenset[str]()
        entry.dated = (variables.dated - each.names) | dated

    def exclude(self, entry: Entry, value: Any) -> None:
        """Settles which rows of an entry are left out."""
        at = (*entry.at, "exclude")
        if "each" not in entry.own:
            self.findings.add(at, "There is no `each` to leave rows out of.", "Delete it, or give `each`.", key=True)
            return
        value = self.once(entry, "exclude", value, self.settings.moulded(value, at))
        if value is BROKEN or not entry.rows:
            return
        excluded = Excluded(at=at, entries=value)
        if excluded.judge(entry.each.names, self.findings):
            entry.excluded = excluded

    def unfolded(self, entry: Entry) -> Iterator[Draft]:
        """The drafts of one entry."""
        if not entry.rows:
            return
        try:
            for number, row in enumerate(entry.each, 1):
                if entry.excluded and (told := entry.excluded.entry(row, self.work)) is not None:
                    self.excluded(entry, row, (*entry.excluded.at, told))
                elif draft := self.draft(entry, row, number):
                    yield draft
        except TemplateFault as fault:  # leaving rows out has used up what templates may
            self.findings.add((*entry.at, "exclude"), fault.fact, fault.hint)
            return
        if entry.excluded:
            entry.excluded.warn(entry.each, self.findings)

    def excluded(self, entry: Entry, row: Mapping[str, Any], at: At) -> None:
        """Remembers the id of a row that is left out, as far as it has one."""
        names = Names(entry.setting.variables.names)
        names.update(row)
        made = entry.moulds.get("id")
        try:
            named = made.make(names, self.work) if made else entry.plain.get("id")
        except TemplateFault:
            return
        if isinstance(named, str):
            self.ids.leave(_whole(entry.setting.scene, named), "exclude", at)

    def draft(self, entry: Entry, row: Mapping[str, Any], number: int) -> Draft | None:
        """One row, worked out; None where it is left out, or another has its id."""
        fields, of, scene = dict(entry.plain), entry.each.said(number, row), entry.setting.scene
        names = entry.setting.variables.names
        if entry.templates:
            names = Names(names, {"shot": "is not known yet while its id is made."})
            names.update(row)
        places = Places(self.findings.document, entry.at, entry.own, entry.setting.shared)
        if entry.each.at:
            places.rows = lambda name: entry.each.way(number, name) if name in row else ()
        self.work_out(entry.moulds, "id", names, fields, of, places)
        local = fields.get("id", f"shot-{'-'.join(map(str, entry.at))}-{number}")
        self.complete = self.complete and "id" in fields
        fields["id"] = _whole(scene, local)
        if entry.templates:
            self.work_out(entry.moulds, "kind", names, fields, of, places)
        if entry.clips and fields.get("kind") != "image":
            entry = entry.clips
            places.over = entry.over
            fields = {**entry.plain, **{key: fields[key] for key in ("id", "kind") if key in fields}}
        if entry.templates:
            names.absent = {}
            names["shot"] = {"id": fields["id"], "kind": fields.get("kind", "video"), "index": number}
            self.work_out(entry.moulds, "when", names, fields, of, places)
        if not fields.pop("when", True):
            self.ids.leave(fields["id"], "when", places.way("when"))
            return None
        usable = self.ids.take(fields["id"], local, entry.at, number, of)
        for key in entry.moulds:
            if key not in _BEFORE:
                self.work_out(entry.moulds, key, names, fields, of, places)
        self.settle(fields, entry.own, places, scene)
        prompt = self.prompt(entry.moulds, fields, places, of)
        if prompt:
            names["ref"] = _ref(fields.get("references") or [])
            self.work_out(prompt, "prompt", names, fields, of, places)
        if not usable:
            return None
        made = Draft(
            id=fields["id"],
            scene=scene.id if scene else "",
            fields=fields,
            own=entry.own,
            row=of,
            dated=_dated(entry, entry.moulds, prompt),
            places=places,
        )
        if not entry.overrides:
            return made
        rungs = tuple(self.rung(entry, made, override, names, prompt) for override in entry.overrides)
        return dataclasses.replace(made, rungs=rungs, dated=made.dated or any(rung.dated for rung in rungs))

    def rung(self, entry: Entry, of: Draft, override: Override, names: Names, prompt: dict[str, Mould]) -> Draft:
        """A row's fallback: the row's fields, with what the override says in their place; `prompt` is the row's."""
        if override.inherited and of.fields.get("kind") == "image":
            override = override.without(NOT_FOR_STILLS)
        fields, places = {**of.fields, **override.plain}, RungPlaces(of.places, override)
        names.pop("ref", None)
        for key in override.moulds:
            if key != "prompt":
                self.work_out(override.moulds, key, names, fields, of.row, places)
        if override.says("options"):
            fields["options"] = added(of.fields.get("options", {}), fields.get("options", {}))
        own = of.own | override.plain.keys() | override.moulds.keys()
        if override.inherited:
            own -= {"model"}
        if fields.get("provider", DEFAULT) != of.fields.get("provider", DEFAULT) and not override.says("account"):
            own -= {"account"}
            fields.pop("account", None)
        give_way(fields, override)
        if says := override.says("prompt") or override.says("prompt_file"):
            prompt = self.prompt(override.moulds, fields, places, of.row)
        if prompt and (says or fields.get("references") != of.fields.get("references")):
            names["ref"] = _ref(fields.get("references") or [], f"its fallback {int(override.at[-1]) + 1}")
            self.work_out(prompt, "prompt", names, fields, of.row, places)
        shot = {key: made for key, made in entry.moulds.items() if key not in override.plain}
        dated = _dated(entry, {**shot, **override.moulds}, prompt)
        return dataclasses.replace(of, fields=fields, own=own, dated=dated, places=places)

    def prompt(self, moulds: dict[str, Mould], fields: dict[str, Any], places: Places, of: str) -> dict[str, Mould]:
        """The mould of a prompt, if it has one; what stands in a file is read first."""
        named = fields.pop("prompt_file", None)
        if named is None:
            return moulds if "prompt" in moulds else {}
        written = self.prompts.named(named, places.way("prompt_file"), of)
        if written is None:
            self.findings.mark(places.at)
            return {}
        places.moved = {**places.moved, "prompt": written.at}
        fields["prompt"] = written.text
        return written.moulds

    def work_out(
        self, moulds: dict[str, Mould], key: str, names: Names, fields: dict[str, Any], of: str, places: Places
    ) -> None:
        """Makes a field from its template, and checks it as it is now."""
        made = moulds.get(key)
        if made is None:
            return
        at = places.way(key)
        try:
            value = made.make(names, self.work)
        except TemplateFault as fault:
            self.findings.template(fault, at)
            self.findings.mark(places.at)
            moulds[key] = Mould(made.names, nothing)  # told once, and no better in the next row
            return
        if value is BROKEN:
            self.findings.mark(places.at)
        elif self.fits(key, value, at, of, places):
            fields[key] = value

    def fits(self, key: str, value: Any, at: At, of: str, places: Places | None = None) -> bool:
        """Whether a rendered field is what the grammar lets it be; tells of it where not, in the row it is from."""
        root = strict()
        schema = root["$defs"]["shot"]["properties"][key]
        if key not in self.checks:
            self.checks[key] = compiled(schema, root)
        if self.checks[key](value):
            return True
        self.unfit += 1
        if self.unfit > MOST_FAULTS:  # saying why takes a while, and nobody reads as many
            return False
        found = list(misfits(value, schema, root, at))
        whole = _ONE_NAME.match(self.findings.document.written(at)) if places else None
        cell = places.rows(whole[1]) if places and whole else ()
        for misfit in found:
            told = dataclasses.replace(misfit, at=cell) if cell else misfit
            if cell and whole and isinstance(value, str) and _NUMBER.match(value):
                told = dataclasses.replace(told, hint=f"{misfit.hint} `{{{{ {whole[1]} | float }}}}` is a number.")
            self.findings.misfit(told, of)
        if found and places:
            self.findings.mark(places.at)
        return not found

    def settle(self, fields: dict[str, Any], own: frozenset[str], places: Places, scene: Scene | None) -> None:
        """Drops inherited fields that make no sense here, and chains a clip to the one before it in its scene."""
        if fields.get("kind") == "image":
            for key in NOT_FOR_STILLS:
                if key not in own:
                    fields.pop(key, None)
        elif scene and scene.chain:
            _chained(fields, own, places, scene)
        for key, other in (("chain", "first_frame"), ("first_frame", "chain")):
            if key not in own and other in own and fields.get(other):
                fields.pop(key, None)
        chain = fields.get("chain")
        before = chain.get("from") if isinstance(chain, dict) else chain
        if "chain" not in own and before in _names_of(fields["id"], scene):
            fields.pop("chain", None)
        if "references" not in own and fields.get("references") and any(fields.get(frame) for frame in FRAMES):
            fields["references"] = []
            fact = "Shots with frames do without these references: services take one or the other."
            self.findings.warn(places.way("references"), fact, "Give `references` to the shots that need them.")


def _chained(fields: dict[str, Any], own: frozenset[str], places: Places, scene: Scene) -> None:
    """Lets a clip go on from the one before, unless it says itself what it begins with."""
    begins = "chain" in own or any(key in own and fields.get(key) for key in ("first_frame", "references"))
    if scene.before and not begins:
        fields["chain"] = scene.before
        fields.pop("first_frame", None)
        places.moved = {**places.moved, "chain": (*scene.at, "chain")}
    scene.before = fields["id"]


def _whole(scene: Scene | None, local: str) -> str:
    """The id of a shot that its entry calls so."""
    return f"{scene.id}.{local}" if scene else local


def _names_of(id: str, scene: Scene | None) -> tuple[str, ...]:
    """What a shot is called where it stands."""
    return (id, id.removeprefix(f"{scene.id}.")) if scene else (id,)


def _dated(entry: Entry, moulds: Mapping[str, Mould], prompt: Mapping[str, Mould]) -> bool:
    """Whether what is asked for depends on the date; whether it is asked for at all may."""
    if prompt is not moulds and "prompt" in prompt and not entry.dated.isdisjoint(prompt["prompt"].names):
        return True
    besides = ("when",) if prompt is moulds else ("when", "prompt")
    return any(key not in besides and not entry.dated.isdisjoint(made.names) for key, made in moulds.items())


def _ref(references: list[str], whose: str = "this shot") -> Callable[..., Naming]:
    def ref(call: Call, name: Any) -> Naming:
        if name not in references:
            fact = f"ref('{clipped(str(name))}'): {whose} has no such reference."
            raise call.fault(fact, choice(str(name), references, "Name it under `references` of the shot."))
        return naming(str(name))

    return ref
