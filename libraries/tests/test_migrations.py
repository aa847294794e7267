"""The migrations that fill columns of stored rows: from an older version to this one, back, and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from libraries.migrations import _rows
from libraries.models import PortalView
from libraries.rules.state import blocks_of, size_of
from testing.installation import StoreKind, installation

Items = list[dict[str, Any]]

OLD = "0004_logins_and_names"
"""The last migration before portal views had a size."""
LONG_AGO = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)

NORMAL: Items = [{"id": "a"}, {"id": "b", "visible": False}, {"id": "c", "visible": True, "text": "x" * 3_000}]
SPELT: Items = [{"id": "a", "Hidden": True}, {"id": "b", "visible": None}, {"id": "c", "is_visible": True}]
DOUBTFUL: Items = [{"id": "a", "visible": True, "hidden": True}, {"id": "b", "visible": "no"}]
ROWS: list[tuple[dict[str, Any], Items, int, int | None]] = [
    ({"items": []}, [], 0, None),
    ({"items": NORMAL, "current_item": 2}, NORMAL, 2, 1),
    ({"items": NORMAL, "current_item": 1}, NORMAL, 2, None),
    ({"items": NORMAL, "current_item": 0, "blackout": True}, NORMAL, 0, None),
    (
        {"items": SPELT, "current_item": 2},
        [{"id": "a", "visible": False}, {"id": "b"}, {"id": "c", "visible": True}],
        2,
        1,
    ),
    (
        {"items": DOUBTFUL, "current_item": 0},
        [{"id": "a", "visible": False}, {"id": "b", "visible": False}],
        0,
        None,
    ),
]
"""Stored columns, and afterwards: the items, and the number and the place that viewers see."""


def migrate(name: str | None = None) -> Any:
    """Migrate to the migration of that name, or to the newest; returns the models as they are then."""
    executor = MigrationExecutor(connection)
    targets = [("libraries", name)] if name else executor.loader.graph.leaf_nodes("libraries")
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def store_old_rows() -> None:
    """Store the rows as the old version did."""
    old = migrate(OLD)
    library = old.get_model("libraries", "Library").objects.create(name="Library")
    rows = old.get_model("libraries", "PortalView").objects
    for number, (columns, *_) in enumerate(ROWS):
        rows.create(library=library, name=f"View {number}", version=7, **columns)
    rows.update(updated_at=LONG_AGO)


def check_rows() -> None:
    """Assert that each row has its normal form, and what viewers see of it."""
    for number, (_, items, count, place) in enumerate(ROWS):
        one = PortalView.objects.select_related("library").get(name=f"View {number}")
        assert one.items == items
        assert (one.viewers_item_count, one.viewers_current_item) == (count, place)
        assert (one.version, one.viewers_version) == (7, 7)
        assert (one.updated_at, one.viewers_updated_at) == (LONG_AGO, LONG_AGO)
        assert one.size == blocks_of(size_of(one.state()))
        check_current(one)
        assert (one.show_conditions, one.disclosure, one.library.disclosure) == (True, {}, {})


def check_current(one: PortalView) -> None:
    """Assert that the id of the current item is stored, and that the columns with it are empty."""
    current, items = one.current_item, one.items
    assert one.current_item_id == (items[current]["id"] if current is not None else None)
    assert (one.state()["currentItem"], one.state()["currentItemId"]) == (current, one.current_item_id)
    assert (one.camera, one.encounter) == (None, None)


BEFORE_IDS = "0006_what_viewers_see"
"""The last migration before the current item had an id."""
CURRENT: list[tuple[int | None, int | None, str | None]] = [
    (None, None, None),
    (0, 0, "a"),
    (2, 2, "c"),
    (3, None, None),
]
"""The stored index, and afterwards: the index and the id. No write has stored one beyond the end."""


def store_rows_without_ids() -> None:
    """Store rows as the release before did: with a measured size."""
    old = migrate(BEFORE_IDS)
    library = old.get_model("libraries", "Library").objects.create(name="Another")
    rows = old.get_model("libraries", "PortalView").objects
    for number, (index, *_) in enumerate(CURRENT):
        rows.create(library=library, name=f"Current {number}", version=7, items=NORMAL, current_item=index, size=1024)
    rows.update(updated_at=LONG_AGO)


def check_ids() -> None:
    """Assert that the id of the current item is filled in, and the size measured with the new keys."""
    for number, (_, index, item_id) in enumerate(CURRENT):
        one = PortalView.objects.get(name=f"Current {number}")
        assert (one.current_item, one.current_item_id, one.items) == (index, item_id, NORMAL)
        assert one.size == blocks_of(size_of(one.state())) > 1024
        assert (one.version, one.viewers_version, one.updated_at) == (7, 7, LONG_AGO)
        check_current(one)


def ids_are_filled() -> None:
    """Migrate rows of the release before, in batches of two, and do it again after the way back."""
    store_rows_without_ids()
    with patch.object(_rows, "BATCH", 2):
        migrate()
        check_ids()
        migrate(BEFORE_IDS)
        migrate()
        check_ids()


def there_and_back() -> None:
    """Migrate old rows, in batches of two, and do it again after the way back."""
    store_old_rows()
    with patch.object(_rows, "BATCH", 2):
        migrate()
        check_rows()
        assert migrate(OLD).get_model("libraries", "PortalView").objects.count() == len(ROWS)
        migrate()
        check_rows()


@pytest.mark.django_db(transaction=True)
def test_old_rows_are_filled_in_sqlite() -> None:
    try:
        there_and_back()
    finally:
        migrate()


@pytest.mark.django_db(transaction=True)
def test_ids_of_current_items_are_filled_in_sqlite() -> None:
    try:
        ids_are_filled()
    finally:
        migrate()


@pytest.mark.postgres
@pytest.mark.valkey
def test_old_rows_are_filled_in_postgres() -> None:
    with installation(StoreKind.POSTGRES) as made:
        made.shell("from libraries.tests.test_migrations import there_and_back\nthere_and_back()")
        made.shell("from libraries.tests.test_migrations import ids_are_filled\nids_are_filled()")
