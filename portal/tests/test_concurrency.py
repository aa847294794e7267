"""Many writers at once, by every interface: each change counts once, and every viewer ends with the stored state."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any
from uuid import uuid4

from testing.admin import AdminClient, FormRefused
from testing.installation import Person
from testing.people import Client
from testing.sockets import Message, PortalSocket
from testing.stacks import Stack

# The kinds of writers: two sockets, two REST clients, and two people at the admin, one at a form and one at the list.
BY_SOCKET = 20
BY_REST = 15
BY_FORM = 6
BY_ACTION = 24
UPDATES = 2 * BY_SOCKET + 2 * BY_REST + BY_FORM + BY_ACTION
ITEMS = [{"id": "goblin", "name": "Goblin"}, {"id": "orc", "name": "Orc"}]
# A patch does not contain these; the rest of the folded state must equal the stored one.
NOT_FOLDED = {"version", "updatedAt"}


async def test_a_hundred_concurrent_updates_are_all_counted_and_seen(stack: Stack) -> None:
    portal_view = stack.new_portal_view(items=ITEMS, showAC=False)
    start = stack.controller.get(f"/api/portal-views/{portal_view}")["version"]
    async with (
        stack.join_all(portal_view, stack.controller, stack.editor) as controllers,
        stack.join(portal_view, stack.viewer) as one,
        stack.join(portal_view, stack.viewer) as two,
        stack.join(portal_view, stack.viewer) as three,
        asyncio.TaskGroup() as group,
    ):
        watchers = [group.create_task(watch(*viewer, start + UPDATES)) for viewer in (one, two, three)]
        writers = [group.create_task(write_by_socket(socket)) for socket in controllers]
        for person in (stack.controller.person, stack.editor.person):
            writers.append(group.create_task(asyncio.to_thread(write_by_rest, stack, portal_view, person)))
        for write in (write_by_admin_form, write_by_admin_action):
            group.create_task(asyncio.to_thread(write, stack, portal_view, stack.cast.admin))
    answered = [version for writer in writers for version in writer.result()]
    assert len(answered) == len(set(answered)) == 2 * BY_SOCKET + 2 * BY_REST
    assert set(answered) <= set(range(start + 1, start + UPDATES + 1))
    stored = stack.viewer.get(f"/api/portal-views/{portal_view}")
    assert stored["version"] == start + UPDATES
    for watcher in watchers:
        seen, versions = watcher.result()
        assert all(earlier < later for earlier, later in pairwise(versions)), versions
        assert {**seen, **{key: stored[key] for key in NOT_FOLDED}} == {key: stored[key] for key in seen}


async def watch(socket: PortalSocket, connected: Message, last: int) -> tuple[dict[str, Any], list[int]]:
    """A viewer's state at version `last`, and all versions that it was told."""
    state: dict[str, Any] = connected["state"]
    versions: list[int] = [connected["version"]]
    while versions[-1] != last:
        message = await socket.receive()
        versions.append(message["version"])
        if message["type"] == "item-updated":
            patch = {key: value for key, value in message["payload"].items() if key != "itemId"}
            state["items"] = [
                {**item, **patch} if item["id"] == message["payload"]["itemId"] else item for item in state["items"]
            ]
        else:
            assert message["type"] == "portal-view-updated"
            state |= message["payload"]
    return state, versions


async def write_by_socket(socket: PortalSocket) -> list[int]:
    """Update the portal view and its items in turn, each after the previous ack; returns the versions of the acks."""
    versions = []
    for ref in range(BY_SOCKET):
        if ref % 2:
            await socket.send("portal-view-update", ref=ref, payload={"name": uuid4().hex})
        else:
            await socket.send("item-update", ref=ref, payload={"itemId": "orc", "text": uuid4().hex})
        while (message := await socket.receive())["type"] != "ack":
            assert message["type"] in {"portal-view-updated", "item-updated"}, message
        assert message["ref"] == ref
        versions.append(message["version"])
    return versions


def write_by_rest(stack: Stack, portal_view: str, person: Person) -> list[int]:
    """Update the portal view's name over REST; returns the versions of the answers."""
    with Client(stack.server.http, person) as client:
        path = f"/api/portal-views/{portal_view}"
        return [client.patch(path, {"name": uuid4().hex})["version"] for _ in range(BY_REST)]


def write_by_admin_form(stack: Stack, portal_view: str, person: Person) -> None:
    """Update the portal view's name in the admin; like a person, open the form again after a conflict."""
    with AdminClient(stack.server.http, person) as admin:
        for _ in range(BY_FORM):
            while not submit_form(admin, portal_view):
                pass


def submit_form(admin: AdminClient, portal_view: str) -> bool:
    """Whether the form was saved; once the other writers end, it is."""
    try:
        admin.submit(f"/admin/libraries/portalview/{portal_view}/change/", name=uuid4().hex)
    except FormRefused as refusal:
        assert "Somebody has changed this portal view" in str(refusal)  # noqa: PT017 - no other refusal may pass
        return False
    return True


def write_by_admin_action(stack: Stack, portal_view: str, person: Person) -> None:
    """Switch a flag on and off from the admin's list; no other writer touches it, so each time is a change."""
    with AdminClient(stack.server.http, person) as admin:
        for number in range(BY_ACTION):
            action = "show_ac_off" if number % 2 else "show_ac_on"
            admin.post("/admin/libraries/portalview/", {"action": action, "_selected_action": portal_view})
