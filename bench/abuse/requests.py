"""The attacks over HTTP: without a log-in, with guesses at one, and with one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from bench.abuse.engine import Part
from bench.abuse.target import OPENS_A_SECOND, Target, bearer, plain
from realtime.server.tests.peer import request

JWT_START = "eyJ"
AT_ONCE = 40
GIB = 1 << 30
CHUNK = 1 << 16
IDLE = 1100
WRONG = "not-the-password-of-anybody"
CSRF = "a" * 32


def token_in_path(target: Target) -> Sequence[Part]:
    """Addresses of 63 KB that look like tokens."""
    opening = plain("GET", "/" + JWT_START * (63_000 // len(JWT_START)))
    return [Part(lambda n: opening, 4, opens_per_second=OPENS_A_SECOND)]


def token_in_handshake(target: Target) -> Sequence[Part]:
    """20 handshakes a second with 8 KB of that in the address."""
    opening = request("/" + JWT_START * (8_000 // len(JWT_START)))
    return [Part(lambda n: opening, 20, opens_per_second=20.0)]


def abandoned(target: Target) -> Sequence[Part]:
    """1,000 requests a second, each reset at once."""
    opening = plain("GET", "/api/libraries", None, bearer(target.viewer))
    return [Part(lambda n: opening, 50, abandons=True, opens_per_second=OPENS_A_SECOND)]


def abandoned_without_log_in(target: Target) -> Sequence[Part]:
    """The same by nobody."""
    opening = plain("GET", "/api/libraries")
    return [Part(lambda n: opening, 50, abandons=True, opens_per_second=OPENS_A_SECOND)]


def log_ins(target: Target) -> Sequence[Part]:
    """40 log-ins at once, each of another person who does not exist."""
    return [
        Part(
            lambda n: plain("POST", "/api/auth/token", {"email": f"nobody-{n}@example.com", "password": WRONG}),
            AT_ONCE,
            opens_per_second=OPENS_A_SECOND,
        )
    ]


def guesses(target: Target) -> Sequence[Part]:
    """40 guesses at once of one person's password."""
    return [
        Part(
            lambda n: plain("POST", "/api/auth/token", {"email": target.victim, "password": f"{WRONG}-{n}"}),
            AT_ONCE,
            opens_per_second=OPENS_A_SECOND,
        )
    ]


def admin_form(target: Target) -> Sequence[Part]:
    """40 log-ins at once by the form of the admin."""

    def opening(n: int) -> bytes:
        body = f"csrfmiddlewaretoken={CSRF}&username=nobody-{n}%40example.com&password={WRONG}&next=%2Fadmin%2F"
        lines = (
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            f"Cookie: csrftoken={CSRF}",
        )
        return plain("POST", "/admin/login/", None, *lines) + body.encode()

    return [Part(opening, AT_ONCE, opens_per_second=OPENS_A_SECOND)]


def registrations(target: Target) -> Sequence[Part]:
    """40 registrations at once."""
    numbers = count()

    def opening(_: int) -> bytes:
        body = {"email": f"new-{next(numbers)}@example.com", "password": "an unusual password 1", "name": "New"}
        return plain("POST", "/api/auth/register", body)

    return [Part(opening, AT_ONCE, opens_per_second=OPENS_A_SECOND)]


def idle(target: Target) -> Sequence[Part]:
    """1,100 connections that say nothing, half a line or half a body, at a limit of 1,024 open files."""
    half_a_body = b"POST /api/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
    halves = (b"", b"GET /api/heal", half_a_body)
    return [Part(lambda n: halves[n % len(halves)], IDLE, opens_per_second=OPENS_A_SECOND)]


def bodies(target: Target) -> Sequence[Part]:
    """Bodies of 1 GiB, with and without saying so first."""
    head = "POST /api/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    known = f"{head}Content-Length: {GIB}\r\n\r\n".encode()
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
    data = b"x" * CHUNK
    chunk = f"{CHUNK:x}\r\n".encode() + data + b"\r\n"
    return [Part(lambda n: known, block=data, messages=1), Part(lambda n: chunked, block=chunk, messages=1)]


def headers(target: Target) -> Sequence[Part]:
    """Header lines without end."""
    lines = b"".join(b"X-Line-%d: %s\r\n" % (n, b"x" * 1000) for n in range(64))
    return [Part(lambda n: b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", 4, block=lines, messages=64)]


def pipelined(target: Target) -> Sequence[Part]:
    """Requests sent without waiting for the answers to those before."""
    one = b"GET /api/auth/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return [Part(lambda n: one, 4, block=one * 100, messages=100)]


def reads(target: Target) -> Sequence[Part]:
    """A member's reads of a large portal view, 8 at a time."""
    opening = plain("GET", f"/api/portal-views/{target.large_view_id}", None, bearer(target.viewer))
    return [Part(lambda n: opening, 8, opens_per_second=OPENS_A_SECOND)]


def writes(target: Target) -> Sequence[Part]:
    """A controller's writes to a large portal view over REST, 8 at a time."""
    path = f"/api/portal-views/{target.large_view_id}"
    return [
        Part(
            lambda n: plain("PATCH", path, {"name": f"Number {n}"}, bearer(target.controller)),
            8,
            opens_per_second=OPENS_A_SECOND,
        )
    ]
