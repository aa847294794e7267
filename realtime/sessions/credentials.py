"""The credential of a socket: where it is offered, and what it proves (docs/protocol.md, section 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from libraries import tokens
from libraries.grants import link_of_token
from libraries.rules.errors import PortalError, Unavailable
from libraries.rules.subjects import Grant
from libraries.services.tickets import take_ticket
from libraries.signing import KEYS
from libraries.tokens import Credential, KeyNotRead, TokenExpired, TokenInvalid, TokenOfTheFuture
from realtime.database import in_database, in_write_lane
from realtime.protocol.encodings import PREFIXES, SUBPROTOCOL

IN_ADDRESS = {"token": "bearer", "ticket": "ticket", "share": "share"}
"""The kinds of credentials in an address, by the parameter; a guest's own is too valuable for one."""


class Refused(PortalError):
    """The connection is not let in; `code` is one of `realtime.protocol.closing.ERRORS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Offered(NamedTuple):
    """A credential as a client offers it: `kind` is one of `PREFIXES`."""

    kind: str
    text: str


def find(subprotocols: Sequence[str], query: Mapping[str, list[str]]) -> Offered:
    """The first credential that the client offers, in a subprotocol or in the address; Refused if there is none."""
    for offered in subprotocols:
        prefix, _, text = offered.partition(".")
        if prefix in PREFIXES:
            return Offered(prefix, text)
    for name, kind in IN_ADDRESS.items():
        if name in query:
            return Offered(kind, query[name][0])
    raise Refused(
        "credential-missing",
        f"Log in first: offer the subprotocols {SUBPROTOCOL} and bearer.<access token>, or add ?token=.",
    )


async def prove(offered: Offered, portal_view_id: UUID) -> Credential:
    """Whose the credential is; Refused unless it is good. A ticket is used up by that, and a share makes a guest."""
    try:
        match offered.kind:
            case "ticket":
                return await _take(offered.text, portal_view_id)
            case "share":
                return await _open(offered.text)
            case "guest":
                return await _verify(tokens.verify_guest, offered.text)
            case _:
                return await _verify(tokens.verify, offered.text)
    except Unavailable:
        raise away() from None


def away() -> Refused:
    """The refusal while the database does not answer."""
    return Refused("unavailable", "The database is away: connect again in a moment.")


async def _take(ticket: str, portal_view_id: UUID) -> Credential:
    credential = await in_write_lane(portal_view_id, take_ticket, ticket, portal_view_id)
    if credential is None:
        raise Refused("ticket-invalid", "The ticket was used, has expired, or is for another portal view: get another.")
    return credential


async def _open(share: str) -> Credential:
    link_id = await in_database(link_of_token, share)
    if link_id is None:
        raise Refused("share-invalid", "There is no such link: ask for a new one.")
    return Credential(Grant.of_new_guest(link_id), 0.0)


async def _verify(read: Callable[[str], Credential], text: str) -> Credential:
    """The credential in a token. A signing key that is not known yet is read, which an invented one cannot cause."""
    try:
        try:
            return read(text)
        except KeyNotRead:
            await in_database(KEYS.read)
            return read(text)
    except TokenExpired as error:
        raise Refused(error.code, "The token has expired: get a fresh one and connect again.") from None
    except TokenOfTheFuture as error:
        raise Refused(error.code, error.message) from None
    except (TokenInvalid, KeyNotRead) as error:
        raise Refused(error.code, "The token is not an access token of this server: log in again.") from None
