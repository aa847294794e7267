"""The page /metrics of running servers: who may read it, what it counts, and the sum over several processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from realtime.metrics.names import METRICS
from testing.installation import Cast, Installation, ServerKind, StoreKind, installation
from testing.processes import ReservedPort
from testing.sockets import open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import valkey

pytestmark = [pytest.mark.server, pytest.mark.valkey, pytest.mark.long]

TOKEN = "a-token-of-metrics-0123456789"
WORKERS = 2
REQUESTS = 24
"""So many that some come to each process."""
Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Installation, Cast]]:
    with (
        valkey() as store,
        installation(StoreKind.SQLITE, REDIS_URL=store.url, PORTAL_METRICS_TOKEN=TOKEN, **STACK_ENV) as made,
    ):
        yield made, made.prepare()


@pytest.fixture(scope="module")
def several(prepared: tuple[Installation, Cast]) -> Iterator[Stack]:
    with running(*prepared, ServerKind.SERVE, "--workers", str(WORKERS)) as stack:
        yield stack


def ask(url: str, **headers: str) -> httpx.Response:
    # One connection for each request: each may come to another process.
    return httpx.get(url, headers=headers, trust_env=False, timeout=10)


def numbers(url: str) -> Numbers:
    """All samples of the page."""
    answer = ask(f"{url}/metrics", Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def number(found: Numbers, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


async def until(condition: Callable[[Numbers], bool], url: str, seconds: float = 10) -> Numbers:
    """The page, once the condition holds."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(httpx.TransportError):  # it came to a process that has just been killed
            if condition(found := await asyncio.to_thread(numbers, url)):
                return found
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def worker_ids(stack: Stack) -> list[int]:
    return stack.server.process.descendants


# --- Several processes ----------------------------------------------------------------------------------------


async def test_every_process_answers_with_the_sum(several: Stack) -> None:
    portal_view, url = several.new_portal_view(), several.server.http
    before = numbers(url)
    assert number(before, "portal_processes") == WORKERS
    async with several.join_all(portal_view, several.controller, *[several.viewer] * 12) as (controller, *viewers):
        await controller.send("portal-view-update", payload={"name": "Counted"}, ref="name")
        await controller.receive("ack")
        for viewer in viewers:
            await viewer.receive("portal-view-updated")
        for _ in range(6):  # whichever process is asked
            found = numbers(url)
            assert number(found, "portal_connections", role="controller") == 1
            assert number(found, "portal_connections", role="viewer") == 12
            assert number(found, "portal_deliveries_total") - number(before, "portal_deliveries_total") == 12
        assert number(found, "portal_rooms") == WORKERS
        received = "portal_messages_received_total"
        assert number(found, received, type="portal-view-update") == 1
        assert number(found, "portal_messages_sent_total", type="portal-view-updated") == 12
        assert number(found, "portal_commit_to_last_write_seconds_count") == WORKERS
        assert number(found, "portal_stored_update_duration_seconds_count") == 1
    found = await until(lambda found: number(found, "portal_connections", role="viewer") == 0, url)
    assert number(found, "portal_closes_total", code="1000") >= 13
    assert number(found, "portal_connection_duration_seconds_count") >= 13


async def test_the_counts_of_a_killed_process_stay_and_its_gauges_go(several: Stack) -> None:
    portal_view, url = several.new_portal_view(), several.server.http
    name = "portal_handshake_duration_seconds_count"
    async with several.join_all(portal_view, *[several.viewer] * 12):
        before = numbers(url)
        assert number(before, "portal_connections", role="viewer") == 12
        victim = next(pid for pid in worker_ids(several) if f"worker={pid}" in several.server.process.log.read_text())
        os.kill(victim, signal.SIGKILL)
        found = await until(lambda found: number(found, "portal_connections", role="viewer") < 12, url)
        assert number(found, name) >= number(before, name)
        found = await until(lambda found: number(found, "portal_processes") == WORKERS, url, 20)
        for key, value in before.items():
            if key[0].endswith(("_total", "_count", "_bucket")):
                assert found.get(key, 0.0) >= value, key


