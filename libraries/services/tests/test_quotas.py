"""Quotas: each limit, in each interface, and its cost for a write within it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from libraries.migrations import _rows
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.errors import QuotaExceeded
from libraries.rules.roles import Role
from libraries.rules.state import MAX_STATE_BYTES, SIZE_BLOCK, blocks_of, check_patch, size_of
from libraries.services.libraries import create_library
from libraries.services.members import add_member, change_role, remove_member
from libraries.services.portal_views import create_portal_view, delete_portal_view, update_portal_view
from libraries.tests.rest import as_, refused
from libraries.tests.writes import update_item

pytestmark = pytest.mark.django_db

KIB = 1024


def items(kib: float) -> list[dict[str, Any]]:
    """Items of about this many KiB."""
    return [{"id": "a", "text": "x" * int(kib * KIB)}]


def sizes(library: Library) -> int:
    """The total size of the library's portal views, measured again."""
    return sum(blocks_of(size_of(one.state())) for one in library.portal_views.all())


# --- The stored size ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "blocks"), [(1, 1), (SIZE_BLOCK, 1), (SIZE_BLOCK + 1, 2), (MAX_STATE_BYTES, 1024)])
def test_a_size_is_stored_in_full_blocks(size: int, blocks: int) -> None:
    assert blocks_of(size) == blocks * SIZE_BLOCK


def test_the_stored_size_matches_the_state(library: Library, editor: User) -> None:
    writes: list[Callable[[PortalView], object]] = [
        lambda one: None,
        lambda one: update_portal_view(
            actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"items": items(9)})
        ),
        lambda one: update_item(actor_id=editor.id, portal_view_id=one.id, item_id="a", payload={"more": "y" * 5000}),
        lambda one: update_item(actor_id=editor.id, portal_view_id=one.id, item_id="a", payload={"more": ""}),
        lambda one: update_portal_view(
            actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"name": "é" * 200})
        ),
        lambda one: update_portal_view(actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"items": []})),
    ]
    made = create_portal_view(
        actor_id=editor.id, library_id=library.id, patch=check_patch({"name": "New", "items": items(3)})
    )
    for write in writes:
        write(made)
        stored = PortalView.objects.get(id=made.id)
        assert stored.size == blocks_of(size_of(stored.state()))


# --- Bytes of a library ------------------------------------------------------------------------------------


@pytest.fixture
def small(library: Library, settings: Any) -> tuple[PortalView, PortalView]:
    """Two portal views that fill a library of 10 KiB up to the last one."""
    settings.PORTAL_LIBRARY_BYTES = 10 * KIB
    one = PortalView.objects.create(library=library, name="One", items=items(3.5))
    two = PortalView.objects.create(library=library, name="Two", items=items(4.5))
    assert (one.size, two.size) == (4 * KIB, 5 * KIB)
    return one, two


def test_a_portal_view_grows_until_the_library_is_full(small: tuple[PortalView, PortalView], editor: User) -> None:
    one, _ = small
    update_portal_view(actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"items": items(4.5)}))
    writes: list[Callable[[], object]] = [
        lambda: update_portal_view(actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"items": items(5.5)})),
        lambda: update_item(actor_id=editor.id, portal_view_id=one.id, item_id="a", payload={"more": "y" * KIB}),
        lambda: create_portal_view(actor_id=editor.id, library_id=one.library_id, patch=check_patch({"name": "New"})),
    ]
    for write in writes:
        before = list(PortalView.objects.order_by("id").values_list("version", "items", "size"))
        with pytest.raises(QuotaExceeded, match="11,264 bytes together, and 10,240 are possible"):
            write()
        assert list(PortalView.objects.order_by("id").values_list("version", "items", "size")) == before


def test_writes_without_growth_are_allowed_over_the_limit(
    small: tuple[PortalView, PortalView], editor: User, settings: Any
) -> None:
    settings.PORTAL_LIBRARY_BYTES = KIB
    one, two = small
    update_item(actor_id=editor.id, portal_view_id=one.id, item_id="a", payload={"hp": 1})
    update_portal_view(actor_id=editor.id, portal_view_id=two.id, patch=check_patch({"items": items(3)}))
    update_portal_view(actor_id=editor.id, portal_view_id=two.id, patch=check_patch({"blackout": True}))
    delete_portal_view(actor_id=editor.id, portal_view_id=two.id)
    assert sizes(one.library) == 4 * KIB


def test_a_limit_of_0_is_no_limit(library: Library, owner: User, stranger: User, settings: Any) -> None:
    for name in ("VIEWS_PER_LIBRARY", "LIBRARY_BYTES", "MEMBERS_PER_LIBRARY", "LIBRARIES_PER_USER"):
        setattr(settings, f"PORTAL_{name}", 0)
    create_portal_view(
        actor_id=owner.id, library_id=library.id, patch=check_patch({"name": "New", "items": items(200)})
    )
    add_member(actor_id=owner.id, library_id=library.id, email=stranger.email, role=Role.OWNER)
    create_library(actor_id=owner.id, name="Another")


