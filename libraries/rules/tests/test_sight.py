"""Who may point at what, who is shown it, and which values are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.errors import Forbidden, InvalidPayload, PortalError
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.sight import Pointed, Sight, check_pointer, check_pointing, check_target, sight_of
from libraries.rules.tests.drafts import state_with
from libraries.tests.strategies import states

CONTROLLER, VIEWER = PortalRole.CONTROLLER, PortalRole.VIEWER


def sight(*, shows_activity: bool = False, **more: Any) -> Sight:
    state = state_with({"id": "map"}, {"id": "spy", "visible": False}, **more)
    return sight_of({**state, "version": 7}, shows_activity=shows_activity)


def refusal(seen: Sight, role: PortalRole, item_id: str) -> PortalError | None:
    try:
        check_pointing(seen, role, item_id)
    except PortalError as error:
        return error
    return None


@given(states(), st.booleans())
def test_viewers_see_pointers_at_the_items_of_their_state(state: dict[str, Any], shows_activity: bool) -> None:
    seen = sight_of(state, shows_activity=shows_activity)
    shown = {item["id"] for item in project(state, VIEWER)["items"]}
    assert {item_id for item_id in seen.items if seen.shows(item_id)} == shown
    assert seen.items.keys() == {item["id"] for item in state["items"]}
    assert (seen.version, seen.viewers_may_point) == (state["version"], state["viewersMayPoint"])
    assert seen.viewers_see_activity is (shows_activity and not state["blackout"])


def test_controllers_point_at_every_item() -> None:
    for seen in (sight(), sight(blackout=True)):
        assert refusal(seen, CONTROLLER, "map") is None
        assert refusal(seen, CONTROLLER, "spy") is None
        assert isinstance(refusal(seen, CONTROLLER, "nobody"), InvalidPayload)


def test_viewers_point_if_they_may_at_what_they_see() -> None:
    assert isinstance(refusal(sight(), VIEWER, "map"), Forbidden)
    assert refusal(sight(viewersMayPoint=True), VIEWER, "map") is None
    assert refusal(sight(viewersMayPoint=True, blackout=True), VIEWER, "map") is not None


def test_a_viewer_cannot_tell_a_hidden_item_from_none() -> None:
    for more in ({}, {"viewersMayPoint": True}, {"viewersMayPoint": True, "blackout": True}):
        errors = [refusal(sight(**more), VIEWER, item_id) for item_id in ("spy", "nobody")]
        one, other = [(error.code, error.message, error.details) for error in errors if error is not None]
        assert one == other


@pytest.mark.parametrize(("item_id", "x", "y"), [("map", 0, 1), (7, 0.5, 0.25), ("7", 1, 0.0)])
def test_a_pointer_has_the_coordinates_of_the_camera(item_id: str | int, x: float, y: float) -> None:
    assert check_pointer(item_id, x, y) == Pointed(str(item_id), x, y)


@pytest.mark.parametrize(
    ("item_id", "x", "y", "places"),
    [
        ("", 0, 0, ["itemId"]),
        ("x" * 129, 0, 0, ["itemId"]),
        ("a\0", 0, 0, ["itemId"]),
        ("__proto__", 0, 0, ["itemId"]),
        ("map", -0.1, 1.1, ["x", "y"]),
        ("map", 2**70, 0, ["x"]),
        ("map", float("nan"), float("inf"), ["x", "y"]),
        ("", 2, 0, ["itemId", "x"]),
    ],
)
def test_a_bad_pointer_is_refused_by_place(item_id: str, x: float, y: float, places: list[str]) -> None:
    with pytest.raises(InvalidPayload) as refused:
        check_pointer(item_id, x, y)
    assert list(refused.value.details or {}) == places


def test_a_target_is_an_id() -> None:
    assert (check_target("map"), check_target(7)) == ("map", "7")
    with pytest.raises(InvalidPayload) as refused:
        check_target("\ud800")
    assert list(refused.value.details or {}) == ["target"]
