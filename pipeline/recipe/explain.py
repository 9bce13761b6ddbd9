"""Why a value does not fit the grammar, in the words of a user and never in jsonschema's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pipeline.recipe.gate import pattern
from pipeline.recipe.words import choice, clipped, counted, nearest, said
from pipeline.values import dataclass

At = tuple[str | int, ...]
_WORDS_FOR_SWITCHES = frozenset({"yes", "no", "on", "off", "y", "n"})
_KINDS: Mapping[str, type] = {"object": dict, "array": list}


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A value (or, with `key`, a key) at a way from the top that does not fit, what is so, and the way out."""

    at: At
    fact: str
    hint: str
    key: bool = False


def misfits(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: At = ()) -> Iterator[Misfit]:
    """Everything about a value that does not fit the schema; nothing where it fits. `at` is where the value stands."""
    for error in _validator()({**schema, "$defs": root["$defs"]}).iter_errors(value):
        yield from _told(error, at)


@cache
def _validator() -> Any:
    """JSON schema's own validator, its patterns read as `gate` reads them."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    make: Any = extend  # it has no types

    def matches(validator: Any, written: str, value: Any, _schema: Any) -> Iterator[Any]:
        if validator.is_type(value, "string") and not pattern(written).search(value):
            yield ValidationError("another text is due")

    return make(Draft202012Validator, {"pattern": matches})


def _told(error: Any, top: At) -> Iterator[Misfit]:
    at = (*top, *error.absolute_path)
    schema, value = error.schema, error.instance
    match error.validator:
        case "additionalProperties":
            known = list(schema["properties"])
            owner = schema.get("title", "this map")
            for key in value.keys() - schema["properties"].keys():
                hint = choice(key, known, f"{owner[0].upper()}{owner[1:]} may have: {', '.join(known)}.")
                yield Misfit(at=(*at, key), fact=f"Unknown key '{clipped(key)}' in {owner}.", hint=hint, key=True)
        case "required":
            key = next(key for key in error.validator_value if repr(key) in error.message)
            if any(nearest(other, [key]) for other in value.keys() - schema["properties"].keys()):
                return  # it is there, misspelt, and that is told
            owner = schema.get("title", "this map")
            part = schema["properties"].get(key, {})
            hint = part.get("errorMessage") or part.get("description") or "Write it."
            yield Misfit(at=at, fact=f"'{key}' is missing in {owner}.", hint=hint)
        case "anyOf" if inner := _meant(error):
            for part in inner:
                yield from _told(part, top)
        case "propertyNames" | "pattern" if error.parent is None and _is_name(error):
            yield Misfit(at=(*at, value), fact=f"'{clipped(value)}' is no name.", hint=schema["errorMessage"], key=True)
        case "maxLength" | "maxItems" | "maxProperties":
            things = {"maxLength": "characters", "maxItems": "entries"}.get(error.validator, "keys")
            fact = f"{_name(at)} has {counted(len(value))} {things}."
            most = f"At most {counted(error.validator_value)} are read."
            yield Misfit(at=at, fact=fact, hint=schema.get("errorMessage", most))
        case _:
            yield Misfit(at=at, fact=f"{_name(at)} cannot be {said(value)}.", hint=_hint(schema, value))


def _is_name(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _meant(error: Any) -> list[Any]:
    """The faults of the alternative that has the value's own form: a map is explained as a map."""
    ways = error.validator_value
    for index, way in enumerate(ways):
        kind = _KINDS.get(way.get("type", ""))
        if kind is not None and isinstance(error.instance, kind):
            inner = [part for part in error.context if part.schema_path[0] == index]
            if all(part.validator in ("minItems", "minProperties") for part in inner):
                return []
            return inner
    return []


def _name(at: At) -> str:
    names = [step for step in at if isinstance(step, str)]
    if not at:
        return "A recipe"
    if isinstance(at[-1], int):
        return f"An entry of '{clipped(names[-1])}'" if names else "An entry"
    return f"'{clipped(at[-1])}'"


def _hint(schema: Mapping[str, Any], value: Any) -> str:
    must = str(schema.get("errorMessage") or schema.get("description") or "Look it up in the schema.")
    words = schema.get("enum") or [word for way in schema.get("anyOf", ()) for word in way.get("enum", ())]
    if isinstance(value, str) and (found := nearest(value, [word for word in words if isinstance(word, str)])):
        return f"Did you mean '{found}'? {must}"
    if isinstance(value, str) and value.casefold() in _WORDS_FOR_SWITCHES and "true or false" in must:
        return f"{must} In YAML 1.2 '{value}' is a text."
    takes_text = schema.get("type") == "string" or {"type": "string", "minLength": 1} in schema.get("anyOf", ())
    if takes_text and not isinstance(value, str | list | dict | None) and "quotes" not in must:
        return f"{must} Put a text in quotes."
    return must
