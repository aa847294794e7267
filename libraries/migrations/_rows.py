"""What the migrations of stored portal views share. Django takes no module with such a name for a migration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

BATCH = 25  # of at most 1 MiB each


def rewrite(
    apps: Any, schema_editor: Any, change: Callable[[Any, dict[str, Any]], None], columns: Sequence[str]
) -> None:
    """Call `change` with each stored portal view and its state, and write those columns, a batch at a time."""
    from libraries.rules.state import FIELDS

    rows = apps.get_model("libraries", "PortalView").objects.using(schema_editor.connection.alias)
    done = None
    while batch := list((rows.filter(pk__gt=done) if done else rows).order_by("pk")[:BATCH]):
        for row in batch:
            # A key of a later version has no column yet; its migration measures again.
            change(row, {key: getattr(row, field.column, None) for key, field in FIELDS.items()})
        rows.bulk_update(batch, columns)
        done = batch[-1].pk