def test_only_growth_queries_the_library(portal_view: PortalView, editor: User) -> None:
    def queries(payload: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as asked:
            update_item(
                actor_id=editor.id,
                portal_view_id=portal_view.id,
                item_id="ogre",
                payload=payload,
            )
        assert sum("SUM(" in query["sql"] for query in asked) == len(asked) - 4
        return len(asked)

    assert queries({"hp": 29}) == 4  # SAVEPOINT, SELECT, UPDATE, RELEASE
    assert queries({"hp": 29, "note": "in the same block"}) == 4
    assert queries({"text": "x" * 2 * KIB}) == 5
    assert queries({"text": "x" * 2 * KIB}) == 4
    assert queries({"text": ""}) == 4


@pytest.mark.django_db(transaction=True)
def test_simultaneous_writers_do_not_get_far_past_the_limit(library: Library, editor: User, settings: Any) -> None:
    limit, step, writers = 64 * KIB, 4, 4
    settings.PORTAL_LIBRARY_BYTES = limit
    views = [PortalView.objects.create(library=library, name=str(number)) for number in range(writers)]
    refusals: list[str] = []

    def grow(one: PortalView) -> None:
        try:
            for kib in range(step, 65, step):
                update_portal_view(actor_id=editor.id, portal_view_id=one.id, patch=check_patch({"items": items(kib)}))
        except QuotaExceeded as error:
            refusals.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=grow, args=[one]) for one in views]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refusals == ["quota-exceeded"] * writers
    # A writer that waits for SQLite's write lock counts the committed data; on Postgres each may pass once.
    at_once = 1 if connection.vendor == "sqlite" else writers
    assert limit - step * KIB < sizes(library) <= limit + (at_once - 1) * step * KIB


# --- Portal views, members, libraries ----------------------------------------------------------------------


def test_a_library_has_a_limit_of_portal_views(library: Library, owner: User, settings: Any) -> None:
    settings.PORTAL_VIEWS_PER_LIBRARY = 2
    for name in "ab":
        create_portal_view(actor_id=owner.id, library_id=library.id, patch=check_patch({"name": name}))
    with pytest.raises(QuotaExceeded, match="has 2 portal views, and 2 are possible: delete one"):
        create_portal_view(actor_id=None, library_id=library.id, patch=check_patch({"name": "c"}))
    assert library.portal_views.count() == 2


def test_a_library_has_a_limit_of_members(
    library: Library, owner: User, stranger: User, viewer: User, settings: Any
) -> None:
    settings.PORTAL_MEMBERS_PER_LIBRARY = 3
    add: dict[str, Any] = {"actor_id": owner.id, "library_id": library.id, "email": stranger.email, "role": Role.VIEWER}
    with pytest.raises(QuotaExceeded, match="has 3 members, and 3 are possible: remove somebody"):
        add_member(**add)
    remove_member(actor_id=owner.id, library_id=library.id, user_id=viewer.id)
    add_member(**add)


def test_a_person_has_a_limit_of_owned_libraries_in_every_way(
    library: Library, owner: User, editor: User, stranger: User, settings: Any
) -> None:
    settings.PORTAL_LIBRARIES_PER_USER = 1
    for person in (editor, stranger):
        create_library(actor_id=person.id, name="Own")
    before = list(Membership.objects.order_by("id").values_list("user_id", "role"))
    for write in (
        lambda: create_library(actor_id=owner.id, name="Another"),
        lambda: change_role(actor_id=owner.id, library_id=library.id, user_id=editor.id, role=Role.OWNER),
        lambda: add_member(actor_id=owner.id, library_id=library.id, email=stranger.email, role=Role.OWNER),
    ):
        with pytest.raises(QuotaExceeded, match="owns 1 libraries, and 1 are possible"):
            write()
    assert list(Membership.objects.order_by("id").values_list("user_id", "role")) == before
    change_role(actor_id=owner.id, library_id=library.id, user_id=owner.id, role=Role.OWNER)  # is an owner already


# --- The refusal -------------------------------------------------------------------------------------------


def test_the_refusal_by_rest_says_what_to_do(
    small: tuple[PortalView, PortalView], owner: User, stranger: User, settings: Any
) -> None:
    settings.PORTAL_VIEWS_PER_LIBRARY, settings.PORTAL_MEMBERS_PER_LIBRARY = 2, 3
    settings.PORTAL_LIBRARIES_PER_USER = 1
    one, _ = small
    client, library = as_(owner), f"/api/libraries/{one.library_id}"
    token = client.post(f"{library}/invitations", {}).json()["link"].rpartition("/")[2]
    for answer in (
        client.post(f"{library}/portal-views", {"name": "New"}),
        as_(stranger).post("/api/invitations/accept", {"token": token}),
        client.post("/api/libraries", {"name": "New"}),
        client.patch(f"/api/portal-views/{one.id}", {"items": items(8)}),
        client.put(f"/api/portal-views/{one.id}", {"name": "One", "items": items(8)}),
    ):
        message = refused(answer, "quota-exceeded")
        assert "possible" in message


def test_the_migration_measures_existing_portal_views(
    library: Library, small: tuple[PortalView, PortalView], monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("libraries.migrations.0005_portal_view_size")
    monkeypatch.setattr(_rows, "BATCH", 1)
    before = list(PortalView.objects.order_by("id").values_list("size", "version", "updated_at"))
    PortalView.objects.update(size=0)
    migration.measure(apps, SimpleNamespace(connection=connection))
    assert list(PortalView.objects.order_by("id").values_list("size", "version", "updated_at")) == before
