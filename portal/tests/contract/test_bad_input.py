"""Protocol, sections 2 and 3: refused input, the codes, and that the connection stays open afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libraries.rules.places import root
from testing.stacks import Stack

LARGEST = 2**53 - 1


def nested(levels: int) -> dict[str, Any]:
    """A payload of that many levels; the payload itself is the first."""
    inner: dict[str, Any] = {}
    for _ in range(levels - 1):
        inner = {"deeper": inner}
    return inner


def update(payload: str) -> str:
    """An update as raw text."""
    return f'{{"type": "portal-view-update", "ref": "r", "payload": {payload}}}'


def sync(payload: str) -> str:
    """A `sync-response` as raw text."""
    return f'{{"type": "sync-response", "ref": "r", "payload": {payload}}}'


NO_JSON: dict[str, str] = {
    "empty": "",
    "blank": "  ",
    "cut-short": '{"type": "ping"',
    "no-json": "ping",
    "two-objects": '{"type": "ping"}{"type": "ping"}',
    "single-quotes": "{'type': 'ping'}",
    "lone-surrogate": r'{"type": "ping", "note": "\ud800"}',
    "lone-surrogate-in-a-payload": update(r'{"name": "\udfff"}'),
    "not-a-number": update('{"zoom": NaN}'),
    "infinity": update('{"zoom": Infinity}'),
    "minus-infinity": update('{"zoom": -Infinity}'),
}
BAD_MESSAGES: dict[str, tuple[str, str]] = {
    "array": ("invalid-message", "[]"),
    "array-of-messages": ("invalid-message", '[{"type": "ping"}]'),
    "string": ("invalid-message", '"ping"'),
    "number": ("invalid-message", "1"),
    "null": ("invalid-message", "null"),
    "true": ("invalid-message", "true"),
    "no-type": ("invalid-message", "{}"),
    "null-type": ("invalid-message", '{"type": null}'),
    "number-type": ("invalid-message", '{"type": 5}'),
    "list-type": ("invalid-message", '{"type": ["ping"]}'),
    "object-type": ("invalid-message", '{"type": {}}'),
    "unknown-type": ("unknown-type", '{"type": "no-such-type"}'),
    "server-type": ("unknown-type", '{"type": "portal-view-updated", "payload": {"name": "x"}}'),
    "handler-name": ("unknown-type", '{"type": "portal.view.update", "payload": {}}'),
    "dunder-type": ("unknown-type", '{"type": "__init__"}'),
    "type-in-capitals": ("unknown-type", '{"type": "PING"}'),
    "nul": ("invalid-payload", update(r'{"name": "a\u0000b"}')),
    "nul-in-a-command": ("invalid-payload", update(r'{"zoom": {"deep": ["a\u0000b"]}}')),
    "nul-in-a-key": ("invalid-payload", update(r'{"a\u0000b": 1}')),
    "large-integer": ("invalid-payload", update(f'{{"zoom": {LARGEST + 1}}}')),
    "large-negative": ("invalid-payload", update(f'{{"zoom": -{LARGEST + 1}}}')),
    "large-float": ("invalid-payload", update('{"zoom": 1e300}')),
    "large-integer-inside": ("invalid-payload", update(f'{{"items": [{{"id": "a", "n": [{LARGEST + 1}]}}]}}')),
    "seventeen-levels": ("invalid-payload", update(json.dumps(nested(17)))),
    "payload-list": ("invalid-payload", update("[]")),
    "payload-string": ("invalid-payload", update('"name"')),
    "payload-null": ("invalid-payload", update("null")),
    "payload-number": ("invalid-payload", update("1")),
    "payload-missing": ("invalid-payload", '{"type": "portal-view-update"}'),
    "item-payload-missing": ("invalid-payload", '{"type": "item-update"}'),
    "item-payload-list": ("invalid-payload", '{"type": "item-update", "payload": []}'),
    "item-without-id": ("invalid-payload", '{"type": "item-update", "payload": {"name": "x"}}'),
    "item-number-id": ("invalid-payload", '{"type": "item-update", "payload": {"itemId": true, "name": "x"}}'),
    "item-empty-id": ("invalid-payload", '{"type": "item-update", "payload": {"itemId": "", "name": "x"}}'),
    "item-takes-another-id": ("invalid-payload", '{"type": "item-update", "payload": {"itemId": "goblin", "id": "x"}}'),
    "item-nul": ("invalid-payload", r'{"type": "item-update", "payload": {"itemId": "goblin", "name": "\u0000"}}'),
    "add-payload-missing": ("invalid-payload", '{"type": "item-add", "index": 0}'),
    "add-payload-list": ("invalid-payload", '{"type": "item-add", "payload": []}'),
    "add-known-id": ("invalid-payload", '{"type": "item-add", "payload": {"id": "goblin"}}'),
    "add-bad-id": ("invalid-payload", '{"type": "item-add", "payload": {"id": []}}'),
    "add-proto": ("invalid-payload", '{"type": "item-add", "payload": {"id": "__proto__"}}'),
    "add-nul": ("invalid-payload", r'{"type": "item-add", "payload": {"name": "\u0000"}}'),
    "add-behind-the-end": ("invalid-payload", '{"type": "item-add", "payload": {}, "index": 2}'),
    "add-before-the-start": ("invalid-payload", '{"type": "item-add", "payload": {}, "index": -1}'),
    "add-text-index": ("invalid-message", '{"type": "item-add", "payload": {}, "index": "0"}'),
    "add-true-index": ("invalid-message", '{"type": "item-add", "payload": {}, "index": true}'),
    "remove-nothing": ("invalid-message", '{"type": "item-remove", "payload": {"itemId": "goblin"}}'),
    "remove-unknown": ("invalid-payload", '{"type": "item-remove", "itemId": "ghost"}'),
    "remove-empty-id": ("invalid-payload", '{"type": "item-remove", "itemId": ""}'),
    "remove-true": ("invalid-message", '{"type": "item-remove", "itemId": true}'),
    "move-nowhere": ("invalid-message", '{"type": "item-move", "itemId": "goblin"}'),
    "move-unknown": ("invalid-payload", '{"type": "item-move", "itemId": "ghost", "index": 0}'),
    "move-behind-the-end": ("invalid-payload", '{"type": "item-move", "itemId": "goblin", "index": 1}'),
    "move-half": ("invalid-message", '{"type": "item-move", "itemId": "goblin", "index": 0.5}'),
    "next-without-an-encounter": ("invalid-payload", '{"type": "encounter-next"}'),
    "previous-without-an-encounter": ("invalid-payload", '{"type": "encounter-previous"}'),
    "batch-of-nothing": ("invalid-payload", '{"type": "batch", "changes": []}'),
    "batch-missing": ("invalid-message", '{"type": "batch"}'),
    "batch-object": ("invalid-message", '{"type": "batch", "changes": {}}'),
    "batch-of-a-number": ("invalid-payload", '{"type": "batch", "changes": [1]}'),
    "batch-of-a-ping": ("invalid-payload", '{"type": "batch", "changes": [{"type": "ping"}]}'),
    "batch-in-a-batch": ("invalid-payload", '{"type": "batch", "changes": [{"type": "batch", "changes": []}]}'),
    "batch-too-long": ("invalid-payload", f'{{"type": "batch", "changes": [{", ".join(["{}"] * 1001)}]}}'),
    "sync-payload-missing": ("invalid-payload", '{"type": "sync-response"}'),
    "sync-nul": ("invalid-payload", r'{"type": "sync-response", "payload": {"note": "\u0000"}}'),
    "sync-large-integer": ("invalid-payload", f'{{"type": "sync-response", "payload": {{"zoom": {LARGEST + 1}}}}}'),
    "sync-nul-under-a-read-only-key": ("invalid-payload", sync(r'{"createdAt": "\u0000"}')),
    "sync-levels-under-a-read-only-key": ("invalid-payload", sync(f'{{"createdAt": {"[" * 500}{"]" * 500}}}')),
    "sync-payload-list": ("invalid-payload", '{"type": "sync-response", "payload": []}'),
}

# Known keys with values that may not be stored; each is refused with a sentence for that key.
GOOD_ITEM: dict[str, Any] = {"id": "a"}
BAD_VALUES: dict[str, list[Any]] = {
    "name": [None, 1, True, [], {}, "", "   ", "x" * 201, "a\x1b[2Jb", "a\u202eb", "a\nb", "\u200b\u200d"],
    **{
        flag: [None, 0, 1, "true", [], {}]
        for flag in (
            "showEncounter",
            "showHealth",
            "showAC",
            "showActions",
            "autoResetImageState",
            "blackout",
            "viewersMayPoint",
        )
    },
    "healthDisplay": [None, 1, "", "Numbers", "percent", ["bar"]],
    "currentItem": [-1, 1, 500, 2**40, 0.5, "0", True, [], {}],
    "currentItemId": [1, "ghost", "", True, [], {}],
    "camera": [
        *(1, [], {}, True, {"x": 0, "y": 0}, {"x": 0, "y": 0, "zoom": 0}, {"x": 2, "y": 0, "zoom": 1}),
        *({"x": 0, "y": 0, "zoom": "1"}, {"x": 0, "y": 0, "zoom": 1, "hp": 1}),
        {"x": 0, "y": 0, "zoom": 1, "rotation": 400},
    ],
    "encounter": [
        *(1, [], {}, {"round": 1}, {"round": 0.5, "order": []}, {"round": -1, "order": []}, {"round": 1, "order": {}}),
        *({"round": 1, "order": [], "turn": "goblin"}, {"round": 1, "order": [{"itemId": "ghost"}]}),
        {"round": 1, "order": [{"itemId": "goblin"}, {"itemId": "goblin"}]},
        {"round": 1, "order": [{"itemId": "goblin", "initiative": {}}]},
    ],
    "items": [
        *(None, {}, "goblin", 1, [1], [None], [[]], [{"id": True}], [{"id": 1.5}], [{"id": ""}]),
        *([GOOD_ITEM, GOOD_ITEM], [{"id": 1}, {"id": "1"}], [{"revealOnTurn": 1}]),
        [{"id": f"item-{number}"} for number in range(501)],
    ],
}


@pytest.mark.only_json
async def test_a_frame_that_is_no_json_gets_one_error_and_nothing_else(stack: Stack) -> None:
    await assert_refused(stack, NO_JSON, "invalid-json")


@pytest.mark.parametrize("code", sorted({code for code, _ in BAD_MESSAGES.values()}))
async def test_a_bad_message_gets_one_error_and_nothing_else(stack: Stack, code: str) -> None:
    frames = {name: frame for name, (its_code, frame) in BAD_MESSAGES.items() if its_code == code}
    await assert_refused(stack, frames, code)


@pytest.mark.parametrize("key", BAD_VALUES)
async def test_a_bad_value_is_refused_by_its_key(stack: Stack, key: str) -> None:
    frames = {repr(value)[:40]: update(json.dumps({key: value})) for value in BAD_VALUES[key]}
    await assert_refused(stack, frames, "invalid-payload", key)


async def test_one_bad_value_refuses_the_whole_payload(stack: Stack) -> None:
    frames = {"mixed": update('{"name": "Good", "zoom": 2, "showHealth": "yes"}')}
    await assert_refused(stack, frames, "invalid-payload", "showHealth")


async def assert_refused(stack: Stack, frames: dict[str, str], code: str, key: str | None = None) -> None:
    """Each frame, known by its name, gets one error with that code, reaches nobody and changes nothing.

    With `key` the error has a sentence for that key alone.
    """
    portal_view = stack.new_portal_view(items=[{"id": "goblin", "name": "Goblin"}])
    before = stack.controller.get(f"/api/portal-views/{portal_view}")
    async with stack.join_all(portal_view, stack.controller, stack.editor, stack.viewer) as (sender, *others):
        for name, frame in frames.items():
            if code == "invalid-json":
                await sender.send_text(frame)
            else:
                await sender.send_json(frame)
            error = await sender.receive("error")
            assert (name, error["code"]) == (name, code), error
            assert error["message"], name
            assert (name, {root(place) for place in error.get("details", {})}) == (name, {key}) or key is None, error
            assert (name, error.get("ref")) == (name, "r") or code == "invalid-json" or '"ref": "r"' not in frame
            await sender.expect_nothing_before_pong()
            for socket in others:
                await socket.expect_nothing_before_pong()
    assert stack.controller.get(f"/api/portal-views/{portal_view}") == before


@pytest.mark.only_json
async def test_endless_nesting_is_refused_without_harm(stack: Stack, portal_view: str) -> None:
    async with stack.join(portal_view, stack.controller) as (sender, _):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            for text in (opening * 9000 + "1" + closing * 9000, opening * 9000):
                for frame in (text, update(text), update(f'{{"zoom": {text}}}')):
                    await sender.send_text(frame)
                    error = await sender.receive("error")
                    assert error["code"] in {"invalid-json", "invalid-message", "invalid-payload"}, error
                # Unknown keys of an envelope are not checked.
                await sender.send_text(f'{{"type": "ping", "note": {text}}}')
                assert (await sender.receive())["type"] in {"pong", "error"}
        await sender.expect_nothing_before_pong()


# --- Just within each limit --------------------------------------------------------------------------------

GOOD_PAYLOADS: dict[str, dict[str, Any]] = {
    "sixteen-levels": nested(16),
    "largest-numbers": {"zoom": [LARGEST, -LARGEST, 0.1, -0.0, 1e-300]},
    "any-text": {"note": "\u0001 \u2028 \U0001f409 é e\u0301 \ufeff"},
    "empty": {},
}


@pytest.mark.parametrize("name", GOOD_PAYLOADS)
async def test_a_message_just_within_the_limits_arrives_unchanged(stack: Stack, portal_view: str, name: str) -> None:
    payload = GOOD_PAYLOADS[name]
    async with stack.join_all(portal_view, stack.controller, stack.editor) as (sender, editor):
        await sender.send("portal-view-update", ref=1, payload=payload)
        await sender.receive("ack")
        if payload:
            assert (await editor.receive("portal-view-updated"))["payload"] == payload
        await editor.expect_nothing_before_pong()


@pytest.mark.only_json
async def test_of_duplicate_keys_the_last_one_counts(stack: Stack, portal_view: str) -> None:
    async with stack.join_all(portal_view, stack.controller, stack.viewer) as (sender, viewer):
        await sender.send_text('{"type": "no-such-type", "ref": 1, "type": "ping", "ref": 2}')
        assert (await sender.receive("pong"))["ref"] == 2
        await sender.send_text(update('{"zoom": 1, "zoom": 2}'))
        await sender.receive("ack")
        assert (await viewer.receive("portal-view-updated"))["payload"] == {"zoom": 2}
