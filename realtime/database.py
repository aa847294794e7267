"""Calls of the database from coroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError, reset_queries

from libraries.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a selector or a service in the thread that may use the database; Unavailable while that is away."""

    def call() -> T:
        # While debugging, Django keeps each query with its values until a request begins; here none ever does.
        reset_queries()
        return function(*args, **kwargs)

    try:
        return await database_sync_to_async(call)()
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("The database did not answer; try again in a moment.") from error
