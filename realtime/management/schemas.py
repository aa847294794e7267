"""JSON schemas of what messages hold: the state, its items, the camera, the encounter, and changes within a batch.

msgspec describes the messages themselves from their structs, see `realtime.management.commands.asyncapi`. Items,
cameras and encounters have the schemas of the REST API.
"""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from libraries.api.schema import CameraDescription, EncounterDescription, ItemDescription, ShownItemDescription
from libraries.rules.changes import CHECKS, MAX_CHANGES
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS
from libraries.rules.octets import BYTES_KEY
from libraries.rules.state import FIELDS, HEALTH_DISPLAYS, MAX_ITEMS, MAX_NAME_CHARS, READ_ONLY
from realtime.news.compose import SETTLED_FIELDS

Schema = dict[str, Any]

IN_BATCH = "InBatch"
"""The end of the name of a message's schema within a batch."""

_BYTES = f'Relayed values may be bytes: in JSON {{"{BYTES_KEY}": "<base64>"}}, in MessagePack bin.'

_FLAG: Schema = {"type": "boolean"}
_TEXT: Schema = {"type": "string"}
_NULL: Schema = {"type": "null"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_VERSION: Schema = {"type": "integer"}
_INDEX: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS - 1}
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_ITEM_ID_CHARS}
_GIVEN_ID: Schema = {"oneOf": [_ID, {"type": "integer"}]}
_VIEW: dict[str, Schema] = {
    "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS},
    "healthDisplay": {"type": "string", "enum": list(HEALTH_DISPLAYS)},
    "currentItem": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_ITEMS - 1},
}
"""The keys of the state whose schema is the same in both directions, apart from switches."""
_READ_ONLY: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "libraryId": {"type": "string", "format": "uuid"},
    "version": _VERSION,
    "createdAt": _TIME,
    "updatedAt": _TIME,
}


def ref(name: str) -> Schema:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def shared() -> dict[str, Schema]:
    """The schemas that several messages refer to, by name. Those of what clients send begin with `Given`."""
    keys, given = _view_keys(""), _view_keys("Given")
    ignored: dict[str, Schema] = dict.fromkeys(sorted(READ_ONLY), {})
    seen = f"The keys of the state that changed; other keys are relayed and not stored. {_BYTES}"
    return {
        "Item": _converted(ShownItemDescription, "response"),
        "Camera": _converted(CameraDescription, "response"),
        "Encounter": _converted(EncounterDescription, "response"),
        "State": {**_object({**_READ_ONLY, **keys}), "required": [*_READ_ONLY, *keys], "additionalProperties": False},
        "Patch": {**_object(keys), "description": seen},
        "ItemPatch": {**_object({"itemId": _ID}), "required": ["itemId"], "description": "Null removes a key."},
        "Beyond": _beyond(keys),
        "GivenItem": _converted(ItemDescription, "request"),
        "GivenCamera": _converted(CameraDescription, "request"),
        "GivenEncounter": _converted(EncounterDescription, "request"),
        "GivenPatch": {
            **_object(given),
            "description": f"Keys that are not of the state are relayed and not stored. {_BYTES}",
        },
        "GivenPatchInBatch": {**_object({**given, **ignored}), "additionalProperties": False},
        "GivenItemPatch": {**_object({"itemId": _GIVEN_ID}), "description": "Null removes a key."},
    }


def _beyond(keys: dict[str, Schema]) -> Schema:
    """What an `ack` says that the server changed beyond what was sent."""
    corrections = {"type": "array", "items": ref(f"ItemUpdated{IN_BATCH}")}
    settled = {key: keys[key] for key in (*SETTLED_FIELDS, "items")}
    return {**_object({**settled, "changes": corrections}), "additionalProperties": False}


