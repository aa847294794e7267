"""What the sender of an update is told beside the version, and that merged patches are applied one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import PortalView, User
from libraries.receipts import find_receipt
from libraries.rules.changes import Change, TurnStep, ViewPatch, check_addition, check_changes, check_item_patch
from libraries.rules.roles import PortalRole
from libraries.rules.state import check_patch
from libraries.rules.subjects import Subject
from libraries.services.changes import Message
from realtime.rooms.connection import Ref
from realtime.sessions import jobs
from realtime.sessions.jobs import Asked, Update
from realtime.tests.clients import Listener
from realtime.tests.doubles import Person, controller

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = [{"itemId": "spy", "initiative": 12}, {"itemId": "ogre"}]


@pytest.fixture
def person(editor: User, portal_view: PortalView) -> Person:
    """The editor's connection to the portal view."""
    person = controller(subject=Subject(editor.id))
    person.connection.portal_view_id = portal_view.id
    return person


def view(**payload: Any) -> Change:
    return ViewPatch(check_patch(payload))


async def do(person: Person, *changes: Change, batch: bool = False, ref: Ref = "r", **more: Any) -> dict[str, Any]:
    """Store changes as one message, and return its answer."""
    asked = Asked(Message(changes, batch), ref, **{"connection_id": person.id, "size": 1, **more})
    await Update(person.connection, [asked]).run()
    [answer] = person.outlet.take()
    assert answer["ref"] == ref
    return answer


async def merged(person: Person, *changes: Change) -> list[dict[str, Any]]:
    """Store changes as messages that waited together, with the refs 0, 1 and so on, and return their answers."""
    await Update(person.connection, [Asked(Message([one]), ref, person.id, 1) for ref, one in enumerate(changes)]).run()
    return person.outlet.take()


async def items_of(portal_view: PortalView) -> dict[str, Any]:
    await portal_view.arefresh_from_db()
    return {item["id"]: item for item in portal_view.items}


# --- Merged patches ----------------------------------------------------------------------------------------


async def test_patches_of_an_item_are_applied_one_after_the_other(person: Person, portal_view: PortalView) -> None:
    patches = [{"hp": None, "text": "x"}, {"hp": 7, "text": None}, {"ac": None}]
    async with Listener(portal_view.id) as listener:
        answers = await merged(person, *(check_item_patch("ogre", patch) for patch in patches))
        news = await listener.hear()
    assert [(one["ref"], one["version"], one.get("payload")) for one in answers] == [(ref, 2, None) for ref in range(3)]
    ogre = (await items_of(portal_view))["ogre"]
    assert ogre["hp"] == 7
    assert not {"text", "ac"} & ogre.keys()
    assert news["controllers"]["payload"] == {"itemId": "ogre", "hp": 7, "text": None, "ac": None}
    assert "viewers" not in news


async def test_a_merged_patch_finds_what_the_one_before_it_has_stored(person: Person, portal_view: PortalView) -> None:
    items = [{"id": "a"}, {"id": "b"}]
    async with Listener(portal_view.id) as listener:
        answers = await merged(person, view(items=items), view(currentItem=1), view(currentItemId="a"))
        news = await listener.hear()
    assert [one.get("payload") for one in answers] == [None, {"currentItemId": "b"}, {"currentItem": 0}]
    payload = {"currentItem": 0, "currentItemId": "a", "items": items}
    assert news["controllers"] == {"type": "portal-view-updated", "payload": payload, "version": 2}


async def test_each_merged_message_has_its_own_warnings_and_corrections(person: Person) -> None:
    patches = [{"public": {"answer": 1}}, {"hidden": True}, {"hp": 1}]
    answers = await merged(person, *(check_item_patch("ogre", patch) for patch in patches))
    assert [len(one.get("warnings", ())) for one in answers] == [1, 0, 0]
    corrected = {"itemId": "ogre", "hidden": None, "visible": False}
    correction = {"type": "item-updated", "payload": corrected, "index": 1}
    assert [one.get("payload") for one in answers] == [None, {"changes": [correction]}, None]


# --- Answers -----------------------------------------------------------------------------------------------


async def test_an_ack_has_the_id_of_an_added_item_also_if_it_is_sent_again(
    person: Person, portal_view: PortalView
) -> None:
    added = await do(person, check_addition({"name": "Imp", "slug": "imp"}))
    assert added == {"type": "ack", "ref": "r", "version": 2, "itemId": added["itemId"]}
    again = await do(person, check_addition({"name": "Imp", "slug": "imp"}), is_retry=True)
    assert again == added
    assert list(await items_of(portal_view)) == ["map", "ogre", "spy", added["itemId"]]


