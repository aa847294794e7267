"""Counters in the database that all processes share: read, add, take back. What is counted is said by who asks.

One statement adds to several counters and says what they are then, so that of two at once each is told of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, QuerySet, Value, When

from libraries.models import Counter

_DROPPED_AT_ONCE = 20
"""How many old rows a write takes with it: more than it adds."""

_ADD = """INSERT INTO {table} (key, count, extends_below, expires_at) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
  count = CASE WHEN {table}.expires_at <= %s THEN 1 ELSE {table}.count + 1 END,
  extends_below = excluded.extends_below,
  expires_at = CASE
    WHEN {table}.expires_at <= %s OR {table}.count < excluded.extends_below THEN excluded.expires_at
    ELSE {table}.expires_at
  END
RETURNING key, count, expires_at
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries (0: as many as one likes) until `seconds` have passed.

    They pass from the first try on, or, with `extends`, from the latest that was not one too many.
    """

    key: str
    most: int
    seconds: int
    extends: bool = False

    def is_over(self, count: Count) -> bool:
        """Whether the latest of these tries is one too many."""
        return 0 < self.most < count.tries

    def just_reached(self, count: Count | None) -> bool:
        """Whether it is the last that was not one too many."""
        return count is not None and count.tries == self.most


@dataclass(frozen=True, slots=True)
class Count:
    """How many tries there were, and when they are forgotten, in seconds since the epoch of Unix."""

    tries: int
    expires_at: int

    def one_more(self) -> Count:
        """The count if there was one more."""
        return Count(self.tries + 1, self.expires_at)

    def wait(self, now: int) -> int:
        """Seconds until they are forgotten, at least 1."""
        return max(1, self.expires_at - now)


def read(limits: Iterable[Limit], now: int) -> dict[str, Count]:
    """What was counted, by key; without those of which nothing is counted."""
    keys = [limit.key for limit in limits if limit.most]
    rows = Counter.objects.filter(key__in=keys, expires_at__gt=now) if keys else ()
    return {row.key: Count(row.count, row.expires_at) for row in rows}


def add(limits: Iterable[Limit], now: int) -> dict[str, Count]:
    """Count one try with each of the limits; what is counted now, by key."""
    # In one order for all: two that wait for each other's rows would never end.
    counted = sorted((limit for limit in limits if limit.most), key=lambda limit: limit.key)
    if not counted:
        return {}
    values: list[Any] = []
    for limit in counted:
        values += [limit.key, 1, limit.most if limit.extends else 0, now + limit.seconds]
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(counted))
    table = connection.ops.quote_name(Counter._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADD.format(table=table, rows=rows), [*values, now, now])
        counts = {key: Count(tries, expires_at) for key, tries, expires_at in cursor.fetchall()}
        if any(count.tries == 1 for count in counts.values()):
            drop_some(Counter.objects.filter(expires_at__lte=now))
    return counts


def take_back(*, once: Sequence[Limit], reset: Sequence[Limit] = ()) -> None:
    """Count one try less with the limits of `once`, and none any more with those of `reset`."""
    keys = [limit.key for limit in (*once, *reset) if limit.most]
    if not keys:
        return
    with transaction.atomic():
        rows = Counter.objects.filter(key__in=keys, count__gt=0).order_by("key").select_for_update()
        found = [row.key for row in rows]
        none = When(key__in=[limit.key for limit in reset], then=Value(0))
        Counter.objects.filter(key__in=found).update(count=Case(none, default=F("count") - 1))


def drop_some(rows: QuerySet[Any]) -> None:
    """Delete a few of the rows, but none that another transaction is at."""
    with transaction.atomic():
        some = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
        keys = list(some[:_DROPPED_AT_ONCE])
        if keys:
            rows.model._default_manager.filter(pk__in=keys).delete()
