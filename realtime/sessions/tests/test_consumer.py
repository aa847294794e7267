"""The life of one socket: let in or refused, served, gone."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import UUID

import msgpack
import pytest
from channels.layers import get_channel_layer
from django.db import OperationalError

from libraries.models import Library, PortalView, User
from libraries.selectors import Stored, load
from realtime.database import in_write_lane
from realtime.delivery.outlet import EXTENSION
from realtime.hub import keeper
from realtime.hub.hub import current_hub
from realtime.sessions import jobs, lookup
from realtime.sessions.routing import application
from realtime.tests.clients import DEADLINE_SECONDS, Client, Connect, path_of, room_of, token_of, until
from realtime.tests.doubles import Recorder

pytestmark = pytest.mark.django_db(transaction=True)


# --- Entry ---------------------------------------------------------------------------------------------------


async def test_an_admitted_client_gets_connected(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    offered = ["portal.v1.json", f"bearer.{token_of(viewer)}"]
    client = await connect(None, portal_view, subprotocols=offered)
    assert client.subprotocol == "portal.v1.json"
    assert client.connected["userId"] == str(viewer.id)
    other = await connect(viewer, portal_view)
    assert other.subprotocol is None
    assert other.id != client.id


async def test_a_refused_client_is_first_accepted_and_gets_the_reason(
    connect: Connect, portal_view: PortalView
) -> None:
    client = await connect("garbage", portal_view, greeted=False, subprotocols=["portal.v1.json"])
    assert client.subprotocol == "portal.v1.json"
    error, closed = await client.refused()
    assert (error["code"], closed) == ("token-invalid", (1008, "token-invalid"))
    assert error["message"]


async def test_a_socketio_client_is_told_so_before_any_other_check(connect: Connect, portal_view: PortalView) -> None:
    for path in ("/socket.io/", f"{path_of(portal_view)}?EIO=4&transport=websocket"):
        client = await connect(None, path, greeted=False)
        error, closed = await client.refused()
        assert (error["code"], closed) == ("socketio-not-supported", (1003, "socketio-not-supported"))


async def test_without_a_database_the_client_is_told_to_reconnect(
    connect: Connect, portal_view: PortalView, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(viewer)

    def away(pairs: object) -> object:
        raise OperationalError("connection refused")

    monkeypatch.setattr(lookup, "accesses", away)
    client = await connect(token, portal_view, greeted=False)
    error, closed = await client.refused()
    assert (error["code"], closed) == ("unavailable", (1013, "unavailable"))


async def test_a_state_that_is_slow_to_read_delays_nobody_else(
    connect: Connect, library: Library, portal_view: PortalView, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Cause: all sockets of a process had one thread for the database.
    others = [await PortalView.objects.acreate(library=library, name=str(number)) for number in range(5)]
    asked, go_on = threading.Event(), threading.Event()

    def load_slowly(portal_view_id: UUID) -> Stored | None:
        if portal_view_id == portal_view.id:
            asked.set()
            assert go_on.wait(DEADLINE_SECONDS)
        return load(portal_view_id)

    monkeypatch.setattr(keeper, "load", load_slowly)
    slow = asyncio.create_task(connect(viewer, portal_view))
    await until(asked.is_set, "the slow read")
    for other in others:
        await connect(viewer, other)
    assert not slow.done()
    go_on.set()
    await slow


async def test_messages_of_a_refused_client_are_ignored(connect: Connect, portal_view: PortalView) -> None:
    client = await connect(None, portal_view, greeted=False)
    await client.refused()
    await client.send("ping")
    await client.send_bytes(b"x")
    await client.leave()  # by then the server has done all its work
    assert client.unread == 0


async def test_sockets_share_one_channel(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    for _ in range(3):
        await connect(viewer, portal_view)
    layer: Any = get_channel_layer()
    await until(lambda: len(layer.groups) == 2, "the portal view's group, and that of revocations")
    assert [len(channels) for channels in layer.groups.values()] == [1, 1]


# --- Frames --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "ref"),
    [
        ("", "invalid-json", None),
        ("{", "invalid-json", None),
        ("[]", "invalid-message", None),
        ('{"type": "no-such", "ref": 1}', "unknown-type", 1),
        ('{"type": "portal-view-update", "ref": "r"}', "invalid-payload", "r"),
    ],
)
async def test_a_bad_message_is_answered_and_the_connection_stays(
    connect: Connect, portal_view: PortalView, editor: User, text: str, code: str, ref: object
) -> None:
    client = await connect(editor, portal_view)
    await client.send_text(text)
    error = await client.receive("error")
    assert (error["code"], error.get("ref")) == (code, ref)
    await client.expect_nothing_before_pong()


async def test_a_binary_frame_closes(connect: Connect, portal_view: PortalView, editor: User) -> None:
    client = await connect(editor, portal_view)
    await client.send_bytes(b'{"type": "ping"}')
    error, closed = await client.refused()
    assert (error["code"], closed) == ("binary-not-supported", (1003, "binary-not-supported"))
    await client.send("portal-view-update", payload={"name": "Night"})
    await client.leave()
    await portal_view.arefresh_from_db()
    assert portal_view.name == "Evening"


async def test_a_text_frame_closes_a_connection_of_message_pack(
    connect: Connect, portal_view: PortalView, editor: User
) -> None:
    client = await connect(editor, portal_view, subprotocols=["portal.v1.msgpack"])
    assert client.subprotocol == "portal.v1.msgpack"
    await client.send_text('{"type": "ping"}')
    error, closed = await client.refused()
    assert (error["code"], closed) == ("text-not-supported", (1003, "text-not-supported"))


async def test_an_error_in_message_pack_has_the_ref(connect: Connect, portal_view: PortalView, editor: User) -> None:
    client = await connect(editor, portal_view, subprotocols=["portal.v1.msgpack"])
    await client.send_bytes(msgpack.packb({"type": "ping", "ref": 7, "x": float("nan")}))
    error = await client.receive()
    assert (error["code"], error["ref"]) == ("invalid-msgpack", 7)
    await client.send_bytes(msgpack.packb({"type": "ping", "ref": 8}))
    assert (await client.receive())["ref"] == 8


class Slow(Recorder):
    """The outlet of a server, whose client does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()

    async def wait_drained(self) -> None:
        """Record the delivered messages."""
        self.asked.set()
        await asyncio.wait_for(self.go_on.wait(), DEADLINE_SECONDS)


