"""One socket that sends as fast as it can, over a real port: its rates apply, and others are served in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libraries.models import PortalView, User
from realtime.limits.rates import REFUSALS
from realtime.server.tests.echo import EchoServer
from realtime.server.tests.peer import CLOSE, CONT, PING, PONG, TEXT, Frame, deflated, frame, text
from realtime.server.tests.table import Person, Table
from realtime.server.websocket import intake, portions
from testing.in_process import wait_until

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


@pytest.fixture
def rates(settings: Any) -> Any:
    """The rates of a new site."""
    settings.PORTAL_UPDATES_PER_SECOND, settings.PORTAL_UPDATE_BURST = 60, 120
    settings.PORTAL_MESSAGES_PER_SECOND, settings.PORTAL_MESSAGE_BURST = 30, 60
    settings.PORTAL_FRAMES_PER_SECOND, settings.PORTAL_FRAME_BURST = 300, 3000
    return settings


def said(type_: str, **body: Any) -> bytes:
    """The frame of a message."""
    return text(json.dumps({"type": type_, **body}))


def last_words(person: Person) -> tuple[int, str]:
    """The final close frame, after any other frames."""
    while (received := person.peer.receive()).opcode != CLOSE:
        assert received.opcode == TEXT
    return int.from_bytes(received.data[:2], "big"), received.data[2:].decode()


# --- Messages ---------------------------------------------------------------------------------------------------


def test_pings_beyond_the_rate_are_refused_with_the_time_to_wait(table: Table, rates: Any, viewer: User) -> None:
    person = table.seat(viewer)
    rates.PORTAL_MESSAGES_PER_SECOND = 1
    person.peer.send(said("ping") * 241)
    answers = [person.receive() for _ in range(241)]
    assert [answer["type"] for answer in answers[:240]] == ["pong"] * 240
    assert answers[240]["code"] == "rate-limited"
    assert 0 < answers[240]["retryAfter"] <= 250
    rates.PORTAL_MESSAGES_PER_SECOND = 0
    assert person.ask("ping")["type"] == "pong"


@pytest.mark.parametrize(
    "flood",
    [
        said("ping"),
        said("portal-view-update", payload={"name": "x"}),  # a viewer may not send this
        said("no such type"),
        said("auth", token="eyJ"),
        said("request-sync"),
        text("no JSON"),
    ],
)
def test_a_client_that_continues_after_a_hundred_refusals_is_closed(
    table: Table, rates: Any, viewer: User, owner: User, flood: bytes
) -> None:
    rates.PORTAL_MESSAGES_PER_SECOND = 1
    person, other = table.seat(viewer), table.seat(viewer)
    person.peer.send(flood * (240 + REFUSALS))
    assert last_words(person) == (1013, "rate-limited")
    assert other.ask("ping")["type"] == "pong"


def test_a_dry_run_refuses_nothing(table: Table, rates: Any, viewer: User) -> None:
    rates.PORTAL_LIMITS_DRY_RUN = True
    person = table.seat(viewer)
    person.peer.send(said("ping") * 1000)
    assert {person.receive()["type"] for _ in range(1000)} == {"pong"}


def test_a_drag_at_full_speed_ends_at_its_last_position(
    table: Table, rates: Any, portal_view: PortalView, owner: User, viewer: User
) -> None:
    """More than the burst at once: none is refused, the waiting ones are merged, and the last one counts."""
    person, witness = table.seat(owner), table.seat(viewer)
    last = rates.PORTAL_UPDATE_BURST + 40
    for place in range(last + 1):
        person.say("portal-view-update", payload={"name": f"at {place}"}, ref=place)
    acknowledged = [person.receive() for _ in range(last + 1)]
    assert [(answer["type"], answer["ref"]) for answer in acknowledged] == [("ack", place) for place in range(last + 1)]
    heard = [witness.receive()]
    while heard[-1]["payload"]["name"] != f"at {last}":
        heard.append(witness.receive())
    portal_view.refresh_from_db()
    assert portal_view.name == f"at {last}"
    assert portal_view.version < last


# --- Frames -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flood",
    [frame(TEXT, b"{", fin=False) + frame(CONT, b"", fin=False) * 20_000, frame(PING) * 20_000, text("x") * 20_000],
    ids=["empty fragments", "pings", "messages"],
)
def test_frames_beyond_the_rate_are_read_later(echo: EchoServer, rates: Any, flood: bytes) -> None:
    """At first not more than the burst; after it not more than one portion of the smallest frames."""
    peer, other = echo.open(), echo.open()
    protocol = echo.protocol_of(peer)
    peer.send(flood[:100_000])
    wait_until(lambda: protocol.wire.frames_read >= rates.PORTAL_FRAME_BURST)
    echo.do(lambda: None)
    assert protocol.wire.frames_read < rates.PORTAL_FRAME_BURST + 800
    assert protocol._intake.is_paused
    other.answers()
    rates.PORTAL_FRAMES_PER_SECOND = 0  # so that the end of the connection is read, too


def test_a_client_that_never_stops_is_closed(echo: EchoServer, rates: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(intake, "PAUSE_SECONDS", 0)
    rates.PORTAL_FRAME_BURST = 100
    peer = echo.open()
    peer.send(frame(PONG) * 20_000)
    error = json.loads(peer.text())
    assert (error["code"], error["retryAfter"]) == ("rate-limited", 5000)
    assert peer.receive() == Frame(CLOSE, b"\x03\xf5rate-limited")
    rates.PORTAL_FRAMES_PER_SECOND = 0


def test_a_dry_run_continues_to_read(echo: EchoServer, rates: Any) -> None:
    rates.PORTAL_FRAME_BURST, rates.PORTAL_LIMITS_DRY_RUN = 100, True
    peer = echo.open()
    peer.send(*(text(f"{number}") for number in range(2000)))
    assert [peer.text() for _ in range(2000)] == [str(number) for number in range(2000)]


def test_delayed_input_is_read_in_the_end(echo: EchoServer, rates: Any) -> None:
    rates.PORTAL_FRAMES_PER_SECOND, rates.PORTAL_FRAME_BURST = 2000, 100
    peer = echo.open()
    peer.send(*(text(f"{number}") for number in range(1000)))
    assert [peer.text() for _ in range(1000)] == [str(number) for number in range(1000)]
    peer.answers()


def test_others_are_served_between_the_messages_of_one_read(echo: EchoServer) -> None:
    """One read of the server contains all of them; the other person's message comes after it."""
    flooding, other = echo.open(), echo.open()
    with echo.held():
        flooding.send(text("x") * 20_000)
        other.send(text("other"))
    assert other.text() == "other"
    heard = [event.get("text") for event in list(echo.heard)]
    assert heard.index("other") < 2500


