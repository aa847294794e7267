"""Uploads: the body of a request goes to a file while it arrives, and a process of its own makes pictures of it.

Django is asked twice, both times without a body, and through `portal.admission`: first whether the file may come, and
then, with the pictures, to store them. No thread waits in between.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, TypeVarTuple, Unpack
from uuid import UUID

import structlog
from django.conf import settings

from libraries.imaging.results import Picture
from libraries.rules.errors import PortalError
from libraries.rules.networks import network_of_scope
from libraries.rules.paths import site_path
from libraries.services.images import is_stored
from libraries.uploads import GO_ON, UPLOAD, Spool, Upload, converted
from portal.admission import BUSY, refuse
from portal.bodies import BodyCut, Budget, NoRoom, Receive, announced_length
from portal.images.progress import Captured, Steps
from portal.lanes import ClientGone, Lane, LaneFull, Row, Scope
from portal.outgoing import Send
from realtime.database import in_database
from realtime.limits import rush
from realtime.scheduling import let_sockets_first

MAX_WAITING_FILES = 64
"""How many files of a process may wait until they are made into pictures; half of them of one library."""
WRITES_AT_ONCE = 4
"""Threads that write files and hash them."""
LOOK_SECONDS = 0.5
"""How often the progress of a file is looked at."""
_PIECE_BYTES = 256 * 1024
_ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PATHS = {
    "POST": re.compile(rf"/api/libraries/{_ID}/images/?"),
    "PUT": re.compile(rf"/api/libraries/{_ID}/images/{_ID}/file/?"),
}

T = TypeVar("T")
Given = TypeVarTuple("Given")

log = structlog.get_logger(__name__)


class Uploads:
    """An ASGI application for http, around that of all requests."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.held = Budget(settings.PORTAL_UPLOADS_BYTES)
        self._threads = ThreadPoolExecutor(WRITES_AT_ONCE, "uploads", initializer=let_sockets_first)
        self.turns = Lane(Row("pictures", re.compile(""), at_once=1, waiting=MAX_WAITING_FILES))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        pattern = _PATHS.get(scope["method"])
        found = None if pattern is None else pattern.fullmatch(site_path(scope))
        if found is None:
            await self._application(scope, receive, send)
            return
        before = await self._ask(scope, None)
        if before.status != GO_ON:
            await before.send(send)
            return
        headers = dict(scope["headers"])
        steps = Steps(headers, send, before)
        answer = Captured()
        try:
            answer = await self._take(scope, receive, steps, *map(UUID, found.groups()))
        except (BodyCut, ClientGone):
            log.info("upload_cut", path=site_path(scope))
            return
        except PortalError as error:
            log.info("upload_refused", path=site_path(scope), code=error.code, reason=error.message)
            await refuse(scope, headers, answer.keep, error.code, error.message)
        except (LaneFull, NoRoom):
            rush.notice()
            await refuse(scope, headers, answer.keep, "unavailable", BUSY)
        finally:
            steps.close()
        await steps.end(answer)

    async def _ask(self, scope: Scope, upload: Upload | None) -> Captured:
        """What Django answers, before there is a file or with the pictures in it."""
        answer = Captured()
        extensions = {**scope.get("extensions", {}), UPLOAD: upload}
        headers = [line for line in scope["headers"] if line[0] not in (b"content-length", b"transfer-encoding")]
        await self._application({**scope, "extensions": extensions, "headers": headers}, _no_body(), answer.keep)
        return answer

    async def _take(
        self, scope: Scope, receive: Receive, steps: Steps, library_id: UUID, image_id: UUID | None = None
    ) -> Captured:
        """The answer of Django once the file is here; nothing of it is left then. PortalError, NoRoom, LaneFull."""
        network = network_of_scope(scope)
        spool = await self._in_thread(Spool, announced_length(dict(scope["headers"])))
        try:
            await self._receive(spool, receive, network)
            await steps.tell("received", bytes=spool.size)
            same = {"library_id": library_id, "image_id": image_id, "source_digest": spool.digest}
            known = await in_database(is_stored, **same)  # type: ignore[arg-type]  # each of its own type
            pictures = () if known else await self._convert(spool, library_id, receive, steps)
            return await self._ask(scope, Upload(spool.digest, pictures))
        finally:
            if spool.size:
                self.held.give_back(network, spool.size)
            await self._in_thread(spool.close)

    async def _receive(self, spool: Spool, receive: Receive, network: str) -> None:
        waiting = bytearray()
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise BodyCut
            waiting += event.get("body", b"")
            more = event.get("more_body", False)
            if waiting and (not more or len(waiting) >= _PIECE_BYTES):
                self.held.take(network, len(waiting))
                try:
                    await self._in_thread(spool.write, bytes(waiting))
                except PortalError:
                    self.held.give_back(network, len(waiting))  # it is not part of the spool's size
                    raise
                waiting.clear()
        await self._in_thread(spool.finish)

    async def _in_thread(self, function: Callable[[Unpack[Given]], T], *args: *Given) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    async def _convert(self, spool: Spool, library_id: UUID, receive: Receive, steps: Steps) -> tuple[Picture, ...]:
        """The pictures, once it is the file's turn; libraries take turns. ClientGone if the client does not wait."""
        await steps.tell("waiting")
        thread = await self.turns.enter(str(library_id), receive)
        progress = [0, 0]

        def tell(done: int, of: int) -> None:
            progress[:] = done, of

        conversion = spool.conversion()
        work = asyncio.get_running_loop().run_in_executor(thread, converted, conversion, tell)
        gone = asyncio.ensure_future(receive())
        said: list[int] = []
        try:
            while not work.done():
                if said != progress:
                    said = progress[:]
                    await steps.tell("converting", done=said[0], of=said[1])
                await asyncio.wait((work, gone), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and not work.done():
                    raise ClientGone
            return work.result()
        finally:
            gone.cancel()
            if not work.done():
                conversion.stop()
                await asyncio.wait((work,))
                work.exception()  # that it was stopped is known
            self.turns.leave(thread)


def _no_body() -> Receive:
    """ASGI's `receive` of a client that sends no body, and never disconnects."""
    read = False

    async def receive() -> Any:
        nonlocal read
        if read:
            await asyncio.get_running_loop().create_future()
        read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive
