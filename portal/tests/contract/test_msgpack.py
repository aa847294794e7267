"""MessagePack on each server: what it can say and JSON cannot, bytes in both encodings, and rooms with both."""

from __future__ import annotations

import json
import math
import struct
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest

from libraries.rules.places import root
from realtime.client.python.portal_client.fold import Folded
from realtime.protocol.encodings import Encoding
from testing.sockets import PortalSocket, packed
from testing.stacks import Stack

LARGEST = 2**53 - 1
DATA = b"\x00\xff RIFF"
IN_JSON = {"$bytes": "AP8gUklGRg=="}


def update(payload: Any) -> dict[str, Any]:
    return {"type": "portal-view-update", "ref": "r", "payload": payload}


def sync(payload: Any) -> dict[str, Any]:
    return {"type": "sync-response", "ref": "r", "payload": payload}


def built(message: Any) -> bytes:
    """A message by the other library, which also writes what the server refuses."""
    return bytes(msgpack.packb(message, datetime=True))


# --- Bad input ---------------------------------------------------------------------------------------------

EXTENSION = msgpack.ExtType(5, b"data")
NO_MSGPACK: dict[str, bytes] = {
    "empty": b"",
    "cut-short": packed(update({"zoom": 1}))[:-1],
    "cut-in-a-text": b"\xa5pin",
    "two-values": packed({"type": "ping"}) * 2,
    "json": b'{"type": "ping"}',
    "unused-byte": b"\xc1",
    "more-entries-than-bytes": b"\xdd\xff\xff\xff\xff",
    "more-keys-than-bytes": b"\xdf\xff\xff\xff\xff",
    "longer-text-than-bytes": b"\xdb\xff\xff\xff\xff",
    "longer-bytes-than-bytes": b"\xc6\xff\xff\xff\xff",
    "text-that-is-no-utf-8": packed({"type": "ping", "note": "?"}).replace(b"?", b"\xff"),
    "half-of-a-surrogate-pair": packed({"type": "ping", "note": "???"}).replace(b"???", b"\xed\xa0\x80"),
    "map-as-a-key": b"\x81\x80\x01",
}
NOT_PLAIN: dict[str, Any] = {
    "extension": update({"zoom": EXTENSION}),
    "timestamp": update({"zoom": [datetime(2026, 11, 28, tzinfo=UTC)]}),
    "extension-as-an-item": update({"items": [EXTENSION]}),
    "extension-beside-the-payload": {"type": "ping", "ref": "r", "note": EXTENSION},
    "extension-in-a-sync": sync({"items": [{"id": "goblin", "x": {"y": EXTENSION}}]}),
    "extension-in-a-batch": {"type": "batch", "ref": "r", "changes": [EXTENSION]},
    "not-a-number": update({"zoom": math.nan}),
    "infinity": update({"zoom": {"deep": [math.inf]}}),
    "minus-infinity": sync({"zoom": -math.inf}),
    "not-a-number-in-a-batch": {
        "type": "batch",
        "ref": "r",
        "changes": [{"type": "item-add", "payload": {"n": math.nan}}],
    },
    "number-as-a-key": update({1: 2}),
    "number-as-a-key-inside": update({"zoom": {"deep": {1: 2}}}),
    "number-as-a-key-of-the-message": {**update({}), 1: 2},
    "number-as-a-key-in-a-batch": {"type": "batch", "ref": "r", "changes": [{"type": "item-add", "payload": {1: 2}}]},
    "bytes-as-a-key": update({b"zoom": 2}),
    "nil-as-a-key": update({None: 2}),
    "true-as-a-key": update({"items": [{"id": "goblin", True: 2}]}),
}
BAD_MESSAGES: dict[str, tuple[str, Any]] = {
    "bytes": ("invalid-message", b"ping"),
    "bytes-as-a-type": ("invalid-message", {"type": b"ping"}),
    "bytes-as-a-ref": ("invalid-message", {"type": "ping", "ref": b"r"}),
    "bytes-as-a-token": ("invalid-message", {"type": "auth", "ref": "r", "token": b"x"}),
    "bytes-as-the-payload": ("invalid-payload", update(b"{}")),
    "bytes-as-the-payload-of-an-item": ("invalid-payload", {"type": "item-add", "ref": "r", "payload": b""}),
    "large-integer": ("invalid-payload", update({"zoom": LARGEST + 1})),
    "largest-of-64-bits": ("invalid-payload", update({"zoom": [2**64 - 1]})),
    "least-of-64-bits": ("invalid-payload", update({"zoom": -(2**63)})),
    "large-float": ("invalid-payload", update({"zoom": 1e300})),
    "large-index": ("invalid-payload", {"type": "item-add", "ref": "r", "payload": {}, "index": 2**64 - 1}),
    "too-many-values": ("invalid-payload", update({"zoom": [0] * 10_000})),
    "seventeen-levels": ("invalid-payload", update({"zoom": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]})),
}
STORED_BYTES: dict[str, tuple[str, Any]] = {
    "name": ("name", update({"name": DATA})),
    "current-item": ("currentItemId", update({"currentItemId": DATA})),
    "id-of-an-item": ("items", update({"items": [{"id": DATA}]})),
    "item": ("items", update({"items": [{"id": "goblin", "deep": [{"x": DATA}]}]})),
    "camera": ("camera", update({"camera": DATA})),
    "beside-a-command": ("items", update({"zoom": DATA, "items": [{"id": "goblin", "x": DATA}]})),
    "read-only": ("createdAt", update({"createdAt": DATA})),
    "item-update": ("portrait", {"type": "item-update", "ref": "r", "itemId": "goblin", "payload": {"portrait": DATA}}),
    "unknown-item": ("x", {"type": "item-update", "ref": "r", "itemId": "nobody", "payload": {"x": [DATA]}}),
    "item-add": ("public", {"type": "item-add", "ref": "r", "payload": {"public": {"x": DATA}}}),
    "batch": (
        "changes",
        {"type": "batch", "ref": "r", "changes": [{"type": "item-add", "payload": {"public": {"x": DATA}}}]},
    ),
}
"""Messages that are refused because they would store bytes, with the key that the error names."""


async def assert_refused(stack: Stack, frames: dict[str, bytes], code: str, keys: dict[str, str] | None = None) -> None:
    """Each frame gets one error with that code, reaches nobody and changes nothing; `keys` are those of its details."""
    portal_view = stack.new_portal_view(items=[{"id": "goblin", "name": "Goblin"}])
    before = stack.controller.get(f"/api/portal-views/{portal_view}")
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, *others):
        for name, frame in frames.items():
            await sender.send_bytes(frame)
            error = await sender.receive("error")
            assert (name, error["code"]) == (name, code), error
            if keys is not None:
                assert (name, {root(place) for place in error["details"]}) == (name, {keys[name]})
            await sender.expect_nothing_before_pong()
            for socket in others:
                await socket.expect_nothing_before_pong()
    assert stack.controller.get(f"/api/portal-views/{portal_view}") == before


@pytest.mark.only_msgpack
async def test_a_frame_that_is_no_message_pack_gets_one_error_and_nothing_else(stack: Stack) -> None:
    await assert_refused(stack, NO_MSGPACK, "invalid-msgpack")


@pytest.mark.only_msgpack
async def test_what_json_cannot_say_gets_one_error_and_nothing_else(stack: Stack) -> None:
    await assert_refused(stack, {name: built(message) for name, message in NOT_PLAIN.items()}, "invalid-msgpack")


@pytest.mark.only_msgpack
@pytest.mark.parametrize("code", sorted({code for code, _ in BAD_MESSAGES.values()}))
async def test_a_bad_message_gets_one_error_and_nothing_else(stack: Stack, code: str) -> None:
    frames = {name: built(message) for name, (its_code, message) in BAD_MESSAGES.items() if its_code == code}
    await assert_refused(stack, frames, code)


@pytest.mark.only_msgpack
async def test_an_error_about_a_value_has_the_ref_and_the_place(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.controller) as (sender, _):
        await sender.send_bytes(built(update({"items": [{}, {"system": {"img": EXTENSION}}]})))
        error = await sender.receive("error")
        assert (error["code"], error["ref"]) == ("invalid-msgpack", "r")
        assert "payload.items[1].system.img is an extension type" in error["message"]


@pytest.mark.only_msgpack
async def test_endless_nesting_is_refused_without_harm(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.controller) as (sender, _):
        for opening in (b"\x91", b"\x81\xa1a", b"\xdd\x00\x00\x00\x01", b"\xdd\xff\xff\xff\xff"):
            for end in (b"\xc0", b""):
                for head in (b"", b"\x82\xa4type\xa4ping\xa4note", b"\x82\xa4type\xb2portal-view-update\xa7payload"):
                    await sender.send_bytes(head + opening * 9000 + end)
                    error = await sender.receive("error")
                    assert error["code"] in {"invalid-msgpack", "invalid-payload"}, error
        await sender.expect_nothing_before_pong()


@pytest.mark.only_msgpack
async def test_of_duplicate_keys_the_last_one_counts(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.controller) as (sender, _):
        await sender.send_bytes(b"\x84\xa4type\xa1x\xa3ref\x01\xa4type\xa4ping\xa3ref\x02")
        assert (await sender.receive("pong"))["ref"] == 2


