"""From a scope to an admission: portal view, credential, person, role (docs/protocol.md, section 1).

The steps are taken in the protocol's order, and the first that fails raises `Refused` with the error's code.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings

from libraries.grants import Access
from libraries.rules.errors import Unavailable
from libraries.rules.names import check_guest_name
from libraries.rules.paths import site_path
from libraries.rules.revocations import SENTENCES, Reason
from libraries.rules.roles import PortalRole, portal_role
from libraries.tokens import Credential, guest_credential
from realtime.database import in_database
from realtime.limits.entrance import Entrance, Limited
from realtime.protocol.encodings import Encoding, chosen
from realtime.sessions.credentials import Refused, away, find, prove
from realtime.sessions.lookup import look_up
from realtime.sessions.origins import is_host_allowed, is_origin_allowed

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of a handshake: the person, the portal view, the role, and the last version that the client has.

    A guest gets the credential `guest` to come back with, and its link has places for `max_guests`, None for no limit.
    With `as_viewer` the client wants to see what viewers see, whatever the role.
    """

    portal_view_id: UUID
    credential: Credential
    guest: str
    role: PortalRole
    version: int
    access_version: int
    max_guests: int | None
    known_version: int | None
    known_epoch: str | None
    as_viewer: bool


def is_socketio(scope: Scope) -> bool:
    """Whether the client is a Socket.IO client: its Engine.IO version is in the query, or its path is the usual one."""
    return b"EIO=" in scope["query_string"] or site_path(scope).startswith("/socket.io")


def encoding(scope: Scope) -> Encoding | None:
    """The encoding that the client chooses; None if it names none, which means JSON, and no subprotocol is selected."""
    return chosen(scope["subprotocols"])


async def admit(scope: Scope, entrance: Entrance) -> Admission:
    """Take the steps of the handshake; Refused, or Limited, at the first that fails.

    An access token needs one query, which others may share.
    """
    wanted = _read_address(scope)
    asked = scope["query_string"].decode("latin-1")
    query, with_blanks = parse_qs(asked), parse_qs(asked, keep_blank_values=True)
    offered = find(scope["subprotocols"], query)
    # An id that is no UUID gets the answer of one that does not exist, after the same checks.
    portal_view_id = _uuid(wanted) or UUID(int=0)
    credential = await prove(offered, portal_view_id)
    entrance.come(credential.subject)
    access, role = await _look_up(credential, portal_view_id)
    if not is_origin_allowed(scope):
        raise Refused(
            "origin-not-allowed",
            "Pages of this origin may not connect; the site's operator can allow it in PORTAL_ALLOWED_ORIGINS.",
        )
    if credential.subject.is_guest:
        credential, guest = await _renew(credential, access, with_blanks.get("name"))
    else:
        credential, guest = replace(credential, name=access.name), ""
    return Admission(
        portal_view_id=portal_view_id,
        credential=credential,
        guest=guest,
        role=role,
        version=access.version,
        access_version=access.access_version,
        max_guests=access.max_guests,
        known_version=_number(query.get("version", [""])[0]),
        known_epoch=query.get("epoch", [None])[0],
        as_viewer="as" in with_blanks,
    )


async def _look_up(credential: Credential, portal_view_id: UUID) -> tuple[Access, PortalRole]:
    try:
        access = lasting(await look_up(credential.grant, portal_view_id), credential)
    except Unavailable:
        raise away() from None
    if access.role is None:
        raise Refused("no-access", "There is no such portal view, or you are not a member of its library.")
    return access, portal_role(access.role)


def lasting(access: Access | None, credential: Credential) -> Access:
    """The access that was looked up for a credential.

    Refused if the credential has ended, Limited if its person was sent away for a while.
    """
    if access is None:
        raise ended(Reason.LINK_WITHDRAWN if credential.subject.is_guest else Reason.USER_UNAVAILABLE)
    if access.until is not None:
        wait = max(0.0, access.until.timestamp() - time.time())
        raise Limited(Reason.DISCONNECTED.value, SENTENCES[Reason.DISCONNECTED], wait)
    if access.ended is not None:
        raise ended(access.ended)
    return access


def ended(reason: Reason) -> Refused:
    """The refusal of a credential that has ended."""
    return Refused(reason.value, SENTENCES[reason])


async def _renew(credential: Credential, access: Access, names: list[str] | None) -> tuple[Credential, str]:
    """The guest's credential with its new name, if one is given, and as text to come back with."""
    name = credential.name if names is None else names[0].strip()
    try:
        check_guest_name(name)
    except ValueError as error:
        raise Refused("guest-name-invalid", str(error)) from None
    try:
        text = await in_database(guest_credential, credential.grant, name, access.ends_at)
    except Unavailable:
        raise away() from None
    ends_at = math.inf if access.ends_at is None else access.ends_at.timestamp()
    return Credential(credential.grant, ends_at, name), text


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


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
