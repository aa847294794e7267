"""Shares the counts of a site's processes through Valkey: once per second.

Each process keeps one value there, sealed like news, which expires with the process, and reads those of the others. So
no handshake waits for an answer. While Valkey is unavailable, or if there is none, a process knows only its own counts.
The counts are made in `realtime.limits.occupancy` and `realtime.limits.attempts`.
"""

from __future__ import annotations

import asyncio
import secrets
import time

import msgspec
import redis.asyncio
import structlog
from django.conf import settings
from redis.exceptions import RedisError

from libraries.rules.errors import described
from realtime.limits import configured
from realtime.limits.attempts import Attempts
from realtime.limits.occupancy import Occupancy
from realtime.news.seal import NotAuthentic, Sealer

TELL_SECONDS = 1.0
"""The interval at which counts are written and read."""
KEPT_SECONDS = 5
"""How long the counts of a silent process stay valid."""
ANSWER_SECONDS = 1.0
NAMES = "tallies"
"""The set of the processes' names."""

log = structlog.get_logger(__name__)


class Tally(msgspec.Struct, array_like=True):
    """The tally of one process: its counts, and its charges since the last exchange; `number` rises each time."""

    name: str
    number: int
    counts: dict[str, int]
    charged: dict[str, int]


class Tallies:
    """The tallies that this process writes and reads. There is a task only while it has something to write."""

    def __init__(self, occupancy: Occupancy, attempts: Attempts) -> None:
        self._occupancy = occupancy
        self._attempts = attempts
        self._name = secrets.token_urlsafe(9)
        site_secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        # Other keys than those of news: neither can be mistaken for the other.
        self._sealer = Sealer([f"{secret} {NAMES}" for secret in site_secrets])
        self._number = 0
        self._heard: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_away = False

    def begin(self) -> None:
        """Start the exchange with the other processes, if there are any.

        It runs once per second until nothing is to tell.
        """
        if self._task is None and (urls := _urls()):
            self._task = asyncio.create_task(self._run(urls[0]))

    async def _run(self, url: str) -> None:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
        try:
            while not self._occupancy.is_empty or self._attempts.charged:
                await self._exchange_or_go_on(client)
                await asyncio.sleep(TELL_SECONDS)
        finally:
            self._task = None
            await client.aclose()

    async def _exchange_or_go_on(self, client: redis.asyncio.Redis) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.exchange(client)
        except (OSError, RedisError) as error:
            self._occupancy.hear(())
            if not self._is_away:
                self._is_away = True
                log.warning("counts_not_shared", error=described(error))
        else:
            if self._is_away:
                self._is_away = False
                log.info("counts_shared")

    async def exchange(self, client: redis.asyncio.Redis) -> None:
        """Write the counts of this process, and read those of the others; may raise OSError and RedisError."""
        self._number += 1
        charged, self._attempts.charged = self._attempts.charged, type(self._attempts.charged)()
        tally = Tally(self._name, self._number, self._occupancy.to_share(configured.caps()), dict(charged))
        async with client.pipeline(transaction=False) as pipeline:
            pipeline.set(self._key(self._name), self._sealer.seal(msgspec.msgpack.encode(tally)), ex=KEPT_SECONDS)
            pipeline.sadd(self._key(NAMES), self._name)
            pipeline.smembers(self._key(NAMES))
            *_, members = await pipeline.execute()
        names = [name.decode() for name in members if name.decode() != self._name]
        values = await client.mget([self._key(name) for name in names]) if names else []
        told = dict(zip(names, values, strict=True))
        gone = [name for name, value in told.items() if value is None]
        if gone:
            await client.srem(self._key(NAMES), *gone)
        read = {name: self._read(name, value) for name, value in told.items() if value is not None}
        self._hear({name: tally for name, tally in read.items() if tally is not None})

    def _hear(self, told: dict[str, Tally]) -> None:
        self._occupancy.hear(tally.counts for tally in told.values())
        now, rate = time.monotonic(), configured.failed_handshakes()
        for name, tally in told.items():
            if self._heard.get(name, 0) < tally.number:
                self._attempts.hear(tally.charged, rate, now)
        self._heard = {name: tally.number for name, tally in told.items()}

    def _key(self, name: str) -> str:
        return f"portal.tally.{self._sealer.names(name)[0]}"

    def _read(self, name: str, value: bytes) -> Tally | None:
        """The tally of a process; None if it is not authentic, or of an unknown release."""
        try:
            tally = msgspec.msgpack.decode(self._sealer.open(value).body, type=Tally)
        except (NotAuthentic, msgspec.MsgspecError) as error:
            log.warning("counts_not_read", error=described(error))
            return None
        return tally if tally.name == name else None


def _urls() -> list[str]:
    hosts: list[str] = settings.CHANNEL_LAYERS["default"]["CONFIG"].get("hosts", [])
    return hosts
