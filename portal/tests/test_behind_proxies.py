"""Portal behind real proxies: idle connections, silent sockets, and servers that end one by one."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.typing import Origin

from testing.installation import Cast, Installation, Server, ServerKind, StoreKind, installation
from testing.people import Client
from testing.proxies import NGINX_PASSES, apache, caddy, haproxy, nginx
from testing.sockets import open_socket, portal_view_path
from testing.stacks import STACK_ENV

pytestmark = [pytest.mark.server, pytest.mark.long]

REST_SECONDS = 7
"""Longer than the 5 s after which uvicorn closes an idle connection by default."""
TUNNEL_SECONDS = 28
"""Longer than `timeout tunnel` of the HAProxy here."""
DELAY_SECONDS = 3
BETWEEN_SECONDS = 1.5

NGINX_KEEPS = """
    upstream portal {{ server 127.0.0.1:{port}; keepalive 4; }}
    server {{ listen 127.0.0.1:{{listen}}; location / {{ proxy_pass http://portal; {passes} }} }}
"""
CADDY_KEEPS = """
    reverse_proxy 127.0.0.1:{port} {{
        transport http {{
            keepalive 60s
        }}
    }}
"""
NGINX_TLS = """
    server {{
        listen 127.0.0.1:{{listen}} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location / {{ proxy_pass http://127.0.0.1:{port}; {passes} }}
    }}
"""
NGINX_COMPRESSES = """
    gzip on;
    gzip_types application/json;
    gzip_min_length 1;
    gzip_proxied any;
    server {{ listen 127.0.0.1:{{listen}}; location / {{ proxy_pass http://127.0.0.1:{port}; {passes} }} }}
"""
APACHE_COMPRESSES = """
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{port}/
SetOutputFilter DEFLATE
"""
HAPROXY_ASKS = """
    option httpchk
    http-check send meth GET uri /api/health/ready ver HTTP/1.1 hdr Host 10.0.0.1
    default-server inter 300ms fall 2 rise 1 check
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""
"""A load balancer's check whether a server is ready, with a Host header that is no name of the site."""
NGINX_TRIES = """
    upstream portal {{
        server 127.0.0.1:{one} max_fails=1 fail_timeout=1s;
        server 127.0.0.1:{two} max_fails=1 fail_timeout=1s;
        keepalive 4;
    }}
    server {{ listen 127.0.0.1:{{listen}}; location / {{ proxy_pass http://portal; {passes} }} }}
"""
"""No checks: nginx uses the other server if it cannot connect."""
TWO_SERVERS: dict[str, Callable[[int, int], AbstractContextManager[int]]] = {
    "HAProxy": lambda one, two: haproxy(HAPROXY_ASKS.format(one=one, two=two)),
    "nginx": lambda one, two: nginx(NGINX_TRIES.format(one=one, two=two, passes=NGINX_PASSES)),
}


def behind_nginx(port: int) -> AbstractContextManager[int]:
    """An nginx that keeps connections to the server open."""
    return nginx(NGINX_KEEPS.format(port=port, passes=NGINX_PASSES))


def behind_caddy(port: int) -> AbstractContextManager[int]:
    """Caddy, configured as in docs/operations.md."""
    return caddy(CADDY_KEEPS.format(port=port))


def behind_haproxy(port: int) -> AbstractContextManager[int]:
    """HAProxy, with the timeouts of its documentation."""
    return haproxy(f"server portal 127.0.0.1:{port}")


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Installation, Cast]]:
    """A site behind a proxy on this machine."""
    with installation(StoreKind.SQLITE, PORTAL_BEHIND_PROXY="true", **STACK_ENV) as installed:
        yield installed, installed.prepare()


@pytest.fixture(scope="module")
def server(made: tuple[Installation, Cast]) -> Iterator[Server]:
    """Its server."""
    with made[0].server() as started:
        yield started


def connections_to(port: int) -> set[str]:
    """The clients' ends of the established connections to a port of this machine (proc(5), /proc/net/tcp)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {line[1] for line in lines if line[2].endswith(f":{port:04X}") and line[3] == "01"}


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy, behind_haproxy])
def test_an_idle_connection_is_reused(
    made: tuple[Installation, Cast], server: Server, proxy: Callable[[int], AbstractContextManager[int]]
) -> None:
    """If it were closed at that moment, the proxy could write to it, and would answer 502."""
    with proxy(server.port) as port, Client(f"http://127.0.0.1:{port}", made[1].controller) as client:
        library = client.post("/api/libraries", {"name": "Rest"})["id"]
        before = connections_to(server.port)
        time.sleep(REST_SECONDS)
        client.patch(f"/api/libraries/{library}", {"name": "Rested"})
        assert before
        assert before & connections_to(server.port)


@pytest.mark.parametrize("proxy", [behind_nginx, behind_caddy, behind_haproxy])
async def test_a_silent_socket_stays_open(
    made: tuple[Installation, Cast], server: Server, proxy: Callable[[int], AbstractContextManager[int]]
) -> None:
    with proxy(server.port) as port, Client(f"http://127.0.0.1:{port}", made[1].viewer) as client:
        path = portal_view_path(made[1].portal_view_id)
        async with open_socket(f"ws://127.0.0.1:{port}", path, token=client.access) as socket:
            await socket.receive("connected")
            if proxy is behind_haproxy:
                await asyncio.sleep(TUNNEL_SECONDS)
            await socket.send("ping")
            await socket.receive("pong")


@pytest.mark.parametrize(
    ("proxy", "tag"),
    [
        (lambda port: nginx(NGINX_COMPRESSES.format(port=port, passes=NGINX_PASSES)), r'W/"[^"]+"'),
        (lambda port: apache(APACHE_COMPRESSES.format(port=port)), r'"[^"]+-gzip"'),
    ],
    ids=["nginx", "Apache"],
)
def test_the_etag_of_a_compressed_answer_is_valid_for_a_change(
    made: tuple[Installation, Cast],
    server: Server,
    proxy: Callable[[int], AbstractContextManager[int]],
    tag: str,
) -> None:
    with proxy(server.port) as port, Client(f"http://127.0.0.1:{port}", made[1].controller) as client:
        path = f"/api/portal-views/{made[1].portal_view_id}"
        read = client._http.get(path, headers={"Accept-Encoding": "gzip"})
        assert read.headers["content-encoding"] == "gzip"
        assert re.fullmatch(tag, read.headers["etag"])
        match = {"If-Match": read.headers["etag"]}
        assert client._http.patch(path, json={"name": "Compressed"}, headers=match).status_code == 200
        assert client._http.patch(path, json={"name": "Again"}, headers=match).status_code == 412


# --- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 with its key, and a client context that trusts it."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "portal.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return path, context


@pytest.fixture(scope="module")
def secure(made: tuple[Installation, Cast]) -> Iterator[Server]:
    """The site with PORTAL_HTTPS, which production has by default."""
    with made[0].server(PORTAL_HTTPS="true") as started:
        yield started


TLS_PROXIES: dict[str, Callable[[int, Path], AbstractContextManager[int]]] = {
    "nginx": lambda port, pem: nginx(NGINX_TLS.format(port=port, certificate=pem, passes=NGINX_PASSES)),
    "Caddy": lambda port, pem: caddy(f"reverse_proxy 127.0.0.1:{port}", pem),
    "HAProxy": lambda port, pem: haproxy(f"server portal 127.0.0.1:{port}", pem),
}


@pytest.mark.parametrize("name", TLS_PROXIES)
async def test_behind_tls(
    made: tuple[Installation, Cast], secure: Server, certificate: tuple[Path, ssl.SSLContext], name: str
) -> None:
    """Pages, log-in, secure cookies and sockets; a client without TLS is redirected or refused."""
    pem, context = certificate
    viewer = made[1].viewer
    with TLS_PROXIES[name](secure.port, pem) as port:
        async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False) as client:
            page = await client.get("/admin/login/")
            assert page.status_code == 200
            assert "Secure" in page.headers["set-cookie"]
            assert "__Host-csrftoken" in client.cookies
            assert "strict-transport-security" in page.headers
            answer = await client.post("/api/auth/token", json={"email": viewer.email, "password": viewer.password})
            token = answer.json()["access"]
        path = portal_view_path(made[1].portal_view_id)
        url, origin = f"wss://127.0.0.1:{port}{path}?token={token}", Origin(f"https://127.0.0.1:{port}")
        async with connect(url, ssl=context, origin=origin, proxy=None) as socket:
            assert json.loads(await socket.recv())["type"] == "connected"
        plain_page = Origin(f"http://127.0.0.1:{port}")
        async with connect(url, ssl=context, origin=plain_page, proxy=None) as socket:
            assert json.loads(await socket.recv())["code"] == "origin-not-allowed"
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{secure.http}/admin/login/")).status_code == 301
    async with open_socket(secure.ws, path, token=token) as plain:
        assert (await plain.refused())[0]["code"] == "https-required"


# --- Draining -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TWO_SERVERS)
async def test_clients_do_not_notice_servers_that_end_one_after_the_other(name: str) -> None:
    """With `--drain-delay` a balancer removes a server before it ends: no request and no handshake fails."""
    options = (ServerKind.SERVE, "--drain-delay", str(DELAY_SECONDS))
    with installation(StoreKind.POSTGRES, PORTAL_BEHIND_PROXY="true", **STACK_ENV) as made:
        cast = made.prepare()
        with (
            made.server(*options) as one,
            made.server(*options) as two,
            TWO_SERVERS[name](one.port, two.port) as port,
            Client(f"http://127.0.0.1:{port}", cast.controller) as client,
        ):
            over = asyncio.Event()
            asked = asyncio.create_task(ask_until(over, port, cast, client.access))
            for server in (one, two):
                await asyncio.sleep(BETWEEN_SECONDS)
                await asyncio.to_thread(server.process.stop, DELAY_SECONDS + 15)
                await asyncio.to_thread(server.start)
            await asyncio.sleep(BETWEEN_SECONDS)
            over.set()
            assert await asked > 100


async def ask_until(over: asyncio.Event, port: int, cast: Cast, token: str) -> int:
    """Send requests and handshakes alternately until it is over; returns their number. All must succeed."""
    path, asked = portal_view_path(cast.portal_view_id), 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        while not over.is_set():
            asked += 2
            answer = await client.patch(f"/api/portal-views/{cast.portal_view_id}", json={"name": f"{asked}"})
            assert answer.status_code == 200, (asked, answer.text)
            await come_in(f"ws://127.0.0.1:{port}", path, token)
            await asyncio.sleep(0.02)
    return asked


async def come_in(url: str, path: str, token: str) -> None:
    """Connect. A client that comes at the last moment is let in, told to reconnect at once, and does."""
    for _ in range(3):
        async with open_socket(url, path, token=token) as socket:
            first = await socket.receive()
        if first["type"] == "connected":
            return
        assert first["type"] == "going-away", first
        await asyncio.sleep(first["retryAfter"] / 1000)
    raise AssertionError("told to come back three times")
