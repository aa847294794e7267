"""The cost of one message for the others: a few compressed bytes must not block the event loop."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from libraries.models import User
from libraries.rules.keys import MAX_KEY_CHARS
from libraries.rules.values import MAX_MESSAGE_VALUES
from realtime.server.tests.peer import TEXT, deflated, frame
from realtime.server.tests.table import Person, Table

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover"


def say(person: Person, payload: dict[str, Any]) -> int:
    """Send an update, compressed; returns its size in bytes."""
    said = json.dumps({"type": "portal-view-update", "ref": "bomb", "payload": payload}, ensure_ascii=False)
    packed = deflated(said.replace(" ", "").encode())
    person.peer.send(frame(TEXT, packed, rsv=4))
    return len(packed)


BOMBS: list[tuple[dict[str, Any], str]] = [
    ({"ﷺ" * 10_000: ["x"] * 8000}, f"at most {MAX_KEY_CHARS} characters"),
    ({"a": {"ﷺ" * 10_000: ["x"] * 1000}}, f"at most {MAX_KEY_CHARS} characters"),
    ({"a": [0] * 30_000}, f"at most {MAX_MESSAGE_VALUES} values"),
    ({"a": [[]] * 20_000}, f"at most {MAX_MESSAGE_VALUES} values"),
    ({"a": {"__proto__": ["x"] * 5000}}, "The name __proto__ is not possible"),
]


@pytest.mark.parametrize(("payload", "sentence"), BOMBS, ids=range(len(BOMBS)))
def test_a_small_compressed_message_is_refused_at_low_cost(
    table: Table, editor: User, viewer: User, payload: dict[str, Any], sentence: str
) -> None:
    # Each key was normalised again for each entry of the list below it, and everybody had to wait for 8 to 30 s.
    attacker, other = table.seat(editor, DEFLATE), table.seat(viewer)
    started = time.process_time()
    assert say(attacker, payload) < 2000
    answer = attacker.receive()
    spent = time.process_time() - started
    assert (answer["type"], answer["code"], answer["ref"]) == ("error", "invalid-payload", "bomb")
    assert sentence in answer["message"]
    assert len(json.dumps(answer)) < 1000
    assert spent < 1
    assert other.ask("ping")["type"] == "pong"


def test_a_message_at_the_limits_is_relayed_at_low_cost(table: Table, editor: User, viewer: User) -> None:
    attacker, other = table.seat(editor, DEFLATE), table.seat(viewer)
    started = time.process_time()
    say(attacker, {"public": {"ﷺ" * MAX_KEY_CHARS: ["x"] * (MAX_MESSAGE_VALUES - 100)}})
    assert attacker.receive()["type"] == "ack"
    assert other.receive()["type"] == "portal-view-updated"
    assert time.process_time() - started < 2
