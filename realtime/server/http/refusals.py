"""The answers to requests that are not read, and the limits that these answers name.

Refusals of the REST API have their own shape: `libraries.api.errors`.
"""

from __future__ import annotations

from http import HTTPStatus

HEAD_SECONDS = 10.0
"""The time for a request's head, from the connection or its first byte on; also for a handshake."""
BODY_SECONDS = 60.0
"""How long a body may make no progress."""
SLOWEST_BYTES = 8 * 1024
"""The minimum rate of a body in bytes per second, on average, after its first minute."""
STUCK_SECONDS = 60.0
"""How long a client may read nothing of its send buffer."""
LINGER_SECONDS = 2.0
"""How long a refused client is still read: if it were cut while it sends, it would never read the answer."""
LINGER_BYTES = 1024 * 1024
"""The most bytes that it may send in that time."""
RETRY_SECONDS = 5

MAX_TARGET_BYTES = 8 * 1024
"""The limit on a request's path and query (RFC 9110, section 4.1, requires 8,000 at least)."""
MAX_HEAD_BYTES = 32 * 1024
"""The limit on a request's target and headers together."""
MAX_HEADERS = 100


def answer(status: HTTPStatus, sentence: str = "") -> bytes:
    """A whole answer (RFC 9112), in plain text, after which the connection ends."""
    text = f"{status.phrase}: {sentence or _SENTENCES[status]}\n".encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(text)}",
        "Connection: close",
    ]
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        lines.append(f"Retry-After: {RETRY_SECONDS}")
    return "\r\n".join((*lines, "", "")).encode() + text


_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "this is not valid HTTP.",
    HTTPStatus.REQUEST_TIMEOUT: f"a request has to come within {HEAD_SECONDS:.0f} s, its body without long pauses.",
    HTTPStatus.REQUEST_URI_TOO_LONG: f"a path with its query has at most {MAX_TARGET_BYTES} bytes.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES} bytes of them.",
}

TOO_MANY = answer(HTTPStatus.SERVICE_UNAVAILABLE, "this server has too many connections; come back later.")
TOO_LATE = answer(HTTPStatus.SERVICE_UNAVAILABLE, "the handshake was not answered in time; come back later.")
