"""A slow reader delays nobody, is brought up to date once, and is cut if it never reads (protocol, 10)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from libraries.models import PortalView, User
from realtime.hub import beat
from realtime.rooms import connection
from realtime.server.tests.peer import TEXT, Closed, Peer, close
from realtime.server.tests.table import Holdings, Message, Person, Table
from realtime.server.websocket import connection as websocket_connection
from realtime.server.websocket.phase import Phase
from testing.in_process import wait_until

CHANGES = 40
LONG = 30_000  # 40 of these are more than 1 MiB


@pytest.fixture(autouse=True)
def _limit(settings: Any) -> None:
    settings.PORTAL_SEND_BUFFER_BYTES = 32_768


def change_all(controller: Person, *readers: Person) -> list[int]:
    """Send more than 1 MiB of updates, which the readers take one by one; returns the versions."""
    versions = []
    for number in range(CHANGES):
        words = str(number % 10) * LONG
        versions.append(controller.change(name=f"Change {number}", items=[{"id": "map", "text": words}]))
        for reader in readers:
            message = reader.receive()
            assert (message["type"], message["version"]) == ("portal-view-updated", versions[-1])
            assert message["payload"]["items"][0]["text"] == words
    return versions


def read_until(person: Person, version: int) -> list[Message]:
    """All messages to a person up to that version."""
    messages = [person.receive()]
    while messages[-1].get("version") != version:
        messages.append(person.receive())
    return messages


def rises(messages: list[Message]) -> bool:
    """Whether each version is newer than the one before."""
    return all(earlier["version"] < later["version"] for earlier, later in pairwise(messages))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close clients that do not read after a short time."""
    monkeypatch.setattr(connection, "STALLED_SECONDS", 0.1)
    monkeypatch.setattr(beat, "TICK_SECONDS", 0.05)


def test_a_slow_reader_gets_the_newest_state_once(table: Table, owner: User, editor: User, viewer: User) -> None:
    slow, controller, others = table.seat_narrow(viewer), table.seat(owner), [table.seat(viewer), table.seat(editor)]
    versions = change_all(controller, *others)
    assert table.is_stalled(slow)
    assert table.holds().seats == 3

    messages = read_until(slow, versions[-1])
    assert {message["type"] for message in messages} == {"portal-view-updated"}
    assert len(messages) < CHANGES
    assert rises(messages)
    skipped = messages[-1]
    assert skipped["payload"]["items"][0]["text"] == str((CHANGES - 1) % 10) * LONG
    assert set(skipped["payload"]) >= {"name", "items", "showHealth", "blackout", "currentItem"}
    slow.peer.answers()

    assert not table.is_stalled(slow)
    newest = controller.change(name="All together")
    assert newest == versions[-1] + 1
    for person in (slow, *others):
        message = person.receive()
        assert (message["version"], message["payload"]) == (newest, {"name": "All together"})


def test_changes_stored_while_it_catches_up_come_after(table: Table, owner: User, viewer: User) -> None:
    slow, controller = table.seat_narrow(viewer), table.seat(owner)
    change_all(controller)
    assert table.is_stalled(slow)
    heard = []
    for number in range(20):
        heard.append(slow.receive())
        newest = controller.change(name=f"Meanwhile {number}")
    heard += read_until(slow, newest)
    assert rises(heard)
    assert heard[-1]["payload"]["name"] == "Meanwhile 19"
    slow.peer.answers()


def test_input_of_a_slow_reader_waits_until_it_reads(
    table: Table, portal_view: PortalView, owner: User, editor: User, viewer: User
) -> None:
    slow, controller, witness = table.seat_narrow(editor), table.seat(owner), table.seat(viewer)
    versions = change_all(controller, witness)
    assert table.is_stalled(slow)
    slow.say("portal-view-update", payload={"name": "Late"}, ref="late")
    slow.say("ping", ref="later")
    newest = controller.change(name="Not late")
    assert witness.receive()["version"] == newest
    assert witness.ask("ping")["type"] == "pong"  # nothing of the late client has come
    portal_view.refresh_from_db()
    assert (portal_view.version, portal_view.name) == (newest, "Not late")

    answers = [message for message in read_until(slow, newest + 1) if "ref" in message]
    assert newest > versions[-1]
    while len(answers) < 2:
        answers.append(slow.receive())
    assert sorted((answer["ref"], answer["type"]) for answer in answers) == [("late", "ack"), ("later", "pong")]
    assert witness.receive()["payload"] == {"name": "Late"}


def last_words(peer: Peer) -> Closed:
    """The final close frame, after any other frames."""
    while (received := peer.receive()).opcode == TEXT:
        pass
    return Closed(int.from_bytes(received.data[:2], "big"), received.data[2:].decode())


def test_a_client_that_reads_at_the_last_moment_gets_the_reason(
    table: Table, impatient: None, monkeypatch: pytest.MonkeyPatch, owner: User, viewer: User
) -> None:
    monkeypatch.setattr(websocket_connection, "LAST_WORD_SECONDS", 10)
    slow, controller, witness = table.seat_narrow(viewer), table.seat(owner), table.seat(viewer)
    change_all(controller, witness)
    wait_until(lambda: table.holds()[:3] == Holdings(rooms=1, connections=2, seats=2)[:3])
    assert last_words(slow.peer) == Closed(1013, "too-slow")
    slow.peer.send(close(1013))
    slow.peer.ended()
    assert witness.ask("ping")["type"] == "pong"


def test_a_client_that_never_reads_is_cut(
    table: Table, impatient: None, monkeypatch: pytest.MonkeyPatch, owner: User, viewer: User
) -> None:
    monkeypatch.setattr(websocket_connection, "LAST_WORD_SECONDS", 0.05)
    slow, controller, witness = table.seat_narrow(viewer), table.seat(owner), table.seat(viewer)
    protocol = table.protocol_of(slow.peer)
    change_all(controller, witness)
    wait_until(lambda: protocol.phase is Phase.GONE)
    assert table.do(protocol.transport.get_write_buffer_size) == 0
    wait_until(lambda: table.holds()[:3] == Holdings(rooms=1, connections=2, seats=2)[:3])
    newest = controller.change(name="Without the slow one")
    assert witness.receive()["version"] == newest
