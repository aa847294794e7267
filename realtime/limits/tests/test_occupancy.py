"""The caps on connections: exact here, with the sums of the other processes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.roles import PortalRole
from realtime.limits.occupancy import PREVIEWS, Caps, Occupancy

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


def test_a_guest_takes_one_place_of_its_link_with_all_connections() -> None:
    occupancy = Occupancy()
    assert [occupancy.seat("link", guest, 2) for guest in ("ann", "ann", "bob", "cid", "ann")] == [
        True,
        True,
        True,
        False,
        True,
    ]
    assert occupancy.seat("other", "cid", 1)
    for _ in range(3):
        assert not occupancy.seat("link", "cid", 2)
        occupancy.rise("link", "ann")
    assert occupancy.seat("link", "cid", 2)
    occupancy.rise("link", "nobody")
    occupancy.rise("nowhere", "ann")
    for link, guest in (("link", "bob"), ("link", "cid"), ("other", "cid")):
        occupancy.rise(link, guest)
    assert occupancy._links == {}


def test_guests_of_other_processes_take_places_and_a_reload_on_another_takes_its_own() -> None:
    here, there = Occupancy(), Occupancy()
    for guest in ("ann", "bob"):
        assert there.seat("link", guest, 3)
    assert here.seat("link", "cid", 3)
    here.hear([there.to_share(CAPS)])
    assert not here.seat("link", "dan", 3)
    assert here.seat("link", "ann", 3)
    assert not here.seat("link", "dan", 3)
    there.rise("link", "bob")
    here.hear([there.to_share(CAPS)])
    assert here.seat("link", "dan", 3)


def test_a_few_guests_of_many_are_not_shared() -> None:
    occupancy = Occupancy()
    for number in range(9):
        occupancy.seat("link", str(number), 100)
    assert occupancy.to_share(CAPS) == {}
    occupancy.seat("link", "9", 100)
    assert len(occupancy.to_share(CAPS)) == 10


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


def test_looks_as_a_viewer_have_a_cap_of_their_own() -> None:
    here, there = Occupancy(), Occupancy()
    caps = Caps(per_user_and_view=3, per_user=100, per_view=2)
    for _ in range(PREVIEWS):
        assert here.preview("ann", "mill", caps) is None
    assert here.preview("ann", "mill", caps) == "too-many-connections"
    assert here.preview("ann", "inn", caps) is here.preview("bob", "mill", caps) is None
    assert here.enter("ann", "mill", PortalRole.VIEWER, caps) is None  # they take no place in the portal view
    there.hear([here.to_share(caps)])
    assert there.preview("ann", "mill", caps) == "too-many-connections"
    here.leave_preview("ann", "mill")
    assert here.preview("ann", "mill", caps) is None
    assert here.preview("ann", "mill", Caps(0, 7, 0)) == "too-many-connections"
    assert here.preview("ann", "mill", Caps(0, 0, 0)) is None