@pytest.mark.only_msgpack
async def test_every_form_of_a_number_and_of_text_is_read(stack: Stack, portal_view: str) -> None:
    numbers = [
        b"\xcc\x07",
        b"\xcd\x00\x07",
        b"\xce\x00\x00\x00\x07",
        b"\xcf" + bytes(7) + b"\x07",
        b"\xd3" + bytes(7) + b"\x07",
    ]
    single = b"\xca" + struct.pack(">f", 0.5)
    texts = [b"\xa1x", b"\xd9\x01x", b"\xda\x00\x01x", b"\xdb\x00\x00\x00\x01x"]
    values = [*numbers, single, *texts]
    head = packed(update({"zoom": []}))[:-1]
    async with stack.join_all(portal_view, stack.controller, stack.editor) as (sender, editor):
        await sender.send_bytes(head + bytes((0x90 + len(values),)) + b"".join(values))
        await sender.receive("ack")
        assert (await editor.receive("portal-view-updated"))["payload"] == {"zoom": [7] * 5 + [0.5] + ["x"] * 4}


# --- Bytes -------------------------------------------------------------------------------------------------


async def joined(stack: Stack, exits: AsyncExitStack, portal_view: str, *whose: str) -> list[PortalSocket]:
    """Sockets in this order: for each person one in JSON, and one in MessagePack."""
    sockets = []
    for who in whose:
        for encoding in Encoding:
            there = replace(stack, encoding=encoding).join(portal_view, getattr(stack, who))
            sockets.append((await exits.enter_async_context(there))[0])
    return sockets


@pytest.mark.parametrize("place", ["flat", "pointer", "public", "list"])
async def test_bytes_of_a_command_reach_both_encodings(stack: Stack, portal_view: str, place: str) -> None:
    def payload(data: Any) -> dict[str, Any]:
        value = {"flat": data, "list": [1, [data]]}.get(place, {"x": [data, {"deep": data}]})
        return {"zoom": 1, (place if place in {"pointer", "public"} else "sound"): value}

    is_seen = place != "list"
    said = IN_JSON if stack.encoding is Encoding.JSON else DATA
    async with AsyncExitStack() as exits:
        text, binary, seen_text, seen_binary = await joined(stack, exits, portal_view, "editor", "viewer")
        sender, _ = await exits.enter_async_context(stack.join(portal_view, stack.controller))
        await sender.send("portal-view-update", ref=1, payload=payload(said))
        await sender.receive("ack")
        assert (await text.receive("portal-view-updated"))["payload"] == payload(IN_JSON)
        assert (await binary.receive("portal-view-updated"))["payload"] == payload(DATA)
        for socket, data in ((seen_text, IN_JSON), (seen_binary, DATA)):
            got = (await socket.receive("portal-view-updated"))["payload"]
            assert got == (payload(data) if is_seen else {"zoom": 1})


async def test_bytes_beside_what_is_stored_are_relayed(stack: Stack, portal_view: str) -> None:
    said = IN_JSON if stack.encoding is Encoding.JSON else DATA
    async with AsyncExitStack() as exits:
        *others, seen_text, seen_binary = await joined(stack, exits, portal_view, "editor", "viewer")
        sender, _ = await exits.enter_async_context(stack.join(portal_view, stack.controller))
        await sender.send("portal-view-update", ref=1, payload={"name": "Night", "sound": said, "secret": said})
        await sender.receive("ack")
        for socket, data in zip(others, (IN_JSON, DATA), strict=True):
            got = (await socket.receive("portal-view-updated"))["payload"]
            assert got == {"name": "Night", "sound": data, "secret": data}
        for socket, data in ((seen_text, IN_JSON), (seen_binary, DATA)):
            assert (await socket.receive("portal-view-updated"))["payload"] == {"name": "Night", "sound": data}
    assert "sound" not in stack.controller.get(f"/api/portal-views/{portal_view}")


async def test_bytes_of_a_sync_are_projected_and_not_stored(stack: Stack) -> None:
    items = [{"id": "goblin", "name": "Goblin", "public": {"mood": "calm"}}]
    portal_view = stack.new_portal_view(items=items)
    said = IN_JSON if stack.encoding is Encoding.JSON else DATA
    given = [{**items[0], "public": {"song": said, "hp": said}, "notes": said, "portrait": said, "ac": said}]
    async with AsyncExitStack() as exits:
        seen_text, seen_binary = await joined(stack, exits, portal_view, "viewer")
        sender, _ = await exits.enter_async_context(stack.join(portal_view, stack.controller))
        await sender.send("sync-response", ref=1, payload={"items": given})
        await sender.receive("ack")
        for socket, data in ((seen_text, IN_JSON), (seen_binary, DATA)):
            got = (await socket.receive("sync-response"))["payload"]
            assert got == {"items": [{"id": "goblin", "name": "Goblin", "public": {"song": data}}]}
    assert stack.controller.get(f"/api/portal-views/{portal_view}")["items"] == items


