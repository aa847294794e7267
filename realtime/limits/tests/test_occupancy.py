"""The caps on connections: exact here, with the sums of the other processes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.roles import PortalRole
from realtime.limits.occupancy import Caps, Occupancy

CAPS = Caps(per_user_and_view=3, per_user=5, per_view=8)
VIEWER, CONTROLLER = PortalRole.VIEWER, PortalRole.CONTROLLER


def enter(occupancy: Occupancy, user: str, view: str = "mill", role: PortalRole = VIEWER) -> str | None:
    """Count a connection."""
    return occupancy.enter(user, view, role, CAPS)


def test_a_person_has_a_cap_on_one_portal_view() -> None:
    occupancy = Occupancy()
    assert [enter(occupancy, "ann") for _ in range(4)] == [None, None, None, "too-many-connections"]
    assert enter(occupancy, "bob") is None
    occupancy.leave("ann", "mill")
    assert [enter(occupancy, "ann") for _ in range(2)] == [None, "too-many-connections"]


def test_a_person_has_a_cap_over_all_portal_views() -> None:
    occupancy = Occupancy()
    assert [enter(occupancy, "ann", f"view {number}") for number in range(6)] == [None] * 5 + ["too-many-connections"]


def test_a_full_portal_view_has_room_for_controllers() -> None:
    occupancy = Occupancy()
    for number in range(8):
        assert enter(occupancy, f"viewer {number}") is None
    assert enter(occupancy, "one more") == "portal-view-full"
    assert enter(occupancy, "gm", role=CONTROLLER) is None
    assert enter(occupancy, "one more", "another view") is None


def test_zero_is_no_limit() -> None:
    occupancy = Occupancy()
    assert {occupancy.enter("ann", "mill", VIEWER, Caps(0, 0, 0)) for _ in range(1000)} == {None}
    assert occupancy.to_share(Caps(0, 0, 0)) == {}


def test_connections_of_other_processes_count() -> None:
    here, there = Occupancy(), Occupancy()
    for _ in range(2):
        assert enter(there, "ann") is None
    here.hear([there.to_share(CAPS)])
    assert [enter(here, "ann") for _ in range(2)] == [None, "too-many-connections"]
    here.hear([])
    assert enter(here, "ann") is None


def test_counts_far_below_the_cap_are_not_shared() -> None:
    occupancy, caps = Occupancy(), Caps(per_user_and_view=30, per_user=100, per_view=2000)
    for number in range(150):
        occupancy.take(f"user {number}", "mill")
    for _ in range(3):
        occupancy.take("ann", "mill")
    assert occupancy.to_share(caps) == {"ann mill": 3}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("ab"), st.sampled_from("xy")), max_size=80))
def test_counts_are_those_of_current_connections(steps: list[tuple[bool, str, str]]) -> None:
    occupancy, there = Occupancy(), Counter[tuple[str, str]]()
    for comes, user, view in steps:
        if comes:
            of_user = sum(count for (one, _), count in there.items() if one == user)
            of_view = sum(count for (_, one), count in there.items() if one == view)
            fits = there[user, view] < 3 and of_user < 5 and of_view < 8
            assert (enter(occupancy, user, view) is None) is fits
            there[user, view] += fits
        elif there[user, view]:
            occupancy.leave(user, view)
            there[user, view] -= 1
    assert occupancy.is_empty is not any(there.values())
    assert all(
        count > 0 for counter in (occupancy._people, occupancy._views, occupancy._seats) for count in counter.values()
    )
