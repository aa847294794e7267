"""Lists: pages, search and order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libraries.api.base import MAX_QUERY_CHARS
from libraries.api.filters import MAX_SEARCH_CHARS
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole, Role
from libraries.rules.state import NOT_IN_HEAD
from libraries.tests.rest import as_, refused

NAMES = ["Delta", "alpha", "Charlie", "Bravo 100%", "Echo"]
LISTS = ["/api/libraries", "/api/libraries/{id}/portal-views", "/api/libraries/{id}/members"]


@pytest.fixture
def library(owner: User) -> Library:
    """A library with five portal views, five other libraries of its owner, and five more members."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    home = Library.objects.create(name="Home")
    Membership.objects.create(library=home, user=owner, role=Role.OWNER)
    for number, name in enumerate(NAMES):
        library = Library.objects.create(name=name)
        Membership.objects.create(library=library, user=owner, role=Role.OWNER)
        view = PortalView.objects.create(library=home, name=name)
        user = User.objects.create_user(f"{number}@example.org", name=name)
        member = Membership.objects.create(library=home, user=user, role=Role.VIEWER)
        created = {"created_at": start + timedelta(days=number)}
        Membership.objects.filter(id=member.id).update(**created)
        for row in (library, view):
            type(row).objects.filter(id=row.id).update(**created, updated_at=start - timedelta(days=number))
    Library.objects.filter(id=home.id).update(created_at=start - timedelta(days=9), updated_at=start)
    return home


@pytest.fixture(params=LISTS)
def path(request: pytest.FixtureRequest, library: Library) -> str:
    return str(request.param.format(id=library.id))


def names(user: User, path: str) -> list[str]:
    return [row["name"] for row in as_(user).get(path).json()["results"]]


def test_pages(owner: User, path: str) -> None:
    everything = names(owner, path)
    answer = as_(owner).get(f"{path}?pageSize=2&search=").json()
    assert (answer["count"], answer["previous"], len(answer["results"])) == (len(everything), None, 2)
    seen = answer["results"]
    while answer["next"]:
        assert "pageSize=2" in answer["next"]
        answer = as_(owner).get(answer["next"]).json()
        seen += answer["results"]
    assert [row["name"] for row in seen] == everything
    assert "page=2" in answer["previous"] or len(everything) == 4
    refused(as_(owner).get(f"{path}?pageSize=2&page=9"), "not-found")


@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "", "1.5", "1e1", "9" * 500, "٣"])
def test_bad_sizes(owner: User, path: str, size: str) -> None:
    assert "100" in refused(as_(owner).get(path, {"pageSize": size}), "invalid-payload", "pageSize")


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "last", "1.5", "9" * 500])
def test_bad_pages(owner: User, path: str, page: str) -> None:
    refused(as_(owner).get(path, {"page": page}), "invalid-payload", "page")


def test_the_maximum_and_the_default_size(owner: User, library: Library) -> None:
    PortalView.objects.bulk_create([PortalView(library=library, name=f"{number:03}") for number in range(120)])
    path = f"/api/libraries/{library.id}/portal-views"
    assert len(names(owner, path)) == 20
    assert len(names(owner, f"{path}?pageSize=100")) == 100


@pytest.mark.parametrize(
    ("search", "expected"),
    [("ALPHA", ["alpha"]), ("a", {"Delta", "alpha", "Charlie", "Bravo 100%"}), ("0%", ["Bravo 100%"]), ("zulu", [])]
    + [("_", []), ("' OR 1=1", []), ("  echo ", ["Echo"])],
)
def test_search(owner: User, path: str, search: str, expected: Any) -> None:
    found = [row["name"] for row in as_(owner).get(path, {"search": search}).json()["results"]]
    assert sorted(found) == sorted(expected)


def test_bad_searches(owner: User, path: str) -> None:
    refused(as_(owner).get(path, {"search": "a\0b"}), "invalid-payload", "search")


def test_searches_have_a_limited_length(owner: User, path: str) -> None:
    # A long one was a pattern too complex for SQLite, and was answered as if the database were unavailable.
    assert names(owner, f"{path}?search={'z' * MAX_SEARCH_CHARS}") == []
    message = refused(as_(owner).get(path, {"search": "é" * (MAX_SEARCH_CHARS + 1)}), "invalid-payload", "search")
    assert str(MAX_SEARCH_CHARS) in message


