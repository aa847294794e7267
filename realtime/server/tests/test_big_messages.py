"""A message over the limit and up to four times it, over a real port: it is answered at low cost, and not decoded."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from libraries.models import User
from realtime.limits.rates import REFUSALS
from realtime.server.tests.peer import CLOSE, TEXT, deflated, fragments, frame, inflated, text
from realtime.server.tests.table import Person, Table

LIMIT = 65_536
ANSWERED = 4 * LIMIT
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover"

FORMS = [
    '{{"type":"portal-view-update","payload":{{"note":"{}"}},"ref":"big"}}',
    '{{"ref":"big","type":"item-update","itemId":"a","payload":{{"note":"{}"}}}}',
    '{{"type":"sync-response","payload":{{"note":"{}"}},"ref":"big"}}',
]


def padded(form: str, size: int, letter: str = "x") -> bytes:
    """A message of exactly that many bytes."""
    spare = size - len(form.format(""))
    count, rest = divmod(spare, len(letter.encode()))
    return form.format(letter * count + "x" * rest).encode()


def is_told(person: Person, size: int, ref: str | None = "big") -> None:
    """Assert that the answer is the error, and that the connection is open."""
    answer = person.receive()
    assert (answer["type"], answer["code"], answer.get("ref")) == ("error", "message-too-big", ref)
    assert f"{size} bytes, and {LIMIT} are possible" in answer["message"]
    assert person.ask("ping")["type"] == "pong"


HOW = {
    "one frame": lambda data: frame(TEXT, data),
    "fragments": lambda data: b"".join(fragments(TEXT, *(data[at : at + 5000] for at in range(0, len(data), 5000)))),
    "compressed": lambda data: frame(TEXT, deflated(data), rsv=4),
    "compressed fragments": lambda data: b"".join(
        fragments(TEXT, *(deflated(data)[at : at + 100] for at in range(0, len(deflated(data)), 100)), rsv=4)
    ),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("letter", ["x", "é", "🐉"])
@pytest.mark.parametrize("size", [LIMIT + 1, ANSWERED])
def test_it_is_answered_and_the_connection_stays(
    table: Table, editor: User, viewer: User, how: str, letter: str, size: int
) -> None:
    for user, form in zip((editor, editor, viewer), FORMS, strict=True):
        person = table.seat(user, DEFLATE)
        person.peer.send(HOW[how](padded(form, size, letter)))
        is_told(person, size)


@pytest.mark.parametrize("letter", ["x", "é", "🐉"])
def test_a_message_of_exactly_the_limit_is_done(table: Table, editor: User, letter: str) -> None:
    person = table.seat(editor)
    person.peer.send(frame(TEXT, padded(FORMS[0], LIMIT, letter)))
    answer = person.receive()
    assert (answer["type"], answer["ref"]) == ("ack", "big")


@pytest.mark.parametrize("how", HOW)
def test_one_of_more_than_four_times_the_limit_ends_the_connection(table: Table, editor: User, how: str) -> None:
    person = table.seat(editor, DEFLATE)
    person.peer.send(HOW[how](padded(FORMS[0], ANSWERED + 1)))
    _, data, compressed = person.peer.receive()
    assert json.loads(inflated(data) if compressed else data)["code"] == "message-too-big"
    received = person.peer.receive()
    assert (received.opcode, received.data) == (CLOSE, b"\x03\xf1message-too-big")


@pytest.mark.parametrize("body", ["[" * LIMIT, '{"ref":' + "9" * LIMIT, '{"a":' * 20_000, "x" * (LIMIT + 1)])
def test_what_is_no_message_is_answered_without_a_ref(table: Table, viewer: User, body: str) -> None:
    person = table.seat(viewer)
    data = body.ljust(LIMIT + 1).encode()
    started = time.process_time()
    person.peer.send(frame(TEXT, data))
    is_told(person, len(data), ref=None)
    assert time.process_time() - started < 1


def test_nothing_of_it_is_done(table: Table, editor: User, viewer: User) -> None:
    person, other = table.seat(editor), table.seat(viewer)
    person.peer.send(
        frame(TEXT, padded('{{"type":"portal-view-update","payload":{{"name":"New","a":"{}"}}}}', LIMIT + 1))
    )
    is_told(person, LIMIT + 1, ref=None)
    assert other.ask("ping")["type"] == "pong"  # and no update before it


def test_it_costs_its_size_in_the_rate(table: Table, settings: Any, viewer: User) -> None:
    settings.PORTAL_MESSAGES_PER_SECOND, settings.PORTAL_MESSAGE_BURST = 1, 60
    person = table.seat(viewer)
    ping = padded('{{"type":"ping","ref":"big","padding":"{}"}}', LIMIT + 1)  # 17 credits of 60
    person.peer.send(frame(TEXT, ping) * 4)
    answers = [person.receive() for _ in range(4)]
    assert [answer["code"] for answer in answers] == ["message-too-big"] * 3 + ["rate-limited"]
    assert answers[3]["ref"] == "big"
    assert answers[3]["retryAfter"] > 0


def test_a_client_that_goes_on_with_big_messages_is_closed(table: Table, settings: Any, viewer: User) -> None:
    settings.PORTAL_MESSAGES_PER_SECOND, settings.PORTAL_MESSAGE_BURST = 1, 60
    person, other = table.seat(viewer, DEFLATE), table.seat(viewer)
    big = frame(TEXT, deflated(padded(FORMS[0], ANSWERED)), rsv=4)
    person.peer.send(big * (REFUSALS + 3))
    while (received := person.peer.receive()).opcode != CLOSE:
        assert received.opcode == TEXT
    assert received.data == b"\x03\xf5rate-limited"
    settings.PORTAL_MESSAGES_PER_SECOND = 0
    assert other.ask("ping")["type"] == "pong"


def test_a_binary_message_over_the_limit_is_still_a_binary_one(table: Table, viewer: User) -> None:
    person = table.seat(viewer)
    person.peer.send(frame(2, bytes(LIMIT + 1)))
    assert person.receive()["code"] == "binary-not-supported"


def test_without_a_limit_nothing_is_too_big(table: Table, settings: Any, editor: User) -> None:
    settings.PORTAL_MAX_MESSAGE_BYTES = 0
    person = table.seat(editor)
    person.peer.send(text(padded(FORMS[0], LIMIT + 1).decode()))
    assert person.receive()["type"] == "ack"


def test_the_answer_names_the_address(table: Table, viewer: User, settings: Any) -> None:
    settings.PORTAL_BASE_PATH = "/site"
    person = table.seat(viewer)
    person.peer.send(frame(TEXT, padded(FORMS[0], LIMIT + 1)))
    assert "PATCH /site/api/portal-views/" in json.dumps(person.receive())
