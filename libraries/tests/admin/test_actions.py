"""The actions on many portal views: one write for each portal view that changes, with its event."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from libraries.admin.portal_views import SWITCHES
from libraries.models import Library, PortalView
from libraries.rules.state import FIELDS
from libraries.tests.admin.conftest import Desk, body, list_of, says

NAMES = [
    "next_item",
    "previous_item",
    "turn_next",
    "turn_previous",
    *(f"{FIELDS[key].column}_{word}" for key in SWITCHES for word in ("on", "off")),
]


@pytest.fixture
def empty(library: Library) -> PortalView:
    """A portal view without items."""
    return PortalView.objects.create(library=library, name="Empty")


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("key", SWITCHES)
def test_a_flag_is_switched_for_many_portal_views(
    desk: Desk, portal_view: PortalView, empty: PortalView, key: str, on: bool
) -> None:
    column = FIELDS[key].column
    PortalView.objects.update(**{column: not on})
    page = desk.act(f"{column}_{'on' if on else 'off'}", portal_view, empty)
    assert "Changed: " in says(page)
    assert set(PortalView.objects.values_list(column, "version")) == {(on, 2)}
    assert desk.updates("controllers") == [{key: on}] * 2
    assert {news["portalViewId"] for news in desk.news} == {str(portal_view.pk), str(empty.pk)}


def test_portal_views_that_need_no_change_are_not_written(
    desk: Desk, portal_view: PortalView, empty: PortalView
) -> None:
    PortalView.objects.filter(pk=empty.pk).update(blackout=True)
    assert says(desk.act("blackout_on", portal_view, empty)) == "Changed: Evening."
    empty.refresh_from_db()
    assert empty.version == 1
    assert says(desk.act("blackout_on", portal_view, empty)) == "Nothing to change: all of them were so already."


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("next_item", None, 0),
        ("next_item", 0, 1),
        ("next_item", 1, 2),
        ("next_item", 2, 2),
        ("previous_item", None, None),
        ("previous_item", 2, 1),
        ("previous_item", 1, 0),
        ("previous_item", 0, 0),
    ],
)
def test_the_next_and_the_previous_item(
    desk: Desk, portal_view: PortalView, action: str, before: int | None, after: int | None
) -> None:
    PortalView.objects.update(current_item=before)
    desk.act(action, portal_view)
    portal_view.refresh_from_db()
    assert portal_view.current_item == after

    def named(place: int | None) -> dict[str, object]:
        return {"currentItem": place, "currentItemId": None if place is None else portal_view.items[place]["id"]}

    assert desk.updates("controllers") == ([] if before == after else [named(after)])
    seen = [None if place == 2 else place for place in (before, after)]  # viewers don't see the last item
    assert desk.updates("viewers") == ([] if seen[0] == seen[1] else [named(seen[1])])


ORDER = [{"itemId": "ogre"}, {"itemId": "map"}]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("turn_next", (0, None), (1, "ogre")),
        ("turn_next", (1, "ogre"), (1, "map")),
        ("turn_next", (1, "map"), (2, "ogre")),
        ("turn_previous", (2, "ogre"), (1, "map")),
        ("turn_previous", (1, "map"), (1, "ogre")),
    ],
)
def test_the_next_and_the_previous_turn(
    desk: Desk, portal_view: PortalView, empty: PortalView, action: str, before: tuple[object, ...], after: object
) -> None:
    encounter = {"round": before[0], "turn": before[1], "order": ORDER}
    PortalView.objects.filter(pk=portal_view.pk).update(encounter=encounter, show_encounter=True)
    assert says(desk.act(action, portal_view, empty)) == "Changed: Evening."
    portal_view.refresh_from_db()
    empty.refresh_from_db()
    stored = portal_view.encounter or {}
    assert (stored["round"], stored["turn"]) == after
    assert (portal_view.version, empty.version) == (2, 1)
    assert desk.updates("controllers") == desk.updates("viewers") == [{"encounter": stored}]
    assert "Changed encounter." in body(desk.get(f"/admin/libraries/portalview/{portal_view.pk}/history/"))


@pytest.mark.parametrize("turn", [None, "ogre"])
def test_a_turn_before_the_first_changes_nothing(desk: Desk, portal_view: PortalView, turn: str | None) -> None:
    PortalView.objects.update(encounter={"round": 1, "turn": turn, "order": ORDER})
    assert says(desk.act("turn_previous", portal_view)) == "Nothing to change: all of them were so already."
    portal_view.refresh_from_db()
    assert (portal_view.version, desk.news) == (1, [])


@pytest.mark.parametrize("action", ["turn_next", "turn_previous"])
def test_without_an_encounter_there_is_no_turn(desk: Desk, portal_view: PortalView, action: str) -> None:
    assert says(desk.act(action, portal_view)) == "Nothing to change: all of them were so already."
    portal_view.refresh_from_db()
    assert (portal_view.version, desk.news) == (1, [])


@pytest.mark.parametrize("action", ["next_item", "previous_item"])
def test_without_items_nothing_changes(desk: Desk, empty: PortalView, action: str) -> None:
    desk.act(action, empty)
    empty.refresh_from_db()
    assert (empty.current_item, empty.version) == (None, 1)


def test_an_action_is_in_the_history(desk: Desk, portal_view: PortalView) -> None:
    desk.act("blackout_on", portal_view)
    assert "Changed blackout." in body(desk.get(f"/admin/libraries/portalview/{portal_view.pk}/history/"))


@pytest.mark.parametrize("action", NAMES)
def test_an_action_needs_the_permission_to_change(
    clerk: Callable[..., Desk], portal_view: PortalView, action: str
) -> None:
    PortalView.objects.update(current_item=1, show_health=True)
    desk = clerk("view_portalview")
    assert action not in body(desk.get(list_of(PortalView)))
    desk.act(action, portal_view)
    portal_view.refresh_from_db()
    assert portal_view.version == 1
    assert desk.news == []


def test_the_permission_to_change_is_enough(clerk: Callable[..., Desk], portal_view: PortalView) -> None:
    desk = clerk("change_portalview")
    assert all(action in body(desk.get(list_of(PortalView))) for action in NAMES)
    desk.act("blackout_on", portal_view)
    portal_view.refresh_from_db()
    assert portal_view.blackout
