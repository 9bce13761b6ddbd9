"""Scenes: what their shots have in common, over what all shots have."""

from __future__ import annotations

from typing import Any

from pipeline.recipe.explain import At
from pipeline.recipe.ids import Ids
from pipeline.recipe.setting import Scene, Setting, Settings
from pipeline.recipe.variables import inside


class Scenes:
    """The scenes of one recipe, in their order; `common` is the setting of shots in none."""

    def __init__(self, settings: Settings, common: Setting, ids: Ids) -> None:
        self.settings, self.common, self.ids = settings, common, ids
        self._count = 0

    def setting(self, at: At, fields: dict[str, Any]) -> Setting:
        """The setting of a scene's shots; tells of an id that cannot stand."""
        self._count += 1
        name = fields.get("id", f"scene-{self._count}")
        self.ids.scene(name, at)
        named = {"id": name, "title": fields.get("title", name), "index": self._count}
        declared = {key: (value, (*at, "vars", key)) for key, value in (fields.get("vars") or {}).items()}
        variables = inside(self.common.variables, declared, named, self.settings.findings, self.settings.work)
        scene = Scene(id=name, at=at, chain=fields.get("chain", False))
        return self.settings.over(self.common, (*at, "defaults"), fields.get("defaults") or {}, variables, scene)
