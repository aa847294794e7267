"""A JSON column that is written and read by msgspec, which is several times as fast as Python's `json`.

To the database, to migrations and to forms it is Django's `JSONField`. It is for values that `libraries.rules.values`
has checked: a number that is not finite would become null.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Jsonb

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encoded(value: Any) -> msgspec.Raw:
    """The value as JSON, which can be measured and then written without encoding it again.

    UnicodeEncodeError for half of a surrogate pair.
    """
    return msgspec.Raw(_encode(value))


def _octets(value: Any) -> bytes:
    return bytes(value) if isinstance(value, msgspec.Raw) else _encode(value)


class StoredJSON(models.JSONField):
    """A column of JSON. It takes JSON's own types, and JSON that is `encoded` already."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """As Django's own: a migration knows no difference."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """The parameter of a statement: octets for Postgres, so that they are not made from text again."""
        if hasattr(value, "as_sql"):
            return super().get_db_prep_value(value, connection, prepared)
        if connection.vendor == "postgresql":
            return Jsonb(value, dumps=_octets)
        return str(_octets(value), "utf-8")

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """The column in a query: SQLite hands over its octets, Postgres makes a text of them."""
        return (f"CAST({sql} AS BLOB)" if compiler.connection.vendor == "sqlite" else sql), params

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """The value of a stored text."""
        if value is None:
            return None
        try:
            # Of a text that is not ASCII, msgspec makes the octets more slowly.
            return _decode(value.encode() if isinstance(value, str) else value)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return json.loads(value)  # an old row may hold what only Python's `json` reads: half of a surrogate pair
