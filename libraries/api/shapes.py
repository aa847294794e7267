"""The shapes of items, cameras, encounters and changes, as OpenAPI schemas. They only describe; the rules check."""

from __future__ import annotations

from typing import Any

from libraries.rules.camera import LIMITS
from libraries.rules.changes import CHECKS
from libraries.rules.encounter import MAX_INITIATIVE_CHARS, MAX_ROUND
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS
from libraries.rules.items import SHOW_KEYS
from libraries.rules.state import HEALTH_DISPLAYS, MAX_ITEMS

_TEXT_ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_ITEM_ID_CHARS}
_ANY_ID: dict[str, Any] = {"oneOf": [_TEXT_ID, {"type": "integer"}]}
_ITEM_ID: dict[str, Any] = {
    **_ANY_ID,
    "nullable": True,
    "description": "An integer becomes text. Without an id the item gets one.",
}
_SHOW: dict[str, Any] = {
    "type": "object",
    "properties": {
        key: {"type": "boolean"} if key != "health" else {"enum": [*HEALTH_DISPLAYS, True, False]} for key in SHOW_KEYS
    },
    "additionalProperties": False,
}
ITEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _ITEM_ID,
        "visible": {"type": "boolean", "nullable": True, "description": "False: viewers don't see it."},
        "public": {"type": "object", "additionalProperties": {}, "description": "What is for players."},
        "show": {"nullable": True, "description": "Overrides the switches.", **_SHOW},
        "revealOnTurn": {
            "type": "boolean",
            "nullable": True,
            "description": "True: viewers see it from its next turn on, and the key is gone.",
        },
    },
    "additionalProperties": {},
}
"""An item in a body."""
SHOWN_ITEM: dict[str, Any] = {
    **ITEM,
    "properties": {**ITEM["properties"], "id": _TEXT_ID},
    "required": ["id"],
}
"""An item in an answer."""

CHANGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": list(CHECKS)},
        "payload": {"type": "object", "additionalProperties": {}, "description": "A patch, or a new item."},
        "itemId": {**_ANY_ID, "description": "The item to change, remove or move."},
        "index": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_ITEMS - 1,
            "description": "The place of a new or moved item, from 0.",
        },
    },
    "required": ["type"],
}
"""A change in a batch."""


def camera(*, answered: bool) -> dict[str, Any]:
    """The camera."""
    bounds = {key: {"type": "number", "minimum": least, "maximum": most} for key, (least, most) in LIMITS.items()}
    required = [key for key in LIMITS if answered or key != "rotation"]
    return {"type": "object", "properties": bounds, "required": required, "additionalProperties": False}


def encounter(*, answered: bool) -> dict[str, Any]:
    """The encounter."""
    item_id = _TEXT_ID if answered else _ANY_ID
    initiative = {
        "oneOf": [{"type": "number"}, {"type": "string", "maxLength": MAX_INITIATIVE_CHARS}],
        "nullable": True,
    }
    entry = {
        "type": "object",
        "properties": {"itemId": item_id, "initiative": initiative},
        "required": ["itemId"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "round": {"type": "integer", "minimum": 0, "maximum": MAX_ROUND},
            "turn": {**item_id, "nullable": True},
            "order": {"type": "array", "items": entry, "maxItems": MAX_ITEMS},
        },
        "required": ["round", "turn", "order"] if answered else ["round", "order"],
        "additionalProperties": False,
    }
