"""The writes, commands and answers of a controller's jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from msgspec import UNSET

from libraries.models import PortalView, Receipt, User
from libraries.rules.changes import Change, ViewPatch, check_item_patch
from libraries.rules.errors import AlreadyApplied, InvalidPayload, Unavailable
from libraries.rules.state import check_patch
from libraries.rules.subjects import Grant, Subject
from libraries.services.changes import Message
from realtime.rooms.connection import Ref
from realtime.sessions import jobs
from realtime.sessions.jobs import Asked, Relay, Update, relay_patch, relay_sync
from realtime.tests.clients import Listener
from realtime.tests.doubles import Person, as_lane, controller

pytestmark = pytest.mark.django_db(transaction=True)

Payload = dict[str, Any]


@pytest.fixture
def person(editor: User, portal_view: PortalView) -> Person:
    """The editor's connection to the portal view."""
    person = controller(subject=Subject(editor.id))
    person.connection.portal_view_id = portal_view.id
    return person


def update(person: Person, *payloads: Payload, item_id: str | None = None, **more: Any) -> Update:
    """An update of messages with the refs 0, 1 and so on."""
    changes = [_view(payload) if item_id is None else check_item_patch(item_id, payload) for payload in payloads]
    return Update(person.connection, [asked(person, one, ref=ref, **more) for ref, one in enumerate(changes)])


def alone(person: Person, *changes: Change, is_batch: bool = False, **more: Any) -> Update:
    """An update of one message."""
    return Update(person.connection, [asked(person, *changes, is_batch=is_batch, **more)])


def asked(person: Person, *changes: Change, is_batch: bool = False, ref: Ref = 0, **more: Any) -> Asked:
    """A message of the person."""
    return Asked(Message(changes, is_batch), ref, **{"connection_id": person.id, "size": 1, **more})


def _view(payload: Payload) -> Change:
    return ViewPatch(check_patch(payload))


async def reread(portal_view: PortalView) -> PortalView:
    """The portal view as stored."""
    await portal_view.arefresh_from_db()
    return portal_view


def answers(person: Person) -> list[tuple[str, Ref, Any]]:
    """Type, ref, and version or code of each answer."""
    return [(one["type"], one["ref"], one.get("version", one.get("code"))) for one in person.outlet.take()]


