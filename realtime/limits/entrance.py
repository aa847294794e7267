"""Decides whether a client may connect: not too often, and not with too many connections at once.

`realtime.sessions.handshake` finds out who the client is and what it may see. With `PORTAL_LIMITS_DRY_RUN` nobody is
refused, and the log says who would have been.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import AbstractEventLoop
from collections import defaultdict
from weakref import WeakKeyDictionary, WeakValueDictionary

import structlog
from django.conf import settings

from libraries.rules.errors import PortalError
from libraries.rules.subjects import Grant, Subject
from realtime.limits import configured, rush
from realtime.limits.attempts import Attempts, Verdict
from realtime.limits.occupancy import Occupancy
from realtime.limits.rates import Allowance, Bucket, Rate
from realtime.limits.tallies import Tallies
from realtime.rooms.connection import Connection
from realtime.seldom import Seldom

RUSH = Rate(20, 20)
"""The rate of failed attempts, of all clients together, above which there is a rush."""
REST_MILLISECONDS = 2
"""The pause before each newcomer in a rush, for the connections inside; an attempt costs about as much."""
FULL_SECONDS = 10.0
"""The reconnect delay after a refusal for too many connections."""

log = structlog.get_logger(__name__)


class Limited(PortalError):
    """Over a limit; `code` is one of `realtime.protocol.closing.ERRORS`. The same may succeed after `wait` seconds."""

    def __init__(self, code: str, message: str, wait: float) -> None:
        super().__init__(message)
        self.code = code
        self.wait = wait


class Flooded(Limited):
    """Far over a limit: the client gets no explanation."""


_said: defaultdict[str, Seldom] = defaultdict(Seldom)
"""By limit: a flood must not fill the log."""


def over_limit(limit: str, **who: object) -> bool:
    """Log that a limit is exceeded; returns whether to refuse. False for a site that only tries out its limits."""
    refused = not settings.PORTAL_LIMITS_DRY_RUN
    if _said[limit].count():
        log.info("over_limit", limit=limit, refused=refused, **who)
    return refused


class Entrance:
    """The entrance of one event loop."""

    def __init__(self) -> None:
        self._attempts = Attempts()
        self._occupancy = Occupancy()
        self._tallies = Tallies(self._occupancy, self._attempts)
        self._failures = Bucket()
        self._allowances: WeakValueDictionary[Subject, Allowance] = WeakValueDictionary()
        self._turn = asyncio.Lock()
        self._previews: set[str] = set()

    async def queue(self) -> None:
        """In a rush, wait in the queue: newcomers are let in one at a time.

        Connections inside are served in between.
        """
        if rush.is_on():
            async with self._turn:
                await asyncio.sleep(REST_MILLISECONDS / 1000)

    def look(self, network: str) -> None:
        """The first check of an attempt; Limited or Flooded if too many attempts from the network have failed."""
        verdict, wait = self._attempts.look(network, configured.failed_handshakes(), time.monotonic())
        if verdict is Verdict.ALLOWED or not over_limit("PORTAL_HANDSHAKES_PER_SECOND", network=network):
            return
        rush.notice()
        kind = Flooded if verdict is Verdict.FLOODED else Limited
        raise kind("rate-limited", "Too many attempts to connect from your network have failed: wait a little.", wait)

    def fail(self, network: str) -> None:
        """Count an attempt from the network that has failed."""
        now = time.monotonic()
        self._attempts.fail(network, configured.failed_handshakes(), now)
        self._failures.take(RUSH, 1, now)
        if self._failures.wait(RUSH, 1, now):
            rush.notice()
        self._tallies.begin()

    def come(self, subject: Subject) -> None:
        """Count an attempt with a valid credential; Limited if this person had too many."""
        wait = self._attempts.come(str(subject), configured.handshakes(), time.monotonic())
        if wait and over_limit("PORTAL_HANDSHAKES_PER_USER", **subject.named):
            rush.notice()
            raise Limited("rate-limited", "You connect too often: wait a little.", wait)

    def enter(self, connection: Connection, max_guests: int | None = None) -> None:
        """Count a connection until `leave`; Limited if there are too many.

        With `max_guests` its share link has places for so many guests; a guest takes one, with all of its connections.
        """
        link_id, guest = str(connection.grant.link_id), str(connection.subject)
        if max_guests is not None and not self._occupancy.seat(link_id, guest, max_guests):
            raise Limited("link-full", _FULL["link-full"], FULL_SECONDS)
        try:
            self._enter(connection.subject, connection)
        except Limited:
            self._occupancy.rise(link_id, guest)
            raise

    def change(self, connection: Connection, grant: Grant) -> None:
        """Count a guest's connection for another person from now on; Limited if that person has too many."""
        self._enter(grant.subject, connection)
        self.leave(connection)

    def _enter(self, subject: Subject, connection: Connection) -> None:
        who, portal_view_id = str(subject), str(connection.portal_view_id)
        occupancy, caps = self._occupancy, configured.caps()
        if connection.is_preview:
            code = occupancy.preview(who, portal_view_id, caps)
            self._previews.add(connection.id)
        else:
            code = occupancy.enter(who, portal_view_id, connection.role, caps)
        if code is not None:
            limit = "PORTAL_CONNECTIONS_PER_VIEW" if code == "portal-view-full" else "PORTAL_CONNECTIONS_PER_USER"
            if over_limit(limit, **subject.named, portalViewId=portal_view_id):
                self._previews.discard(connection.id)
                raise Limited(code, _FULL[code], FULL_SECONDS)
            (occupancy.take_preview if connection.is_preview else occupancy.take)(who, portal_view_id)
        self._tallies.begin()

    def allowance_of(self, subject: Subject) -> Allowance:
        """The allowance that all connections of a person share."""
        return self._allowances.setdefault(subject, Allowance())

    def leave(self, connection: Connection) -> None:
        """Stop counting a connection that has ended."""
        self._occupancy.rise(str(connection.grant.link_id), str(connection.subject))
        was_preview = connection.id in self._previews
        self._previews.discard(connection.id)
        leave = self._occupancy.leave_preview if was_preview else self._occupancy.leave
        leave(str(connection.subject), str(connection.portal_view_id))


_FULL = {
    "too-many-connections": "You have too many connections open: close some, in other tabs or on other devices.",
    "link-full": "As many guests watch by this link as can: come back a little later, or ask for another link.",
    "portal-view-full": "As many people are watching this as can; come back a little later.",
}

_entrances: WeakKeyDictionary[AbstractEventLoop, Entrance] = WeakKeyDictionary()


def current_entrance() -> Entrance:
    """The entrance of the running event loop."""
    loop = asyncio.get_running_loop()
    entrance = _entrances.get(loop)
    if entrance is None:
        entrance = _entrances[loop] = Entrance()
    return entrance
