"""The viewers' version, date, count and place: they move with what viewers see, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libraries.conftest import Published
from libraries.events import DisclosureChanged, PortalViewChanged
from libraries.models import Library, PortalView, User
from libraries.rules.changes import Change
from libraries.rules.errors import Forbidden, NoSuchItem
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.state import Patch, check_patch
from libraries.rules.tests.drafts import add, move, remove
from libraries.selectors import load
from libraries.services.changes import Message, change_portal_view
from libraries.services.libraries import create_library, update_library
from libraries.services.portal_views import create_portal_view, update_portal_view
from libraries.tests.strategies import as_sent, id_of, item_patches, patches
from libraries.tests.writes import update_item

pytestmark = pytest.mark.django_db

OF_VIEWERS = ("viewers_version", "viewers_updated_at", "viewers_item_count", "viewers_current_item")
DISCLOSURE = {"always": ["size"]}


def of_viewers(portal_view: PortalView) -> list[Any]:
    portal_view.refresh_from_db()
    return [getattr(portal_view, column) for column in OF_VIEWERS]


def seen(portal_view: PortalView) -> dict[str, Any]:
    """The state as viewers see it, as stored now."""
    stored = load(portal_view.id)
    assert stored is not None
    return project(stored.state, PortalRole.VIEWER, stored.disclosure)


def write(portal_view: PortalView, **payload: Any) -> None:
    update_portal_view(actor_id=None, portal_view_id=portal_view.id, patch=check_patch(payload))


def write_item(portal_view: PortalView, item_id: str, **payload: Any) -> None:
    update_item(actor_id=None, portal_view_id=portal_view.id, item_id=item_id, payload=payload)


def write_changes(portal_view: PortalView, *changes: Change) -> None:
    messages = [Message(changes, is_batch=True)]
    change_portal_view(actor_id=None, portal_view_id=portal_view.id, messages=messages)


HIDDEN: dict[str, Callable[[PortalView], None]] = {
    "a key that nobody listed": lambda one: write_item(one, "ogre", privateNotes="n"),
    "health": lambda one: write_item(one, "ogre", hp=12),
    "an unseen item": lambda one: write_item(one, "spy", name="Master spy"),
    "the same name": lambda one: write(one, name=one.name),
    "a place among unseen ones": lambda one: write(one, currentItem=2),
    "an item at the end": lambda one: write(one, items=[*one.items, {"id": "x", "hidden": True}]),
    "an unseen item more": lambda one: write_changes(one, add(0, id="x", hidden=True)),
    "an unseen item less": lambda one: write_changes(one, remove("spy")),
    "a move of an unseen item": lambda one: write_changes(one, move("spy", 0)),
    "a move past an unseen item": lambda one: write_changes(one, move("ogre", 2)),
    "a camera without a current item": lambda one: write(one, camera={"x": 0, "y": 0, "zoom": 1}),
    "an encounter that is switched off": lambda one: write(one, encounter={"round": 1, "order": [{"itemId": "ogre"}]}),
}
SEEN: dict[str, Callable[[PortalView], None]] = {
    "a name": lambda one: write(one, name="Night"),
    "a switch": lambda one: write(one, showAC=True),
    "a text": lambda one: write_item(one, "ogre", text="Awake"),
    "an item comes": lambda one: write_item(one, "spy", visible=True),
    "an item goes": lambda one: write_item(one, "map", visible=False),
    "the place": lambda one: write(one, currentItem=1),
    "blackout": lambda one: write(one, blackout=True),
    "an item more": lambda one: write_changes(one, add(0, id="x")),
    "an item less": lambda one: write_changes(one, remove("map")),
    "a move": lambda one: write_changes(one, move("map", 2)),
    "a camera": lambda one: write(one, currentItem=0, camera={"x": 0, "y": 0, "zoom": 1}),
    "an encounter": lambda one: write(one, showEncounter=True, encounter={"round": 1, "order": [{"itemId": "ogre"}]}),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_hidden_write_moves_nothing_of_viewers(portal_view: PortalView, name: str) -> None:
    before, shown = of_viewers(portal_view), seen(portal_view)
    HIDDEN[name](portal_view)
    assert of_viewers(portal_view) == before
    assert seen(portal_view) == shown
    assert (portal_view.version, portal_view.unseen_writes) == (2, 1)


@pytest.mark.parametrize("name", SEEN)
def test_a_write_that_viewers_see_moves_version_and_date(portal_view: PortalView, name: str) -> None:
    SEEN[name](portal_view)
    version, updated_at, count, place = of_viewers(portal_view)
    assert (version, updated_at, portal_view.version) == (2, portal_view.updated_at, 2)
    shown = seen(portal_view)
    assert (count, place) == (len(shown["items"]), shown["currentItem"])


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(steps=st.lists(patches | st.tuples(st.integers(0, 3), item_patches), max_size=6))
def test_after_any_writes_the_columns_are_those_of_what_viewers_see(library: Library, steps: list[Any]) -> None:
    one = create_portal_view(actor_id=None, library_id=library.id, patch=check_patch({"name": "Evening"}))
    for step in steps:
        before, shown = of_viewers(one), seen(one)
        if isinstance(step, dict):
            write(one, **step)
        else:
            with suppress(NoSuchItem):
                write_item(one, id_of(step[0]), **step[1])
        after, shown_after = of_viewers(one), seen(one)
        is_same = as_sent({**shown, "version": 0, "updatedAt": 0}) == as_sent(
            {**shown_after, "version": 0, "updatedAt": 0}
        )
        assert (after == before) is is_same
        assert after[0] - before[0] in ((0,) if is_same else (1,))
        assert after[2:] == [len(shown_after["items"]), shown_after["currentItem"]]
    one.delete()


def test_a_new_portal_view_begins_with_what_viewers_see(library: Library) -> None:
    items = [{"id": "a", "hidden": True}, {"id": "b"}]
    payload = {"name": "New", "items": items, "currentItem": 1}
    one = create_portal_view(actor_id=None, library_id=library.id, patch=check_patch(payload))
    assert of_viewers(one) == [1, one.viewers_updated_at, 1, 0]


def test_a_write_of_a_process_of_the_release_before_counts_as_seen(portal_view: PortalView) -> None:
    PortalView.objects.update(version=5)
    assert of_viewers(portal_view)[0] == 5


def test_a_viewers_version_is_never_below_one(portal_view: PortalView) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PortalView.objects.update(unseen_writes=1)


def test_a_full_save_keeps_the_normal_form(portal_view: PortalView) -> None:
    portal_view.items = [{"id": "a", "Hidden": True}, {"id": "b", "visible": None}]
    portal_view.current_item = 1
    portal_view.save()
    assert portal_view.items == [{"id": "a", "visible": False}, {"id": "b"}]
    assert of_viewers(portal_view)[2:] == [1, 0]


# --- Disclosure --------------------------------------------------------------------------------------------


def test_a_new_disclosure_raises_all_versions_in_one_statement(
    library: Library, owner: User, portal_view: PortalView, published: Published
) -> None:
    other = create_portal_view(actor_id=None, library_id=library.id, patch=check_patch({"name": "Other"}))
    write_item(portal_view, "ogre", hp=1)
    with CaptureQueriesContext(connection) as captured:
        [event] = published(partial(update_library, actor_id=owner.id, library_id=library.id, disclosure=DISCLOSURE))
    updates = [query["sql"] for query in captured if query["sql"].startswith('UPDATE "libraries_portalview"')]
    assert len(updates) == 1
    assert isinstance(event, DisclosureChanged)
    assert (event.library_id, set(event.portal_view_ids)) == (library.id, {portal_view.id, other.id})
    for one, versions in ((portal_view, (3, 2)), (other, (2, 2))):
        one.refresh_from_db()
        assert (one.version, one.viewers_version) == versions
        assert one.updated_at == one.viewers_updated_at
        assert one.disclosure == DISCLOSURE


def test_the_same_disclosure_changes_nothing(library: Library, portal_view: PortalView, published: Published) -> None:
    assert published(partial(update_library, actor_id=None, library_id=library.id, disclosure={}, name="New")) == []
    portal_view.refresh_from_db()
    assert portal_view.version == 1


@pytest.mark.parametrize("flag", ["show_audience", "show_activity"])
def test_what_viewers_learn_of_people_raises_all_versions_too(
    library: Library, owner: User, editor: User, portal_view: PortalView, published: Published, flag: str
) -> None:
    change: dict[str, Any] = {"library_id": library.id, flag: True}
    with pytest.raises(Forbidden):
        update_library(actor_id=editor.id, **change)
    [event] = published(partial(update_library, actor_id=owner.id, **change))
    assert isinstance(event, DisclosureChanged)
    assert event.portal_view_ids == (portal_view.id,)
    assert published(partial(update_library, actor_id=owner.id, **change)) == []
    portal_view.refresh_from_db()
    assert (portal_view.version, portal_view.viewers_version) == (2, 2)
    stored = load(portal_view.id)
    assert stored is not None
    assert (stored.show_audience, stored.show_activity) == (flag == "show_audience", flag == "show_activity")


def test_only_owners_disclose(library: Library, editor: User, viewer: User) -> None:
    for person in (editor, viewer):
        with pytest.raises(Forbidden):
            update_library(actor_id=person.id, library_id=library.id, disclosure=DISCLOSURE)
    update_library(actor_id=editor.id, library_id=library.id, name="New", disclosure={})
    library.refresh_from_db()
    assert (library.name, library.disclosure) == ("New", {})


def test_what_is_disclosed_holds_for_later_writes_and_new_portal_views(
    library: Library, owner: User, portal_view: PortalView, published: Published
) -> None:
    update_library(actor_id=owner.id, library_id=library.id, disclosure=DISCLOSURE)
    update = partial(update_portal_view, actor_id=None, portal_view_id=portal_view.id)
    items = check_patch({"items": [{"id": "a", "size": "Large", "cr": 4}]})
    [event] = published(partial(update, patch=items))
    assert isinstance(event, PortalViewChanged)
    assert event.viewers.patch["items"] == [{"id": "a", "size": "Large"}]
    assert seen(portal_view)["items"] == [{"id": "a", "size": "Large"}]
    new = create_portal_view(actor_id=None, library_id=library.id, patch=Patch({"name": "New", **items.known}, {}))
    assert seen(new)["items"] == [{"id": "a", "size": "Large"}]


def test_a_new_library_may_disclose_at_once(owner: User) -> None:
    assert create_library(actor_id=owner.id, name="New", disclosure=DISCLOSURE).disclosure == DISCLOSURE


# --- Warnings ----------------------------------------------------------------------------------------------


def test_writes_return_their_warnings(library: Library, portal_view: PortalView) -> None:
    items = [{"id": "a", "public": {"notes": "n"}}]
    patch = check_patch({"name": "New", "items": items})
    new = create_portal_view(actor_id=None, library_id=library.id, patch=patch)
    assert new.warnings == ["items[0].public.notes looks like notes and is shown."]
    written = update_portal_view(actor_id=None, portal_view_id=portal_view.id, patch=check_patch({"hint_hp": 3}))
    assert written.warnings == ["hint_hp looks like health and is shown."]
    changed = update_item(
        actor_id=None, portal_view_id=portal_view.id, item_id="ogre", payload={"public": {"answer": 42}}
    )
    assert changed.warnings == ["public.answer looks like an answer and is shown."]
    assert update_portal_view(actor_id=None, portal_view_id=portal_view.id, patch=Patch({}, {})).warnings == []
