"""What a library discloses, and the presets, in the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.models import Library, PortalView, User
from libraries.rules.presets import presets
from libraries.tests.rest import as_, cast, refused

pytestmark = pytest.mark.django_db

DISCLOSURE = {"always": ["size"], "ac": ["armor_class"]}


@pytest.fixture
def path(library: Library) -> str:
    return f"/api/libraries/{library.id}"


def test_an_owner_discloses_and_controllers_see_it(path: str, owner: User, editor: User, viewer: User) -> None:
    assert as_(owner).get(path).json()["disclosure"] == {}
    written = as_(owner).patch(path, {"disclosure": {**DISCLOSURE, "name": []}})
    assert (written.status_code, written.json()["disclosure"]) == (200, DISCLOSURE)
    assert as_(editor).get(path).json()["disclosure"] == DISCLOSURE
    for shown in (as_(viewer).get(path).json(), as_(viewer).get("/api/libraries").json()["results"][0]):
        assert shown["disclosure"] is None


def test_others_do_not(request: pytest.FixtureRequest, path: str, library: Library) -> None:
    for who, status in (("editor", 403), ("viewer", 403), ("stranger", 404), ("nobody", 401)):
        assert cast(request, who).patch(path, {"disclosure": DISCLOSURE}).status_code == status
    library.refresh_from_db()
    assert library.disclosure == {}


def test_a_replacement_keeps_it_unless_it_names_it(path: str, owner: User, editor: User) -> None:
    as_(owner).patch(path, {"disclosure": DISCLOSURE})
    assert as_(editor).put(path, {"name": "New"}).json()["disclosure"] == DISCLOSURE
    assert as_(owner).put(path, {"name": "New", "disclosure": {}}).json()["disclosure"] == {}


def test_a_new_library_may_have_one(owner: User) -> None:
    made = as_(owner).post("/api/libraries", {"name": "New", "disclosure": DISCLOSURE})
    assert (made.status_code, made.json()["disclosure"]) == (201, DISCLOSURE)


@pytest.mark.parametrize(
    ("disclosure", "keys"),
    [
        ([], ["disclosure"]),
        ("open5e", ["disclosure"]),
        (None, ["disclosure"]),
        ({"hp": ["a"]}, ["disclosure.hp"]),
        ({"ac": "a"}, ["disclosure.ac"]),
        ({"ac": ["a", "a..b", 3]}, ["disclosure.ac.1", "disclosure.ac.2"]),
        ({"always": ["name"]}, ["disclosure.always.0"]),
        ({"always": ["a\0"]}, ["disclosure.always.0"]),
        ({"always": [f"a{index}" for index in range(65)]}, ["disclosure"]),
    ],
)
def test_a_bad_path_is_refused_by_name(path: str, owner: User, disclosure: Any, keys: list[str]) -> None:
    refused(as_(owner).patch(path, {"disclosure": disclosure}), "invalid-payload", *keys)
    assert as_(owner).get(path).json()["disclosure"] == {}


def test_viewers_see_what_is_disclosed(path: str, owner: User, viewer: User, portal_view: PortalView) -> None:
    view = f"/api/portal-views/{portal_view.id}"
    as_(owner).patch(view, {"items": [{"id": "a", "size": "Large", "armor_class": 13, "cr": 4}], "showAC": True})
    before = as_(viewer).get(view)
    assert before.json()["items"] == [{"id": "a", "ac": 13}]
    as_(owner).patch(path, {"disclosure": DISCLOSURE})
    after = as_(viewer).get(view, HTTP_IF_NONE_MATCH=before["ETag"])
    assert after.json()["items"] == [{"id": "a", "ac": 13, "size": "Large"}]
    assert after.json()["version"] == before.json()["version"] + 1


def test_the_presets_are_for_people_who_are_logged_in(request: pytest.FixtureRequest, owner: User) -> None:
    assert cast(request, "nobody").get("/api/disclosure-presets").status_code == 401
    listed = as_(owner).get("/api/disclosure-presets").json()
    assert {one["name"]: one["disclosure"] for one in listed} == {
        name: preset.disclosure for name, preset in presets().items()
    }
    assert all(set(one) == {"name", "title", "description", "disclosure"} for one in listed)


@pytest.mark.parametrize("name", presets())
def test_each_preset_can_be_chosen(path: str, owner: User, name: str) -> None:
    [preset] = [one for one in as_(owner).get("/api/disclosure-presets").json() if one["name"] == name]
    assert as_(owner).patch(path, {"disclosure": preset["disclosure"]}).json()["disclosure"] == preset["disclosure"]