async def test_a_frozen_process_delays_the_page_and_does_not_stop_it(several: Stack) -> None:
    url = several.server.http
    victim = worker_ids(several)[-1]
    await until(lambda found: number(found, "portal_processes") == WORKERS, url, 20)
    headers = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
    os.kill(victim, signal.SIGSTOP)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            asked = [client.get(f"{url}/metrics", headers=headers) for _ in range(REQUESTS)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        os.kill(victim, signal.SIGCONT)
    statuses = {answer.status_code for answer in answers if isinstance(answer, httpx.Response)}
    assert statuses == {200}, answers
    assert any(isinstance(answer, httpx.ReadTimeout) for answer in answers), "none came to the frozen process"
    await until(lambda found: number(found, "portal_processes") == WORKERS, url, 20)


async def test_refusals_failures_reconnects_and_requests_are_counted(several: Stack) -> None:
    portal_view, url = several.new_portal_view(), several.server.http
    path, token = portal_view_path(portal_view), several.viewer.access
    before = await asyncio.to_thread(numbers, url)
    async with several.join(portal_view, several.viewer) as (viewer, connected):
        await viewer.send("item-move", itemId="x", index=0, ref=1)  # which viewers may not
        assert (await viewer.receive("error"))["code"] == "forbidden"
        await viewer.send("no-such-type", ref=2)
        await viewer.receive("error")
    for epoch in (connected["epoch"], "another"):
        known = {"version": str(connected["version"]), "epoch": epoch}
        async with open_socket(several.server.ws, path, token=token, query=known) as again:
            assert (await again.receive("connected"))["recovered"] is (epoch != "another")
    async with open_socket(several.server.ws, path, token="no-token") as refused:
        await refused.receive("error")
    log_in = {"email": "nobody@example.org", "password": "wrong"}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.post("/api/auth/token", json=log_in)).status_code == 401
        assert (await client.get(f"/api/nothing-{portal_view}")).status_code == 404
    await asyncio.to_thread(several.controller.get, f"/api/portal-views/{portal_view}/items")
    found = await until(lambda now: number(now, "portal_closes_total", code="1008") >= 1, url)

    def risen(name: str, **labels: str) -> float:
        return number(found, name, **labels) - number(before, name, **labels)

    assert risen("portal_messages_received_total", type="item-move") == 1
    assert risen("portal_messages_received_total", type="invalid") == 1
    assert risen("portal_refusals_total", code="forbidden") == 1
    assert risen("portal_refusals_total", code="unknown-type") == 1
    assert risen("portal_reconnects_total", kind="recovered") == 1
    assert risen("portal_reconnects_total", kind="snapshot") == 1
    assert risen("portal_handshake_failures_total", code="token-invalid") == 1
    assert risen("portal_login_failures_total", reason="wrong") == 1
    route = "/api/portal-views/{portal_view_id}/items"
    assert risen("portal_rest_duration_seconds_count", method="GET", route=route) == 1
    assert risen("portal_received_bytes_total") > 0
    assert risen("portal_sent_bytes_total") > risen("portal_received_bytes_total")
    assert portal_view not in str(found)


# --- One portal view ------------------------------------------------------------------------------------------


async def test_the_figures_of_a_portal_view_are_those_of_all_processes(several: Stack) -> None:
    portal_view = several.new_portal_view()
    other = several.new_portal_view()
    path = f"/api/portal-views/{portal_view}/stats"
    nobody = await asyncio.to_thread(several.controller.get, path)
    assert (nobody["connections"]["total"], nobody["processes"], nobody["complete"]) == (0, 0, True)
    people = [several.controller, several.editor, *[several.viewer] * 10]
    async with several.join_all(portal_view, *people) as sockets, several.join(other, several.viewer):
        controller, *others = sockets
        await controller.send("portal-view-update", payload={"name": "Counted"}, ref="name")
        await controller.receive("ack")
        for socket in others:
            await socket.receive("portal-view-updated")
        # Whichever process is asked, over REST or the admin
        for _ in range(4):
            found = await asyncio.to_thread(several.controller.get, path)
            now = found["connections"]
            assert (now["total"], now["controllers"], now["viewers"], now["guests"]) == (12, 2, 10, 0)
            assert now["people"] == 3
            assert found["complete"]
            assert found["processes"] <= WORKERS
            counts = found["counts"]
            assert (counts["connected"], counts["received"], counts["deliveries"]) == (12, 1, 11)
            assert found["rates"]["delivered"] > 0
            assert 0 < now["meanSeconds"] <= now["longestSeconds"] < 60


# --- Who may read it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
)
def test_for_everybody_else_there_is_no_such_page(several: Stack, headers: dict[str, str]) -> None:
    def like(path: str) -> tuple[int, dict[str, str], str]:
        answer = ask(f"{several.server.http}{path}", **headers)
        kept = {name: value for name, value in answer.headers.items() if name != "date"}
        return answer.status_code, kept, answer.text.replace(path.strip("/"), "")

    refused, missing = like("/metrics"), like("/no-page")
    assert refused[0] == 404
    assert refused[2] == missing[2]
    assert refused[1].keys() == missing[1].keys()
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.post(f"{several.server.http}/metrics", headers=token, trust_env=False).status_code == 404


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_of_its_own_has_only_this_page(prepared: tuple[Installation, Cast], workers: str) -> None:
    with ExitStack() as exits:
        port = exits.enter_context(ReservedPort())
        env: dict[str, Any] = {"PORTAL_METRICS_PORT": str(port.number), "PORTAL_METRICS_ADDRESSES": "127.0.0.0/8"}
        server = exits.enter_context(prepared[0].server(ServerKind.SERVE, "--workers", workers, **env))
        own = f"http://127.0.0.1:{port.number}"
        deadline = time.monotonic() + 20
        while number(found := numbers(own), "portal_processes") != int(workers):
            assert time.monotonic() < deadline, found
        assert ask(f"{own}/metrics").status_code == 200  # its address is listed
        assert ask(f"{own}/api/health").status_code == 404
        assert ask(f"{own}/").status_code == 404
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
        assert ask(f"{own}/ws/portal-view/x", **upgrade).status_code in (403, 404)
        token = {"Authorization": f"Bearer {TOKEN}"}
        assert ask(f"{server.http}/metrics", **token).status_code == 404
        assert ask(f"{server.http}/api/health").status_code == 200


# --- What is on it --------------------------------------------------------------------------------------------


def test_every_metric_is_on_the_page_and_promtool_finds_no_fault(several: Stack) -> None:
    answer = ask(f"{several.server.http}/metrics", Authorization=f"Bearer {TOKEN}")
    families = [line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert families == list(METRICS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    head = httpx.head(f"{several.server.http}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert (head.status_code, head.content) == (200, b"")


def test_a_client_may_ask_for_openmetrics(several: Stack) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = ask(f"{several.server.http}/metrics", Authorization=f"Bearer {TOKEN}", Accept=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
