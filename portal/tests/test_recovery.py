"""The promises after a loss (docs/protocol.md, section 5): unavailable stores, lost news and lost answers.

Two servers share one Postgres and one Valkey, so that news between them has a way to go. `make chaos` tests the same
with many clients, at random; here each promise has its own test.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from testing.installation import ServerKind, StoreKind, installation
from testing.people import Client, join_library
from testing.sockets import Closed, Message, PortalSocket, open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import Postgres, Valkey

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey, pytest.mark.long]

PROMISED_SECONDS = 5.0
BURST = 200
ITEMS = [{"id": "ogre", "name": "Ogre"}]
UPDATES = frozenset({"portal-view-updated", "item-updated"})


@dataclass(frozen=True)
class Two:
    """Two servers on the same stores: people are logged in at `here`."""

    here: Stack
    there: Stack
    postgres: Postgres
    valkey: Valkey


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """Two servers that must survive failures of their stores."""
    with installation(StoreKind.POSTGRES, **STACK_ENV) as made:
        assert made.postgres is not None
        assert made.valkey is not None
        with running(made, made.prepare(), ServerKind.SERVE) as here, made.server() as other:
            yield Two(here, replace(here, server=other), made.postgres, made.valkey)


@pytest.fixture
def portal_view(two: Two) -> str:
    """The id of a new portal view with an ogre in it."""
    return two.here.new_portal_view(items=ITEMS)


@asynccontextmanager
async def both(two: Two, portal_view: str) -> AsyncIterator[tuple[PortalSocket, PortalSocket]]:
    """A controller here and a viewer there."""
    async with (
        two.here.join(portal_view, two.here.controller) as (controller, _),
        two.there.join(portal_view, two.here.viewer) as (viewer, _),
    ):
        yield controller, viewer


async def until_version(socket: PortalSocket, version: int) -> Message:
    """The message that brings a connection to that version, within the promised time."""
    async with asyncio.timeout(PROMISED_SECONDS):
        while True:
            message = await socket.receive(ignore=frozenset({"presence", "ack"}))
            assert message["type"] in UPDATES, message
            if message.get("version", 0) >= version:
                assert message["version"] == version
                return message


async def acknowledged(socket: PortalSocket, ref: str) -> int:
    """The version of the `ack` to that ref; messages about others' changes may come before it."""
    while (message := await socket.receive())["type"] in UPDATES:
        pass
    assert (message["type"], message["ref"]) == ("ack", ref), message
    version: int = message["version"]
    return version


async def update_item(socket: PortalSocket, **patch: object) -> int:
    """Store a patch of the ogre; returns the version that holds it."""
    ref = uuid4().hex
    await socket.send("item-update", ref=ref, payload={"itemId": "ogre", **patch})
    return await acknowledged(socket, ref)


def stored(stack: Stack, portal_view: str) -> dict[str, Any]:
    state: dict[str, Any] = stack.controller.get(f"/api/portal-views/{portal_view}")
    return state


def health(stack: Stack) -> tuple[int, str]:
    answer = httpx.get(f"{stack.server.http}/api/health", timeout=5, trust_env=False)
    return answer.status_code, answer.json()["status"]


# --- Unavailable stores ---------------------------------------------------------------------------------------


async def test_without_the_channel_layer_everything_is_stored_and_shown_later(two: Two, portal_view: str) -> None:
    process = two.here.server.process
    start = process.log_size
    async with both(two, portal_view) as (controller, viewer):
        two.valkey.process.kill()
        try:
            await update_item(controller, text="Awake")
            version = await update_item(controller, name="Ogre King")
            await until_version(viewer, version)
            patched = two.here.controller.patch(f"/api/portal-views/{portal_view}", {"name": "Night"})
            assert patched["version"] == version + 1
            await until_version(viewer, version + 1)
            assert health(two.here) == (200, "degraded")
            await update_item(controller, name="Ogre Emperor")
        finally:
            two.valkey.start()
        await until_version(viewer, version + 2)
        await until_news_flow(controller, viewer)
        process.wait_until(lambda: health(two.here) == (200, "ok"))
    assert process.log_since(start).count("channel_layer_away") == 1
    assert process.log_since(start).count("channel_layer_back") == 1


