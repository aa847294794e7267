"""Unusual requests: a target in absolute form, a long header, a socket's address over http."""

from __future__ import annotations

import pytest

from realtime.server.tests.answering import AnsweringServer, answered, get
from realtime.server.tests.peer import request


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://127.0.0.1/a", "/a"),
        ("HTTP://127.0.0.1:8000/a/b", "/a/b"),
        ("https://x.example/a", "/a"),
        ("http://user:password@127.0.0.1/a", "/a"),
        ("http://127.0.0.1", "/"),
        ("http://[::1]:8000/", "/"),
        ("http://127.0.0.1//a", "//a"),
        ("/http://x/", "/http://x/"),
    ],
)
def test_a_target_in_absolute_form(answering: AnsweringServer, target: str, path: str) -> None:
    """RFC 9112, section 3.2.2: a server must accept it."""
    peer = answering.connect()
    peer.send(get(target))
    assert answered(peer)[::2] == (200, path)


def test_a_query_stays_with_the_target(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("http://127.0.0.1?a=1"))
    assert answered(peer)[::2] == (200, "/")


def test_a_socket_can_be_requested_by_its_absolute_address(answering: AnsweringServer) -> None:
    """RFC 6455, section 4.1, item 2: the request's target may be absolute."""
    for scheme in ("ws", "wss", "http"):
        peer = answering.connect()
        peer.send(request(f"{scheme}://127.0.0.1/whole"))
        assert peer.response()[0] == 101
        assert answering.paths[-1] == "/whole"


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n\r\n", b"GET http://x/ HTTP/1.1\r\n\r\n"])
def test_a_request_names_a_host(answering: AnsweringServer, head: bytes) -> None:
    """RFC 9112, section 3.2; HTTP/1.0 does not require one."""
    peer = answering.connect()
    peer.send(head)
    assert answered(peer)[0] == 400
    old = answering.connect()
    old.send(b"GET /old HTTP/1.0\r\n\r\n")
    assert answered(old)[0] == 200


@pytest.mark.parametrize("octets", [get("/two", "Host: other.example"), request("/two", "Host: other.example")])
def test_a_request_names_one_host(answering: AnsweringServer, octets: bytes) -> None:
    """With two hosts, a proxy may have checked the other one."""
    peer = answering.connect()
    peer.send(octets)
    assert peer.response()[0] == 400
    assert "/two" not in answering.paths


def test_the_absolute_target_names_the_host(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(get("http://named.example:81/hosts"))
    assert answered(peer)[0] == 200
    assert answering.hosts[-1] == [b"named.example:81"]


@pytest.mark.parametrize("octets", [12_000, 16_384, 24_000])
def test_a_long_header(answering: AnsweringServer, octets: int) -> None:
    """A cookie jar, for example; Node allows 16 KiB of headers."""
    line = f"Cookie: a={'x' * octets}"
    peer = answering.connect()
    peer.send(get("/long", line))
    assert answered(peer)[::2] == (200, "/long")
    peer.send(request("/long", line))
    status, _ = peer.response()
    assert status == 101


def test_a_socket_in_absolute_form(answering: AnsweringServer) -> None:
    peer = answering.connect()
    peer.send(request("http://127.0.0.1/ws/portal-view/x?token=y"))
    status, _ = peer.response()
    assert status == 101
    assert answering.paths[-1] == "/ws/portal-view/x"
