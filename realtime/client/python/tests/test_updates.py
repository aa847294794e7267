"""Updates: at once in `state`, exact in `confirmed`, waiting while the line is down, applied once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from realtime.client.python.portal_client import PortalClient, PortalError, Stored, calls, waiting
from realtime.client.python.tests.fake import ADA, STATE, Fake, Peer, heard, joined, made, until


def hp(portal: PortalClient) -> tuple[int, int]:
    """The ogre's, as confirmed and as shown."""
    return portal.confirmed["items"][0].get("hp"), portal.state["items"][0].get("hp")


async def test_an_update_is_shown_at_once_and_confirmed_by_the_ack(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        future = portal.update_item("ogre", hp=12)
        assert hp(portal) == (30, 12)
        message = await peer.receive()
        assert message == {"type": "item-update", "itemId": "ogre", "payload": {"hp": 12}, "ref": message["ref"]}
        await peer.ack(message, 6, warnings=["hp looks like a secret."])
        assert await future == Stored(6, (), ("hp looks like a secret.",))
        assert (hp(portal), portal.version) == ((12, 12), 6)


async def test_a_refused_update_rolls_back_with_an_event(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        rolled_back, states = heard(portal, "refused"), heard(portal, "state")
        future = portal.update_item("ogre", {"hp": "x" * 3}, ac=None)
        message = await peer.receive()
        said = {"message": "Say it shorter.", "details": {"hp": "Too long."}, "retryAfter": 1500}
        await peer.send(type="error", ref=message["ref"], code="invalid-payload", **said)
        with pytest.raises(PortalError) as caught:
            await future
        error = caught.value
        assert (error.code, error.message, error.details) == ("invalid-payload", "Say it shorter.", {"hp": "Too long."})
        assert error.retry_after == 1.5
        assert (rolled_back, hp(portal)) == ([error], (30, 30))
        assert [state["items"][0]["hp"] for state in states] == ["xxx", 30]


async def test_each_call_is_its_message(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        futures = [
            portal.update({"blackout": True}, name="Night"),
            portal.update_item(7, {"max hp": 3}),
            portal.add_item({"id": "imp", "name": "Imp"}),
            portal.add_item({"slug": "imp"}, index=0),
            portal.remove_item("imp"),
            portal.move_item("imp", 0),
            portal.next_turn(),
            portal.previous_turn(),
            portal.batch([{"type": "encounter-next"}]),
            portal.set_camera(None),
            portal.store({"type": "encounter-next"}),
        ]
        messages = [await peer.receive() for _ in futures]
        assert len({message.pop("ref") for message in messages}) == len(futures)
        assert messages == [
            {"type": "portal-view-update", "payload": {"blackout": True, "name": "Night"}},
            {"type": "item-update", "itemId": 7, "payload": {"max hp": 3}},
            {"type": "item-add", "payload": {"id": "imp", "name": "Imp"}},
            {"type": "item-add", "payload": {"slug": "imp"}, "index": 0},
            {"type": "item-remove", "itemId": "imp"},
            {"type": "item-move", "itemId": "imp", "index": 0},
            {"type": "encounter-next"},
            {"type": "encounter-previous"},
            {"type": "batch", "changes": [{"type": "encounter-next"}]},
            {"type": "portal-view-update", "payload": {"camera": None}},
            {"type": "encounter-next"},
        ]
        for future in futures:
            future.cancel()


async def test_a_new_item_has_an_id_at_once_unless_the_server_makes_it(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        rat = portal.add_item({"name": "Rat"}, index=0)
        item_id = portal.state["items"][0]["id"]
        later = portal.update_item(item_id, hp=1)
        assert portal.state["items"][0] == {"id": item_id, "name": "Rat", "hp": 1}
        message = await peer.receive()
        assert message["payload"] == {"id": item_id, "name": "Rat"}
        await peer.ack(message, 6, itemId=item_id)
        await peer.ack(await peer.receive(), 7)
        assert ((await rat).item_id, (await later).version) == (item_id, 7)
        both = portal.batch([{"type": "item-add", "payload": {"_id": 1}}, {"type": "item-add", "payload": {}}])
        assert [item["id"] for item in portal.state["items"]][3] is None
        message = await peer.receive()
        named = message["changes"][1]["payload"]["id"]
        await peer.ack(message, 8, itemIds=["r2", named])
        assert (await both).item_ids == ("r2", named)
        assert [item["id"] for item in portal.confirmed["items"]] == [item_id, "ogre", "imp", "r2", named]


async def test_an_item_that_was_stored_before_the_loss_is_not_shown_twice(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        future = portal.add_item({"id": "rat"})
        await peer.receive()
        peer.cut()
        again = await fake.next(version=6, state={**STATE, "items": [*STATE["items"], {"id": "rat"}]})
        retry = await again.receive()
        assert [item["id"] for item in portal.state["items"]] == ["ogre", "imp", "rat"]
        await again.ack(retry, 6, itemId="rat")
        assert (await future).version == 6


async def test_what_waits_goes_out_in_order_and_what_was_sent_as_a_retry(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        sent = portal.update_item("ogre", hp=1)
        before = await peer.receive()
        peer.cut()
        await until(lambda: portal.status.kind != "open")
        unsent = portal.update_item("ogre", hp=2)
        assert hp(portal) == (30, 2)
        again = await fake.next()
        retry, first = await again.receive(), await again.receive()
        assert retry == {**before, "retry": True, "connectionId": "c1"}
        assert "retry" not in first
        # The retry is stored only now: its change comes as a message, here after its ack.
        await again.ack(retry, 6)
        await again.send(type="item-updated", payload={"itemId": "ogre", "hp": 1}, index=0, version=6)
        await again.ack(first, 7)
        assert ((await sent).version, (await unsent).version) == (6, 7)
        assert (hp(portal), portal.version) == ((2, 2), 7)


@pytest.mark.parametrize(
    ("is_retry", "code", "told"),
    [(False, "forbidden", "forbidden"), (True, "forbidden", "unknown-outcome"), (True, "not-found", "not-found")],
)
async def test_a_retry_that_is_forbidden_may_have_been_stored(fake: Fake, is_retry: bool, code: str, told: str) -> None:
    async with joined(fake) as (portal, peer):
        sent = portal.update_item("ogre", hp=1)
        await peer.receive()
        if is_retry:
            peer.cut()
            peer = await fake.next()
            await peer.receive()
        await peer.send(type="error", code=code, message="No.", ref=1)
        with pytest.raises(PortalError) as caught:
            await sent
        assert caught.value.code == told


async def test_an_acknowledged_change_is_shown_until_the_state_has_it(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        messages = heard(portal, "message")
        future = portal.update_item("ogre", hp=1)
        await peer.ack(await peer.receive(), 7)  # somebody else's change, 6, is still on its way
        await until(lambda: messages)
        assert (hp(portal), portal.version, future.done()) == ((30, 1), 5, False)
        await peer.send(type="portal-view-updated", payload={"name": "Night"}, version=6)
        assert (await future).version == portal.version == 7
        assert hp(portal) == (1, 1)


async def test_a_hundred_updates_may_wait(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        peer.cut()
        await until(lambda: portal.status.kind != "open")
        futures = [portal.update_item("ogre", hp=number) for number in range(100)]
        with pytest.raises(PortalError) as caught:
            await portal.update_item("ogre", hp=100)
        assert caught.value.code == "queue-full"
        assert hp(portal) == (30, 99)
        again = await fake.next()
        assert [(await again.receive())["payload"]["hp"] for _ in futures] == list(range(100))
        for future in futures:
            future.cancel()


@pytest.mark.parametrize("why", ["another person", "too late"])
async def test_what_the_server_would_not_know_again_is_not_sent_again(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async with joined(fake) as (portal, peer):
        rolled_back = heard(portal, "refused")
        sent = portal.update_item("ogre", hp=1)
        await peer.receive()
        peer.cut()
        await until(lambda: portal.status.kind != "open")
        unsent = portal.update_item("ogre", ac=3)
        if why == "too late":
            monkeypatch.setattr(waiting, "REMEMBERED_SECONDS", -1)
        again = await fake.next(subject={**ADA, "id": "bo"} if why == "another person" else ADA)
        assert (await again.receive())["payload"] == {"ac": 3}
        with pytest.raises(PortalError) as caught:
            await sent
        assert caught.value.code == "unknown-outcome"
        assert rolled_back == [caught.value]
        assert hp(portal) == (30, 30)
        unsent.cancel()


async def test_an_unavailable_update_is_sent_again_as_the_same(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        future = portal.next_turn()
        message = await peer.receive()
        await peer.send(type="error", ref=message["ref"], code="unavailable", message="Later.")
        with pytest.raises(PortalError) as caught:
            await future
        again = portal.again(caught.value)
        retry = await peer.receive()
        assert retry == {**message, "retry": True, "connectionId": "c1"}
        await peer.ack(retry, 5)
        assert (await again).version == 5
        for code in ("closed", "unavailable"):
            with pytest.raises(ValueError, match="Only an update"):
                portal.again(PortalError(code, "It was no update."))


async def test_closing_fails_what_has_no_answer(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        future = portal.next_turn()
        await peer.receive()
    with pytest.raises(PortalError, match="unknown-outcome"):
        await future
    with pytest.raises(PortalError, match="closed"):
        await portal.next_turn()


async def test_closing_fails_what_was_not_sent_with_the_reason_and_tells_what_is_stored(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        messages = heard(portal, "message")
        stored = portal.update_item("ogre", hp=1)
        await peer.ack(await peer.receive(), 7)
        await until(lambda: messages)
        peer.cut()
        await until(lambda: portal.status.kind != "open")
        unsent = portal.next_turn()
        await (await fake.arrival()).refuse("no-access", 1008)
        with pytest.raises(PortalError, match="Because of no-access"):
            await unsent
        assert (await stored).version == 7


async def test_a_caller_who_waits_no_more_does_not_take_the_update_back(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        future = portal.update_item("ogre", hp=1)
        future.cancel()
        await peer.ack(await peer.receive(), 6)
        await portal.until(lambda portal: portal.version == 6)
        assert hp(portal) == (1, 1)


@pytest.mark.parametrize("is_open", [True, False])
async def test_what_cannot_be_encoded_fails_where_it_is_said(fake: Fake, is_open: bool) -> None:
    async with joined(fake) as (portal, peer):
        if not is_open:
            peer.cut()
            await until(lambda: portal.status.kind != "open")
        with pytest.raises(TypeError):
            portal.update_item("ogre", hp=object())
        with pytest.raises(ValueError, match="JSON"):
            portal.update_item("ogre", hp=float("nan"))
        assert portal.state == STATE


async def test_a_command_is_not_an_update(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        with pytest.raises(ValueError, match="send"):
            portal.update(pointer={"x": 1})
        with pytest.raises(ValueError, match="A pointer is not stored"):
            portal.store({"type": "pointer"})
        future = portal.update({})
        assert (await peer.receive())["payload"] == {}
        future.cancel()


# --- The camera ----------------------------------------------------------------------------------------------


async def cameras(peer: Peer, count: int) -> list[Any]:
    """The next cameras that the client sends, and an ack for each."""
    found = []
    for number in range(count):
        message = await peer.receive("portal-view-update")
        found.append(message["payload"]["camera"]["zoom"])
        await peer.ack(message, 6 + number)
    return found


async def test_a_gesture_sends_ten_cameras_a_second_and_the_last(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        began = time.monotonic()
        futures = []
        for zoom in range(1, 51):
            futures.append(portal.set_camera({"x": 0, "y": 0, "zoom": zoom}))
            assert portal.state["camera"]["zoom"] == zoom
            await asyncio.sleep(0.005)
        most = int((time.monotonic() - began) / calls.CAMERA_SECONDS) + 2
        found: list[Any] = []
        while 50 not in found:
            found += await cameras(peer, 1)
        assert 3 <= len(found) <= most
        assert found[0] == 1
        assert found == sorted(set(found))
        stored = await asyncio.gather(*futures)
        assert len({one.version for one in stored}) == 1  # `cameras` says 6 each time
        assert portal.confirmed["camera"]["zoom"] in found


async def test_a_later_update_does_not_overtake_the_camera(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        zooms = [portal.set_camera({"x": 0, "y": 0, "zoom": zoom}) for zoom in (1, 2)]
        reset = portal.update(camera=None)
        sent = [(await peer.receive())["payload"]["camera"] for _ in range(3)]
        assert [one and one["zoom"] for one in sent] == [1, 2, None]
        assert await peer.is_quiet()
        for future in (*zooms, reset):
            future.cancel()


async def test_one_camera_waits_while_the_line_is_down(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        peer.cut()
        await until(lambda: portal.status.kind != "open")
        futures = [portal.set_camera({"x": 0, "y": 0, "zoom": zoom}) for zoom in range(1, 6)]
        again = await fake.next()
        assert await cameras(again, 2) == [1, 5]
        await asyncio.gather(*futures)


# --- What is not stored --------------------------------------------------------------------------------------


async def test_a_command_goes_out_at_once_or_not_at_all(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        pointing = asyncio.create_task(portal.send({"type": "pointer", "itemId": "map", "x": 0.5, "y": 0.5}))
        message = await peer.receive("pointer")
        await peer.ack(message, 5)
        assert (await pointing)["version"] == 5
        refused = asyncio.create_task(portal.send({"type": "portal-view-update", "payload": {"flash": True}}))
        message = await peer.receive("portal-view-update")
        await peer.send(type="error", ref=message["ref"], code="rate-limited", message="Slower.", retryAfter=10)
        with pytest.raises(PortalError, match="Slower"):
            await refused
        lost = asyncio.create_task(portal.send({"type": "activity", "state": "editing"}))
        await peer.receive("activity")
        peer.cut()
        with pytest.raises(PortalError, match="connection-lost"):
            await lost
        with pytest.raises(PortalError, match="not-connected"):
            await portal.send({"type": "activity", "state": "idle"})


@pytest.mark.parametrize(
    "message", [{"type": "encounter-next"}, {"type": "portal-view-update", "payload": {"name": "x", "flash": 1}}]
)
async def test_an_update_is_not_a_command(fake: Fake, message: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is stored"):
        await made(fake).send(message)