@pytest.mark.parametrize(
    "query", ["x=" + "y" * 60_000, "a&" * 1100, "search=" + "x" * 60_000, "ordering=" + "name," * 3000, "&" * 60_000]
)
def test_queries_have_a_limited_length(owner: User, path: str, query: str) -> None:
    answer = as_(owner).get(f"{path}?{query}")
    assert str(MAX_QUERY_CHARS) in refused(answer, "invalid-payload")
    assert len(answer.content) < 300


def test_a_query_of_too_many_parts(owner: User, path: str) -> None:
    refused(as_(owner).get(f"{path}?{'&'.join('a' * 1100)}"), "invalid-payload")


def test_members_are_not_found_by_address(owner: User, library: Library) -> None:
    assert names(owner, f"/api/libraries/{library.id}/members?search=example.org") == []


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("ordering", ["name", "createdAt", "updatedAt"])
def test_order(owner: User, library: Library, kind: str, ordering: str) -> None:
    path = kind.format(id=library.id)
    if ordering == "updatedAt" and kind.endswith("members"):
        refused(as_(owner).get(f"{path}?ordering={ordering}"), "invalid-payload", "ordering")
        return
    expected = {"name": sorted(NAMES), "createdAt": NAMES, "updatedAt": NAMES[::-1]}[ordering]
    there = [name for name in names(owner, f"{path}?ordering={ordering}") if name in NAMES]
    back = [name for name in names(owner, f"{path}?ordering=-{ordering}") if name in NAMES]
    assert there == expected == back[::-1]


def test_order_by_two_names(owner: User, library: Library) -> None:
    path = f"/api/libraries/{library.id}/members?ordering=role,-name"
    assert names(owner, path) == ["Owner", *sorted(NAMES, reverse=True)]


@pytest.mark.parametrize(
    ("ordering", "same"),
    [("", ""), (",", ""), (",,", ""), ("name,", "name"), (",-name,,", "-name")],
)
def test_an_empty_order(owner: User, path: str, ordering: str, same: str) -> None:
    assert names(owner, f"{path}?ordering={ordering}") == names(owner, f"{path}?ordering={same}")


@pytest.mark.parametrize("ordering", ["size", "created_at", "--name", "name,size", "items", "user__password", "name;"])
def test_bad_orders(owner: User, path: str, ordering: str) -> None:
    message = refused(as_(owner).get(path, {"ordering": ordering}), "invalid-payload", "ordering")
    assert "name" in message
    assert "createdAt" in message


@pytest.mark.parametrize("ordering", ["name,name", "name,-name", "createdAt,name,-createdAt"])
def test_an_order_with_a_repeated_name(owner: User, path: str, ordering: str) -> None:
    assert names(owner, f"{path}?ordering=name,createdAt") == names(owner, f"{path}?ordering=name")
    refused(as_(owner).get(path, {"ordering": ordering}), "invalid-payload", "ordering")


@pytest.mark.parametrize("name", ["ordering", "page", "pageSize", "search", "anything"])
def test_a_repeated_parameter(owner: User, path: str, name: str) -> None:
    """It is unknown which of the two is meant."""
    refused(as_(owner).get(f"{path}?{name}=1&{name}=1"), "invalid-payload", name)


def test_a_bad_order_is_shortened_in_the_answer(owner: User, path: str) -> None:
    answer = as_(owner).get(path, {"ordering": "x" * 1500})
    refused(answer, "invalid-payload", "ordering")
    assert len(answer.content) < 2 * 1500


def test_list_entries(owner: User, library: Library) -> None:
    view = PortalView.objects.create(library=library, name="Zulu", items=[{"id": "a"}, {"id": "b"}], current_item=1)
    [entry] = as_(owner).get(f"/api/libraries/{library.id}/portal-views?search=zulu").json()["results"]
    state = project(view.state(), PortalRole.CONTROLLER)
    head = {key: value for key, value in state.items() if key not in NOT_IN_HEAD}
    assert entry == {**head, "epoch": view.epoch, "role": "controller", "itemCount": 2}


def test_the_number_of_queries_does_not_depend_on_the_number_of_entries(
    owner: User, library: Library, path: str, django_assert_max_num_queries: Any
) -> None:
    def read() -> int:
        with django_assert_max_num_queries(4):  # the person, the library, the count, and the page
            answer = as_(owner).get(path)
        assert answer.status_code == 200
        return int(answer.json()["count"])

    few = read()
    for number in range(20):
        user = User.objects.create(email=f"more-{number}@example.org", name=f"Member {number}")
        Membership.objects.create(library=library, user=user, role="VIEWER")
        PortalView.objects.create(library=library, name=f"View {number}")
        Membership.objects.create(library=Library.objects.create(name=f"Library {number}"), user=owner, role="VIEWER")
    assert read() == few + 20
