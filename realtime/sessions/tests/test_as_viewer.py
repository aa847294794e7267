"""Sockets with `as=viewer`, and what viewers' sockets never tell. Through sockets, with the database."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from libraries.models import Library, PortalView, User
from libraries.rules.roles import Role
from libraries.services.libraries import update_library
from libraries.services.members import change_role, remove_member
from realtime.tests.clients import Client, Connect, token_of

pytestmark = pytest.mark.django_db(transaction=True)

AS_VIEWER = {"as": "viewer"}
WARNING = "public.correctAnswer looks like an answer and is shown."


async def do(service: Any, **more: Any) -> None:
    """Call a service in a thread, as the site itself."""
    await sync_to_async(service)(actor_id=None, **more)


def what_it_sees(client: Client) -> dict[str, Any]:
    """The parts of `connected` that depend on the role alone."""
    return {key: client.connected.get(key) for key in ("role", "version", "epoch", "recovered", "state")}


# --- as=viewer ---------------------------------------------------------------------------------------------


async def test_a_controller_sees_what_viewers_see(
    connect: Connect, portal_view: PortalView, editor: User, viewer: User
) -> None:
    sender, preview = await connect(editor, portal_view), await connect(editor, portal_view, query=AS_VIEWER)
    other = await connect(viewer, portal_view)
    assert what_it_sees(preview) == what_it_sees(other)
    await sender.ask("item-update", payload={"itemId": "ogre", "hp": 1, "text": "Grr"})
    await sender.ask("item-update", payload={"itemId": "spy", "text": "psst"})
    await sender.ask("portal-view-update", payload={"zoom": 2, "effect": {"kind": "fog"}})
    for client in (preview, other):
        assert (await client.receive("item-updated"))["payload"] == {"itemId": "ogre", "text": "Grr"}
        assert (await client.receive("portal-view-updated"))["payload"] == {"zoom": 2}
        await client.expect_nothing_before_pong()


async def test_a_controller_who_looks_sends_next_to_nothing(
    connect: Connect, portal_view: PortalView, editor: User
) -> None:
    preview = await connect(editor, portal_view, query=AS_VIEWER)
    for kind, body in (("portal-view-update", {"payload": {"name": "Night"}}), ("request-sync", {})):
        error = await preview.ask(kind, **body)
        assert (error["type"], error["code"]) == ("error", "forbidden")
        assert error["message"] == f"A connection with as=viewer may not send {kind}; only auth and ping."
    assert (await preview.ask("auth", token=token_of(editor)))["type"] == "ack"
    await preview.expect_nothing_before_pong()


async def test_a_viewer_who_says_so_is_a_viewer(connect: Connect, portal_view: PortalView, viewer: User) -> None:
    one = await connect(viewer, portal_view, query=AS_VIEWER)
    await one.send("request-sync")
    assert (await one.receive("sync-response"))["payload"] == one.connected["state"]


async def test_it_keeps_its_role_until_access_is_lost(
    connect: Connect, portal_view: PortalView, library: Library, editor: User
) -> None:
    preview, other = await connect(editor, portal_view, query=AS_VIEWER), await connect(editor, portal_view)
    for role in (Role.VIEWER, Role.OWNER):
        await do(change_role, library_id=library.id, user_id=editor.id, role=role)
        await other.receive("role-changed")
    await preview.expect_nothing_before_pong()
    await do(remove_member, library_id=library.id, user_id=editor.id)
    error, closed = await preview.refused()
    assert (error["code"], closed) == ("access-withdrawn", (1008, "access-withdrawn"))


async def test_it_comes_back_as_a_viewer(connect: Connect, portal_view: PortalView, editor: User) -> None:
    sender, preview = await connect(editor, portal_view), await connect(editor, portal_view, query=AS_VIEWER)
    known = {"version": str(preview.connected["version"]), "epoch": preview.connected["epoch"]}
    await preview.leave()
    await sender.ask("item-update", payload={"itemId": "spy", "text": "psst"})
    back = await connect(editor, portal_view, query={**AS_VIEWER, **known})
    assert (back.connected["recovered"], back.connected["role"]) == (True, "viewer")
    as_editor = await connect(editor, portal_view, query=known)
    assert (as_editor.connected["recovered"], as_editor.connected["role"]) == (False, "controller")


# --- What viewers are not told -----------------------------------------------------------------------------


async def test_hidden_work_moves_nothing_for_viewers(
    connect: Connect, portal_view: PortalView, library: Library, editor: User, viewer: User
) -> None:
    sender, one = await connect(editor, portal_view), await connect(viewer, portal_view)
    before = what_it_sees(one)
    for number in range(5):
        await sender.ask("item-update", payload={"itemId": "ogre", "hp": number})
        await sender.ask("item-update", payload={"itemId": "ghost", "name": "Ghost"})
    last = await sender.ask("portal-view-update", payload={"showHealth": False})
    assert last["version"] == 7
    assert (await one.ask("auth", token=token_of(viewer)))["version"] == 1
    await one.send("request-sync", ref="r")
    assert (await one.receive("ack"))["version"] == 1
    asked = await sender.receive("sync-requested")
    await sender.ask("sync-response", payload={"name": "Evening", "version": 7}, to=asked["connectionId"])
    answer = await one.receive("sync-response")
    assert (answer["version"], answer["payload"]) == (1, {"name": "Evening"})
    late = await connect(viewer, portal_view)
    assert what_it_sees(late) == before
    await do(change_role, library_id=library.id, user_id=editor.id, role=Role.VIEWER)
    changed = await sender.receive("role-changed")
    assert (changed["version"], changed["state"]) == (1, before["state"])


async def test_other_rules_of_the_library_show_at_once(
    connect: Connect, portal_view: PortalView, library: Library, editor: User, viewer: User
) -> None:
    sender, one = await connect(editor, portal_view), await connect(viewer, portal_view)
    await sender.ask("item-update", payload={"itemId": "ogre", "lore": "old"})
    await do(update_library, library_id=library.id, disclosure={"always": ["lore"]})
    told, seen = await sender.receive("portal-view-updated"), await one.receive("portal-view-updated")
    assert (told["version"], seen["version"]) == (3, 2)
    assert seen["payload"]["items"][1]["lore"] == "old"


async def test_an_ack_warns_of_what_looks_secret_and_is_shown(
    connect: Connect, portal_view: PortalView, editor: User
) -> None:
    sender, payload = await connect(editor, portal_view), {"public": {"correctAnswer": 3}}
    stored = await sender.ask("item-update", itemId="ogre", payload=payload)
    relayed = await sender.ask("portal-view-update", payload=payload)
    assert stored["warnings"] == relayed["warnings"] == [WARNING]
    assert "warnings" not in await sender.ask("item-update", itemId="ogre", payload={"hp": 3})
