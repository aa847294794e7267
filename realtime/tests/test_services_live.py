"""The writes of services, and their changes of access, as open sockets see them."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from libraries.models import Library, Membership, PortalView, User
from libraries.rules.changes import check_item_patch
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.services.changes import Message, change_portal_view
from libraries.services.members import change_role, remove_member
from libraries.services.people import set_user_active
from libraries.services.portal_views import delete_portal_view, update_portal_view
from realtime.hub import beat
from realtime.hub.hub import current_hub
from realtime.tests.clients import Client, Connect

pytestmark = pytest.mark.django_db(transaction=True)

OGRE = {"id": "ogre", "type": "stat-block", "name": "Ogre"}
HEALTH = {"display": "numbers", "current": 30, "max": 60, "temp": None}


async def do(service: Any, **more: Any) -> None:
    """Call a service in a thread as the site itself, as the admin does."""
    await sync_to_async(service)(actor_id=None, **more)


async def hurt_the_ogre(portal_view: PortalView) -> None:
    message = Message([check_item_patch("ogre", {"hp": 15})])
    await do(change_portal_view, portal_view_id=portal_view.id, messages=[message])


async def test_a_write_from_anywhere_reaches_every_socket(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    clients = [await connect(user, portal_view) for user in (editor, viewer)]
    await do(update_portal_view, portal_view_id=portal_view.id, patch=check_patch({"showHealth": True}))
    await hurt_the_ogre(portal_view)
    told, seen = [[await client.receive() for _ in range(2)] for client in clients]
    assert told[0]["payload"] == {"showHealth": True}
    assert seen[0]["payload"]["showHealth"] is True
    assert seen[0]["payload"]["items"][1] == {**OGRE, "health": HEALTH}
    assert seen[1]["payload"] == {"itemId": "ogre", "health": {**HEALTH, "current": 15}}
    assert told[1]["payload"] == {"itemId": "ogre", "hp": 15}
    assert [one["version"] for one in told] == [one["version"] for one in seen] == [2, 3]


async def test_a_flag_switched_off_hides_its_keys_from_the_next_frame_on(
    connect: Connect, portal_view: PortalView, viewer: User
) -> None:
    await do(update_portal_view, portal_view_id=portal_view.id, patch=check_patch({"showHealth": True}))
    client = await connect(viewer, portal_view)
    assert client.connected["state"]["items"][1]["health"] == HEALTH
    await do(update_portal_view, portal_view_id=portal_view.id, patch=check_patch({"showHealth": False}))
    await hurt_the_ogre(portal_view)
    assert (await client.receive())["payload"]["items"][1] == OGRE
    await client.expect_nothing_before_pong()


async def shown(client: Client) -> tuple[str, dict[str, Any]]:
    """The new role, and the ogre as it is shown now."""
    changed = await client.receive("role-changed")
    return changed["role"], changed["state"]["items"][1]


async def test_a_new_role_in_the_library_applies_at_once(
    connect: Connect, portal_view: PortalView, library: Library, editor: User, viewer: User
) -> None:
    demoted, promoted = await connect(editor, portal_view), await connect(viewer, portal_view)
    await do(change_role, library_id=library.id, user_id=editor.id, role=Role.VIEWER)
    assert await shown(demoted) == ("viewer", OGRE)
    assert (await demoted.ask("portal-view-update", payload={"name": "x"}))["code"] == "forbidden"
    await do(change_role, library_id=library.id, user_id=viewer.id, role=Role.EDITOR)
    role, ogre = await shown(promoted)
    assert (role, ogre["hp"]) == ("controller", 30)
    assert (await promoted.ask("portal-view-update", payload={"name": "x"}))["version"] == 2


async def test_a_role_changed_during_a_handshake_is_applied(
    connect: Connect, portal_view: PortalView, library: Library, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beat, "TICK_SECONDS", 0.01)
    client = await connect(editor, portal_view)
    # As if its news had come between the handshake and the room.
    await Membership.objects.filter(library=library, user=editor).aupdate(role=Role.VIEWER.value)
    await Library.objects.filter(id=library.id).aupdate(access_version=2)
    assert await shown(client) == ("viewer", OGRE)


async def test_a_removed_member_is_disconnected(
    connect: Connect, portal_view: PortalView, library: Library, editor: User, viewer: User
) -> None:
    first, second = await connect(editor, portal_view), await connect(viewer, portal_view)
    await do(remove_member, library_id=library.id, user_id=editor.id)
    error, closed = await first.refused()
    assert (error["code"], closed) == ("access-withdrawn", (1008, "access-withdrawn"))
    await sync_to_async(set_user_active)(user_id=viewer.id, is_active=False)
    assert (await second.refused())[1] == (1008, "user-unavailable")


async def test_a_deleted_portal_view_closes_its_connections(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    clients = [await connect(user, portal_view) for user in (editor, viewer)]
    await do(delete_portal_view, portal_view_id=portal_view.id)
    for client in clients:
        assert (await client.receive("portal-view-deleted"))["portalViewId"] == str(portal_view.id)
        assert await client.closed() == (1000, "portal-view-deleted")
    assert current_hub().keepers == {}