@pytest.mark.only_msgpack
async def test_bytes_are_never_stored(stack: Stack) -> None:
    frames = {name: built(message) for name, (_, message) in STORED_BYTES.items()}
    await assert_refused(stack, frames, "invalid-payload", {name: key for name, (key, _) in STORED_BYTES.items()})


@pytest.mark.parametrize("value", [IN_JSON, {"$bytes": "no base64!"}, {"$bytes": 5}, {**IN_JSON, "more": 1}], ids=repr)
async def test_the_object_that_means_bytes_is_never_stored(stack: Stack, value: dict[str, Any]) -> None:
    portal_view = stack.new_portal_view(items=[{"id": "goblin"}])
    before = stack.controller.get(f"/api/portal-views/{portal_view}")
    async with stack.join(portal_view, stack.controller) as (sender, _):
        for body, key in (
            ({"type": "portal-view-update", "payload": {"items": [{"id": "goblin", "deep": [value]}]}}, "items"),
            ({"type": "item-update", "itemId": "goblin", "payload": {"image": value}}, "image"),
            ({"type": "item-add", "payload": {"public": {"x": value}}}, "public"),
        ):
            await sender.send_message({**body, "ref": 1})
            error = await sender.receive("error")
            assert (error["code"], {root(place) for place in error["details"]}) == ("invalid-payload", {key})
    assert stack.controller.get(f"/api/portal-views/{portal_view}") == before


@pytest.mark.parametrize("value", [{"$bytes": "no base64!"}, {"$bytes": 5}, {**IN_JSON, "more": 1}], ids=repr)
async def test_an_object_that_only_looks_like_bytes_is_not_relayed(
    stack: Stack, portal_view: str, value: dict[str, Any]
) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.send("portal-view-update", ref=1, payload={"sound": value})
        error = await sender.receive("error")
        assert (error["code"], list(error["details"])) == ("invalid-payload", ["sound.$bytes"])
        await viewer.expect_nothing_before_pong()


@pytest.mark.only_json
async def test_the_key_of_bytes_may_be_written_with_escapes(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in "$bytes")
        for key in (escaped, "\\u0024bytes", "$b\\u0079tes"):
            text = json.dumps(update({"sound": IN_JSON})).replace("$bytes", key)
            await sender.send_text(text)
            await sender.receive("ack")
            assert (await viewer.receive("portal-view-updated"))["payload"] == {"sound": IN_JSON}


# --- Rooms with both ---------------------------------------------------------------------------------------


async def test_both_encodings_fold_to_the_same_state(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=[{"id": "goblin", "name": "Goblin", "hp": 7.5, "note": "é \U0001f409"}])
    messages: list[dict[str, Any]] = [
        {
            "type": "item-update",
            "itemId": "goblin",
            "payload": {"hp": 3, "color": "red", "n": [1, -1, 0.25, None, True]},
        },
        {"type": "item-add", "payload": {"id": "imp", "name": "Imp"}, "index": 0},
        {"type": "portal-view-update", "payload": {"showHealth": True, "currentItemId": "imp", "name": "Night"}},
        {
            "type": "batch",
            "changes": [{"type": "item-remove", "itemId": "imp"}, {"type": "item-add", "payload": {"id": 9}}],
        },
        {"type": "portal-view-update", "payload": {"blackout": True}},
        {"type": "portal-view-update", "payload": {"blackout": False}},
    ]
    async with AsyncExitStack() as exits:
        sender, _ = await exits.enter_async_context(stack.join(portal_view, stack.controller))
        folded: list[tuple[PortalSocket, Folded]] = []
        for who in (stack.editor, stack.viewer):
            for encoding in Encoding:
                there = replace(stack, encoding=encoding).join(portal_view, who)
                socket, connected = await exits.enter_async_context(there)
                folded.append((socket, Folded()))
                folded[-1][1].receive(connected)
        for ref, message in enumerate(messages):
            await sender.send_message({**message, "ref": ref})
            await sender.receive("ack")
            for socket, client in folded:
                client.receive(await socket.receive())
    text, binary, seen_text, seen_binary = (client for _, client in folded)
    assert text.state == binary.state
    assert seen_text.state == seen_binary.state
    assert text.version == binary.version == len(messages) + 1
    stored = stack.controller.get(f"/api/portal-views/{portal_view}")
    assert text.state == {**{key: stored[key] for key in text.state}, "updatedAt": text.state["updatedAt"]}