def refined() -> dict[tuple[str, str], Schema]:
    """The schemas of fields that a struct cannot express, by the names of the struct and of the field."""
    keys = _view_keys("")
    given: dict[tuple[str, str], Schema] = {
        ("PortalViewUpdate", "payload"): ref("GivenPatch"),
        ("ItemUpdate", "payload"): ref("GivenItemPatch"),
        ("ItemUpdate", "itemId"): _GIVEN_ID,
        ("ItemAdd", "payload"): ref("GivenItem"),
        ("ItemAdd", "index"): {"oneOf": [_INDEX, _NULL]},
        ("ItemRemove", "itemId"): _GIVEN_ID,
        ("ItemMove", "itemId"): _GIVEN_ID,
        ("ItemMove", "index"): _INDEX,
        ("Act", "target"): _GIVEN_ID,
        ("Point", "itemId"): _GIVEN_ID,
        **{("Point", key): {"type": "number", "minimum": 0, "maximum": 1} for key in ("x", "y")},
    }
    sent: dict[tuple[str, str], Schema] = {
        ("Connected", "state"): ref("State"),
        ("RoleChanged", "state"): ref("State"),
        ("PortalViewUpdated", "payload"): ref("Patch"),
        ("ItemAdded", "item"): ref("Item"),
        ("ItemUpdated", "payload"): ref("ItemPatch"),
        ("Ack", "payload"): ref("Beyond"),
        ("Activity", "state"): {"enum": ["editing", "idle"]},
        ("Presence", "event"): {"type": "string", "enum": ["snapshot", "change"]},
        ("Present", "since"): _TIME,
    }
    for name in ("ItemAdded", "ItemRemoved", "ItemMoved", "ItemUpdated"):
        sent |= {(name, key): keys[key] for key in SETTLED_FIELDS}
    return {**given, **sent}


def batches(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """The schemas of messages within a batch, made from those of all messages; those of the batches refer to them."""
    messages = {name: schema["properties"] for name, schema in schemas.items() if "type" in schema["properties"]}
    kinds = {properties["type"]["enum"][0]: name for name, properties in messages.items()}
    given = [kinds[kind] for kind in CHECKS]
    sent = ["PortalViewUpdated", "ItemAdded", "ItemRemoved", "ItemMoved", "ItemUpdated"]
    inside = {f"{name}{IN_BATCH}": _bare(schemas[name], f"{name}{IN_BATCH}") for name in (*given, *sent)}
    inside[f"PortalViewUpdate{IN_BATCH}"]["properties"]["payload"] = ref("GivenPatchInBatch")
    for name, allowed in (("Batch", given), ("BatchApplied", sent)):
        changes: Schema = {"type": "array", "items": {"oneOf": [ref(f"{one}{IN_BATCH}") for one in allowed]}}
        limits = {"minItems": 1, "maxItems": MAX_CHANGES} if name == "Batch" else {"minItems": 1}
        schemas[name]["properties"]["changes"] = {**changes, **limits}
    return inside


_ENVELOPE = frozenset({"ref", "retry", "connectionId", "version", *SETTLED_FIELDS})


def _bare(schema: Schema, title: str) -> Schema:
    """The schema of a message without its envelope."""
    kept = {key: value for key, value in schema["properties"].items() if key not in _ENVELOPE}
    return {**schema, "title": title, "properties": kept}


def _view_keys(prefix: str) -> dict[str, Schema]:
    """The keys of the state, for the schemas with that prefix."""
    item_id = _GIVEN_ID["oneOf"] if prefix else [_ID]
    of_items: dict[str, Schema] = {
        "currentItemId": {"oneOf": [*item_id, _NULL]},
        "camera": {"oneOf": [ref(f"{prefix}Camera"), _NULL]},
        "encounter": {"oneOf": [ref(f"{prefix}Encounter"), _NULL]},
        "items": {"type": "array", "items": ref(f"{prefix}Item"), "maxItems": MAX_ITEMS},
    }
    return {key: of_items.get(key, _VIEW.get(key, _FLAG)) for key in FIELDS}


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties}


def _converted(description: type[OpenApiSerializerFieldExtension], direction: Literal["request", "response"]) -> Schema:
    """A schema of the REST API, in the form of JSON Schema."""
    schema: Schema = _draft_7(description(None).map_serializer_field(AutoSchema(), direction))
    return schema


def _draft_7(value: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has the type null."""
    if isinstance(value, list):
        return [_draft_7(one) for one in value]
    if not isinstance(value, dict):
        return value
    rest = {key: _draft_7(inner) for key, inner in value.items() if key != "nullable"}
    if not value.get("nullable"):
        return rest
    return {**rest, "oneOf": [*rest["oneOf"], _NULL]} if "oneOf" in rest else {**rest, "type": [rest["type"], "null"]}
