"""JSON schemas as types of TypeScript: as much of JSON Schema as the messages of `docs/asyncapi.yaml` use."""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

_NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def declarations(schemas: dict[str, Schema]) -> str:
    """An exported type for each schema, by its name."""
    return "".join(f"\nexport type {name} = {_type(schema)};\n" for name, schema in schemas.items())


def literals(values: list[str]) -> str:
    """The type of a text that is one of these."""
    return " | ".join(json.dumps(value) for value in values)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return " | ".join(map(_type, schema[choice]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": one}) for one in kind)
    if kind == "array":
        inner = _type(schema["items"])
        return f"Array<{inner}>"
    if kind == "object":
        return _object(schema)
    return _NAMES[kind] if kind else "unknown"


def _object(schema: Schema) -> str:
    """An object; unless the schema says otherwise, or it is a message, it can have other keys."""
    properties: dict[str, Schema] = schema.get("properties", {})
    required = schema.get("required", [])
    lines = [f"{_key(key)}{'' if key in required else '?'}: {_type(value)};" for key, value in properties.items()]
    if "title" not in schema and schema.get("additionalProperties", True) is not False:
        lines.append("[key: string]: any;")
    return "{\n" + "".join(f"  {line}\n" for line in _indented(lines)) + "}"


def _indented(lines: list[str]) -> list[str]:
    return [line.replace("\n", "\n  ") for line in lines]


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
