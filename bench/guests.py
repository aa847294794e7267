"""The load of `bench.reveal`: guests with a socket each, who get a picture as soon as they are told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import httpx
import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CONNECT_AT_ONCE = 20
DEADLINE_SECONDS = 60.0
_END_OF_HEAD = b"\r\n\r\n"


class NotShown(Exception):
    """A guest did not get the picture; the message says what it got instead."""


@dataclass
class Shown:
    """One reveal: who has been told, and who has all of the picture; moments of the monotonic clock, in seconds."""

    guests: int
    told: list[float] = field(default_factory=list)
    got: list[float] = field(default_factory=list)
    sizes: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self) -> None:
        """Whether it is over."""
        if len(self.got) + len(self.faults) == self.guests:
            self.done.set()


class Fetch(asyncio.Protocol):
    """A connection of its own for one GET, as by a browser that has none open; counts bytes, and keeps none of them."""

    def __init__(self, request: bytes, shown: Shown) -> None:
        self.request = request
        self.shown = shown
        self.head = b""
        self.expected = self.received = 0
        self.is_done = False

    def connection_made(self, transport: Any) -> None:
        """Ask. uvloop's transports are no subclass of asyncio's."""
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        if not self.expected:
            self.head += data
            head, end, data = self.head.partition(_END_OF_HEAD)
            if not end:
                return
            self._begin(head)
        self.received += len(data)
        if not self.is_done and self.received >= self.expected:
            self.shown.got.append(time.monotonic())
            self.shown.sizes.add(self.expected)
            self._end()

    def connection_lost(self, _: Exception | None) -> None:
        """Handle the end, which may be too early."""
        self._fail("the connection ended too early")

    def _begin(self, head: bytes) -> None:
        status, *lines = head.lower().split(b"\r\n")
        lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
        self.expected = lengths[0] if lengths else 1
        if b" 200 " not in status + b" ":
            self._fail(status.decode())

    def _fail(self, reason: str) -> None:
        if not self.is_done:
            self.shown.faults.append(reason)
            self._end()

    def _end(self) -> None:
        self.is_done = True
        self.transport.close()
        self.shown.check()


class Guest(WSListener):
    """A guest: the first message has its credential; one that names the picture makes it get the picture."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room = room
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.request = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame."""
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.PING:
            transport.send_pong(payload)
        elif not self.first.done():
            self.first.set_result(payload)
        elif self.room.picture in payload:
            self.room.tell(self)
        elif b'"item-removed"' in payload:
            self.room.hidden.append(True)


class Room:
    """All guests of one portal view, and the socket of its controller. `picture` is the path of the address."""

    def __init__(self, port: int, portal_view_id: str, item_id: str, picture: str) -> None:
        self.port = port
        self.base = f"ws://127.0.0.1:{port}/ws/portal-view/{portal_view_id}"
        self.item_id = item_id
        self.picture = picture.encode()
        self.hidden: list[bool] = []
        self.guests: list[Guest] = []
        self.transports: list[WSTransport] = []
        self.shown = Shown(0)
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, share: str, count: int, controller: str) -> None:
        """Connect everybody, and give each guest its cookie."""
        for start in range(0, count, CONNECT_AT_ONCE):
            batch = range(start, min(start + CONNECT_AT_ONCE, count))
            self.guests += await asyncio.gather(*(self._connect(f"?share={share}") for _ in batch))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            for guest in self.guests:
                guest.request = await self._request(client, await guest.first)
        await self._connect(f"?token={controller}")
        self.controller = self.transports[-1]

    async def _connect(self, query: str) -> Guest:
        guest = Guest(self)
        transport, _ = await ws_connect(lambda: guest, self.base + query)
        self.transports.append(transport)
        first = await asyncio.wait_for(guest.first, DEADLINE_SECONDS)
        if b'"connected"' not in first:
            raise NotShown(f"A guest was not let in: {first!r}")
        return guest

    async def _request(self, client: httpx.AsyncClient, connected: bytes) -> bytes:
        """The request for the picture, with the cookie that the server gives this guest."""
        credential = msgspec.json.decode(connected)["guest"]
        answer = await client.post("/api/auth/guest-cookie", json={"guest": credential})
        answer.raise_for_status()
        client.cookies.clear()
        cookies = SimpleCookie(answer.headers["set-cookie"])
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        host = f"127.0.0.1:{self.port}"
        return f"GET {self.picture.decode()} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode()

    def tell(self, guest: Guest) -> None:
        """The guest has been told of the picture, and gets it; the controller has no request, and gets nothing."""
        if guest.request:
            self.shown.told.append(time.monotonic())
            task = asyncio.get_running_loop().create_task(self._fetch(guest.request, self.shown))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, request: bytes, shown: Shown) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: Fetch(request, shown), "127.0.0.1", self.port)
        except OSError as error:
            shown.faults.append(str(error))
            shown.check()

    async def reveal(self) -> tuple[float, Shown]:
        """Show the item; returns when the message was sent, and what each guest got. NotShown if not all got it."""
        self.shown = shown = Shown(len(self.guests))
        sent = time.monotonic()
        self._set_visible(True)
        try:
            await asyncio.wait_for(shown.done.wait(), DEADLINE_SECONDS)
        except TimeoutError:
            shown.faults.append(f"nothing within {DEADLINE_SECONDS} s")
        if shown.faults:
            raise NotShown(f"{len(shown.got)} of {shown.guests} guests got the picture: {sorted(set(shown.faults))}")
        return sent, shown

    async def hide(self) -> None:
        """Hide it again, and wait until all guests have been told."""
        self.hidden.clear()
        self._set_visible(False)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(self.hidden) < len(self.guests) and time.monotonic() < deadline:  # noqa: ASYNC110  # as in `load`
            await asyncio.sleep(0.01)

    def leave(self) -> None:
        """Disconnect everybody."""
        for transport in self.transports:
            transport.disconnect()

    def _set_visible(self, is_visible: bool) -> None:
        update = {"type": "item-update", "itemId": self.item_id, "payload": {"visible": is_visible}}
        self.controller.send(WSMsgType.TEXT, msgspec.json.encode(update))


async def upload_all(port: int, path: str, token: str, bodies: Sequence[bytes]) -> list[float]:
    """Send them all at once, each on a connection of its own; the seconds that each took."""

    async def upload(body: bytes) -> float:
        began = time.monotonic()
        answer = await client.post(path, content=body)
        if answer.status_code != 201:
            raise NotShown(f"An upload was answered with {answer.status_code}: {answer.text[:300]}")
        return time.monotonic() - began

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
    base = f"http://127.0.0.1:{port}"
    limits = httpx.Limits(max_connections=len(bodies))
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=600, limits=limits, trust_env=False) as client:
        return await asyncio.gather(*(upload(body) for body in bodies))
