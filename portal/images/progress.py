"""The answer to an upload: Django's own, or with `Accept: application/x-ndjson` a line of JSON for each step.

The lines begin once the file has arrived, with status 200; the last one has the status that the answer would have had.
One line each few seconds keeps proxies from ending a request that takes long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from portal.outgoing import Send

MEDIA_TYPE = b"application/x-ndjson"
REPEAT_SECONDS = 10.0
"""The last line is repeated if nothing has been said for so long: proxies wait 60 seconds and more."""
_OF_THE_BODY = frozenset({b"content-length", b"content-type", b"cache-control", b"etag", b"location"})


class Captured:
    """An answer that is not sent yet."""

    def __init__(self) -> None:
        self._events: list[Any] = []

    async def keep(self, event: Any) -> None:
        """ASGI's `send` for the application."""
        self._events.append(event)

    async def send(self, send: Send) -> None:
        """Send all of it."""
        for event in self._events:
            await send(event)

    @property
    def status(self) -> int:
        """Its status."""
        return int(self._events[0]["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Its headers, with names in lower case."""
        return [(name.lower(), value) for name, value in self._events[0].get("headers", ())]

    @property
    def body(self) -> bytes:
        """Its body."""
        return b"".join(event.get("body", b"") for event in self._events[1:])


class Steps:
    """The answer to one upload. `before` is the answer that let it in: its headers for browsers hold for the lines."""

    def __init__(self, headers: Mapping[bytes, bytes], send: Send, before: Captured) -> None:
        self._send = send
        self._wanted = MEDIA_TYPE in headers.get(b"accept", b"").lower()
        self._headers = [line for line in before.headers if line[0] not in _OF_THE_BODY]
        self._ticks: asyncio.Task[None] | None = None
        self._line = b""
        self._sending = asyncio.Lock()

    async def tell(self, step: str, **values: int) -> None:
        """Say how far it is."""
        if not self._wanted:
            return
        if self._ticks is None:
            extra = [(b"content-type", MEDIA_TYPE), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
            await self._send({"type": "http.response.start", "status": 200, "headers": [*self._headers, *extra]})
            self._ticks = asyncio.create_task(self._repeat())
        await self._write({"step": step, **values})

    async def end(self, answer: Captured) -> None:
        """Say how it ended."""
        if self._ticks is None:
            await answer.send(self._send)
            return
        step = "stored" if answer.status < 400 else "refused"
        await self._write({"step": step, "status": answer.status, **msgspec.json.decode(answer.body)})
        self.close()
        await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Say nothing more."""
        if self._ticks is not None:
            self._ticks.cancel()

    async def _repeat(self) -> None:
        while True:
            said = self._line
            await asyncio.sleep(REPEAT_SECONDS)
            if said is self._line:
                await self._write_line()

    async def _write(self, value: dict[str, Any]) -> None:
        self._line = msgspec.json.encode(value) + b"\n"
        await self._write_line()

    async def _write_line(self) -> None:
        async with self._sending:
            await self._send({"type": "http.response.body", "body": self._line, "more_body": True})
