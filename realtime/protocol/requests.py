"""What clients send: the structs of `ClientMessage`, which `decode` makes from the content of a frame.

The contract is `docs/protocol.md`. Who may send which message is in `realtime.protocol.policy`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libraries.rules.errors import named
from libraries.rules.json_faults import kind_of
from libraries.rules.values import MAX_MESSAGE_VALUES
from realtime.protocol.contents import MAX_REF_CHARS, Content, InvalidMessage, Ref, has_too_many, value_in

MAX_CONNECTION_ID_CHARS = 32

ConnectionId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=MAX_CONNECTION_ID_CHARS)]
"""The format of `secrets.token_urlsafe`: the id is stored, and some stores do not accept every character."""


class Request(msgspec.Struct, rename="camel", tag_field="type", kw_only=True):
    """The fields that every client message may have."""

    ref: Ref | UnsetType = UNSET


class Ping(Request, tag="ping"):
    """Asks for a `pong`."""


ItemId = str | int
"""The id of an item; an integer means the same as its text."""


class StoredRequest(Request, kw_only=True):
    """A message that is stored. With `retry` it was sent before, by `connectionId`, and is not stored twice."""

    retry: bool = False
    connection_id: ConnectionId | UnsetType = UNSET


class PortalViewUpdate(StoredRequest, kw_only=True, tag="portal-view-update"):
    """A shallow patch of the portal view."""

    payload: dict[str, Any]


class ItemUpdate(StoredRequest, kw_only=True, tag="item-update"):
    """A shallow patch of one item, named by `itemId` in the payload or beside it; null removes a key."""

    payload: dict[str, Any]
    item_id: ItemId | UnsetType = UNSET


class ItemAdd(StoredRequest, kw_only=True, tag="item-add"):
    """A new item at `index`, by default at the end."""

    payload: dict[str, Any]
    index: int | None = None


class ItemRemove(StoredRequest, kw_only=True, tag="item-remove"):
    """An item is removed."""

    item_id: ItemId


class ItemMove(StoredRequest, kw_only=True, tag="item-move"):
    """An item is moved to `index`, its place after the move."""

    item_id: ItemId
    index: int


class EncounterNext(StoredRequest, kw_only=True, tag="encounter-next"):
    """The turn goes to the next entry of the encounter's order."""


class EncounterPrevious(StoredRequest, kw_only=True, tag="encounter-previous"):
    """The turn goes back to the entry before."""


class Batch(StoredRequest, kw_only=True, tag="batch"):
    """Several of these messages, stored as one version or not at all."""

    changes: list[Any]


class RequestSync(Request, tag="request-sync"):
    """A viewer asks the controllers for the state."""


class SyncResponse(Request, tag="sync-response"):
    """A controller's answer, to one connection or to all viewers."""

    payload: dict[str, Any]
    to: str | UnsetType = UNSET


class Act(Request, kw_only=True, tag="activity"):
    """A controller is editing, maybe a certain item, or has stopped."""

    state: Literal["editing", "idle"]
    target: ItemId | UnsetType = UNSET


class Point(Request, kw_only=True, tag="pointer"):
    """Somebody points at an item: fractions of its picture's width and height, from the top left."""

    item_id: ItemId
    x: float
    y: float


class Auth(Request, tag="auth"):
    """A fresh access token, or a ticket, of the connection's own user, or of the user that a guest becomes."""

    token: str | UnsetType = UNSET
    ticket: str | UnsetType = UNSET


ClientMessage = (
    Ping
    | PortalViewUpdate
    | ItemUpdate
    | ItemAdd
    | ItemRemove
    | ItemMove
    | EncounterNext
    | EncounterPrevious
    | Batch
    | RequestSync
    | SyncResponse
    | Act
    | Point
    | Auth
)
CLIENT_MESSAGES: dict[str, type[Request]] = {
    str(message.__struct_config__.tag): message for message in ClientMessage.__args__
}


def decode(content: Content) -> ClientMessage:
    """The message in a frame; InvalidMessage with the error code, the sentence and the ref for its sender.

    Of a duplicated key the last one counts, so all keys are read first.
    """
    message = value_in(content)
    if not isinstance(message, dict):
        kind = "a JSON object" if isinstance(content, str) else "a map"
        sentence = f'A message must be {kind} like {{"type": "ping"}}; it is {kind_of(message)}.'
        raise InvalidMessage("invalid-message", sentence)
    try:
        converted: ClientMessage = msgspec.convert(message, ClientMessage)
    except msgspec.ValidationError:
        raise _what_is_wrong(message) from None
    if has_too_many(message, content, MAX_MESSAGE_VALUES):
        sentence = f"A message may hold at most {MAX_MESSAGE_VALUES} values: send it in parts."
        raise InvalidMessage("invalid-payload", sentence, converted.ref)
    return converted


def _what_is_wrong(message: dict[str, Any]) -> InvalidMessage:
    ref = message.pop("ref", UNSET)
    try:
        if ref is not UNSET:
            msgspec.convert(ref, Ref)
    except msgspec.ValidationError:
        return InvalidMessage(
            "invalid-message", f"A ref must be text of at most {MAX_REF_CHARS} characters or an integer."
        )
    kind = message.get("type")
    if not isinstance(kind, str):
        return InvalidMessage("invalid-message", "A message needs a type, which is text.", ref)
    if kind not in CLIENT_MESSAGES:
        known = ", ".join(CLIENT_MESSAGES)
        return InvalidMessage("unknown-type", f"There is no message type “{named(kind)}”; there are {known}.", ref)
    if not isinstance(message.get("payload", {}), dict) or "payload" not in message:
        code = "invalid-payload" if "payload" in CLIENT_MESSAGES[kind].__struct_fields__ else "invalid-message"
        return InvalidMessage(code, f"The body of {kind} is wrong: {_shape(kind)}.", ref)
    return InvalidMessage("invalid-message", f"The body of {kind} is wrong: {_shape(kind)}.", ref)


_KINDS = {
    "payload": "an object",
    "retry": "true or false",
    "index": "a whole number",
    "changes": "a list",
    "item_id": "text or an integer",
    "target": "text or an integer",
    "state": "“editing” or “idle”",
    "x": "a number",
    "y": "a number",
}


def _shape(kind: str) -> str:
    fields = [field for field in msgspec.structs.fields(CLIENT_MESSAGES[kind]) if field.encode_name != "ref"]
    fields.sort(key=lambda field: not field.required)
    return ", ".join(
        f"{field.encode_name} must be {_KINDS.get(field.name, 'text')}{'' if field.required else ', if it is given'}"
        for field in fields
    )