async def until_news_flow(controller: PortalSocket, viewer: PortalSocket) -> None:
    """Wait until an update comes through the channel layer, and not with the whole state."""
    for number in range(10):
        version = await update_item(controller, text=f"{number}")
        if (await until_version(viewer, version))["type"] == "item-updated":
            return
    raise AssertionError("no news came through the channel layer")


async def test_a_frozen_channel_layer_delays_no_write_and_no_newcomer(two: Two, portal_view: str) -> None:
    async with both(two, portal_view) as (controller, viewer):
        two.valkey.process.suspend()
        try:
            began = time.monotonic()
            version = await update_item(controller, name="Ogre King")
            await until_version(viewer, version)
            async with two.there.join(two.here.new_portal_view(), two.here.viewer) as (_, connected):
                assert connected["state"]["items"] == []
            assert time.monotonic() - began < PROMISED_SECONDS
        finally:
            two.valkey.process.resume()
        await until_version(viewer, await update_item(controller, name="Ogre"))


async def test_a_process_that_starts_with_a_frozen_channel_layer_lets_people_in(two: Two, portal_view: str) -> None:
    with two.here.installation.server() as fresh:
        late = replace(two.here, server=fresh)
        two.valkey.process.suspend()
        try:
            async with asyncio.timeout(PROMISED_SECONDS), late.join(portal_view, late.viewer) as (viewer, _):
                version = late.controller.patch(f"/api/portal-views/{portal_view}", {"name": "Night"})["version"]
                await until_version(viewer, version)
        finally:
            two.valkey.process.resume()


async def test_without_the_database_nothing_is_acknowledged_and_sockets_stay(two: Two, portal_view: str) -> None:
    before = stored(two.here, portal_view)["version"]
    message: dict[str, Any] = {"ref": "kept", "payload": {"itemId": "ogre", "name": "Ogre King"}}
    async with (
        two.here.join(portal_view, two.here.controller) as (controller, connected),
        two.there.join(portal_view, two.here.viewer) as (viewer, _),
    ):
        two.postgres.process.kill()
        try:
            await controller.send("item-update", **message)
            error = await controller.receive("error")
            assert (error["code"], error["ref"]) == ("unavailable", "kept")
            with pytest.raises(httpx.HTTPStatusError) as refused:
                two.here.controller.patch(f"/api/portal-views/{portal_view}", {"name": "Night"})
            assert (refused.value.response.status_code, health(two.here)) == (503, (200, "unavailable"))
            await controller.expect_nothing_before_pong()
            await viewer.expect_nothing_before_pong()
        finally:
            two.postgres.start()
        two.here.server.process.wait_until(lambda: health(two.here) == (200, "ok"))
        again = {**message, "retry": True, "connectionId": connected["connectionId"]}
        async with asyncio.timeout(2 * PROMISED_SECONDS):
            await controller.send("item-update", **again)
            while (answer := await controller.receive())["type"] == "error":
                assert answer["code"] == "unavailable"
                await controller.send("item-update", **again)
        assert (answer["type"], answer["version"]) == ("ack", before + 1)
        await until_version(viewer, before + 1)
    assert stored(two.here, portal_view)["version"] == before + 1


# --- Reconnects -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def coming_back(stack: Stack, portal_view: str, who: Client, version: int, epoch: str) -> AsyncIterator[Message]:
    """The `connected` of a client that names its version and epoch."""
    query = {"version": str(version), "epoch": epoch}
    path = portal_view_path(portal_view)
    async with open_socket(stack.server.ws, path, token=who.access, query=query) as socket:
        yield await socket.receive("connected")


async def test_a_reconnecting_client_gets_a_state_only_if_it_missed_something(two: Two, portal_view: str) -> None:
    viewer = two.here.viewer
    async with two.here.join(portal_view, viewer) as (_, connected):
        version, epoch = connected["version"], connected["epoch"]
    async with coming_back(two.there, portal_view, viewer, version, epoch) as back:
        assert (back["recovered"], back["version"], "state" in back) == (True, version, False)
    async with coming_back(two.there, portal_view, viewer, version, uuid4().hex) as back:
        assert (back["recovered"], "state" in back) == (False, True)
    two.here.controller.patch(f"/api/portal-views/{portal_view}", {"name": "Night"})
    async with coming_back(two.there, portal_view, viewer, version, epoch) as back:
        assert (back["recovered"], back["version"], back["state"]["name"]) == (False, version + 1, "Night")