class Script:
    """A database that gives the answers of a script, or raises them."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.asked: list[str] = []

    async def __call__(self, function: Callable[..., object], *args: object, **more: object) -> object:
        self.asked.append(getattr(function, "func", function).__name__)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def script(monkeypatch: pytest.MonkeyPatch, database: Script) -> None:
    """Make jobs use this database."""
    for name in ("in_lane", "in_write_lane"):
        monkeypatch.setattr(jobs, name, as_lane(database))


# --- Updates -----------------------------------------------------------------------------------------------


async def test_merged_messages_are_one_write_with_an_answer_each(person: Person, portal_view: PortalView) -> None:
    async with Listener(portal_view.id) as listener:
        await update(person, {"name": "a"}, {"blackout": True}, {"name": "b"}).run()
        news = await listener.hear()
    assert answers(person) == [("ack", 0, 2), ("ack", 1, 2), ("ack", 2, 2)]
    stored = await reread(portal_view)
    assert (stored.name, stored.blackout, stored.version) == ("b", True, 2)
    assert (news["version"], news["sender"]) == (2, person.id)
    assert news["controllers"]["payload"] == {"name": "b", "blackout": True}


async def test_a_message_without_a_ref_has_no_answer(person: Person, portal_view: PortalView) -> None:
    await alone(person, _view({"name": "a"}), ref=UNSET).run()
    assert person.outlet.take() == []
    assert (await reread(portal_view)).name == "a"


async def test_a_refused_merged_write_is_repeated_one_by_one(person: Person, portal_view: PortalView) -> None:
    await update(person, {"name": "a"}, {"currentItem": 99}, {"blackout": True}).run()
    assert answers(person) == [("ack", 0, 2), ("error", 1, "invalid-payload"), ("ack", 2, 3)]
    stored = await reread(portal_view)
    assert (stored.name, stored.blackout, stored.current_item, stored.version) == ("a", True, None, 3)


async def test_a_refused_message_gets_the_reason(person: Person, portal_view: PortalView) -> None:
    await update(person, {"currentItem": 99}).run()
    [error] = person.outlet.take()
    assert (error["code"], error["ref"], error["details"].keys()) == ("invalid-payload", 0, {"currentItem"})
    assert (await reread(portal_view)).version == 1


async def test_a_person_who_may_not_write_any_more_gets_an_error(
    person: Person, portal_view: PortalView, viewer: User
) -> None:
    person.connection.grant = Grant(Subject(viewer.id))
    await update(person, {"name": "a"}).run()
    assert answers(person) == [("error", 0, "forbidden")]


async def test_without_a_database_everybody_gets_an_error_at_once(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Script(Unavailable("Away."))
    script(monkeypatch, database)
    await update(person, {"name": "a"}, {"name": "b"}).run()
    assert answers(person) == [("error", 0, "unavailable"), ("error", 1, "unavailable")]
    assert database.asked == ["change_portal_view"]


async def test_a_bug_is_not_treated_as_a_refusal(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, Script(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        await update(person, {"name": "a"}, {"name": "b"}).run()
    assert person.outlet.take() == []


async def test_an_items_update_is_merged_into_the_item(person: Person, portal_view: PortalView) -> None:
    async with Listener(portal_view.id) as listener:
        await update(person, {"hp": 29}, {"hp": 28, "name": "Og"}, item_id="ogre").run()
        news = await listener.hear()
    assert answers(person) == [("ack", 0, 2), ("ack", 1, 2)]
    ogre = (await reread(portal_view)).items[1]
    assert (ogre["hp"], ogre["name"], ogre["maxHp"]) == (28, "Og", 60)
    assert news["controllers"]["payload"] == {"itemId": "ogre", "hp": 28, "name": "Og"}
    assert news["viewers"]["payload"] == {"itemId": "ogre", "name": "Og"}


async def test_a_patch_of_an_unknown_item_is_only_relayed(person: Person, portal_view: PortalView) -> None:
    async with Listener(portal_view.id) as listener:
        await update(person, {"x": 1}, {"hp": 2}, item_id="ghost").run()
        first, second = await listener.hear(), await listener.hear()
    assert answers(person) == [("ack", 0, 0), ("ack", 1, 0)]
    assert (await reread(portal_view)).version == 1
    assert first["controllers"]["payload"] == {"itemId": "ghost", "x": 1}
    assert second["controllers"]["payload"] == {"itemId": "ghost", "hp": 2}
    assert not {"viewers", "version", "index"} & (first.keys() | second.keys() | first["controllers"].keys())
    assert (first["sender"], second["sender"]) == (person.id, person.id)


async def test_an_ack_has_warnings_of_what_looks_secret_and_is_shown(person: Person) -> None:
    sentence = "public.correctAnswer looks like an answer and is shown."
    await update(person, {"public": {"correctAnswer": 3}}, item_id="ogre").run()
    await update(person, {"items": [{"id": "a", "public": {"correctAnswer": 3}}]}).run()
    await update(person, {"hp": 3}, item_id="a").run()
    acks = person.outlet.take()
    assert [ack.get("warnings") for ack in acks] == [[sentence], [f"items[0].{sentence}"], None]


# --- Messages that are sent again --------------------------------------------------------------------------


async def test_a_message_that_was_stored_is_answered_and_not_stored_again(
    person: Person, portal_view: PortalView
) -> None:
    await update(person, {"name": "a"}).run()
    await update(person, {"name": "b"}).run()
    person.outlet.take()
    await update(person, {"name": "b"}, is_retry=True).run()
    assert answers(person) == [("ack", 0, 3)]
    assert (await reread(portal_view)).version == 3


@pytest.mark.parametrize("ref", [0, UNSET])
async def test_a_message_that_was_not_stored_is_stored_when_it_comes_again(
    person: Person, portal_view: PortalView, ref: Ref
) -> None:
    await alone(person, _view({"name": "a"}), ref=ref, connection_id="before", is_retry=True).run()
    stored = await reread(portal_view)
    assert (stored.name, stored.version) == ("a", 2)
    assert answers(person) == ([] if ref is UNSET else [("ack", 0, 2)])


async def test_a_message_that_is_being_stored_is_answered_with_that_version(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Script(None, AlreadyApplied("Stored before."), Receipt(version=7))
    script(monkeypatch, database)
    await update(person, {"name": "a"}, connection_id="before", is_retry=True).run()
    assert answers(person) == [("ack", 0, 7)]
    assert database.asked == ["find_receipt", "change_portal_view", "find_receipt"]


# --- Commands ----------------------------------------------------------------------------------------------


async def test_a_command_is_acknowledged_with_the_current_version(person: Person) -> None:
    async def send() -> list[str]:
        sent.append(person.id)
        return ["zoom looks odd."]

    sent: list[str] = []
    person.connection.version = 4
    await Relay(person.connection, "r", 1, send).run()
    assert sent == [person.id]
    assert person.outlet.take() == [{"type": "ack", "ref": "r", "version": 4, "warnings": ["zoom looks odd."]}]


async def test_a_refused_command_gets_the_reason(person: Person) -> None:
    async def refuse() -> list[str]:
        raise InvalidPayload("No.")

    await Relay(person.connection, "r", 1, refuse).run()
    assert answers(person) == [("error", "r", "invalid-payload")]


async def test_a_command_without_hidden_keys_needs_no_flags(person: Person, portal_view: PortalView) -> None:
    async with Listener(portal_view.id) as listener:
        await relay_patch(person.connection, {"zoom": 2})
        news = await listener.hear()
    assert news["controllers"]["payload"] == news["viewers"]["payload"] == {"zoom": 2}
    assert (news["sender"], "asOf" in news, "version" in news) == (person.id, False, False)


async def test_a_command_is_sent_to_viewers_as_the_flags_allow(person: Person, portal_view: PortalView) -> None:
    payload = {"zoom": 2, "hp": 3, "ac": 4, "gmNotes": "no"}
    async with Listener(portal_view.id) as listener:
        await relay_patch(person.connection, payload)
        await PortalView.objects.filter(id=portal_view.id).aupdate(show_ac=True, version=2)
        hidden = await listener.hear()
        await relay_patch(person.connection, payload)
        shown = await listener.hear()
    assert hidden["controllers"]["payload"] == payload
    assert (hidden["viewers"]["payload"], hidden["asOf"]) == ({"zoom": 2}, 1)
    assert (shown["viewers"]["payload"], shown["asOf"]) == ({"zoom": 2, "ac": 4}, 2)


async def test_a_commands_objects_go_to_viewers_only_under_public(person: Person, portal_view: PortalView) -> None:
    payload = {"pointer": {"x": 1, "hp": 2}, "effect": {"kind": "fog"}, "public": {"correctAnswer": 3, "gm": 4}}
    async with Listener(portal_view.id) as listener:
        warnings = await relay_patch(person.connection, payload)
        heard = await listener.hear()
    assert heard["controllers"]["payload"] == payload
    assert heard["viewers"]["payload"] == {"pointer": {"x": 1}, "public": {"correctAnswer": 3}}
    assert warnings == ["public.correctAnswer looks like an answer and is shown."]


async def test_a_controllers_state_goes_to_viewers_only(person: Person, portal_view: PortalView) -> None:
    person.connection.version, person.connection.viewers_version = 9, 4
    async with Listener(portal_view.id) as listener:
        assert await relay_sync(person.connection, {"name": "Night", "zoom": 2}, None) == ()
        to_all = await listener.hear()
        await relay_sync(person.connection, {"items": [{"id": "spy", "name": "Spy"}, {"id": "elf"}]}, "somebody")
        to_one = await listener.hear()
    assert to_all["viewers"] == {
        "type": "sync-response",
        "payload": {"name": "Night"},
        "version": 4,
        "source": "controller",
    }
    assert (to_all["asOf"], {"controllers", "to"} & to_all.keys()) == (1, set())
    assert (to_one["to"], to_one["viewers"]["payload"]) == ("somebody", {"items": [{"id": "elf"}]})


async def test_a_command_for_a_deleted_portal_view_is_refused(person: Person, portal_view: PortalView) -> None:
    await sync_to_async(portal_view.delete)()
    job = Relay(person.connection, "r", 1, lambda: relay_patch(person.connection, {"hp": 2}))
    await job.run()
    assert answers(person) == [("error", "r", "not-found")]
