"""Every message of the portal-view protocol, both ways, and its close codes. Pure: no Django, no socket.

Client messages are the structs of `ClientMessage`, which `decode` makes from a frame's text; server messages are the
structs below `ServerMessage`, which `encode` turns into one. See `docs/protocol.md`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libraries.errors import PortalError, named
from libraries.values import MAX_MESSAGE_VALUES, has_too_many_values

SUBPROTOCOL = "portal.v1.json"
BEARER_PREFIX = "bearer."
MAX_REF_CHARS = 64
MAX_REF_NUMBER = 2**53 - 1
MAX_CONNECTION_ID_CHARS = 32

Ref = Annotated[str, Meta(max_length=MAX_REF_CHARS)] | Annotated[int, Meta(ge=-MAX_REF_NUMBER, le=MAX_REF_NUMBER)]

ConnectionId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$", max_length=MAX_CONNECTION_ID_CHARS)]
"""What `secrets.token_urlsafe` gives: it is stored, and a store may not take every character."""


class CloseCode(IntEnum):
    """Why the server closes (RFC 6455, section 7.4); the close reason is the `code` of the `error` sent before."""

    NORMAL = 1000
    UNSUPPORTED = 1003
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013


ERRORS: dict[str, CloseCode | None] = {
    "invalid-json": None,
    "invalid-message": None,
    "invalid-payload": None,
    "quota-exceeded": None,
    "unknown-type": None,
    "forbidden": None,
    "not-found": CloseCode.POLICY,
    "unavailable": None,
    "portal-view-id-missing": CloseCode.POLICY,
    "credential-missing": CloseCode.POLICY,
    "token-invalid": CloseCode.POLICY,
    "token-expired": CloseCode.POLICY,
    "user-unavailable": CloseCode.POLICY,
    "no-access": CloseCode.POLICY,
    "origin-not-allowed": CloseCode.POLICY,
    "host-not-allowed": CloseCode.POLICY,
    "access-withdrawn": CloseCode.POLICY,
    "too-slow": CloseCode.TRY_LATER,
    "no-answer": CloseCode.TRY_LATER,
    "rate-limited": None,
    "too-many-connections": CloseCode.TRY_LATER,
    "portal-view-full": CloseCode.TRY_LATER,
    "https-required": CloseCode.POLICY,
    "socketio-not-supported": CloseCode.UNSUPPORTED,
    "binary-not-supported": CloseCode.UNSUPPORTED,
    "message-too-big": CloseCode.TOO_BIG,
    "internal-error": CloseCode.INTERNAL,
}
"""Each error code, and what the connection is closed with after it: None leaves it open."""

CLOSE_REASONS: dict[int, str] = {CloseCode.TOO_BIG: "message-too-big", CloseCode.INTERNAL: "internal-error"}
"""The reasons for codes that a server closes with on its own."""


class InvalidMessage(PortalError):
    """A frame that is no message of this protocol; `ref` is the sender's, where it could be read."""

    def __init__(self, code: str, message: str, ref: str | int | UnsetType = UNSET) -> None:
        super().__init__(message)
        self.code = code
        self.ref = ref


class Request(msgspec.Struct, rename="camel", tag_field="type", kw_only=True):
    """What every client message may carry."""

    ref: Ref | UnsetType = UNSET


class Ping(Request, tag="ping"):
    """Asks for a `pong`."""


class StoredRequest(Request):
    """A message that is stored. With `retry` it was sent before, by `connectionId`, and is not stored twice."""

    payload: dict[str, Any]
    retry: bool = False
    connection_id: ConnectionId | UnsetType = UNSET


class PortalViewUpdate(StoredRequest, tag="portal-view-update"):
    """A shallow patch of the portal view."""


class ItemUpdate(StoredRequest, tag="item-update"):
    """A shallow patch of one item, named by `itemId` in the payload or beside it."""

    item_id: str | UnsetType = UNSET


class RequestSync(Request, tag="request-sync"):
    """A viewer asks the controllers for the state."""


class SyncResponse(Request, tag="sync-response"):
    """A controller's answer, to one connection or to all viewers."""

    payload: dict[str, Any]
    to: str | UnsetType = UNSET


class Auth(Request, tag="auth"):
    """A fresh access token for the connection's own user."""

    token: str


