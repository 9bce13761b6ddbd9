"""A JSON schema as a quick yes or no, so that a good recipe never waits for jsonschema.

Compiles the words of JSON schema that our schemas use into closures; `explain` says in words why it is a no, and has
the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

Check = Callable[[Any], bool]
Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "errorMessage"})
_TYPES: Mapping[str, Check] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def pattern(written: str) -> re.Pattern[str]:
    """A schema's pattern with JSON schema's meaning: `$` is the end, where Python lets a line break follow."""
    return re.compile(re.sub(r"(?<!\\)\$", r"\\Z", written))


def compiled(schema: Schema, root: Schema) -> Check:
    """A function that says whether a value fits the schema; references are looked up in `root`."""
    known = {word: part for word, part in schema.items() if word not in _ANNOTATIONS}
    checks: list[Check] = []
    if words := {"properties", "patternProperties", "additionalProperties", "required"} & known.keys():
        checks.append(_object(schema, root))
    for word in known.keys() - words:
        checks.append(_MAKERS[word](known[word], root))
    if len(checks) == 1:
        return checks[0]
    # Types first: they are the cheapest to refuse.

    def check(value: Any) -> bool:
        return all(part(value) for part in checks)

    return check


def _object(schema: Schema, root: Schema) -> Check:
    fields = {key: compiled(part, root) for key, part in schema.get("properties", {}).items()}
    patterns = [(pattern(key).search, compiled(part, root)) for key, part in _patterns(schema)]
    others: Check | None = None
    rest = schema.get("additionalProperties", True)
    if isinstance(rest, Mapping):
        others = compiled(rest, root)
    elif rest:
        others = lambda _: True  # noqa: E731 - a check like the others
    required = frozenset(schema.get("required", ()))

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for key, part in value.items():
            field = fields.get(key) or next((way for search, way in patterns if search(key)), others)
            if field is None or not field(part):
                return False
        return required <= value.keys()

    return check


def _patterns(schema: Schema) -> Iterable[tuple[str, Schema]]:
    found: Mapping[str, Schema] = schema.get("patternProperties", {})
    return found.items()


def _type(names: str | list[str], _root: Schema) -> Check:
    if isinstance(names, str):
        return _TYPES[names]
    kinds = [_TYPES[name] for name in names]
    return lambda value: any(kind(value) for kind in kinds)


def _any_of(ways: list[Schema], root: Schema) -> Check:
    checks = [compiled(way, root) for way in ways]
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> bool:
        return any(way(value) for way in checks)

    return check


def _enum(values: list[Any], _root: Schema) -> Check:
    # True is 1 in Python and not in JSON.
    known = {(type(value), value) for value in values}
    return lambda value: not isinstance(value, dict | list) and (type(value), value) in known


def _pattern(written: str, _root: Schema) -> Check:
    search = pattern(written).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _items(schema: Schema, root: Schema) -> Check:
    item = compiled(schema, root)
    return lambda value: not isinstance(value, list) or all(map(item, value))


def _names(schema: Schema, root: Schema) -> Check:
    name = compiled(schema, root)
    return lambda value: not isinstance(value, dict) or all(map(name, value))


def _sized(
    kind: type[str | list[Any] | dict[str, Any]], within: Callable[[int, int], bool]
) -> Callable[[int, Schema], Check]:
    return lambda limit, _: lambda value: not isinstance(value, kind) or within(len(value), limit)


def _bounded(within: Callable[[Any, Any], bool]) -> Callable[[int, Schema], Check]:
    number = _TYPES["number"]
    return lambda limit, _: lambda value: not number(value) or within(value, limit)


def _at_least(value: Any, limit: Any) -> bool:
    return bool(value >= limit)


def _at_most(value: Any, limit: Any) -> bool:
    return bool(value <= limit)


def _above(value: Any, limit: Any) -> bool:
    return bool(value > limit)


def _reference(pointer: str, root: Schema) -> Check:
    part: Any = root
    for step in pointer.removeprefix("#/").split("/"):
        part = part[step]
    return compiled(part, root)


_MAKERS: Mapping[str, Callable[[Any, Schema], Check]] = {
    "$ref": _reference,
    "type": _type,
    "anyOf": _any_of,
    "enum": _enum,
    "const": lambda value, root: _enum([value], root),
    "pattern": _pattern,
    "items": _items,
    "propertyNames": _names,
    "minLength": _sized(str, _at_least),
    "maxLength": _sized(str, _at_most),
    "minItems": _sized(list, _at_least),
    "maxItems": _sized(list, _at_most),
    "minProperties": _sized(dict, _at_least),
    "maxProperties": _sized(dict, _at_most),
    "minimum": _bounded(_at_least),
    "maximum": _bounded(_at_most),
    "exclusiveMinimum": _bounded(_above),
}
