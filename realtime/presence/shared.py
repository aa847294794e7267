"""The presence in Valkey or Redis, for one event loop: all that it asks goes there in one round trip.

Each method may raise OSError and RedisError. What is stored there is described in `realtime.presence.records`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import redis.asyncio

from realtime.presence.records import ALIVE_SECONDS, KEPT_SECONDS, LOOK, SWEEP, WRITE, records
from realtime.rooms.elsewhere import Entries
from realtime.rooms.presence import Delta, Person

ANSWER_SECONDS = 1.0
"""The timeout of one round trip."""


class Life(NamedTuple):
    """What a process learns when it gives a sign of life.

    `was_known` says whether its last one was still there, `alive` which of the others are alive.
    """

    was_known: bool
    alive: set[str]
    versions: dict[UUID, int]


class Read(NamedTuple):
    """What is stored of a portal view: its version, the entries of each process, and which processes are alive."""

    version: int
    entries: Entries
    alive: set[str]


class SharedPresence:
    """The presence of a site with several processes; `process` is this one."""

    def __init__(self, url: str, process: str) -> None:
        self._process = process
        self._records = records()
        self._client = redis.asyncio.Redis.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )

    async def live(self, others: Collection[str], looked_at: Sequence[UUID]) -> Life:
        """Give a sign of life, and look at those of the others and at the versions of some portal views."""
        here, listed = self._process, list(others)
        async with self._client.pipeline(transaction=False) as pipeline:
            life = self._records.sign_of_life(here)
            pipeline.set(self._records.life(here), life, ex=ALIVE_SECONDS, get=True)
            if listed:
                pipeline.mget([self._records.life(one) for one in listed])
            if looked_at:
                pipeline.eval(LOOK, len(looked_at), *map(self._records.key, looked_at), KEPT_SECONDS)
            before, *answers = await self._run(pipeline)
        lives = answers.pop(0) if listed else []
        versions = answers.pop(0) if looked_at else []
        return Life(
            self._records.is_alive(here, before),
            {one for one, value in zip(listed, lives, strict=True) if self._records.is_alive(one, value)},
            {one: int(version) for one, version in zip(looked_at, versions, strict=True)},
        )

    async def write(self, deltas: Mapping[UUID, Delta]) -> dict[UUID, int]:
        """Write what changed in portal views; returns their versions after that."""
        return await self._write({one: (delta.came, delta.gone) for one, delta in deltas.items()}, whole=False)

    async def replace(self, people: Mapping[UUID, Mapping[UUID, Person]]) -> dict[UUID, int]:
        """Write all people of this process in portal views; returns their versions after that."""
        return await self._write({one: (found, ()) for one, found in people.items()}, whole=True)

    async def _write(
        self, asked: Mapping[UUID, tuple[Mapping[UUID, Person], Iterable[UUID]]], *, whole: bool
    ) -> dict[UUID, int]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for one, (came, gone) in asked.items():
                arguments = self._records.write(self._process, one, came, gone, whole=whole)
                pipeline.eval(WRITE, 1, self._records.key(one), *arguments)
            return dict(zip(asked, map(int, await self._run(pipeline)), strict=True))

    async def read(self, portal_view_ids: Collection[UUID]) -> dict[UUID, Read]:
        """What is stored of portal views."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for one in portal_view_ids:
                pipeline.hgetall(self._records.key(one))
            answers = await self._run(pipeline)
        found = {one: self._records.read(one, fields) for one, fields in zip(portal_view_ids, answers, strict=True)}
        processes = sorted({process for _, entries in found.values() for process in entries})
        alive = await self._find_alive(processes)
        return {one: Read(version, entries, alive) for one, (version, entries) in found.items()}

    async def _find_alive(self, processes: Sequence[str]) -> set[str]:
        if not processes:
            return set()
        async with asyncio.timeout(ANSWER_SECONDS):
            lives = await self._client.mget([self._records.life(one) for one in processes])
        values: list[Any] = list(lives)  # its stubs say text, too
        return {one for one, life in zip(processes, values, strict=True) if self._records.is_alive(one, life)}

    async def sweep(self, process: str, portal_view_ids: Collection[UUID]) -> None:
        """Delete the entries of a process that has died."""
        keys = [self._records.life(process), *map(self._records.key, portal_view_ids)]
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._client.eval(SWEEP, len(keys), *keys, f"{process} ")

    async def close(self) -> None:
        """Close the connections; the next question opens one."""
        await self._client.aclose()

    async def _run(self, pipeline: Any) -> list[Any]:
        async with asyncio.timeout(ANSWER_SECONDS):
            answers: list[Any] = await pipeline.execute()
        return answers