async def test_a_message_that_is_sent_again_is_stored_once(two: Two, portal_view: str) -> None:
    message: dict[str, Any] = {"ref": 7, "payload": {"itemId": "ogre", "hp": 3}}
    async with two.here.join(portal_view, two.here.controller) as (controller, connected):
        await controller.send("item-update", **message)
        version = (await controller.receive("ack"))["version"]
    again = {**message, "retry": True, "connectionId": connected["connectionId"]}
    lost = {**again, "ref": 8}
    async with two.there.join(portal_view, two.here.controller) as (controller, _):
        for sent, expected, is_new in (
            *((again, version, False), (lost, version + 1, True)),
            *((lost, version + 1, False), (again, version, False)),
        ):
            await controller.send("item-update", **sent)
            ack = await controller.receive("ack")
            assert (ack["ref"], ack["version"]) == (sent["ref"], expected)
            if is_new:
                assert (await controller.receive("item-updated"))["version"] == expected
            await controller.expect_nothing_before_pong()
    assert stored(two.here, portal_view)["version"] == version + 1


async def test_a_burst_is_merged_and_each_message_acknowledged_with_its_version(two: Two, portal_view: str) -> None:
    async with (
        two.here.join(portal_view, two.here.controller) as (controller, _),
        two.there.join(portal_view, two.here.editor) as (editor, _),
    ):
        for number in range(BURST):
            await controller.send("item-update", ref=number, payload={"itemId": "ogre", f"k{number}": number})
        acks = [await controller.receive("ack") for _ in range(BURST)]
        told = {ack["ref"]: ack["version"] for ack in acks}
        seen: dict[int, int] = {}
        while len(seen) < BURST:
            message = await editor.receive("item-updated")
            seen |= {value: message["version"] for key, value in message["payload"].items() if key[0] == "k"}
    assert told == seen
    assert len(set(told.values())) < BURST / 4


# --- Deletion, restored data, and lost news -------------------------------------------------------------------


async def test_deleted_portal_views_and_libraries_end_their_sockets_everywhere(two: Two) -> None:
    library = two.here.controller.post("/api/libraries", {"name": "To be deleted"})["id"]
    path = f"/api/libraries/{library}/portal-views"
    views = [two.here.controller.post(path, {"name": name})["id"] for name in ("One", "Two")]
    async with (
        two.there.join(views[0], two.here.controller) as (first, _),
        two.there.join(views[1], two.here.controller) as (second, _),
    ):
        two.here.controller.delete(f"/api/portal-views/{views[0]}")
        assert (await first.receive("portal-view-deleted"))["portalViewId"] == views[0]
        assert await first.closed() == Closed(1000, "portal-view-deleted")
        await second.expect_nothing_before_pong()
        two.here.controller.delete(f"/api/libraries/{library}")
        assert (await second.receive("portal-view-deleted"))["portalViewId"] == views[1]
        assert await second.closed() == Closed(1000, "portal-view-deleted")


async def test_after_a_restored_backup_all_clients_start_anew(two: Two, portal_view: str) -> None:
    older = stored(two.here, portal_view)
    async with both(two, portal_view) as (controller, viewer):
        version = await update_item(controller, name="Ogre King")
        await until_version(viewer, version)
        epoch = (await epoch_of(two.here, portal_view))["epoch"]
        columns = {"version": older["version"], "items": older["items"]}
        two.here.installation.shell(
            f"import json; from libraries.models import PortalView;"
            f" PortalView.objects.filter(id={portal_view!r}).update(**json.loads({json.dumps(columns)!r}))"
        )
        two.here.installation.manage("new_epoch")
        for socket in (controller, viewer):
            await begins_anew(socket)
    async with coming_back(two.there, portal_view, two.here.viewer, version, epoch) as back:
        assert (back["recovered"], back["version"], back["state"]["items"]) == (False, older["version"], ITEMS)