async def test_an_ack_of_a_batch_has_the_ids_of_all_added_items(person: Person, portal_view: PortalView) -> None:
    changes = check_changes(
        [
            {"type": "item-add", "payload": {"id": 7}},
            {"type": "item-update", "itemId": "7", "payload": {"hp": 1}},
            {"type": "item-add", "payload": {"id": "imp"}, "index": 0},
        ]
    )
    assert (await do(person, *changes, batch=True))["itemIds"] == ["7", "imp"]
    again = await do(person, *changes, batch=True, is_retry=True)
    assert again == {"type": "ack", "ref": "r", "version": 2, "itemIds": ["7", "imp"]}
    removed = await do(person, *check_changes([{"type": "item-remove", "itemId": "imp"}]), batch=True, ref="s")
    assert removed == {"type": "ack", "ref": "s", "version": 3}
    assert list(await items_of(portal_view)) == ["map", "ogre", "spy", "7"]


async def test_an_ack_says_whom_the_turn_revealed(person: Person, portal_view: PortalView) -> None:
    await do(person, view(encounter={"round": 1, "turn": "ogre", "order": ORDER}))
    await do(person, check_item_patch("spy", {"revealOnTurn": True}))
    ack = await do(person, TurnStep(1))
    revealed = {"itemId": "spy", "visible": True, "revealOnTurn": None}
    assert ack["payload"]["encounter"] == {"round": 2, "turn": "spy", "order": ORDER}
    assert ack["payload"]["changes"] == [{"type": "item-updated", "payload": revealed, "index": 2}]
    spy = (await items_of(portal_view))["spy"]
    assert (spy["visible"], "revealOnTurn" in spy) == (True, False)


async def test_a_step_back_before_the_first_turn_stores_nothing(person: Person, portal_view: PortalView) -> None:
    assert (await do(person, view(encounter={"round": 1, "turn": "spy", "order": ORDER})))["version"] == 2
    person.connection.version = 2  # the newest that the client has, whatever is stored
    async with Listener(portal_view.id) as listener:
        assert await do(person, TurnStep(-1)) == {"type": "ack", "ref": "r", "version": 2}
        await do(person, TurnStep(1))
        assert (await listener.hear())["version"] == 3


async def test_an_ack_tells_a_person_who_is_a_viewer_now_no_more_than_the_ref(person: Person) -> None:
    person.connection.role = PortalRole.VIEWER
    person.connection.viewers_version = 4
    assert await do(person, check_addition({"name": "Imp"})) == {"type": "ack", "ref": "r", "version": 4}


async def test_a_refused_batch_changes_nothing_and_names_the_places(person: Person, portal_view: PortalView) -> None:
    changes = check_changes(
        [{"type": "portal-view-update", "payload": {"name": "x"}}, {"type": "item-move", "itemId": "ogre", "index": 9}]
    )
    error = await do(person, *changes, batch=True)
    assert (error["code"], error["details"].keys()) == ("invalid-payload", {"changes[1].index"})
    await portal_view.arefresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Evening", 1)


@pytest.mark.parametrize("kind", ["item-remove", "item-move"])
@pytest.mark.parametrize("is_batch", [False, True])
async def test_only_a_patch_of_an_unknown_item_is_relayed(
    person: Person, portal_view: PortalView, kind: str, is_batch: bool
) -> None:
    changes = check_changes([{"type": kind, "itemId": "ghost", "index": 0}])
    async with Listener(portal_view.id) as listener:
        error = await do(person, *changes, batch=is_batch)
        key = "changes[0].itemId" if is_batch else "itemId"
        assert (error["code"], error["details"]) == ("invalid-payload", {key: "There is no item “ghost”."})
        batch = check_changes([{"type": "item-update", "itemId": "ghost", "payload": {"hp": 1}}])
        refused = await do(person, *batch, batch=True)
        assert refused["details"] == {"changes[0].itemId": "There is no item “ghost”."}
        await do(person, check_item_patch("ghost", {"hp": 1}))
        assert (await listener.hear())["controllers"]["payload"] == {"itemId": "ghost", "hp": 1}


# --- Retries, and messages that store nothing ----------------------------------------------------------------------


@pytest.mark.parametrize("is_retry", [False, True])
async def test_a_retry_that_is_stored_now_comes_back_as_a_message(
    person: Person, portal_view: PortalView, is_retry: bool
) -> None:
    before = "c0" if is_retry else person.id
    async with Listener(portal_view.id) as listener:
        answer = await do(person, view(name="Night"), connection_id=before, is_retry=is_retry)
        news = await listener.hear()
    assert (answer["version"], news.get("sender")) == (2, None if is_retry else person.id)


async def test_a_retry_of_what_was_stored_just_now_is_no_error(
    person: Person, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await do(person, check_addition({"id": "elf"}), connection_id="c0")
    looks = iter([lambda **asked: None, find_receipt])  # the first look comes too early
    monkeypatch.setattr(jobs, "find_receipt", lambda **asked: next(looks)(**asked))
    answer = await do(person, check_addition({"id": "elf"}), connection_id="c0", is_retry=True)
    assert answer == stored
