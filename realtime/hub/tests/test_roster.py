"""Who is connected to this process, by what can end the connections, and how many."""

from __future__ import annotations

from uuid import uuid4

import pytest

from realtime.hub.roster import Roster
from realtime.tests.doubles import viewer


def test_those_of_a_key_are_found_until_they_leave() -> None:
    roster, one, other = Roster(), viewer().connection, viewer().connection
    for connection in (one, other):
        roster.add(connection)
    [key, *_] = one.grant.keys
    assert roster.of(key) == [one]
    assert roster.count == 2
    for _ in range(2):  # one that has left is ignored
        roster.remove(one)
        assert (roster.of(key), roster.count) == ([], 1)
    assert roster.of(uuid4()) == []


@pytest.mark.parametrize(
    ("count", "milliseconds"),
    [(0, 500), (1, 500), (200, 500), (201, 1_000), (400, 1_000), (1_999, 5_000), (2_000, 5_000), (9_999, 5_000)],
)
def test_four_hundred_clients_come_back_in_a_second(count: int, milliseconds: int) -> None:
    roster = Roster()
    roster.count = count
    assert roster.reconnect_within == milliseconds
