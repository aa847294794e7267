"""A room with clients of both encodings: what they get is the same, and each message is encoded once for each."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.octets import Octets
from libraries.rules.roles import PortalRole
from libraries.rules.subjects import Subject
from realtime.news.compose import patch_news
from realtime.protocol import encodings
from realtime.protocol.encodings import Encoding
from realtime.rooms.snapshots import Answer
from realtime.rooms.updates import Update
from realtime.tests.doubles import PORTAL_VIEW_ID, Person, controller, read, room_with, update, viewer

ITEMS = [{"id": "a", "name": "Ogre", "hp": 7.5, "maxHp": 9, "public": {"é": [1, None, True]}}]


def in_msgpack(person: Person) -> Person:
    """A person whose client speaks MessagePack."""
    person.outlet.speak(Encoding.MSGPACK)
    return person


@pytest.fixture
def people() -> list[Person]:
    """One of each role and encoding: MessagePack comes second."""
    return [controller(), in_msgpack(controller()), viewer(), in_msgpack(viewer())]


def same(people: list[Person]) -> list[list[dict[str, Any]]]:
    """The messages for each role since the last call, which must be the same in both encodings."""
    taken = [person.outlet.take() for person in people]
    assert taken[0] == taken[1]
    assert taken[2] == taken[3]
    return [taken[0], taken[2]]


def test_everybody_gets_the_same(people: list[Person]) -> None:
    room = room_with(*people, items=ITEMS)
    room.take(update(2))
    room.take(update(None, name="relayed"))
    for_controllers, for_viewers = same(people)
    assert [message.get("version") for message in for_controllers] == [2, None]
    assert for_controllers == for_viewers
    read(room, 5, catch_up=True, items=ITEMS)
    for_controllers, for_viewers = same(people)
    assert for_controllers[0]["payload"]["items"] == ITEMS
    assert for_viewers[0]["payload"]["items"] == [{"id": "a", "name": "Ogre", "public": ITEMS[0]["public"]}]
    for person in people[2:]:
        room.serve(Answer(person.connection))
    assert [message["type"] for message in same(people)[1]] == ["sync-response"]
    roles = {person.connection.subject: PortalRole.VIEWER for person in people[:2]}
    roles |= {person.connection.subject: PortalRole.CONTROLLER for person in people[2:]}
    room.change_roles(roles)
    assert [[message["type"] for message in messages] for messages in same(people)] == [["role-changed"]] * 2


def test_bytes_of_a_command_arrive_in_the_form_of_each_client(people: list[Person]) -> None:
    room = room_with(*people)
    news = patch_news(PORTAL_VIEW_ID, {"sound": Octets(b"hi"), "list": [Octets(b"hi")]})
    room.take(Update.of(news))
    got = [person.outlet.take()[0]["payload"] for person in people]
    in_json = {"$bytes": "aGk="}
    assert got == [
        {"sound": in_json, "list": [in_json]},
        {"sound": b"hi", "list": [b"hi"]},
        {"sound": in_json},
        {"sound": b"hi"},
    ]


def test_a_change_is_translated_once_for_each_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clients there are, and not at all without clients that speak MessagePack."""
    translated: list[object] = []
    made = encodings.translated

    def counted(text: Any) -> bytes:
        translated.append(text)
        return made(text)

    monkeypatch.setattr("realtime.delivery.prepared.translated", counted)
    only_json = room_with(*(viewer() for _ in range(5)), controller())
    only_json.take(update(2))
    assert translated == []
    both = [in_msgpack(one) for one in (*(viewer() for _ in range(5)), *(controller() for _ in range(3)))]
    room = room_with(*both, *(viewer() for _ in range(5)))
    room.take(update(2))
    assert len(translated) == 2
    room.take(update(3, viewers=False))
    assert len(translated) == 3


def test_a_state_is_projected_once_for_each_role(monkeypatch: pytest.MonkeyPatch) -> None:
    projected: list[object] = []

    def project(state: Any, role: PortalRole, _disclosure: object) -> Any:
        projected.append(role)
        return state

    monkeypatch.setattr("realtime.rooms.snapshots.project", project)
    room_with(*(in_msgpack(viewer()) for _ in range(3)), *(viewer() for _ in range(3)), in_msgpack(controller()))
    assert sorted(map(str, projected)) == ["controller", "viewer"]


def test_a_person_may_have_clients_of_both_encodings() -> None:
    subject = Subject(PORTAL_VIEW_ID)
    one, other = viewer(subject=subject), in_msgpack(viewer(subject=subject))
    room = room_with(one, other)
    room.change_roles({subject: None})
    for person in (one, other):
        assert [message["code"] for message in person.outlet.take()] == ["access-withdrawn"]
        assert person.outlet.closed == (1008, "access-withdrawn")
