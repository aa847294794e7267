"""Reads presence for REST and the admin, in any process of the site. Not for an event loop: it waits for the store."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

import redis
from redis.exceptions import RedisError

from libraries.rules.errors import Unavailable
from realtime.presence import memory
from realtime.presence.records import records, store_url
from realtime.rooms.presence import Person, merged

ANSWER_SECONDS = 1.0
AT_ONCE = 100
"""The portal views that are read in one round trip."""


def read_presence(portal_view_ids: Collection[UUID]) -> dict[UUID, dict[UUID, Person]]:
    """The people in portal views, by their ids; Unavailable while the store is. Processes that died do not count."""
    url = store_url()
    if url is None:
        return {one: merged({}, memory.read(one)) for one in portal_view_ids}
    found: dict[UUID, dict[UUID, Person]] = {}
    listed = list(portal_view_ids)
    try:
        for start in range(0, len(listed), AT_ONCE):
            found |= _read(_client(url), listed[start : start + AT_ONCE])
    except (OSError, RedisError) as error:
        raise Unavailable("Who is here is not known at the moment; try again.") from error
    return found


def _read(client: redis.Redis, portal_view_ids: list[UUID]) -> dict[UUID, dict[UUID, Person]]:
    with client.pipeline(transaction=False) as pipeline:
        for one in portal_view_ids:
            pipeline.hgetall(records().key(one))
        hashes = pipeline.execute()
    read = {one: records().read(one, found)[1] for one, found in zip(portal_view_ids, hashes, strict=True)}
    processes = sorted({process for entries in read.values() for process in entries})
    lives: list[Any] = client.mget([records().life(process) for process in processes]) if processes else []
    alive = {one for one, value in zip(processes, lives, strict=True) if records().is_alive(one, value)}
    return {
        view: merged({}, (people for process, people in entries.items() if process in alive))
        for view, entries in read.items()
    }


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