ClientMessage = Ping | PortalViewUpdate | ItemUpdate | RequestSync | SyncResponse | Auth
CLIENT_MESSAGES: dict[str, type[Request]] = {
    str(message.__struct_config__.tag): message for message in ClientMessage.__args__
}


def decode(text: str) -> ClientMessage:
    """The message in a text frame; InvalidMessage with the error code, the sentence and the ref for its sender.

    Of duplicate keys the last one counts (RFC 8259, section 4, leaves it open), so all keys are read first.
    """
    try:
        message = msgspec.json.decode(text)
    except RecursionError:
        raise InvalidMessage("invalid-payload", "The message is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidMessage("invalid-json", f"The frame is not valid JSON: {error}.") from None
    if not isinstance(message, dict):
        raise InvalidMessage("invalid-message", 'A message must be a JSON object like {"type": "ping"}.')
    try:
        converted: ClientMessage = msgspec.convert(message, ClientMessage)
    except msgspec.ValidationError:
        raise _what_is_wrong(message) from None
    if has_too_many_values(message, len(text), MAX_MESSAGE_VALUES):
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


_KINDS = {"payload": "an object", "retry": "true or false"}


def _shape(kind: str) -> str:
    fields = [field for field in msgspec.structs.fields(CLIENT_MESSAGES[kind]) if field.encode_name != "ref"]
    return ", ".join(
        f"{field.encode_name} must be {_KINDS.get(field.name, 'text')}{'' if field.required else ', if it is given'}"
        for field in fields
    )


class ServerMessage(msgspec.Struct, rename="camel", tag_field="type", kw_only=True, omit_defaults=True):
    """What the server sends; keys that are not set are not sent."""


class Connected(ServerMessage, tag="connected"):
    """The first message; `state` unless the client has missed nothing."""

    portal_view_id: str
    role: str
    user_id: str
    message: str
    connection_id: str
    version: int
    epoch: str
    recovered: bool
    state: msgspec.Raw | UnsetType = UNSET


class Pong(ServerMessage, tag="pong"):
    """Answers `ping`; milliseconds since the epoch."""

    timestamp: int
    ref: str | int | UnsetType = UNSET


class PortalViewUpdated(ServerMessage, tag="portal-view-updated"):
    """The keys that changed; `version` if anything was stored."""

    payload: dict[str, Any] | msgspec.Raw
    version: int | UnsetType = UNSET


class ItemUpdated(ServerMessage, tag="item-updated"):
    """The keys of one item that changed; `index`, its place in `items`, and `version` if it was stored."""

    payload: dict[str, Any]
    index: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


class SyncRequested(ServerMessage, tag="sync-requested"):
    """A viewer's question, for controllers."""

    user_id: str = msgspec.field(name="from")
    connection_id: str


class SyncResponded(ServerMessage, tag="sync-response"):
    """The answer, for viewers; `source` is `controller` or `server`."""

    payload: dict[str, Any] | msgspec.Raw
    version: int
    source: str


class Error(ServerMessage, tag="error"):
    """A refusal: a sentence a person can act on, and a stable code; milliseconds until the same may go well."""

    message: str
    code: str
    ref: str | int | UnsetType = UNSET
    details: dict[str, str] | UnsetType = UNSET
    retry_after: int | UnsetType = UNSET


class Ack(ServerMessage, tag="ack"):
    """A message with a `ref` was done; the version that holds it."""

    ref: str | int
    version: int


class RoleChanged(ServerMessage, tag="role-changed"):
    """The connection's role is another now, and with it what it sees."""

    role: str
    version: int
    state: msgspec.Raw


class PortalViewDeleted(ServerMessage, tag="portal-view-deleted"):
    """The portal view is gone; the connection is closed next."""

    portal_view_id: str


class GoingAway(ServerMessage, tag="going-away"):
    """The connection is closed next, with 1012; come back after so many milliseconds."""

    retry_after: int


class TokenExpiring(ServerMessage, tag="token-expiring"):
    """The credential ends in so many seconds."""

    expires_in: int


_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> str:
    """The text of a frame."""
    return _encoder.encode(message).decode()


def encode_state(state: dict[str, Any]) -> msgspec.Raw:
    """A state, encoded once to be put into many messages."""
    return msgspec.Raw(_encoder.encode(state))
