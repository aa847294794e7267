"""Turns the head of a request, as read by the HTTP parser, into a handshake (RFC 6455, section 4.2.1). Pure.

Uvicorn instead writes the head out and has it parsed again, for a library with its own parser.
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

Scope = dict[str, Any]


def fault(scope: Scope, url: bytes) -> HTTPStatus | None:
    """Why a request for a WebSocket is refused before its handshake is checked; None if it is not."""
    if not url.isascii() or any(_announces_body(name, value) for name, value in scope["headers"]):
        return HTTPStatus.BAD_REQUEST
    return None


def request(scope: Scope, url: bytes) -> Request:
    """The request in the form of websockets; headers are Latin-1, whatever they contain."""
    headers = Headers()
    for name, value in scope["headers"]:
        headers[name.decode("ascii")] = value.decode("latin-1")
    return Request(url.decode("ascii"), headers, scope["method"])


def websocket_scope(scope: Scope, url: bytes, offered: list[str]) -> Scope:
    """The ASGI scope of a WebSocket, from that of its request; `offered` are its Sec-WebSocket-Protocol headers."""
    path, _, query = url.partition(b"?")
    root = scope["root_path"]
    return {
        "type": "websocket",
        "asgi": scope["asgi"] | {"spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if scope["scheme"] == "https" else "ws",
        "server": scope["server"],
        "client": scope["client"],
        "root_path": root,
        "path": root + unquote(path.decode("ascii")),
        "raw_path": root.encode("ascii") + path,
        "query_string": query,
        "headers": scope["headers"],
        "subprotocols": [one.strip() for header in offered for one in header.split(",")],
        "state": scope["state"],
    }


def _announces_body(name: bytes, value: bytes) -> bool:
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")


def denial(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Response:
    """The answer to a handshake that is refused (ASGI, "WebSocket Denial Response")."""
    answer = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    answer.setdefault("Date", formatdate(usegmt=True))
    answer.setdefault("Connection", "close")
    answer.setdefault("Content-Length", str(len(body)))
    answer.setdefault("Content-Type", "text/plain; charset=utf-8")
    return Response(status, HTTPStatus(status).phrase, answer, body)
