"""Access changed without the services, by SQL, a shell or `save()`: open connections follow it, too.

The server runs in this process, with a clock that runs fifty times as fast.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from rest_framework_simplejwt.tokens import AccessToken

from libraries.models import Membership, PortalView, User
from libraries.rules.roles import Role
from realtime.hub import beat
from testing.in_process import InProcessServer
from testing.sockets import PortalSocket, open_socket, portal_view_path

SOCKETS = 6
TICK_SECONDS = 0.02


class LastMinute:
    """A minute in beats. After it the server compares no access with the stored one any more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left = math.inf
        check_turn = beat.Beat._check_turn

        async def check(one: beat.Beat, *given: Any) -> None:
            if self._left > 0:
                self._left -= 1
                await check_turn(one, *given)

        monkeypatch.setattr(beat.Beat, "_check_turn", check)

    def begin(self) -> None:
        """From now on there are only the beats of a minute."""
        assert beat.TURNS * beat.BEAT_TICKS < 60
        self._left = beat.TURNS


@pytest.fixture
def last_minute(monkeypatch: pytest.MonkeyPatch) -> LastMinute:
    return LastMinute(monkeypatch)


@pytest.fixture
def server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessServer]:
    monkeypatch.setattr(beat, "TICK_SECONDS", TICK_SECONDS)
    server = InProcessServer()
    server.start()
    yield server
    server.stop()


class Sockets:
    """Some sockets of one person, and one of the portal view's editor, whose access never changes."""

    def __init__(self, server: InProcessServer, portal_view: PortalView, exits: AsyncExitStack) -> None:
        self._server, self._portal_view, self._exits = server, portal_view, exits

    async def open(self, user: User) -> PortalSocket:
        """Open a socket of a person."""
        path = portal_view_path(str(self._portal_view.id))
        token = str(AccessToken.for_user(user))
        socket = await self._exits.enter_async_context(open_socket(self._server.ws, path, token=token))
        await socket.receive("connected")
        return socket


def shut_out(user: User) -> None:
    User.objects.filter(id=user.id).update(is_active=False)


def dismiss(user: User) -> None:
    Membership.objects.filter(user=user).delete()


def demote(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.VIEWER.value)


def promote(user: User) -> None:
    Membership.objects.filter(user=user).update(role=Role.OWNER.value)


def promote_by_save(user: User) -> None:
    membership = Membership.objects.get(user=user)
    membership.role = Role.OWNER.value
    membership.save()


async def is_shut_out(socket: PortalSocket) -> None:
    error, closed = await socket.refused()
    assert (error["code"], closed) == ("user-unavailable", (1008, "user-unavailable"))


async def is_dismissed(socket: PortalSocket) -> None:
    error, closed = await socket.refused()
    assert (error["code"], closed) == ("access-withdrawn", (1008, "access-withdrawn"))


async def is_a_viewer(socket: PortalSocket) -> None:
    changed = await socket.receive("role-changed")
    assert (changed["role"], "gmNotes" in str(changed["state"])) == ("viewer", False)


async def is_a_controller(socket: PortalSocket) -> None:
    changed = await socket.receive("role-changed")
    assert (changed["role"], "gmNotes" in str(changed["state"])) == ("controller", True)


WAYS = [
    (shut_out, "viewer", is_shut_out),
    (dismiss, "editor", is_dismissed),
    (demote, "editor", is_a_viewer),
    (promote, "viewer", is_a_controller),
]
"""None of them is told to the hub."""
AND_BY_SAVE = [*WAYS, (promote_by_save, "viewer", is_a_controller)]


@pytest.mark.parametrize(("change", "who", "follows"), AND_BY_SAVE, ids=[way[0].__name__ for way in AND_BY_SAVE])
async def test_all_connections_follow_within_a_minute(
    server: InProcessServer,
    last_minute: LastMinute,
    portal_view: PortalView,
    owner: User,
    change: Callable[[User], None],
    who: str,
    follows: Callable[[PortalSocket], Awaitable[None]],
) -> None:
    user = await sync_to_async(User.objects.get)(email=f"{who}@example.org")
    async with AsyncExitStack() as exits:
        sockets = Sockets(server, portal_view, exits)
        theirs = [await sockets.open(user) for _ in range(SOCKETS)]
        other = await sockets.open(owner)
        await sync_to_async(change)(user)
        last_minute.begin()
        await asyncio.gather(*(follows(socket) for socket in theirs))
        await other.expect_nothing_before_pong()


@pytest.mark.parametrize(("change", "who", "follows"), WAYS, ids=[way[0].__name__ for way in WAYS])
async def test_a_fresh_token_does_not_keep_withdrawn_access(
    server: InProcessServer,
    portal_view: PortalView,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[User], None],
    who: str,
    follows: Callable[[PortalSocket], Awaitable[None]],
) -> None:
    # Cause: `auth` checked only the token, so that a former member stayed for ever.
    monkeypatch.setattr(beat, "TICK_SECONDS", 3600)
    user = await sync_to_async(User.objects.get)(email=f"{who}@example.org")
    async with AsyncExitStack() as exits:
        socket = await Sockets(server, portal_view, exits).open(user)
        await sync_to_async(change)(user)
        await socket.send("auth", token=str(AccessToken.for_user(user)), ref="fresh")
        if change is not shut_out:
            assert (await socket.receive("ack"))["ref"] == "fresh"
        await follows(socket)
