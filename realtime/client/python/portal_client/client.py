"""The client of one portal view: it stays connected, folds what it is told, and sends what a program asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import SystemRandom
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from .backoff import Backoff, Ending
from .codec import Encoding
from .credentials import GetCredential, asked, entries, renewal
from .errors import CLOSED, PortalError
from .knowing import Knowing
from .line import Line

OPEN_SECONDS = 20.0
"""How long a handshake may take."""
CLOSE_SECONDS = 2.0
"""How long a server may take to answer a close."""
RENEW_SECONDS = 10.0
"""How long after a renewal that failed the next one is tried."""
REFUSED_KEPT = 8
"""How many refused credentials are remembered, so that none of them is tried again."""
_logger = logging.getLogger("portal_client")

Dial = Callable[..., Any]
"""Opens a WebSocket: `websockets.connect`, or a function like it, such as `functools.partial(connect, ssl=...)`."""


class PortalClient(Knowing):
    """A client of one portal view; see the package's README.

    `url` is the address of the site, `https://…` or `wss://…`. `open_timeout` is how long `connect` tries, in seconds;
    None is for ever. `as_viewer` has a controller see what viewers see. `dial` opens the WebSocket.
    """

    def __init__(
        self,
        url: str,
        portal_view_id: str,
        *,
        get_credential: GetCredential,
        encoding: Encoding = "json",
        guest_name: str | None = None,
        as_viewer: bool = False,
        open_timeout: float | None = 60.0,
        dial: Dial = connect,
    ) -> None:
        super().__init__(encoding)
        name = {} if guest_name is None else {"name": guest_name}
        self._query: dict[str, str] = {**name, **({"as": "viewer"} if as_viewer else {})}
        self._address = _address(url, portal_view_id)
        self._get_credential = get_credential
        self._open_timeout = open_timeout
        self._dial = dial
        self._resume: tuple[int, str] | None = None
        self._refused: deque[str] = deque(maxlen=REFUSED_KEPT)
        self._backoff = Backoff(SystemRandom())
        self._hurry = asyncio.Event()
        self._run_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # Beginning and end.

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect, and stay connected until `close`. Returns once the server has let the client in.

        PortalError if the server refuses for good, TimeoutError after `open_timeout`, or what `get_credential` raised.
        """
        self._error = None
        self._run_task = asyncio.create_task(self._run())
        is_open = asyncio.create_task(self.until(lambda client: client.status.kind == "open"))
        try:
            async with asyncio.timeout(self._open_timeout):
                await asyncio.wait({is_open, self._run_task}, return_when=asyncio.FIRST_COMPLETED)
            if self._run_task.done():
                self._run_task.result()
            await is_open
        except TimeoutError:
            why = "" if self._last is None else f" {self._last.message}"
            raise TimeoutError(f"Not connected within {self._open_timeout} s.{why}") from None
        finally:
            is_open.cancel()
            await asyncio.gather(is_open, return_exceptions=True)
            if self.status.kind != "open":
                await self.close()

    async def close(self) -> None:
        """End the connection. Updates without an answer fail: wait for their futures before."""
        tasks = [task for task in (self._run_task, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._finish(PortalError(CLOSED, "The client was closed."))

    def hurry(self) -> None:
        """Make the next attempt at once, for example because the network is back."""
        self._hurry.set()

    def _finish(self, error: PortalError) -> None:
        if self._error is None:
            self._error = error
            self._waiting.end(error)
            self._on_waiting()
            self._set_status("closed")

    # Staying connected.

    async def _run(self) -> None:
        try:
            while not (ending := await self._attempt()).is_final:
                wait = self._backoff.after(ending, time.monotonic())
                _logger.info("Comes back in %.1f s: %s", wait, ending.message)
                await self._pause(wait)
        except Exception as error:
            self._finish(PortalError(CLOSED, f"The client failed: {error!r}"))
            raise
        self._finish(PortalError(ending.reason or CLOSED, ending.message))

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        self._set_status("waiting", time.time() + seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _attempt(self) -> Ending:
        """One connection, to its end."""
        self._set_status("connecting")
        try:
            credential = await asked(self._get_credential)
        except Exception as error:
            if not self.role:
                raise  # a program that has never connected should hear of it
            _logger.exception("get_credential failed.")
            self._last = Ending(message=f"get_credential failed: {error!r}")
            return self._last
        entry = next((one for one in entries(credential, self.guest) if one not in self._refused), None)
        if entry is None:
            return replace(self._last or Ending(), is_over=True)
        self._last = await self._connection(entry)
        return self._last

    async def _connection(self, entry: str) -> Ending:
        try:
            socket = await self._dial(
                self._url(),
                subprotocols=[Subprotocol(self._codec.subprotocol), Subprotocol(entry)],
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=None,
                max_size=None,
            )
        except InvalidStatus as refused:
            wait = refused.response.headers.get("Retry-After", "")
            return Ending(message=str(refused), retry_after=float(wait) if wait.isdecimal() else None)
        except (OSError, WebSocketException) as error:
            return Ending(message=str(error) or type(error).__name__)
        line = Line(socket, self._codec, entry)
        await self._listen(line)
        ending = line.ending()
        if ending.needs_new_credential:
            self._refused.append(line.entry)
        return ending

    def _url(self) -> str:
        known = {} if self._resume is None else {"version": str(self._resume[0]), "epoch": self._resume[1]}
        query = urlencode({**self._query, **known})
        return f"{self._address}?{query}" if query else self._address

    async def _listen(self, line: Line) -> None:
        """Take what comes, until the connection ends."""
        helpers = [asyncio.create_task(line.write()), asyncio.create_task(line.watch())]
        try:
            async for message in line.messages():
                self._receive(line, message)
        finally:
            self._line = None
            self._resume = self._fold.disconnect()
            for helper in helpers:
                helper.cancel()
            ended = await asyncio.gather(*helpers, return_exceptions=True)
            line.fail_asked()
            await line.socket.close()
        for result in ended:
            if isinstance(result, Exception):
                raise result

    def _on_let_in(self) -> None:
        self._backoff.succeeded(time.monotonic())
        self._set_status("open")

    def _on_advice(self, reconnect_within: int) -> None:
        self._backoff.within = reconnect_within / 1000

    def _renew(self, line: Line) -> None:
        task = asyncio.create_task(self._send_new_credential(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_new_credential(self, line: Line) -> None:
        """Ask for a new credential until the server takes it, or the connection ends; an error is logged."""
        while self._line is line:
            try:
                credential = await asked(self._get_credential)
                body, entry = renewal(credential), entries(credential, self.guest)[0]
                if body and entry != line.entry:
                    await line.ask({"type": "auth", "ref": self._next_ref(), **body})
                    line.entry = entry
                return
            except Exception:
                _logger.exception("The credential could not be renewed.")
                await asyncio.sleep(RENEW_SECONDS)


def _address(url: str, portal_view_id: str) -> str:
    """The address of the portal view's sockets. ValueError if the site's address is none."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"The address of a site begins with https:// or wss://; it is “{url}”.")
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/portal-view/{portal_view_id}", "", ""))
