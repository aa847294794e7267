"""One connection's answers, its close, and its expiry."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from libraries.rules.errors import InvalidPayload
from realtime.protocol.closing import ERRORS, CloseCode
from realtime.protocol.events import Pong
from realtime.rooms.connection import STALLED_SECONDS, WARN_SECONDS, refuse
from realtime.tests.doubles import Person, Recorder, controller, viewer

NOW = 1_000_000.0


def lasting(seconds: float) -> Person:
    """A person whose credential expires this many seconds after NOW."""
    one = viewer()
    one.connection.extend(NOW + seconds, NOW)
    return one


def test_an_answer_goes_to_the_connection() -> None:
    one = viewer()
    one.connection.reply(Pong(timestamp=1, reconnect_within=500, ref="r"))
    assert one.outlet.take() == [{"type": "pong", "timestamp": 1, "reconnectWithin": 500, "ref": "r"}]


@pytest.mark.parametrize("ref", ["r", 0, -1])
def test_a_message_with_a_ref_is_acknowledged(ref: str | int) -> None:
    one = controller()
    one.connection.reply_ack(ref, 7)
    assert one.outlet.take() == [{"type": "ack", "ref": ref, "version": 7}]


def test_an_ack_has_the_warnings() -> None:
    one = controller()
    one.connection.reply_ack("r", 7, ["public.hp looks like health and is shown."])
    [ack] = one.outlet.take()
    assert ack["warnings"] == ["public.hp looks like health and is shown."]


@pytest.mark.parametrize(
    ("item_ids", "is_batch", "told"),
    [
        ((), False, {}),
        ((), True, {}),
        (("a",), False, {"itemId": "a"}),
        (("a",), True, {"itemIds": ["a"]}),
        (("a", "b"), True, {"itemIds": ["a", "b"]}),
    ],
)
def test_an_ack_has_the_ids_of_added_items(item_ids: tuple[str, ...], is_batch: bool, told: dict[str, object]) -> None:
    one = controller()
    one.connection.reply_ack("r", 7, item_ids=item_ids, is_batch=is_batch)
    assert one.outlet.take() == [{"type": "ack", "ref": "r", "version": 7, **told}]


@pytest.mark.parametrize(("payload", "told"), [({"camera": None}, {"payload": {"camera": None}}), ({}, {}), (None, {})])
def test_an_ack_says_what_else_has_changed(payload: dict[str, object] | None, told: dict[str, object]) -> None:
    one = controller()
    one.connection.reply_ack("r", 7, payload=payload)
    assert one.outlet.take() == [{"type": "ack", "ref": "r", "version": 7, **told}]


def test_a_viewer_is_told_only_the_viewers_version() -> None:
    one = viewer()
    one.connection.version, one.connection.viewers_version = 7, 4
    one.connection.reply_ack("r", 7, ["hp looks like health."], item_ids=["spy"], payload={"encounter": None})
    assert one.outlet.take() == [{"type": "ack", "ref": "r", "version": 4}]


def test_a_message_without_a_ref_is_not_acknowledged() -> None:
    one = viewer()
    one.connection.reply_ack(UNSET, 7)
    assert one.outlet.take() == []


def test_an_error_has_a_code_a_ref_and_a_sentence() -> None:
    one = viewer()
    one.connection.reply_error(InvalidPayload("No.", {"name": "Too long."}), "r")
    one.connection.reply_error(InvalidPayload("No."))
    assert one.outlet.take() == [
        {"type": "error", "message": "No.", "code": "invalid-payload", "ref": "r", "details": {"name": "Too long."}},
        {"type": "error", "message": "No.", "code": "invalid-payload"},
    ]
    assert not one.connection.closed


def test_a_close_comes_after_the_sent_messages() -> None:
    one = viewer()
    one.connection.reply(Pong(timestamp=1, reconnect_within=500))
    one.connection.close(CloseCode.NORMAL, "done")
    assert one.outlet.take_types() == ["pong"]
    assert one.outlet.closed == (1000, "done")
    assert one.connection.closed


@pytest.mark.parametrize("code", ERRORS)
def test_a_refusal_has_a_reason_and_the_close_code_of_the_table(code: str) -> None:
    outlet = Recorder()
    refuse(outlet, code, "No.")
    assert outlet.take() == [{"type": "error", "message": "No.", "code": code}]
    assert outlet.closed == (ERRORS[code] or 1013, code)


def test_a_refused_connection_is_closed() -> None:
    one = viewer()
    one.connection.refuse("access-withdrawn", "No.")
    assert one.outlet.closed == (1008, "access-withdrawn")
    assert one.connection.closed


@pytest.mark.parametrize("again", ["close", "refuse"])
def test_a_connection_is_closed_once_with_the_first_reason(again: str) -> None:
    one = viewer()
    one.connection.refuse("access-withdrawn", "No.")
    if again == "close":
        one.connection.close(CloseCode.NORMAL, "done")
    else:
        one.connection.refuse("internal-error", "Oops.")
    assert [message["code"] for message in one.outlet.take()] == ["access-withdrawn"]
    assert one.outlet.closed == (1008, "access-withdrawn")


def test_a_refusal_can_answer_a_message() -> None:
    one = viewer()
    one.connection.refuse("token-invalid", "No.", "r")
    assert one.outlet.take() == [{"type": "error", "message": "No.", "code": "token-invalid", "ref": "r"}]


@pytest.mark.parametrize(
    ("lifetime", "warned_at"),
    [(3600.0, 3600.0 - WARN_SECONDS), (2 * WARN_SECONDS, WARN_SECONDS), (60.0, 30.0), (4.0, 2.0)],
)
def test_the_expiry_of_a_credential_is_announced_once(lifetime: float, warned_at: float) -> None:
    one = lasting(lifetime)
    assert one.connection.check_credential(NOW + warned_at - 0.5)
    assert one.outlet.take() == []
    assert one.connection.check_credential(NOW + warned_at)
    assert one.outlet.take() == [{"type": "token-expiring", "expiresIn": lifetime - warned_at}]
    assert one.connection.check_credential(NOW + lifetime - 0.5)
    assert one.outlet.take() == []


def test_an_expired_credential_ends_the_connection() -> None:
    one = lasting(60)
    assert not one.connection.check_credential(NOW + 60)
    [error] = one.outlet.take()
    assert (error["type"], error["code"]) == ("error", "token-expired")
    assert one.outlet.closed == (1008, "token-expired")


def test_a_fresh_credential_gets_its_own_warning() -> None:
    one = lasting(60)
    one.connection.check_credential(NOW + 30)
    one.outlet.take()
    one.connection.extend(NOW + 3600, NOW + 30)
    assert one.connection.check_credential(NOW + 60)
    assert one.outlet.take() == []
    assert one.connection.check_credential(NOW + 3600 - WARN_SECONDS)
    assert one.outlet.take_types() == ["token-expiring"]


def test_a_connection_that_keeps_up_stays() -> None:
    one = viewer()
    assert one.connection.check_pace(1e9)
    one.outlet.stalled_since = 100.0
    assert one.connection.check_pace(100.0 + STALLED_SECONDS - 0.1)
    assert one.outlet.take() == []


def test_a_connection_that_reads_nothing_for_too_long_is_closed() -> None:
    one = viewer()
    one.outlet.stalled_since = 100.0
    assert not one.connection.check_pace(100.0 + STALLED_SECONDS)
    assert one.outlet.take()[0]["code"] == "too-slow"
    assert one.outlet.closed == (1013, "too-slow")