async def epoch_of(stack: Stack, portal_view: str) -> Message:
    async with stack.join(portal_view, stack.viewer) as (_, connected):
        return connected


async def begins_anew(socket: PortalSocket) -> None:
    async with asyncio.timeout(PROMISED_SECONDS):
        assert 0 <= (await socket.receive("going-away"))["retryAfter"] <= 2000
        assert await socket.closed() == Closed(1012, "going-away")


async def test_after_a_restored_copy_of_the_file_all_clients_start_anew(tmp_path: Path) -> None:
    with (
        installation(StoreKind.SQLITE, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE) as stack,
        closing(sqlite3.connect(made.folder / "db.sqlite3")) as live,
        closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy,
    ):
        portal_view = stack.new_portal_view(items=ITEMS)
        live.backup(copy)
        async with stack.join_all(portal_view, stack.controller, stack.viewer) as (controller, viewer):
            version = await update_item(controller, name="Ogre King")
            await until_version(viewer, version)
            epoch = (await epoch_of(stack, portal_view))["epoch"]
            copy.backup(live)
            made.manage("new_epoch")
            for socket in (controller, viewer):
                await begins_anew(socket)
        async with coming_back(stack, portal_view, stack.viewer, version, epoch) as back:
            assert (back["recovered"], back["state"]["items"], back["epoch"] != epoch) == (False, ITEMS, True)


async def test_a_change_of_access_with_lost_news_is_found(two: Two) -> None:
    owner, viewer = two.here.controller, two.here.viewer
    library = owner.post("/api/libraries", {"name": "Ours"})["id"]
    join_library(owner, viewer, library, "VIEWER")
    view = owner.post(f"/api/libraries/{library}/portal-views", {"name": "Evening"})["id"]
    quietly = (
        "from django.db.models import F; from libraries.models import Library, Membership;"
        f" Library.objects.filter(id={library!r}).update(access_version=F('access_version') + 1);"
        f" members = Membership.objects.filter(library={library!r}, user__email={viewer.person.email!r});"
    )
    async with two.there.join(view, viewer) as (socket, _):
        two.here.installation.shell(f"{quietly} members.update(role='EDITOR')")
        async with asyncio.timeout(PROMISED_SECONDS):
            assert (await socket.receive("role-changed"))["role"] == "controller"
        two.here.installation.shell(f"{quietly} members.delete()")
        async with asyncio.timeout(PROMISED_SECONDS):
            error, end = await socket.refused()
        assert (error["code"], end) == ("access-withdrawn", Closed(1008, "access-withdrawn"))


async def test_a_process_counts_its_objects_on_demand(two: Two, portal_view: str) -> None:
    process = two.here.server.process
    start = process.log_size
    async with two.here.join_all(portal_view, two.here.controller, two.here.viewer):
        os.kill(process.pid, signal.SIGUSR1)
        process.wait_until(lambda: "census" in process.log_since(start))
    (census,) = [line for line in process.log_since(start).splitlines() if "census" in line]
    assert "connections=2" in census
    assert "rooms=1" in census


# --- Gestures ----------------------------------------------------------------------------------------------


async def test_gestures_reach_other_processes_and_viewers_only_what_they_see(two: Two) -> None:
    items = [*ITEMS, {"id": "spy", "visible": False}]
    portal_view = two.here.new_portal_view(items=items)
    async with (
        both(two, portal_view) as (sender, viewer),
        two.there.join(portal_view, two.here.editor) as (other, _),
    ):
        for item_id in ("spy", "ogre"):
            await sender.send("pointer", itemId=item_id, x=0, y=1)
            assert (await other.receive("pointer"))["itemId"] == item_id
        assert (await viewer.receive("pointer"))["itemId"] == "ogre"
        await sender.send("activity", state="editing", target="spy")
        assert (await other.receive("activity"))["target"] == "spy"
        async with asyncio.timeout(2 * PROMISED_SECONDS):
            assert (await other.receive("activity"))["state"] == "idle"  # by itself, in the other process
        await viewer.expect_nothing_before_pong()
