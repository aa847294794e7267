"""The admission of requests before Django: the length of a body, the number of simultaneous answers, and refusals.

All of it runs in the event loop, without a thread, so that a refusal costs little. The way of a request: its lane has
room; its body is read; it waits for a thread; Django answers it; the thread is free again, however slowly the client
reads. Views and their permissions do not belong here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings

from libraries.api.errors import RETRY_SECONDS, STATUSES, refusal
from libraries.rules.networks import network_of_scope
from libraries.rules.paths import site_path
from portal.bodies import Body, BodyCut, Budget, NoRoom, Receive, TooLong, announced_length, longest_body
from portal.lanes import ClientGone, Lane, LaneFull, Lanes, Scope, table
from portal.outgoing import Answer, Outgoing, Send
from portal.routes import ROUTE
from portal.sqlite.turns import WRITES_FOR
from realtime.limits import rush
from realtime.metrics.names import REST_SECONDS
from realtime.server.http.protocol import CONNECTION

TOO_LONG = "The body is too long: at most {most} bytes are possible here."
BUSY = "The server has more to do than it can: try again in a moment."


class Admission:
    """An ASGI application for http, around Django's."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.lanes = Lanes(table())
        self.bodies = Budget(settings.PORTAL_BODIES_BYTES)
        self.outgoing = Outgoing(settings.PORTAL_ANSWERS_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        network = network_of_scope(scope)
        lane = self.lanes.of(site_path(scope))
        headers = dict(scope["headers"])
        most = longest_body(headers, lane.row.logged_in)
        connection = scope.get("extensions", {}).get(CONNECTION)
        answer = Answer(None if connection is None else connection.abort)
        body = Body(self.bodies, network)
        try:
            lane.check_room(network)
            await body.read(receive, announced_length(headers), most)
            await self._answer(lane, network, scope, body, receive, answer)
        except (BodyCut, ClientGone):
            return
        except TooLong:
            await refuse(scope, headers, send, "too-large", TOO_LONG.format(most=most))
        except (LaneFull, NoRoom):
            rush.notice()
            await refuse(scope, headers, send, "unavailable", BUSY)
        else:
            await self.outgoing.send(answer, send)
        finally:
            body.close()

    async def _answer(
        self, lane: Lane, network: str, scope: Scope, body: Body, receive: Receive, answer: Answer
    ) -> None:
        """Have Django answer, in a thread of the lane.

        It keeps the thread until the end, even if the client leaves: a thread cannot be stopped, and starting another
        one would exceed the limit.
        """
        began = time.monotonic()
        thread = await lane.enter(network, receive)
        WRITES_FOR.set(network)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self._application(scope, _whole(body), answer.keep)
        finally:
            lane.leave(thread)
            body.close()
        if (route := scope.get(ROUTE)) is not None:
            REST_SECONDS.observe(time.monotonic() - began, scope["method"], route)


def _whole(body: Body) -> Receive:
    """ASGI's `receive` of a client that has sent all of its body, and never disconnects."""
    read = False

    async def receive() -> Any:
        nonlocal read
        if read:
            await asyncio.get_running_loop().create_future()
        read = True
        return {"type": "http.request", "body": body.data, "more_body": False}

    return receive


async def refuse(scope: Scope, headers: Mapping[bytes, bytes], send: Send, code: str, sentence: str) -> None:
    """Refuse in the one shape of errors below /api/, and in plain text elsewhere."""
    status = STATUSES[code]
    if site_path(scope).startswith("/api/"):
        kind, data = b"application/json", msgspec.json.encode(refusal(code, sentence))
    else:
        kind, data = b"text/plain; charset=utf-8", f"{sentence}\n".encode()
    lines = [(b"content-type", kind), (b"content-length", str(len(data)).encode())]
    origin = headers.get(b"origin", b"")
    if origin.decode("latin-1").lower() in settings.PORTAL_ALLOWED_ORIGINS:  # or its page cannot read the reason
        exposed = ", ".join(settings.CORS_EXPOSE_HEADERS).encode()
        lines += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", exposed)]
        lines.append((b"vary", b"origin"))
    if status == 503:
        lines.append((b"retry-after", str(RETRY_SECONDS).encode()))
    if b"expect" in headers:
        # The client was told not to send its body (RFC 9110, section 10.1.1); the next request would be read as that
        # body.
        lines.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": data})
