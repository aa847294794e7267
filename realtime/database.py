"""Calls of the database from coroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from libraries.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a selector or a service in the thread that may use the database; Unavailable while that is away."""
    try:
        return await database_sync_to_async(function)(*args, **kwargs)
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("The database is away: nothing was changed; try again in a moment.") from error
