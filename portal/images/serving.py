"""Pictures: `<base>/images/<id>`, answered in the event loop, without Django and without a thread for each request.

Whoever may not see a picture gets the same answer as if there were none. The rights are in `portal.images.rights`, the
credentials in `portal.images.offered`, and the bytes in `portal.images.cache`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings

from libraries.api.errors import AWAY
from libraries.images import THUMBNAIL_TYPE
from libraries.rules.errors import Unavailable
from libraries.rules.images import THUMBNAILS, Size
from libraries.rules.networks import network_of_scope
from libraries.rules.paths import site_path
from portal.admission import BUSY, refuse
from portal.bodies import Receive
from portal.images.cache import Files, Reader
from portal.images.offered import offered_by
from portal.images.rights import Right, Rights
from portal.images.turns import Turns
from portal.lanes import Scope
from portal.outgoing import END, Send
from realtime.limits import rush
from realtime.seldom import Seldom
from realtime.server.http.protocol import CONNECTION
from realtime.sessions.origins import is_host_allowed

MAX_WAITING_REQUESTS = 2_048
"""How many requests of a process may wait for their picture; half of them of one network."""
PIECE_BYTES = 64 * 1024
"""A client that reads slowly holds no more than this, besides the file that all of its readers share."""
CONTROLLERS_SECONDS = 60
"""How long the browser of somebody who controls a library shows a picture without asking."""
PREFLIGHT_SECONDS = 86_400
_PATH = re.compile("/images/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SIZES = {b"": Size.FULL, **{f"size={size.value}".encode(): size for size in THUMBNAILS}}
_METHODS = b"GET, HEAD"
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
_NOT_KEPT = (b"cache-control", b"no-store")
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"Cookie, Authorization, Origin"),
)

Headers = Mapping[bytes, bytes]
Line = tuple[bytes, bytes]

log = structlog.get_logger(__name__)


class Full(Exception):
    """Too many requests wait."""


class Answer(NamedTuple):
    """What is sent: a short body, or a file."""

    status: int
    lines: tuple[Line, ...]
    body: bytes = b""
    reader: Reader | None = None


_NOTHING = Answer(404, (_PLAIN, _NOT_KEPT), b"There is no such picture, or it is not shown to you.\n")
_NOT_ALLOWED = Answer(405, (_PLAIN, (b"allow", _METHODS)), b"A picture can only be read here.\n")
_PREFLIGHT = Answer(
    204,
    (
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", b"authorization, if-none-match"),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
    ),
)


class Serving:
    """An ASGI application for http, around that of all requests."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.rights = Rights()
        self.files = Files(settings.PORTAL_IMAGE_CACHE_BYTES, settings.PORTAL_ANSWERS_BYTES)
        self.waiting = 0
        self._networks: Counter[str] = Counter()
        self._said = Seldom()
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; those that Django refuses or redirects for their host or scheme are Django's."""
        is_plain = settings.SECURE_SSL_REDIRECT and scope.get("scheme") != "https"
        if not site_path(scope).startswith("/images/") or is_plain or not is_host_allowed(scope):
            await self._application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        async with AsyncExitStack() as held:
            try:
                with self._place(network_of_scope(scope)):
                    answer = await self._answer(scope, headers, held)
            except Full:
                rush.notice()
                await refuse(scope, headers, send, "unavailable", BUSY)
            except Unavailable:
                await refuse(scope, headers, send, "unavailable", AWAY)
            else:
                await self._send(answer, scope, headers, send)

    async def _answer(self, scope: Scope, headers: Headers, held: AsyncExitStack) -> Answer:
        """The answer; `held` keeps its file in memory. Unavailable while the database or the storage is away."""
        if scope["method"] not in ("GET", "HEAD"):
            is_preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
            return _PREFLIGHT if is_preflight and _origin_lines(headers) else _NOT_ALLOWED
        found, size = _PATH.fullmatch(site_path(scope)), _SIZES.get(scope["query_string"])
        if found is None or size is None:
            return _NOTHING
        await self._turns.next()
        offered = await offered_by(headers)
        if not offered.grants and offered.session_key is None:
            return _NOTHING
        connection = scope.get("extensions", {}).get(CONNECTION)
        for _ in range(2):  # a picture that another one has just replaced has other files
            right = await self.rights.of(offered, UUID(found[1]))
            if right is None:
                return _NOTHING
            await self._turns.next()  # those whose rights were asked together go on together
            lines = _lines(right, size)
            if _has(headers, dict(lines)[b"etag"]):
                return Answer(304, lines)
            files = self.files.reader(right.picture.key, size, None if connection is None else connection.abort)
            try:
                reader = await held.enter_async_context(files)
            except FileNotFoundError:
                continue
            kind = right.picture.media_type if size is Size.FULL else THUMBNAIL_TYPE
            return Answer(200, ((b"content-type", kind.encode()), *lines), reader=reader)
        log.error("picture_file_missing", image=found[1], size=size.value)
        return _NOTHING

    async def _send(self, answer: Answer, scope: Scope, headers: Headers, send: Send) -> None:
        """Send all of an answer, as fast as its client reads."""
        data, reader = answer.body, answer.reader
        if reader is not None:
            data = reader.data
        lines = [*answer.lines, *_ALWAYS, *_origin_lines(headers)]
        if answer.status not in (204, 304):
            lines.append((b"content-length", str(len(data)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": lines})
        for start in range(0, 0 if scope["method"] == "HEAD" else len(data), PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if reader is not None:
                if reader.is_cut:
                    return
                self.files.moved(reader)
                await self._turns.next()
        await send(END)  # returns once the pieces have left this process

    @contextmanager
    def _place(self, network: str) -> Iterator[None]:
        """A place among the requests that wait; Full if there is none."""
        if self.waiting >= MAX_WAITING_REQUESTS or self._networks[network] >= MAX_WAITING_REQUESTS // 2:
            if times := self._said.count():
                log.warning("requests_refused", lane="pictures", waiting=self.waiting, refused=times)
            raise Full
        self.waiting += 1
        self._networks[network] += 1
        try:
            yield
        finally:
            self.waiting -= 1
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]


def _lines(right: Right, size: Size) -> tuple[Line, ...]:
    """The headers of a picture that its reader may keep; whoever only watches asks again each time."""
    key = right.picture.key
    tag = f'"{key}"' if size is Size.FULL else f'"{key}-{size.value}"'
    kept = f"max-age={CONTROLLERS_SECONDS}" if right.is_controlled else "no-cache"
    return (
        (b"etag", tag.encode()),
        (b"cache-control", f"private, {kept}".encode()),
        (b"content-disposition", b"inline"),
        (b"accept-ranges", b"none"),
    )


def _has(headers: Headers, tag: bytes) -> bool:
    """Whether the client has this file already (RFC 9110, section 13.1.2: tags are compared weakly)."""
    given = headers.get(b"if-none-match", b"")
    return given.strip() == b"*" or tag in (one.strip().removeprefix(b"W/") for one in given.split(b","))


def _origin_lines(headers: Headers) -> tuple[Line, ...]:
    """What lets the page of an allowed origin read the answer, as for REST."""
    origin = headers.get(b"origin", b"")
    if origin.decode("latin-1").lower() not in settings.PORTAL_ALLOWED_ORIGINS:
        return ()
    exposed = ", ".join(settings.CORS_EXPOSE_HEADERS).encode()
    return ((b"access-control-allow-origin", origin), (b"access-control-expose-headers", exposed))
