"""Additions to the finished OpenAPI document: facts that drf-spectacular omits, and programs rely on."""

from __future__ import annotations

from typing import Any

from libraries.api.schema import BUSY

REQUEST = "Request"
OPTIONAL = {("Member", "email")}
"""Keys that an answer may lack."""


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Called by drf-spectacular.

    Marks bodies that refuse unknown keys, makes all keys of answers required, and adds 503.
    """
    schemas: dict[str, Any] = result["components"]["schemas"]
    for name, schema in schemas.items():
        if schema.get("type") != "object" or "properties" not in schema:
            continue
        if name.endswith(REQUEST):
            answered = schemas.get(name.removeprefix("Patched").removesuffix(REQUEST), {}).get("properties", {})
            only_answered = {key: value for key, value in answered.items() if value.get("readOnly")}
            schema["properties"] |= only_answered
            schema["additionalProperties"] = False
        else:
            schema["required"] = [key for key in schema["properties"] if (name, key) not in OPTIONAL]
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("503", BUSY)
    return result