def test_a_long_message_is_complete(echo: EchoServer) -> None:
    peer = echo.open()
    words = "".join(f"{number:08}" for number in range(8000))
    peer.send(text(words), text("behind"))
    assert (peer.text(), peer.text()) == (words, "behind")


# --- Memory -----------------------------------------------------------------------------------------------------


def test_messages_that_unpack_to_much_are_unpacked_one_portion_at_a_time(
    echo: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand messages of 60 KB from 200 KB: only a portion of them waits in the server."""
    peer = echo.open("/outlet", DEFLATE)
    bomb = frame(TEXT, deflated(b"x" * 60_000), rsv=4)
    queue: Any = echo.protocol._inbox
    waiting: list[int] = []
    put = type(queue).put

    def counted(self: Any, event: Any) -> None:
        put(self, event)
        waiting.append(len(self._new) + len(self._reversed))

    monkeypatch.setattr(type(queue), "put", counted)
    with echo.held():
        peer.send(bomb * 1000)
    for _ in range(1000):
        peer.receive()
    assert max(waiting) <= 4096 // len(bomb) + 2


def test_a_client_that_does_not_read_gets_no_answers_requested_by_others(
    table: Table, settings: Any, owner: User, editor: User, viewer: User
) -> None:
    """`sync-response` to one connection: never more than the limit waits for it, besides the state it is owed."""
    settings.PORTAL_SEND_BUFFER_BYTES = 32_768
    slow, controller = table.seat_narrow(viewer), table.seat(owner)
    to, payload = slow.connected["connectionId"], {"items": [{"id": "map", "text": "y" * 50_000}]}
    for number in range(100):
        assert controller.ask("sync-response", payload=payload, to=to)["type"] == "ack", number
    protocol = table.protocol_of(slow.peer)
    assert table.is_stalled(slow)
    assert table.do(protocol.transport.get_write_buffer_size) < 32_768 + 60_000
    controller.change(name="Afterwards")
    message = slow.receive()
    while message["type"] != "portal-view-updated":
        message = slow.receive()
    assert message["payload"]["name"] == "Afterwards"
