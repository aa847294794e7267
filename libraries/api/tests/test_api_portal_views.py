"""Portal views over REST: permissions, patches, replacements, and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ITEMS
from libraries.conftest import Published
from libraries.events import PortalViewChanged, PortalViewDeleted
from libraries.models import Library, PortalView, User
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.rules.state import FIELDS, MAX_ITEMS
from libraries.tests.rest import CAST, CODES, as_, cast, refused

# method, body, then the status for each person
ALLOWED: list[tuple[str, Any, tuple[int, ...]]] = [
    ("get", None, (200, 200, 200, 404, 401)),
    ("patch", {"name": "New"}, (200, 200, 403, 404, 401)),
    ("put", {"name": "New"}, (200, 200, 403, 404, 401)),
    ("delete", None, (204, 204, 403, 404, 401)),
]
DEFAULTS = {
    "showEncounter": False,
    "showHealth": False,
    "showAC": False,
    "showActions": False,
    "showConditions": True,
    "healthDisplay": "numbers",
    "autoResetImageState": True,
    "blackout": False,
    "viewersMayPoint": False,
    "currentItem": None,
    "currentItemId": None,
    "camera": None,
    "encounter": None,
    "items": [],
}


@pytest.mark.parametrize("who", CAST)
@pytest.mark.parametrize(("method", "body", "statuses"), ALLOWED)
@pytest.mark.parametrize("slash", ["", "/"])
def test_permissions_by_role(
    request: pytest.FixtureRequest,
    portal_view: PortalView,
    who: str,
    method: str,
    body: Any,
    statuses: tuple[int, ...],
    slash: str,
) -> None:
    before = list(PortalView.objects.values())
    answer = getattr(cast(request, who), method)(f"/api/portal-views/{portal_view.id}{slash}", body)
    expected = statuses[CAST.index(who)]
    assert answer.status_code == expected, answer.content
    if expected >= 400:
        refused(answer, CODES[expected])
    assert (list(PortalView.objects.values()) != before) == (expected < 300 and method != "get")


def own(portal_view: PortalView) -> dict[str, Any]:
    """The state as a controller sees it."""
    return project(portal_view.state(), PortalRole.CONTROLLER)


def test_a_controller_reads_everything(editor: User, portal_view: PortalView) -> None:
    body = as_(editor).get(f"/api/portal-views/{portal_view.id}").json()
    assert body == {**own(portal_view), "epoch": portal_view.epoch, "role": "controller"}
    assert body["items"] == ITEMS
    assert body["libraryId"] == str(portal_view.library_id)


def test_a_new_portal_view_has_defaults(editor: User, library: Library) -> None:
    answer = as_(editor).post(f"/api/libraries/{library.id}/portal-views", {"name": "Night"})
    body = answer.json()
    assert answer.status_code == 201
    assert {key: body[key] for key in FIELDS} == {"name": "Night", **DEFAULTS}
    assert (body["version"], body["role"], answer["ETag"]) == (1, "controller", '"1"')
    assert answer["Location"] == f"/api/portal-views/{body['id']}"
    assert {**as_(editor).get(answer["Location"]).json(), "warnings": []} == body


def test_a_new_portal_view_accepts_all_keys(owner: User, library: Library) -> None:
    given = {
        "name": "Night",
        "showEncounter": True,
        "showHealth": True,
        "showAC": True,
        "showActions": True,
        "showConditions": False,
        "healthDisplay": "bar",
        "autoResetImageState": False,
        "blackout": True,
        "viewersMayPoint": True,
        "currentItem": 1,
        "currentItemId": "ogre",
        "camera": {"x": 0.25, "y": 1, "zoom": 2.5, "rotation": -90},
        "encounter": {"round": 2, "turn": "ogre", "order": [{"itemId": "ogre", "initiative": 17}, {"itemId": "spy"}]},
        "items": ITEMS,
    }
    body = as_(owner).post(f"/api/libraries/{library.id}/portal-views", given).json()
    assert {key: body[key] for key in FIELDS} == given


def test_a_patch_changes_only_the_named_keys(editor: User, portal_view: PortalView) -> None:
    answer = as_(editor).patch(f"/api/portal-views/{portal_view.id}", {"showHealth": True, "currentItem": 2})
    portal_view.refresh_from_db()
    assert (portal_view.show_health, portal_view.current_item, portal_view.name) == (True, 2, "Evening")
    rest = {"epoch": portal_view.epoch, "role": "controller", "warnings": []}
    assert answer.json() == {**own(portal_view), **rest}
    assert (answer.json()["version"], answer["ETag"]) == (2, '"2"')


def test_a_replacement_sets_the_other_keys_to_defaults(editor: User, portal_view: PortalView) -> None:
    path = f"/api/portal-views/{portal_view.id}"
    as_(editor).patch(path, {"showHealth": True, "currentItem": 2, "blackout": True, "healthDisplay": "words"})
    body = as_(editor).put(path, {"name": "Morning", "showAC": True}).json()
    assert {key: body[key] for key in FIELDS} == {"name": "Morning", **DEFAULTS, "showAC": True}
    assert (body["id"], body["version"], body["epoch"]) == (str(portal_view.id), 3, portal_view.epoch)


def test_what_is_stored_in_another_form_is_answered_in_that_form(owner: User, library: Library) -> None:
    given = {
        "items": [{"id": 7}, {"id": "b", "hidden": True}, {"slug": "ogre"}],
        "currentItemId": 7,
        "camera": {"x": 0, "y": 0, "zoom": 1},
        "encounter": {"round": 0, "order": [{"itemId": 7}]},
    }
    body = as_(owner).post(f"/api/libraries/{library.id}/portal-views", {"name": "New", **given}).json()
    made_up = body["items"][2].pop("id")
    assert body["items"] == [{"id": "7"}, {"id": "b", "visible": False}, {"slug": "ogre"}]
    assert isinstance(made_up, str)
    assert (body["currentItem"], body["currentItemId"]) == (0, "7")
    assert body["camera"] == {"x": 0, "y": 0, "zoom": 1, "rotation": 0}
    assert body["encounter"] == {"round": 0, "turn": None, "order": [{"itemId": "7"}]}


def test_a_viewer_gets_camera_and_encounter_as_they_see_them(
    owner: User, viewer: User, portal_view: PortalView
) -> None:
    path = f"/api/portal-views/{portal_view.id}"
    order = [{"itemId": "ogre", "initiative": 17}, {"itemId": "spy", "initiative": 9}]
    camera = {"x": 0.5, "y": 0.5, "zoom": 2, "rotation": 0}
    encounter = {"round": 1, "turn": "spy", "order": order}
    as_(owner).patch(path, {"currentItemId": "map", "camera": camera, "encounter": encounter})
    seen = as_(viewer).get(path).json()
    assert (seen["currentItem"], seen["currentItemId"], seen["camera"], seen["encounter"]) == (0, "map", camera, None)
    as_(owner).patch(path, {"currentItemId": "spy", "camera": camera, "showEncounter": True})
    seen = as_(viewer).get(path).json()
    assert (seen["currentItem"], seen["currentItemId"], seen["camera"]) == (None, None, None)
    assert seen["encounter"] == {"round": 1, "turn": "ogre", "order": order[:1]}


def test_an_answer_can_be_written_back(owner: User, portal_view: PortalView) -> None:
    path = f"/api/portal-views/{portal_view.id}"
    read = as_(owner).get(path).json()
    for method in ("put", "patch"):
        written = getattr(as_(owner), method)(path, read).json()
        assert {**written, "version": 1, "updatedAt": read["updatedAt"]} == {**read, "warnings": []}
        read = {**read, "warnings": []}  # what was answered can be written, too


def test_read_only_keys_are_ignored(owner: User, portal_view: PortalView, library: Library) -> None:
    other = Library.objects.create(name="Other")
    body = {"id": str(library.id), "libraryId": str(other.id), "version": 99, "epoch": "x", "role": "viewer"}
    answer = as_(owner).patch(
        f"/api/portal-views/{portal_view.id}", {**body, "createdAt": "x", "updatedAt": 1, "name": "New"}
    )
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version, portal_view.library) == ("New", 2, library)
    assert answer.json()["epoch"] == portal_view.epoch != "x"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


BAD: list[tuple[Any, list[str]]] = [
    ({"zoom": 2}, ["zoom"]),
    ({"name": "x", "show_health": True, "zoom": 1}, ["show_health", "zoom"]),
    ({"itemCount": 3}, ["itemCount"]),
    ({"name": ""}, ["name"]),
    ({"name": None}, ["name"]),
    ({"name": "x" * 201}, ["name"]),
    ({"showHealth": "yes"}, ["showHealth"]),
    ({"showHealth": 1, "showAC": None}, ["showHealth", "showAC"]),
    ({"healthDisplay": "hearts"}, ["healthDisplay"]),
    ({"currentItem": -1}, ["currentItem"]),
    ({"currentItem": 1.0}, ["currentItem"]),
    ({"currentItem": 3}, ["currentItem"]),
    ({"items": {}}, ["items"]),
    ({"currentItemId": ""}, ["currentItemId"]),
    ({"currentItemId": "nobody"}, ["currentItemId"]),
    ({"currentItem": None, "currentItemId": "ogre"}, ["currentItemId"]),
    ({"camera": {"x": 0, "y": 0, "zoom": 0}}, ["camera.zoom"]),
    ({"camera": []}, ["camera"]),
    ({"encounter": {"round": 1, "order": [{"itemId": "nobody"}]}}, ["encounter.order[0].itemId"]),
    ({"encounter": {"round": -1, "order": []}}, ["encounter.round"]),
    ({"items": [{"name": "no id"}, {"id": ""}]}, ["items[1].id"]),
    ({"items": [{"id": "a"}, {"id": "a"}]}, ["items[1].id"]),
    ({"items": [{"show": {"hp": True}}]}, ["items[0].show.hp"]),
    ({"items": [{"id": str(n)} for n in range(MAX_ITEMS + 1)]}, ["items"]),
    ({"items": [{"id": "a", "image": "javascript:alert(1)"}]}, ["items[0].image"]),
    ({"items": [{"id": "a", "text": "x" * 2**20}]}, ["items"]),
    ({"items": [{"id": "a", **nested(20)}]}, [f"items[0]{'.a' * 14}"]),
    ({"items": [{"id": "a", "hp": 2**53}]}, ["items[0].hp"]),
    ([], []),
    ("name", []),
]


@pytest.mark.parametrize(("body", "keys"), BAD)
def test_bad_values_change_nothing(owner: User, portal_view: PortalView, body: Any, keys: list[str]) -> None:
    before = list(PortalView.objects.values())
    path = f"/api/portal-views/{portal_view.id}"
    refused(as_(owner).patch(path, body, format="json"), "invalid-payload", *keys)
    named = {"name": "x", **body} if isinstance(body, dict) else body
    if named != {"name": "x", "currentItem": 3}:  # after that replacement there is no item at all: the same refusal
        refused(as_(owner).put(path, named, format="json"), "invalid-payload", *keys)
    refused(
        as_(owner).post(f"/api/libraries/{portal_view.library_id}/portal-views", named, format="json"),
        "invalid-payload",
        *keys,
    )
    assert list(PortalView.objects.values()) == before


@pytest.mark.parametrize("body", [{}, {"showAC": True}, {"id": "x"}])
def test_a_replacement_needs_a_name(owner: User, portal_view: PortalView, body: Any) -> None:
    refused(as_(owner).put(f"/api/portal-views/{portal_view.id}", body), "invalid-payload", "name")
    path = f"/api/libraries/{portal_view.library_id}/portal-views"
    refused(as_(owner).post(path, body), "invalid-payload", "name")


def test_an_unknown_key_is_named_in_a_short_form(owner: User, portal_view: PortalView) -> None:
    answer = as_(owner).patch(f"/api/portal-views/{portal_view.id}", {"k" * 10_000: 1})
    refused(answer, "invalid-payload", "k" * 64)


def test_a_write_by_rest_is_sent_to_the_sockets(owner: User, portal_view: PortalView, published: Published) -> None:
    path = f"/api/portal-views/{portal_view.id}"

    def write() -> None:
        as_(owner).patch(path, {"name": "New"})
        as_(owner).put(path, {"name": "Newer"})
        as_(owner).delete(path)

    told = [(type(event), getattr(event, "version", None)) for event in published(write)]
    assert told == [(PortalViewChanged, 2), (PortalViewChanged, 3), (PortalViewDeleted, None)]
