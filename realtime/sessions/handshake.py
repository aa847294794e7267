"""From a scope to an admission: portal view, credential, person, role (docs/protocol.md, section 1).

The steps are taken in the protocol's order, and the first that fails raises `Refused` with the error's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings

from libraries import tokens
from libraries.rules.errors import PortalError, Unavailable
from libraries.rules.paths import site_path
from libraries.rules.roles import PortalRole, portal_role
from libraries.tokens import Credential, TokenExpired, TokenInvalid, TokenOfTheFuture
from realtime.limits.entrance import Entrance
from realtime.protocol.encodings import BEARER_PREFIX, SUBPROTOCOL
from realtime.sessions.lookup import look_up
from realtime.sessions.origins import is_host_allowed, is_origin_allowed

Scope = Mapping[str, Any]


class Refused(PortalError):
    """The connection is not let in; `code` is one of `realtime.protocol.closing.ERRORS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of a handshake: the person, the portal view, the role, and the last version that the client has.

    With `as_viewer` the client wants to see what viewers see, whatever the role.
    """

    portal_view_id: UUID
    credential: Credential
    role: PortalRole
    version: int
    access_version: int
    known_version: int | None
    known_epoch: str | None
    as_viewer: bool


def is_socketio(scope: Scope) -> bool:
    """Whether the client is a Socket.IO client: its Engine.IO version is in the query, or its path is the usual one."""
    return b"EIO=" in scope["query_string"] or site_path(scope).startswith("/socket.io")


def subprotocol(scope: Scope) -> str | None:
    """The subprotocol to select: never one that holds a credential."""
    return SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None


async def admit(scope: Scope, entrance: Entrance) -> Admission:
    """Take the steps of the handshake, with one query; Refused, or Limited, at the first that fails."""
    wanted = _read_address(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    credential = verify(_read_credential(scope, query))
    entrance.come(credential.subject)
    portal_view_id = _uuid(wanted)
    # An id that is no UUID gets the answer of one that does not exist, after the same checks.
    try:
        access = await look_up(credential.subject, portal_view_id or UUID(int=0))
    except Unavailable:
        raise Refused("unavailable", "The database is away: connect again in a moment.") from None
    if access is None or not access.is_active:
        raise Refused("user-unavailable", "This account does not exist any more, or is switched off.")
    if access.role is None or portal_view_id is None:
        raise Refused("no-access", "There is no such portal view, or you are not a member of its library.")
    if not is_origin_allowed(scope):
        raise Refused(
            "origin-not-allowed",
            "Pages of this origin may not connect; the site's operator can allow it in PORTAL_ALLOWED_ORIGINS.",
        )
    return Admission(
        portal_view_id=portal_view_id,
        credential=credential,
        role=portal_role(access.role),
        version=access.version,
        access_version=access.access_version,
        known_version=_number(query.get("version", [""])[0]),
        known_epoch=query.get("epoch", [None])[0],
        as_viewer="as" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
    )


def _read_address(scope: Scope) -> str:
    """The path segment where a portal view's id belongs; Refused if the scheme, the host or the path is wrong."""
    route = scope["url_route"]["kwargs"]
    if settings.SECURE_SSL_REDIRECT and scope.get("scheme", "ws") != "wss":
        raise Refused("https-required", "This site is only reached over https: connect to wss://, not ws://.")
    if not is_host_allowed(scope):
        raise Refused(
            "host-not-allowed", "This site is not reached by that name; its operator sets PORTAL_ALLOWED_HOSTS."
        )
    if "portal_view_id" not in route:
        raise Refused("not-found", "There is nothing here: the address of a portal view is /ws/portal-view/<id>.")
    if not (wanted := str(route["portal_view_id"])):
        raise Refused("portal-view-id-missing", "The address must name a portal view: /ws/portal-view/<id>.")
    return wanted


def verify(token: str) -> Credential:
    """The subject of a token; Refused unless it is an access token of this server that has not expired."""
    try:
        return tokens.verify(token)
    except TokenExpired as error:
        raise Refused(error.code, "The token has expired: get a fresh one and connect again.") from None
    except TokenOfTheFuture as error:
        raise Refused(error.code, error.message) from None
    except TokenInvalid as error:
        raise Refused(error.code, "The token is not an access token of this server: log in again.") from None


def _read_credential(scope: Scope, query: Mapping[str, list[str]]) -> str:
    for offered in scope["subprotocols"]:
        if offered.startswith(BEARER_PREFIX):
            return str(offered[len(BEARER_PREFIX) :])
    if "token" in query:
        return query["token"][0]
    raise Refused(
        "credential-missing",
        f"Log in first: offer the subprotocols {SUBPROTOCOL} and {BEARER_PREFIX}<access token>, or add ?token=.",
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
