"""The portal view's form: saved and announced changes, refusals, and where they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conftest import ITEMS
from libraries.models import Library, PortalView, User
from libraries.rules.errors import Unavailable
from libraries.rules.state import check_patch
from libraries.services import portal_views as services
from libraries.tests.admin.conftest import Desk, add, body, change, delete, errors, filled, list_of, says

FORBIDDEN = 403


def test_a_save_is_stored_and_announced_once_committed(desk: Desk, portal_view: PortalView) -> None:
    page = desk.save(change(portal_view), name="Night", show_health="on")
    assert "was changed successfully" in says(page)
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.show_health, portal_view.version) == ("Night", True, 2)
    [controllers] = desk.updates("controllers")
    assert controllers == {"name": "Night", "showHealth": True}
    [viewers] = desk.updates("viewers")
    assert viewers.keys() == {"name", "showHealth", "items"}
    assert viewers["items"][1]["health"]["current"] == ITEMS[1]["hp"]
    assert json.loads(desk.news[0]["controllers"])["version"] == portal_view.version


def test_a_save_without_a_change_stores_and_announces_nothing(desk: Desk, portal_view: PortalView) -> None:
    desk.save(change(portal_view))
    portal_view.refresh_from_db()
    assert portal_view.version == 1
    assert desk.news == []


CAMERA = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}
ENCOUNTER = {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre", "initiative": 9}]}


@pytest.mark.parametrize(
    ("field", "typed", "key", "stored"),
    [
        ("blackout", "on", "blackout", True),
        ("show_encounter", "on", "showEncounter", True),
        ("show_ac", "on", "showAC", True),
        ("show_actions", "on", "showActions", True),
        ("health_display", "words", "healthDisplay", "words"),
        ("auto_reset_image_state", None, "autoResetImageState", False),
        ("viewers_may_point", "on", "viewersMayPoint", True),
        ("camera", json.dumps(CAMERA), "camera", CAMERA),
        ("encounter", json.dumps(ENCOUNTER), "encounter", ENCOUNTER),
        ("items", '[{"id": "only"}]', "items", [{"id": "only"}]),
        ("items", "", "items", []),
    ],
)
def test_only_changed_fields_are_in_the_patch(
    desk: Desk, portal_view: PortalView, field: str, typed: str | None, key: str, stored: Any
) -> None:
    data = filled(desk.get(change(portal_view)))
    data.pop(field, None)
    desk.post(change(portal_view), data if typed is None else {**data, field: typed})
    portal_view.refresh_from_db()
    assert portal_view.state()[key] == stored
    assert desk.updates("controllers") == [{key: stored}]


def test_the_current_item_gets_its_id(desk: Desk, portal_view: PortalView) -> None:
    desk.save(change(portal_view), current_item="1")
    portal_view.refresh_from_db()
    assert (portal_view.current_item, portal_view.current_item_id) == (1, "ogre")
    assert desk.updates("controllers") == [{"currentItem": 1, "currentItemId": "ogre"}]


def test_camera_and_encounter_can_be_emptied(desk: Desk, portal_view: PortalView) -> None:
    for key, value in (("camera", CAMERA), ("encounter", ENCOUNTER)):
        PortalView.objects.update(**{key: value})
        assert json.loads(filled(desk.get(change(portal_view)))[key]) == value
        desk.save(change(portal_view), **{key: None})
        portal_view.refresh_from_db()
        assert getattr(portal_view, key) is None
    PortalView.objects.update(camera=CAMERA)
    desk.save(change(portal_view), camera="null")
    assert PortalView.objects.get().camera is None


def test_an_item_without_an_id_gets_one(desk: Desk, portal_view: PortalView) -> None:
    desk.save(change(portal_view), items='[{"name": "a"}]')
    portal_view.refresh_from_db()
    [item] = portal_view.items
    assert item["name"] == "a"
    assert item["id"]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("camera", "[]", "Must be null or an object with x, y, zoom and rotation; it is a list of 0."),
        ("camera", '{"x": 0, "y": 0, "zoom": 0}', "camera.zoom: Must be a number from 0.01 to 100; it is 0."),
        (
            "encounter",
            '{"round": 1}',
            "encounter.order: Must be a list of objects with itemId and initiative; it is null.",
        ),
        (
            "encounter",
            '{"round": 1, "order": [{"itemId": "nobody"}]}',
            "encounter.order[0].itemId: There is no item “nobody”.",
        ),
    ],
)
def test_errors_of_camera_and_encounter_are_shown_beside_them(
    desk: Desk, portal_view: PortalView, field: str, typed: str, sentence: str
) -> None:
    page = desk.save(change(portal_view), **{field: typed})
    assert errors(page) == {field: [sentence]}
    portal_view.refresh_from_db()
    assert portal_view.version == 1


def test_current_item_can_be_emptied(desk: Desk, portal_view: PortalView) -> None:
    PortalView.objects.update(current_item=2)
    desk.save(change(portal_view), current_item=None)
    portal_view.refresh_from_db()
    assert portal_view.current_item is None


def test_the_form_shows_the_items_as_readable_json(desk: Desk, portal_view: PortalView) -> None:
    PortalView.objects.update(items=[{"id": "déjà", "name": "Vu"}])
    shown = filled(desk.get(change(portal_view)))["items"]
    assert shown == '[\n  {\n    "id": "déjà",\n    "name": "Vu"\n  }\n]'


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ('[\n  {"id": "a"},\n  {"id" "b"}\n]', "This is not JSON: line 3, column 9: Expecting ':' delimiter."),
        ("[1", "This is not JSON: line 1, column 3: Expecting ',' delimiter."),
        ('[{"id": "a", "hp": NaN}]', "NaN is not a JSON value."),
        ('[{"id": "a", "hp": 1, "hp": 2}]', "An object has the key “hp” twice."),
        ("[" * 100_000, "This is nested too deeply."),
        ('{"id": "a"}', "Must be a list of at most 500 items; it is an object."),
        ('[{"id": ""}]', "items[0].id: Must be text of 1 to 128 characters, or an integer; it is “”."),
        ('[{"id": "a"}, {"id": "a"}]', "items[1].id: Must be unique, and items[0] has it too; it is “a”."),
        ('[{"id": "a", "visible": "no"}]', "items[0].visible: Must be true or false; it is “no”."),
        ('[{"id": "a", "hp": 1e999}]', "items[0].hp: Numbers must lie between -(2^53-1) and 2^53-1; it is inf."),
    ],
)
def test_errors_of_items_are_shown_beside_the_field(
    desk: Desk, portal_view: PortalView, typed: str, sentence: str
) -> None:
    page = desk.save(change(portal_view), items=typed)
    assert errors(page) == {"items": [sentence]}
    assert filled(page)["items"] == typed
    portal_view.refresh_from_db()
    assert portal_view.version == 1
    assert desk.news == []


def test_items_over_the_size_limit_are_refused_beside_the_field(desk: Desk, portal_view: PortalView) -> None:
    page = desk.save(change(portal_view), items=json.dumps([{"id": "a", "text": "x" * 2**20}]))
    assert "at most 1048576 are possible" in errors(page)["items"][0]


@pytest.mark.parametrize("changes", [{"current_item": "3"}, {"current_item": "2", "items": '[{"id": "a"}]'}])
def test_the_current_item_must_be_one_of_the_items(
    desk: Desk, portal_view: PortalView, changes: dict[str, str]
) -> None:
    page = desk.save(change(portal_view), **changes)
    assert "There is no item" in errors(page)["current_item"][0]


def test_without_the_current_item_among_the_new_items_there_is_none(desk: Desk, portal_view: PortalView) -> None:
    for items, place in (('[{"id": "a"}, {"id": "spy"}]', 1), ('[{"id": "a"}]', None)):
        PortalView.objects.update(items=portal_view.items, current_item=2)
        desk.save(change(portal_view), items=items)
        assert PortalView.objects.get().current_item == place


def test_several_errors_are_shown_at_once(desk: Desk, portal_view: PortalView) -> None:
    page = desk.save(change(portal_view), name="", items='[{"id": 1.5}]', current_item="-1")
    assert errors(page).keys() == {"name", "current_item"}
    page = desk.save(change(portal_view), name="\u200b", items='[{"id": 1.5}]')
    assert errors(page).keys() == {"name", "items"}


def test_a_stale_save_is_refused_and_overwrites_nothing(desk: Desk, portal_view: PortalView) -> None:
    opened = filled(desk.get(change(portal_view)))
    services.update_portal_view(actor_id=None, portal_view_id=portal_view.pk, patch=check_patch({"name": "Theirs"}))
    page = desk.post(change(portal_view), {**opened, "name": "Mine"})
    [sentence] = errors(page)["__all__"]
    assert "version 2 is stored, you began with 1" in sentence
    assert change(portal_view) in sentence
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Theirs", 2)
    assert desk.news == []


def test_a_form_shown_after_a_stale_save_is_still_stale(desk: Desk, portal_view: PortalView) -> None:
    opened = filled(desk.get(change(portal_view)))
    services.update_portal_view(actor_id=None, portal_view_id=portal_view.pk, patch=check_patch({"name": "Theirs"}))
    page = desk.post(change(portal_view), {**opened, "name": "Mine"})
    again = desk.post(change(portal_view), filled(page))
    assert "__all__" in errors(again)
    assert errors(desk.post(change(portal_view), {**opened, "loaded_version": ""})) == {
        "loaded_version": ["This field is required."]
    }


def test_a_portal_view_deleted_in_the_meantime_is_reported(desk: Desk, portal_view: PortalView) -> None:
    opened = filled(desk.get(change(portal_view)))
    portal_view.delete()
    page = desk.post(change(portal_view), opened)
    assert "Perhaps it was deleted?" in says(page)


def test_a_new_portal_view_is_created_by_the_services(desk: Desk, library: Library) -> None:
    typed = {"library": str(library.pk), "name": "New", "items": '[{"id": "a"}]', "current_item": "0"}
    page = desk.save(add(PortalView), **typed)
    assert "was added successfully" in says(page)
    made = PortalView.objects.get()
    assert (made.library, made.name, made.items, made.current_item) == (library, "New", [{"id": "a"}], 0)
    assert made.version == 1
    assert f"/{made.pk}/change/" in body(desk.get("/admin/"))  # in the list of recent actions


def test_a_new_portal_view_is_checked_too(desk: Desk, library: Library) -> None:
    page = desk.save(add(PortalView), library=str(library.pk), name="New", items='[{"id": 1.5}]')
    assert errors(page).keys() == {"items"}
    assert not PortalView.objects.exists()


def test_a_deletion_is_announced(desk: Desk, portal_view: PortalView) -> None:
    page = desk.post(delete(portal_view), {"post": "yes"})
    assert "was deleted successfully" in says(page)
    assert not PortalView.objects.exists()
    assert [(news["event"], news["portalViewId"]) for news in desk.news] == [("deleted", str(portal_view.pk))]


def test_many_deletions_are_announced_one_by_one(desk: Desk, portal_view: PortalView, library: Library) -> None:
    other = PortalView.objects.create(library=library, name="Other")
    desk.act("delete_selected", portal_view, other, post="yes")
    assert not PortalView.objects.exists()
    assert {news["portalViewId"] for news in desk.news if news["event"] == "deleted"} == {
        str(portal_view.pk),
        str(other.pk),
    }


def test_the_list_shows_the_current_items(desk: Desk, portal_view: PortalView) -> None:
    assert "nothing of 3" in body(desk.get(list_of(PortalView)))
    PortalView.objects.update(current_item=1)
    assert "Ogre (item 1 of 3)" in body(desk.get(list_of(PortalView)))
    PortalView.objects.update(current_item=0)
    assert "map (item 0 of 3)" in body(desk.get(list_of(PortalView)))


def test_version_and_epoch_are_shown_and_cannot_be_written(desk: Desk, portal_view: PortalView) -> None:
    page = desk.get(change(portal_view))
    assert portal_view.epoch in body(page)
    assert {"version", "epoch", "library"}.isdisjoint(filled(page))
    desk.save(change(portal_view), version="99", epoch="mine", library="other", name="Night")
    stored = PortalView.objects.get()
    assert (stored.version, stored.epoch, stored.library_id) == (2, portal_view.epoch, portal_view.library_id)


def test_a_refusal_that_no_form_foresees_is_a_message(
    desk: Desk, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise Unavailable("Not now.")

    opened = filled(desk.get(change(portal_view)))
    monkeypatch.setattr(services, "update_portal_view", refuse)
    monkeypatch.setattr(services, "delete_portal_view", refuse)
    assert "Not now." in says(desk.post(change(portal_view), {**opened, "name": "Night"}))
    assert "Not now." in says(desk.post(delete(portal_view), {"post": "yes"}))
    assert "Not now." in says(desk.act("blackout_on", portal_view))
    portal_view.refresh_from_db()
    assert portal_view.name == "Evening"


def test_staff_who_may_only_look_see_the_items_and_save_nothing(
    clerk: Callable[..., Desk], portal_view: PortalView
) -> None:
    desk = clerk("view_portalview")
    page = desk.get(change(portal_view))
    assert "trap at the door" in body(page)
    assert 'name="loaded_version"' not in body(page)
    desk.post(change(portal_view), {"name": "Mine", "loaded_version": "1"}, status=FORBIDDEN)
    desk.get(add(PortalView), status=FORBIDDEN)
    desk.get(delete(portal_view), status=FORBIDDEN)
    desk.post(delete(portal_view), {"post": "yes"}, status=FORBIDDEN)
    portal_view.refresh_from_db()
    assert portal_view.name == "Evening"


def test_staff_who_may_change_may_not_delete(clerk: Callable[..., Desk], portal_view: PortalView) -> None:
    desk = clerk("change_portalview")
    desk.save(change(portal_view), name="Night")
    portal_view.refresh_from_db()
    assert portal_view.name == "Night"
    desk.post(delete(portal_view), {"post": "yes"}, status=FORBIDDEN)
    desk.act("delete_selected", portal_view, post="yes")
    assert PortalView.objects.exists()


def test_staff_without_permissions_see_no_portal_view(clerk: Callable[..., Desk], portal_view: PortalView) -> None:
    desk = clerk()
    desk.get(list_of(PortalView), status=FORBIDDEN)
    desk.get(change(portal_view), status=FORBIDDEN)
    desk.post(change(portal_view), {"name": "Mine", "loaded_version": "1"}, status=FORBIDDEN)


def test_a_member_who_is_not_staff_is_asked_to_log_in(
    desk_of: Callable[[User], Desk], owner: User, portal_view: PortalView
) -> None:
    page = desk_of(owner).get(change(portal_view))
    assert page.redirect_chain[0][0].startswith("/admin/login/")


def test_a_quota_is_shown_beside_the_field(desk: Desk, portal_view: PortalView, settings: Any) -> None:
    settings.PORTAL_LIBRARY_BYTES = 1024
    longer = json.dumps([{"id": "a", "text": "x" * 2048}])
    assert "1,024 are possible" in errors(desk.save(change(portal_view), items=longer, current_item=None))["items"][0]
    settings.PORTAL_VIEWS_PER_LIBRARY = 1
    page = desk.save(add(PortalView), library=str(portal_view.library_id), name="New", items="[]")
    assert errors(page)["library"] == ["The library has 1 portal views, and 1 are possible: delete one of them first."]
    portal_view.refresh_from_db()
    assert (portal_view.version, PortalView.objects.count()) == (1, 1)
