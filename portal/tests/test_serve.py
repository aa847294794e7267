"""`manage.py serve` in production: several processes on one port, how they end, and how they are restarted.

The content of sockets is not tested here. Unless a test names several processes, the server is one process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from django.core.management import CommandError, call_command

from libraries.models import PortalView
from portal.tests.contract.test_close_codes import ending
from testing.installation import ROOT, Cast, Installation, ServerKind, StoreKind, installation
from testing.processes import Process
from testing.sockets import Closed, PortalSocket, open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import valkey

pytestmark = [pytest.mark.server, pytest.mark.valkey, pytest.mark.long]

DRAIN_SECONDS = 5
WORKERS = 3
SOCKETS = 50
GOING_AWAY = Closed(1012, "going-away")


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Installation, Cast]]:
    """SQLite, and a Valkey for several processes."""
    with valkey() as store, installation(StoreKind.SQLITE, REDIS_URL=store.url, **STACK_ENV) as made:
        yield made, made.prepare()


@pytest.fixture(scope="module")
def _several(prepared: tuple[Installation, Cast]) -> Iterator[Stack]:
    with running(*prepared, ServerKind.SERVE, "--workers", str(WORKERS)) as stack:
        yield stack


@pytest.fixture
def several(_several: Stack) -> Stack:
    """A server of several processes, restarted if a test has ended it."""
    if not _several.server.process.running:
        _several.server.start()
    return _several


@pytest.fixture(scope="module")
def _alone(prepared: tuple[Installation, Cast]) -> Iterator[Stack]:
    with running(*prepared, ServerKind.SERVE, "--drain-seconds", str(DRAIN_SECONDS)) as stack:
        yield stack


@pytest.fixture
def alone(_alone: Stack) -> Stack:
    """A server of one process, restarted if a test has ended it."""
    if not _alone.server.process.running:
        _alone.server.start()
    return _alone


def worker_ids(process: Process) -> list[int]:
    """The processes that a supervisor has logged as started, in order."""
    return [int(pid) for pid in re.findall(r"worker_started\W.*worker=(\d+)", process.log.read_text())]


def is_there(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def server_of(client: PortalSocket, pids: list[int]) -> int | None:
    """The process that has the other end of a connection."""
    port = client.connection.local_address[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()  # proc(5)
        remote, inode = fields[2], fields[9]
        if int(remote.split(":")[1], 16) == port:
            for pid in filter(is_there, pids):
                if f"socket:[{inode}]" in handles(pid):
                    return pid
    return None


def handles(pid: int) -> set[str]:
    """The open files of a process; files closed during the look are omitted."""
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(os.readlink(handle))
    return found


async def until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait for a condition that only the state of processes shows."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)


# --- Several processes ----------------------------------------------------------------------------------------


async def test_connections_are_distributed_and_an_update_reaches_all(several: Stack) -> None:
    portal_view = several.new_portal_view()
    pids = worker_ids(several.server.process)
    async with several.join_all(portal_view, several.controller, *[several.viewer] * 20) as (controller, *viewers):
        owners = {server_of(viewer, pids) for viewer in viewers}
        assert None not in owners
        assert len(owners) > 1
        await controller.send("portal-view-update", payload={"name": "Seen by all"}, ref="name")
        version = (await controller.receive("ack"))["version"]
        for viewer in viewers:
            message = await viewer.receive("portal-view-updated")
            assert (message["payload"], message["version"]) == ({"name": "Seen by all"}, version)


async def test_a_killed_process_is_replaced_while_the_others_continue(several: Stack) -> None:
    portal_view = several.new_portal_view()
    pids = worker_ids(several.server.process)
    async with several.join_all(portal_view, *[several.viewer] * 12) as viewers:
        owner = {viewer: server_of(viewer, pids) for viewer in viewers}
        victim = owner[viewers[0]]
        assert victim is not None
        start = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(worker_ids(several.server.process)) > len(pids), "a new process")
        assert time.monotonic() - start < 2
        assert await viewers[0].closed() == Closed(1006, "")
        for viewer in viewers:
            if owner[viewer] != victim:
                await viewer.expect_nothing_before_pong()
    (replacement,) = worker_ids(several.server.process)[len(pids) :]
    await asyncio.wait_for(until_served_by(several, portal_view, replacement), 15)


async def until_served_by(stack: Stack, portal_view: str, pid: int) -> None:
    """Connect until that process serves the connection."""
    while True:
        async with stack.join(portal_view, stack.viewer) as (viewer, _):
            if server_of(viewer, [pid]) == pid:
                return


async def test_the_supervisor_ends_last_and_with_status_0(several: Stack) -> None:
    process = several.server.process
    async with several.join_all(several.new_portal_view(), *[several.viewer] * 6) as viewers:
        os.kill(process.pid, signal.SIGTERM)
        for viewer in viewers:
            assert (await viewer.receive())["type"] == "going-away"
            assert await viewer.closed() == GOING_AWAY
    await until(lambda: not process.running, "the end of the supervisor")
    assert process.status == 0
    assert not any(map(is_there, worker_ids(process)))


def test_each_process_knows_of_the_others(several: Stack) -> None:
    for pid in worker_ids(several.server.process)[:WORKERS]:
        if is_there(pid):
            assert f"PORTAL_WORKERS={WORKERS}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


# --- The end of a process -------------------------------------------------------------------------------------


async def test_every_client_is_told_when_to_reconnect(alone: Stack) -> None:
    process, portal_view = alone.server.process, alone.new_portal_view()
    people = [alone.controller, *[alone.viewer] * (SOCKETS - 1)]
    async with alone.join_all(portal_view, *people) as (controller, *viewers):
        await controller.send("portal-view-update", payload={"name": "The last word"}, ref="last")
        start = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        ends = await asyncio.gather(*map(ending, [controller, *viewers]))
    await until(lambda: not process.running, "the end of the process", DRAIN_SECONDS)
    assert time.monotonic() - start < DRAIN_SECONDS
    assert process.status == 0
    assert {closed for _, closed in ends} == {GOING_AWAY}
    told = [message["retryAfter"] for messages, _ in ends for message in messages if message["type"] == "going-away"]
    assert len(set(told)) == len(told) == SOCKETS
    assert max(told) - min(told) > 1000
    assert all(0 <= milliseconds <= 5000 for milliseconds in told)
    acks = [message for message in ends[0][0] if message["type"] == "ack"]
    assert [ack["ref"] for ack in acks] == ["last"]
    with closing(sqlite3.connect(alone.installation.folder / "db.sqlite3")) as database:
        stored = database.execute(
            f"SELECT name, version FROM {PortalView._meta.db_table} WHERE id = ?",  # noqa: S608 - our own table
            [portal_view.replace("-", "")],
        ).fetchone()
    assert stored == ("The last word", acks[0]["version"])


async def test_a_client_that_does_not_answer_delays_nobody(alone: Stack) -> None:
    process, ready = alone.server.process, f"{alone.server.http}/api/health/ready"
    async with (
        httpx.AsyncClient(trust_env=False) as kept,
        alone.join(alone.new_portal_view(), alone.viewer) as (silent, _),
        alone.join(alone.new_portal_view(), alone.viewer) as (viewer, _),
    ):
        assert (await kept.get(ready)).status_code == 200
        silent.connection.transport.pause_reading()  # it will not see the close frame
        start = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        assert (await viewer.receive())["type"] == "going-away"
        answer = await kept.get(ready)
        assert (answer.status_code, answer.json()["status"], answer.json()["draining"]) == (503, "ok", True)
        async with httpx.AsyncClient(trust_env=False) as fresh:
            with pytest.raises(httpx.ConnectError):
                await fresh.get(ready)
        assert await viewer.closed() == GOING_AWAY
        await until(lambda: not process.running, "the end of the process", DRAIN_SECONDS)
        assert time.monotonic() - start < DRAIN_SECONDS
        silent.connection.transport.abort()
    assert process.status == 0


async def test_a_second_ctrl_c_cuts_clients_that_do_not_answer(alone: Stack) -> None:
    process = alone.server.process
    start = process.log_size
    async with alone.join(alone.new_portal_view(), alone.viewer) as (silent, _):
        silent.connection.transport.pause_reading()
        os.kill(process.pid, signal.SIGINT)
        await until(lambda: "draining" in process.log_since(start), "the first signal")
        os.kill(process.pid, signal.SIGINT)
        await until(lambda: not process.running, "the end of the process")
        silent.connection.transport.abort()
    assert "cut=1" in process.log_since(start)


# --- A change of files; the end of the supervisor -----------------------------------------------------------------


async def test_a_changed_file_restarts_a_process_and_without_a_supervisor_it_ends(
    prepared: tuple[Installation, Cast], alone: Stack
) -> None:
    with prepared[0].server(ServerKind.SERVE, "--reload") as server:
        (before,) = worker_ids(server.process)
        path = portal_view_path(alone.cast.portal_view_id)
        async with open_socket(server.ws, path, token=alone.viewer.access) as viewer:
            await viewer.receive("connected")
            os.utime(ROOT / "portal" / "urls.py")
            assert (await viewer.receive())["type"] == "going-away"
            assert await viewer.closed() == GOING_AWAY
        await until(lambda: len(worker_ids(server.process)) == 2, "a new process")
        after = worker_ids(server.process)[1]
        assert not is_there(before)
        os.kill(server.process.pid, signal.SIGKILL)
        await until(lambda: not is_there(after), "the end of the process")


# --- Warnings and refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "addresses", "warned"),
    [(True, ["*"], True), (True, ["10.0.0.5", "0.0.0.0/0"], True), (True, ["10.0.0.5"], False), (False, ["*"], False)],
)
def test_a_proxy_at_any_address_gets_a_warning(
    db: None, behind: bool, addresses: list[str], warned: bool, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PORTAL_BEHIND_PROXY, settings.PORTAL_PROXY_ADDRESSES = behind, addresses
    with patch("realtime.management.commands.serve.serve") as served, caplog.at_level(logging.WARNING):
        call_command("serve", "--port", "0")
    assert served.called
    assert ("any_proxy_believed" in caplog.text) is warned


def test_several_processes_need_a_shared_channel_layer() -> None:
    with pytest.raises(CommandError, match="set REDIS_URL"):
        call_command("serve", "--workers", "2")


@pytest.mark.parametrize("workers", [["--workers", "1"], ["--workers", "1", "--reload"]])
def test_a_port_in_use_is_refused_in_one_sentence(workers: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            CommandError, match=rf"^Portal cannot listen on 127\.0\.0\.1:{port}: Address already in use\.$"
        ):
            call_command("serve", "--port", str(port), *workers)


@pytest.mark.parametrize("option", ["--workers", "--drain-seconds"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_numbers_below_one_are_refused(option: str, value: str) -> None:
    with pytest.raises(CommandError, match=f"argument {option}: must be a whole number from 1 on"):
        call_command("serve", f"{option}={value}")
