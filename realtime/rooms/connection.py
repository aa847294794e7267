"""One connection that was let in: its person, its role, what it has received, when it expires, and its outlet."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from msgspec import UNSET, UnsetType

from libraries.rules.errors import PortalError
from libraries.rules.revocations import SENTENCES, Reason
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Grant, Subject
from realtime.delivery.outlet import Outlet
from realtime.delivery.prepared import Prepared
from realtime.metrics import names
from realtime.protocol.closing import ERRORS, CloseCode
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import Ack, Error, ServerMessage, TokenExpiring
from realtime.rooms.tally import Tally

Ref = str | int | UnsetType
AnyRole = TypeVar("AnyRole", PortalRole, PortalRole | None)

WARN_SECONDS = 60.0
"""How long before its credential expires a connection is warned; half of the remaining time if that is less."""
CRASHED = "Something went wrong on the server; it has been logged. Connect again."
STALLED_SECONDS = 30.0
"""How long a client may read nothing of its send buffer."""


class Versioned(Protocol):
    """The part of a room that a connection uses."""

    @property
    def version(self) -> int:
        """The newest version that was delivered to the connections that are level with the room."""

    @property
    def viewers_version(self) -> int:
        """The viewers' version at that version."""

    @property
    def tally(self) -> Tally:
        """What the room counts."""


