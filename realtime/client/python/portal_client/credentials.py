"""Who the client is: what `get_credential` answers, and the subprotocols that carry it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypedDict


class Credential(TypedDict, total=False):
    """One of `token` (an access token), `ticket`, or `share` (the token of a share link).

    `guest` may stand beside `share`: the credential of a guest who was here before (`PortalClient.guest`), who then
    comes back as the same guest.
    """

    token: str
    ticket: str
    share: str
    guest: str


GetCredential = Callable[[], Credential | Awaitable[Credential]]
"""Asked before each attempt to connect, and when the credential is about to expire."""


async def asked(get_credential: GetCredential) -> Credential:
    """What the function answers, at once or later."""
    answer = get_credential()
    return await answer if inspect.isawaitable(answer) else answer


def entries(credential: Credential, guest: str | None) -> list[str]:
    """The entries that carry it, the best one first; `guest` is the newest credential of this client's guest.

    ValueError if it has none.
    """
    if token := credential.get("token"):
        return [f"bearer.{token}"]
    if ticket := credential.get("ticket"):
        return [f"ticket.{ticket}"]
    if share := credential.get("share"):
        guests = [f"guest.{one}" for one in (guest, credential.get("guest")) if one]
        return [*guests, f"share.{share}"]
    raise ValueError("get_credential must answer with a token, a ticket, or a share.")


def renewal(credential: Credential) -> dict[str, str]:
    """The body of an `auth` message; empty for a guest, whose credential cannot be renewed."""
    return {key: value for key in ("token", "ticket") if isinstance(value := credential.get(key), str)}
