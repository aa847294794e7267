"""The test of folding in rooms finds mistakes: with each of these broken parts of the server it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from libraries.rules.roles import PortalRole
from realtime.rooms.connection import Connection
from realtime.rooms.order import Order
from realtime.rooms.snapshots import Entry, Snapshot
from realtime.rooms.tests import test_folding
from realtime.rooms.updates import Update
from testing.table import Table

TRIES = 600


def play(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # to be repeated
    test_folding.play([(random.choice(test_folding.kinds), random.randrange(2**32)) for _ in range(60)])


def play_many() -> None:
    for seed in range(TRIES):
        play(seed)


def _as_it_comes(self: Order, update: Update) -> Iterator[Update]:
    if update.version is None:
        yield update
    elif update.version > self.version and update.viewers_version is not None:
        self.version, self.viewers_version = update.version, update.viewers_version
        yield update


def _no_whole(self: Order, stored: Any, whole: Any) -> Iterator[Update]:
    yield from _jump(self, stored, None)
    self.version, self.viewers_version = max(self.version, stored.version), stored.viewers_version


def _whatever_role(self: Entry, snapshot: Snapshot) -> bool:
    is_controller = self.connection.role is PortalRole.CONTROLLER
    return self.known_version == (snapshot.through if is_controller else snapshot.viewers_through)


def _without_payload(self: Connection, *answer: Any, payload: Any = None, **more: Any) -> None:
    _reply_ack(self, *answer, **more)


def _always_stored(self: Table, **asked: Any) -> Any:
    written = _change(self, **asked)
    return type(written)(written.portal_view, written.answers, written.warnings, is_stored=True)


_jump, _reply_ack, _change = Order.jump, Connection.reply_ack, Table.change

MUTANTS: dict[str, Callable[..., Any] | type | property] = {
    # The order of versions
    "realtime.rooms.order.Order.take": _as_it_comes,
    "realtime.rooms.order.Order.jump": _no_whole,
    "realtime.rooms.order.Order.note": lambda self, version: None,
    # Who comes back, with what
    "realtime.rooms.snapshots.Entry.has_missed_nothing": _whatever_role,
    "realtime.rooms.room.Room._has_skipped": lambda self, connection: False,
    # Acks, and what the sender is not told
    "realtime.rooms.connection.Connection.reply_ack": _without_payload,
    "realtime.sessions.jobs.PortalViewChanged": Table,  # so no event of a retry is one
    "testing.table.Table.change": _always_stored,
    "testing.table.Table._keep": lambda self, receipts, sender, item_ids: None,
}
"""Broken parts, by the name of what they replace."""


@pytest.mark.parametrize("name", MUTANTS)
def test_with_a_broken_part_the_test_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name, MUTANTS[name])
    with pytest.raises((AssertionError, LookupError)):
        play_many()


def test_without_a_broken_part_it_does_not() -> None:
    for seed in range(30):
        play(seed)