class Connection:
    """One client. `version` and `viewers_version` are those of the last snapshot it was sent.

    Later updates are counted by its `room`'s versions. A client is told one of the two, by its role. With `as_viewer`
    it is a viewer, whatever its person's role.

    `is_level` says that it gets each update of its room at once: then the newest version it was sent is the room's.

    `own_role` is its person's, and `name` the person's, empty for a guest without one.

    Its `grant` says whose it is, and with what it ends. `became` is the name of the user whom its guest has become,
    until the client was told.

    `lost_access` says that it was closed because its person may not come back, and not because of what it did.

    `due` is when its credential must be checked next: first for the warning, then for the end. `asked_at`, of the
    monotonic clock, is when its last `request-sync` was, or will be, passed on. `since`, of the same clock, is when it
    came.
    """

    __slots__ = (
        "_expires_at",
        "_own",
        "_own_before",
        "as_viewer",
        "asked_at",
        "became",
        "closed",
        "due",
        "grant",
        "id",
        "is_level",
        "lost_access",
        "name",
        "outlet",
        "own_role",
        "portal_view_id",
        "role",
        "room",
        "since",
        "version",
        "viewers_version",
    )

    def __init__(
        self,
        *,
        connection_id: str,
        grant: Grant,
        portal_view_id: UUID,
        role: PortalRole,
        outlet: Outlet,
        as_viewer: bool = False,
    ) -> None:
        self.id = connection_id
        self.grant = grant
        self.portal_view_id = portal_view_id
        self.as_viewer = as_viewer
        self.own_role = role
        self.name = ""
        self.role = PortalRole.VIEWER if as_viewer else role
        self.outlet = outlet
        self.room: Versioned | None = None
        self.version = 0
        self.viewers_version = 0
        self.is_level = False
        self.closed = self.lost_access = False
        self._own = self._own_before = 0
        self.became: str | None = None
        self._expires_at = 0.0
        self.due = 0.0
        self.asked_at = -math.inf
        self.since = time.monotonic()

    @property
    def subject(self) -> Subject:
        """Whose it is."""
        return self.grant.subject

    @property
    def is_preview(self) -> bool:
        """Whether a controller looks at what viewers see: nobody is told, and it may send next to nothing."""
        return self.as_viewer and self.own_role is PortalRole.CONTROLLER

    def reply(self, message: ServerMessage) -> None:
        """Send a message to this connection alone."""
        self.outlet.deliver(Prepared.of(message))

    @property
    def encoding(self) -> Encoding:
        """How its messages are encoded."""
        return self.outlet.form.encoding

    def role_for(self, role: AnyRole) -> AnyRole | PortalRole:
        """The role of the connection if its person has this one; None without access."""
        return PortalRole.VIEWER if self.as_viewer and role is not None else role

    @property
    def told_version(self) -> int:
        """The version of its last snapshot, as its role is told it."""
        return self.version if self.role is PortalRole.CONTROLLER else self.viewers_version

    @property
    def newest_version(self) -> int:
        """The newest version that the client has been told."""
        return self.newest_for(self.role)

    def newest_for(self, role: PortalRole) -> int:
        """The newest version that was delivered to the client, as that role is told it."""
        room = self.room if self.is_level else None
        if role is PortalRole.CONTROLLER:
            own = self._own if self.knows_own(self._own) else 0  # an `ack` has told it, and maybe nothing else yet
            return max(self.version, own, room.version if room else 0)
        return max(self.viewers_version, room.viewers_version if room else 0)

    def note_own(self, version: int) -> None:
        """Note a version that the client itself has written, before it is told of it by an `ack`.

        A viewer cannot make anything of that `ack`.
        """
        self._own = version
        if self.role is not PortalRole.CONTROLLER:
            self._own_before = version

    def note_snapshot(self) -> None:
        """Note that the client gets the state: what it was told before counts no more."""
        self.became = None
        self._own_before = self._own

    def knows_own(self, version: int | None) -> bool:
        """Whether the client needs no copy of what it has sent; `version` is None if that was not stored."""
        return version is None or version > self._own_before

    def reply_ack(
        self,
        ref: Ref,
        version: int | None = None,
        warnings: Sequence[str] = (),
        *,
        item_ids: Sequence[str] = (),
        payload: Mapping[str, Any] | None = None,
        is_batch: bool = False,
    ) -> None:
        """Confirm a message, with the version that holds it, if the message has a ref.

        `item_ids` are the ids of the items that it added, and `payload` is what the server changed beyond what it said.
        All but the ref is for controllers only: the person may have become a viewer while the message was stored.
        """
        if ref is UNSET:
            return
        if self.role is not PortalRole.CONTROLLER:
            version, warnings, item_ids, payload = None, (), (), None
        told = self.newest_version if version is None else version
        ack = Ack(ref=ref, version=told, payload=dict(payload) if payload else UNSET, warnings=list(warnings) or UNSET)
        if item_ids and is_batch:
            ack.item_ids = list(item_ids)
        elif item_ids:
            ack.item_id = item_ids[0]
        self.reply(ack)

    def reply_error(self, error: PortalError, ref: Ref = UNSET, wait: float | None = None) -> None:
        """Tell why a message was refused, and in how many seconds it may succeed; the connection stays open."""
        details = error.details or UNSET
        self.reply(_error(error.code, error.message, ref, details=details, wait=wait))

    def close(self, code: int, reason: str) -> None:
        """Close after what was sent before, once; later messages of the client are ignored."""
        if not self.closed:
            self.closed = True
            self.outlet.close_after(code, reason)

    def refuse(self, code: str, message: str, ref: Ref = UNSET, wait: float | None = None) -> None:
        """Send an `error`, and close with the close code that belongs to it, unless that was done already."""
        if not self.closed:
            self.closed = True
            refuse(self.outlet, code, message, ref, wait)

    def withdraw(self, code: str, message: str, wait: float | None = None) -> None:
        """Refuse it because the person's access has ended, for so many seconds or for good."""
        self.lost_access = True
        self.refuse(code, message, wait=wait)

    def extend(self, expires_at: float, now: float) -> None:
        """Let the connection live until its credential expires; both times in seconds since the epoch.

        `math.inf` is for ever.
        """
        self._expires_at = expires_at
        self.due = expires_at - min(WARN_SECONDS, (expires_at - now) / 2)

    def check_pace(self, now: float) -> bool:
        """Close a connection that could not be written to for too long; false if so. `now` is monotonic."""
        stalled_since = self.outlet.stalled_since
        if stalled_since is None or now - stalled_since < STALLED_SECONDS:
            return True
        self.refuse("too-slow", "This connection was too slow to keep up: connect again.")
        return False

    def check_credential(self, now: float) -> bool:
        """Warn once, or close; false if the connection was closed."""
        if now >= self._expires_at:
            if self.subject.is_guest:
                self.withdraw(Reason.LINK_EXPIRED.value, SENTENCES[Reason.LINK_EXPIRED])
            else:
                self.refuse("token-expired", "The token has expired: get a fresh one and connect again.")
            return False
        if self.due <= now:
            self.due = self._expires_at
            self.reply(TokenExpiring(expires_in=round(self._expires_at - now)))
        return True


def refuse(outlet: Outlet, code: str, message: str, ref: Ref = UNSET, wait: float | None = None) -> None:
    """Send an `error` and close. The close reason is the error's code, so a browser's `close` event has it too.

    With `wait`, in seconds, the client is told when to reconnect.
    """
    outlet.deliver(Prepared.of(_error(code, message, ref, wait=wait)))
    outlet.close_after(ERRORS[code] or CloseCode.TRY_LATER, code)


def _error(
    code: str, message: str, ref: Ref, *, details: dict[str, str] | UnsetType = UNSET, wait: float | None = None
) -> Error:
    names.REFUSALS.add(code)
    retry_after = UNSET if wait is None else math.ceil(wait * 1000)
    return Error(message=message, code=code, ref=ref, details=details, retry_after=retry_after)