@pytest.fixture
async def slow(connect: Connect, portal_view: PortalView, editor: User) -> tuple[Client, Slow]:
    """A socket of a server with its own outlet, which is stalled."""
    outlet = Slow()
    client = await connect(editor, portal_view, greeted=False, extensions={EXTENSION: outlet})
    await until(lambda: outlet.messages, "connected")
    outlet.stall()
    outlet.is_full = True
    return client, outlet


async def test_a_server_may_provide_its_own_outlet(slow: tuple[Client, Slow]) -> None:
    assert slow[1].take_types() == ["connected"]


async def test_a_client_that_does_not_read_is_not_heard_until_it_does(slow: tuple[Client, Slow]) -> None:
    client, outlet = slow
    outlet.take()
    await client.send("ping")
    await asyncio.wait_for(outlet.asked.wait(), DEADLINE_SECONDS)
    assert outlet.take() == []
    outlet.stalled_since, outlet.is_full = None, False
    outlet.go_on.set()
    await until(lambda: outlet.messages, "the pong")
    assert outlet.take_types() == ["pong"]


async def test_a_client_that_is_only_behind_is_heard(slow: tuple[Client, Slow]) -> None:
    client, outlet = slow
    outlet.is_full = False
    outlet.take()
    await client.send("ping")
    await until(lambda: outlet.messages, "the pong")
    assert outlet.take_types() == ["pong"]


async def test_a_client_closed_for_not_reading_is_not_heard_any_more(
    slow: tuple[Client, Slow], portal_view: PortalView
) -> None:
    client, outlet = slow
    await client.send("portal-view-update", payload={"name": "Night"})
    await asyncio.wait_for(outlet.asked.wait(), DEADLINE_SECONDS)
    [connection] = room_of(portal_view).people.connections.values()
    assert not connection.check_pace(1e9)
    outlet.go_on.set()
    await client.leave()
    await portal_view.arefresh_from_db()
    assert portal_view.name == "Evening"


async def test_a_message_of_a_connection_that_is_in_no_room(
    connect: Connect, portal_view: PortalView, editor: User
) -> None:
    client = await connect(editor, portal_view)
    [connection] = room_of(portal_view).people.connections.values()
    connection.room = None
    await client.send("ping")
    await client.receive("pong")


# --- The end -------------------------------------------------------------------------------------------------


async def test_a_client_that_leaves_is_forgotten(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    one, other = await connect(viewer, portal_view), await connect(viewer, portal_view)
    await one.leave()
    assert room_of(portal_view).people.connections.keys() == {other.id}
    await other.leave()
    assert current_hub().keepers == {}


async def test_a_client_that_leaves_before_connected_is_forgotten(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    client = await connect(viewer, portal_view, greeted=False)
    await client.leave()
    assert current_hub().keepers == {}


async def test_a_client_that_is_gone_before_the_answer_is_no_crash(
    portal_view: PortalView, caplog: pytest.LogCaptureFixture
) -> None:
    events = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1006}])

    async def receive() -> Any:
        return next(events)

    async def send(event: Any) -> None:
        raise OSError(f"{event['type']}: the client is gone")

    scope: Any = {"type": "websocket", "path": path_of(portal_view), "query_string": b"", "headers": []}
    scope["subprotocols"] = []
    await application(scope, receive, send)
    assert list(events) == []
    assert current_hub().keepers == {}
    assert "socket_crashed" not in caplog.text


async def test_pending_updates_are_stored_though_the_client_is_gone(
    connect: Connect, portal_view: PortalView, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        asked.set()
        await asyncio.wait_for(go_on.wait(), DEADLINE_SECONDS)
        return await in_write_lane(*args, **more)

    client = await connect(editor, portal_view)
    monkeypatch.setattr(jobs, "in_write_lane", slow)
    await client.send("portal-view-update", payload={"name": "Night"})
    await client.send("portal-view-update", payload={"zoom": 2})
    await client.send("portal-view-update", payload={"blackout": True})
    await asked.wait()
    leaving = asyncio.create_task(client.leave())
    await until(lambda: not current_hub().keepers, "the end of the room")
    assert not leaving.done()
    go_on.set()
    await leaving
    await portal_view.arefresh_from_db()
    assert (portal_view.name, portal_view.blackout, portal_view.version) == ("Night", True, 3)


async def test_a_server_that_cancels_the_socket_leaves_nothing_behind(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    client = await connect(viewer, portal_view)
    client.cancel()
    await client.leave()
    assert current_hub().keepers == {}


async def test_an_unknown_event_is_ignored(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    client = await connect(viewer, portal_view)
    await client.event({"type": "websocket.no-such-event"})
    await client.expect_nothing_before_pong()
