"""The part of JSON Schema that the project's schemas use, so that tests need no library for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "integer": (int,), "number": (int, float),
}  # fmt: skip
KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required", "additionalProperties",
    "items", "enum", "const", "anyOf", "minimum", "pattern",
}  # fmt: skip


def mistakes(value: Any, schema: dict[str, Any]) -> list[str]:
    """Where a value does not fit a schema, in words."""
    return list(_wrong(value, schema, schema, "$"))


def _wrong(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    assert schema.keys() <= KNOWN, schema.keys() - KNOWN
    if "$ref" in schema:
        yield from _wrong(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    if "anyOf" in schema and all(list(_wrong(value, item, root, at)) for item in schema["anyOf"]):
        yield f"{at}: {value!r} fits none of its forms"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if names and not any(_is(value, name) for name in names):
        yield f"{at}: {value!r} is not {names}"
    elif isinstance(value, dict):
        yield from _wrong_object(value, schema, root, at)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _wrong(item, schema["items"], root, f"{at}[{index}]")
    elif isinstance(value, int) and value < schema.get("minimum", value):
        yield f"{at}: {value} is too small"


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _wrong_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    yield from (f"{at}: lacks {name}" for name in schema.get("required", []) if name not in value)
    for name, item in value.items():
        if name in known:
            yield from _wrong(item, known[name], root, f"{at}.{name}")
        elif rest is False:
            yield f"{at}: does not know {name}"
        elif isinstance(rest, dict):
            yield from _wrong(item, rest, root, f"{at}.{name}")
