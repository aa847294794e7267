"""Protocol, section 6: every way a connection ends, with the same code under every server; and what must not end it."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from realtime.protocol.encodings import Encoding
from testing.setup import NODE_FOLDER
from testing.sockets import DEADLINE_SECONDS, Closed, Message, PortalSocket, packed, portal_view_path
from testing.stacks import Stack
from testing.tokens import user_id_of

LIMIT = 64 * 1024  # bytes of one message
ANSWERED = 4 * LIMIT  # bytes of one that is still answered
PROBE_SECONDS = 30


async def ending(socket: PortalSocket) -> tuple[list[Message], Closed]:
    """All messages up to the end of the connection, and its end."""
    messages: list[Message] = []
    while True:
        try:
            messages.append(await socket.receive(ignore=frozenset()))
        except ConnectionClosed:
            return messages, await socket.closed()


def padded_ping(size: int, *, compressible: bool, encoding: Encoding) -> str | bytes:
    """A ping that is exactly `size` bytes long."""

    def ping(padding: str) -> str | bytes:
        message = {"type": "ping", "ref": "big", "padding": padding}
        return json.dumps(message) if encoding is Encoding.JSON else packed(message)

    almost = size - 64  # the head of a text in MessagePack grows with it
    length = size - len(ping("x" * almost)) + almost
    return ping("x" * length if compressible else secrets.token_hex(length)[:length])


# --- 1003: unsupported protocols ---------------------------------------------------------------------------


async def test_a_frame_of_the_other_kind_ends_the_connection(stack: Stack, portal_view: str) -> None:
    kind = "binary" if stack.encoding is Encoding.JSON else "text"
    ping = {"type": "ping"}
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.connection.send(packed(ping) if kind == "binary" else json.dumps(ping))
        error, closed = await sender.refused()
        assert error["code"] == f"{kind}-not-supported"
        assert closed == Closed(1003, f"{kind}-not-supported")
        await viewer.expect_nothing_before_pong()


@pytest.mark.parametrize("with_token", [False, True], ids=["no-token", "token"])
@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/ws/portal-view/{id}/", "/ws/portal-view/{id}"])
async def test_a_socketio_client_is_told_so(stack: Stack, portal_view: str, path: str, with_token: bool) -> None:
    token = stack.viewer.access if with_token else None
    query = {"EIO": "4", "transport": "websocket"}
    async with stack.open(path.format(id=portal_view), token=token, query=query) as socket:
        error, closed = await socket.refused()
    assert error["code"] == "socketio-not-supported"
    assert closed == Closed(1003, "socketio-not-supported")


@pytest.mark.only_json
@pytest.mark.parametrize("path", ["/socket.io/", "/ws/portal-view/{id}/"])
async def test_the_real_socketio_client_is_told_so(stack: Stack, portal_view: str, path: str) -> None:
    query = json.dumps({"token": stack.viewer.access})
    command = [
        "node",
        "socketio_probe.mjs",
        stack.server.origin,
        stack.server.path + path.format(id=portal_view),
        query,
    ]
    probe = await asyncio.to_thread(
        subprocess.run, command, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
    )
    assert probe.returncode == 0, f"{probe.stderr}\n(`make test-setup` installs what the probe needs.)"
    seen = json.loads(probe.stdout)
    assert seen["connected"] is False
    assert seen["connectError"]
    assert [json.loads(frame)["code"] for frame in seen["frames"]] == ["socketio-not-supported"]
    assert (seen["closeCode"], seen["closeReason"]) == (1003, "socketio-not-supported")


# --- 1009: too large ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("compressible", [False, True], ids=["random", "compressible"])
async def test_a_message_of_over_four_times_the_limit_ends_the_connection(
    stack: Stack, portal_view: str, compressible: bool, fragments: int, compression: str | None
) -> None:
    path, token = portal_view_path(portal_view), stack.controller.access
    async with (
        stack.join(portal_view, stack.viewer) as (viewer, _),
        stack.open(path, token=token, compression=compression) as sender,
    ):
        await sender.receive("connected")
        await sender.connection.send(
            cut(padded_ping(ANSWERED + 1, compressible=compressible, encoding=stack.encoding), fragments)
        )
        messages, closed = await ending(sender)
        assert closed == Closed(1009, "message-too-big")
        assert [message["code"] for message in messages] in ([], ["message-too-big"])
        await viewer.expect_nothing_before_pong()


# Not compressed fragments: the servers' libraries count the four bytes at the end of each (RFC 7692, section 7.2.1).
@pytest.mark.parametrize(("fragments", "compression"), [(1, None), (3, None), (1, "deflate")])
async def test_a_message_of_exactly_the_limit_is_read(
    stack: Stack, portal_view: str, fragments: int, compression: str | None
) -> None:
    path, token = portal_view_path(portal_view), stack.controller.access
    async with stack.open(path, token=token, compression=compression) as socket:
        await socket.receive("connected")
        await socket.connection.send(cut(padded_ping(LIMIT, compressible=False, encoding=stack.encoding), fragments))
        assert (await socket.receive("pong"))["ref"] == "big"


@pytest.mark.parametrize("role", ["controller", "viewer"])
@pytest.mark.parametrize(("fragments", "compression"), [(1, None), (3, None), (1, "deflate")])
@pytest.mark.parametrize("size", [LIMIT + 1, ANSWERED])
async def test_a_message_over_the_limit_is_answered(
    stack: Stack, portal_view: str, size: int, fragments: int, compression: str | None, role: str
) -> None:
    path, token = portal_view_path(portal_view), getattr(stack, role).access
    async with stack.open(path, token=token, compression=compression) as socket:
        await socket.receive("connected")
        await socket.connection.send(cut(padded_ping(size, compressible=True, encoding=stack.encoding), fragments))
        error = await socket.receive("error")
        assert (error["code"], error["ref"]) == ("message-too-big", "big")
        assert f"{size} bytes, and {LIMIT} are possible" in error["message"]
        assert error["message"].endswith(f"/api/portal-views/{portal_view}.")
        await socket.expect_nothing_before_pong()


@pytest.mark.only_json
@pytest.mark.parametrize(("more", "answer"), [(0, "pong"), (1, "error")])
async def test_the_limit_counts_bytes(stack: Stack, portal_view: str, more: int, answer: str) -> None:
    empty = '{"type": "ping", "padding": "", "ref": "big"}'
    spare = LIMIT - len(empty)
    padding = "é" * (spare // 2) + "x" * (spare % 2 + more)
    async with stack.join(portal_view, stack.viewer) as (socket, _):
        await socket.send_text(empty.replace('""', f'"{padding}"'))
        assert (await socket.receive(answer))["ref"] == "big"
        await socket.expect_nothing_before_pong()


def cut(content: str | bytes, parts: int) -> Any:
    """The content as it is, or in that many parts."""
    size = -(-len(content) // parts)
    return content if parts == 1 else [content[start : start + size] for start in range(0, len(content), size)]


# --- 1011: internal errors ---------------------------------------------------------------------------------


def spoil(stack: Stack, portal_view: str) -> None:
    """Store a value that no service would: every read of the items fails on it."""
    url = stack.installation.env.get("DATABASE_URL")
    if url is None:
        with closing(sqlite3.connect(stack.installation.folder / "db.sqlite3", isolation_level=None)) as database:
            hexadecimal = UUID(portal_view).hex
            database.execute("UPDATE libraries_portalview SET items = '5' WHERE id = ?", (hexadecimal,))
    else:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE libraries_portalview SET items = '5' WHERE id = %s", (portal_view,))


async def test_an_unexpected_error_ends_the_connection_and_is_logged(running_stack: Stack) -> None:
    stack = running_stack
    portal_view = stack.new_portal_view(items=[{"id": "goblin"}])
    log_start = stack.server.process.log_size
    async with stack.join(portal_view, stack.controller) as (socket, connected):
        spoil(stack, portal_view)
        await socket.send("item-update", ref=1, payload={"itemId": "goblin", "name": "Goblin"})
        error, closed = await socket.refused()
    assert error["code"] == "internal-error"
    assert closed == Closed(1011, "internal-error")
    written = stack.server.process.log_since(log_start)
    for part in ("Traceback", portal_view, user_id_of(stack.controller.access), connected["connectionId"]):
        assert part in written
    assert stack.controller.access not in written


async def test_an_unexpected_error_in_the_handshake_ends_the_connection(running_stack: Stack) -> None:
    stack = running_stack
    portal_view = stack.new_portal_view()
    spoil(stack, portal_view)
    async with stack.open(portal_view_path(portal_view), token=stack.viewer.access) as socket:
        error, closed = await socket.refused()
    assert error["code"] == "internal-error"
    assert closed == Closed(1011, "internal-error")


# --- Input that does not end a connection ------------------------------------------------------------------


async def test_a_message_may_come_in_fragments_with_control_frames_between(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        message = {"type": "portal-view-update", "ref": "f", "payload": {"zoom": 2}}
        first, second, third = cut(json.dumps(message) if sender.encoding.is_text else packed(message), 3)

        async def fragments() -> AsyncIterator[str | bytes]:
            yield first
            async with asyncio.timeout(DEADLINE_SECONDS):
                await (await sender.connection.ping())
            yield second
            await sender.connection.pong(b"unasked for")
            yield second[:0]
            yield third

        await sender.connection.send(fragments())
        assert (await sender.receive("ack"))["ref"] == "f"
        assert (await viewer.receive("portal-view-updated"))["payload"] == {"zoom": 2}
        await sender.expect_nothing_before_pong()


async def test_the_server_answers_control_pings(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.viewer) as (socket, _):
        async with asyncio.timeout(DEADLINE_SECONDS):
            for data in (b"", b"x" * 125):
                await (await socket.connection.ping(data))
        await socket.expect_nothing_before_pong()


# --- 1000 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 4000])
async def test_the_server_answers_our_close(stack: Stack, portal_view: str, code: int) -> None:
    async with stack.join_all(portal_view, stack.viewer, stack.controller) as (leaving, staying):
        await leaving.connection.close(code, "bye")
        # Daphne answers every code with 1000; only the fact that it answers is tested.
        assert leaving.connection.close_code in {code, 1000}
        await staying.expect_nothing_before_pong()
