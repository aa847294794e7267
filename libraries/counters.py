"""Counters in the database that all processes share: read, add, take back. The caller decides what is counted.

One statement adds to several counters and returns the new counts. So if two run at once, each sees the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils.crypto import salted_hmac

from libraries.models import Counter

_KEY_CHARS = 32
_DROPPED_AT_ONCE = 20
"""The number of old rows that a write deletes: more than it adds."""

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
    """At most `most` tries (0: unlimited) until `seconds` have passed.

    The time starts with the first try or, with `extends`, with the latest try within the limit.
    """

    key: str
    most: int
    seconds: int
    extends: bool = False

    def is_over(self, count: Count) -> bool:
        """Whether the latest of these tries is over the limit."""
        return 0 < self.most < count.tries

    def just_reached(self, count: Count | None) -> bool:
        """Whether the latest of these tries is the last one within the limit."""
        return count is not None and count.tries == self.most


@dataclass(frozen=True, slots=True)
class Count:
    """The number of tries, and when they are forgotten, in seconds since the Unix epoch."""

    tries: int
    expires_at: int

    def one_more(self) -> Count:
        """The count after one more try."""
        return Count(self.tries + 1, self.expires_at)

    def wait(self, now: int) -> int:
        """Seconds until they are forgotten, at least 1."""
        return max(1, self.expires_at - now)


def key_of(counter: str, *parts: str) -> str:
    """The key of what is counted: a keyed hash, so that the database alone does not show who tried what from where.

    `counter` names who counts: equal parts of two of them have different keys.
    """
    return salted_hmac(counter, "\0".join(parts), algorithm="sha256").hexdigest()[:_KEY_CHARS]


def read(limits: Iterable[Limit], now: int) -> dict[str, Count]:
    """The counts by key; keys without a count are missing."""
    keys = [limit.key for limit in limits if limit.most]
    rows = Counter.objects.filter(key__in=keys, expires_at__gt=now) if keys else ()
    return {row.key: Count(row.count, row.expires_at) for row in rows}


def add(limits: Iterable[Limit], now: int) -> dict[str, Count]:
    """Count one try for each of the limits; returns the new counts by key."""
    # All writers use the same order: two that wait for each other's rows would never end.
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


def count_try(limits: Sequence[Limit], now: int, refuse: Callable[[int], Exception]) -> dict[str, Count]:
    """Count one try for each of the limits; returns the new counts by key.

    Raises `refuse` of the seconds to wait if one of the limits is exceeded.

    They are looked at before the write, so that a client over a limit only reads, and after it, for simultaneous tries.
    """
    _look(limits, {key: count.one_more() for key, count in read(limits, now).items()}, now, refuse)
    counts = add(limits, now)
    _look(limits, counts, now, refuse)
    return counts


def _look(limits: Sequence[Limit], counts: dict[str, Count], now: int, refuse: Callable[[int], Exception]) -> None:
    for limit in limits:
        count = counts.get(limit.key)
        if count is not None and limit.is_over(count):
            raise refuse(count.wait(now))


def take_back(*, once: Sequence[Limit], reset: Sequence[Limit] = ()) -> None:
    """Subtract one try for the limits of `once`, and reset those of `reset` to zero."""
    keys = [limit.key for limit in (*once, *reset) if limit.most]
    if not keys:
        return
    with transaction.atomic():
        rows = Counter.objects.filter(key__in=keys, count__gt=0).order_by("key").select_for_update()
        found = [row.key for row in rows]
        none = When(key__in=[limit.key for limit in reset], then=Value(0))
        Counter.objects.filter(key__in=found).update(count=Case(none, default=F("count") - 1))


def drop_some(rows: QuerySet[Any]) -> None:
    """Delete a few of the rows, except those locked by another transaction."""
    with transaction.atomic():
        some = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
        keys = list(some[:_DROPPED_AT_ONCE])
        if keys:
            rows.model._default_manager.filter(pk__in=keys).delete()
