"""How `manage.py serve` starts and ends in production: as process 1, on a read-only disk, behind a load balancer."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from testing.installation import ROOT, Cast, Installation, ServerKind, StoreKind, installation
from testing.processes import Process
from testing.sockets import open_socket, portal_view_path
from testing.stacks import STACK_ENV, running

pytestmark = [pytest.mark.server, pytest.mark.long]

DELAY = 3
UNSHARE = ("unshare",) if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user")
"""unshare(1), which may create any namespace below a user's own."""


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Installation, Cast]]:
    """On SQLite."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made:
        yield made, made.prepare()


async def ended(process: Process) -> None:
    """Wait for its end."""
    async with asyncio.timeout(15):
        while process.running:  # noqa: ASYNC110  # another process has no event of ours
            await asyncio.sleep(0.05)


# --- Process 1 ----------------------------------------------------------------------------------------------


SERVE = ("serve", "--port", "0")
WAIT = ("shell", "--command", "import time; time.sleep(60)")


def _cpu_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.parametrize(("words", "pause"), [(SERVE, 0.2), (SERVE, 0.6), (SERVE, 1.0), (WAIT, 0.3), (WAIT, 3.0)])
def test_process_1_ends_on_a_signal_even_while_it_starts(
    prepared: tuple[Installation, Cast], tmp_path: Path, words: tuple[str, ...], pause: float
) -> None:
    """The kernel gives process 1 no signal without a handler (pid_namespaces(7)). `pause` is in seconds of its CPU."""
    made, _ = prepared
    command = [*UNSHARE, "--pid", "--fork", "--kill-child", sys.executable, str(ROOT / "manage.py"), *words]
    with (tmp_path / "log").open("wb") as log:
        outer = subprocess.Popen(command, env=dict(made.env), cwd=ROOT, stdout=log, stderr=log)  # noqa: S603
    try:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        while not children.read_text():
            time.sleep(0.01)
        started = int(children.read_text())
        deadline = time.monotonic() + 3
        while _cpu_seconds(started) < pause and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(started, signal.SIGTERM)
        outer.wait(timeout=20)
    finally:
        outer.kill()
        outer.wait()


# --- A read-only disk ---------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.valkey
def test_the_server_starts_on_a_read_only_disk() -> None:
    """A container with a read-only root: a mount namespace in which everything except /proc and /dev is read-only."""
    with installation(StoreKind.POSTGRES, **STACK_ENV) as made:
        cast = made.prepare()
        launcher = (*UNSHARE, "--mount", "sh", "-c", READ_ONLY, "sh")
        with made.server(ServerKind.SERVE, launcher=launcher, **PRODUCTION) as one:
            answer = httpx.get(f"{one.http}/api/health/ready", trust_env=False)
            assert answer.json()["status"] == "ok"
            log_in = {"email": cast.viewer.email, "password": cast.viewer.password}
            assert httpx.post(f"{one.http}/api/auth/token", json=log_in, trust_env=False).status_code == 200


PRODUCTION = {
    "PORTAL_DATA_DIR": "/nowhere/portal",
    "PORTAL_DEBUG": "false",
    "PORTAL_ALLOWED_HOSTS": "127.0.0.1",
    "PORTAL_HTTPS": "false",
}
READ_ONLY = 'mount --make-rprivate / && mount -o remount,bind,ro / && ! touch /tmp/written 2>/dev/null && exec "$@"'


def test_sqlite_needs_a_folder_and_reports_it(tmp_path: Path) -> None:
    env = {**os.environ, "PORTAL_DATA_DIR": "/proc/nowhere"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("PORTAL_DATA_DIR must be a folder that can be made")


# --- A database of another version --------------------------------------------------------------------------


def test_a_database_that_was_not_migrated_is_not_ready(tmp_path: Path) -> None:
    with installation(StoreKind.SQLITE, **STACK_ENV) as made:
        made.manage("migrate", "--verbosity", "0")
        made.manage("migrate", "libraries", "0004", "--verbosity", "0")
        with made.server() as server:
            said = server.process.log_since(0)
            assert "The database is of another version: without " in said
            answer = httpx.get(f"{server.http}/api/health/ready", trust_env=False)
            assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "unavailable")
            alive = httpx.get(f"{server.http}/api/health", trust_env=False)
            assert (alive.status_code, alive.json()["status"]) == (200, "unavailable")
            made.manage("migrate", "--verbosity", "0")
            end = time.monotonic() + 10
            while httpx.get(f"{server.http}/api/health/ready", trust_env=False).status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.2)


# --- Addresses to listen on ---------------------------------------------------------------------------------


@contextmanager
def listening(made: Installation, log: Path, *options: str) -> Iterator[Process]:
    """A server with these options, once it reports that it listens."""
    command = [sys.executable, str(ROOT / "manage.py"), "serve", *options]
    with Process("manage.py serve", command, log, env=made.env, cwd=ROOT) as process:
        process.start(lambda: log.exists() and b"Started server process" in log.read_bytes())
        time.sleep(0.5)
        yield process


async def test_a_unix_socket(prepared: tuple[Installation, Cast], tmp_path: Path) -> None:
    made, cast = prepared
    path = tmp_path / "portal.sock"
    log_in = {"email": cast.viewer.email, "password": cast.viewer.password}
    for number in range(2):  # the second time there is a socket that nobody listens on
        with listening(made, tmp_path / f"log-{number}", "--uds", str(path)) as process:
            transport = httpx.AsyncHTTPTransport(uds=str(path))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                assert (await client.get("/api/health/ready")).status_code == 200
                tokens = (await client.post("/api/auth/token", json=log_in)).json()
            where = portal_view_path(cast.portal_view_id)
            async with open_socket("ws://localhost", where, token=tokens["access"], unix_path=str(path)) as viewer:
                assert (await viewer.receive("connected"))["role"] == "viewer"
            os.kill(process.pid, signal.SIGKILL)
    assert path.exists()


@pytest.mark.parametrize(
    ("host", "reached", "not_reached"),
    [
        ("::", ["::1"], ["127.0.0.1"]),
        ("0.0.0.0", ["127.0.0.1"], ["::1"]),  # noqa: S104  # that is what is tested
        ("*", ["127.0.0.1", "::1"], []),
    ],
)
def test_all_addresses(
    prepared: tuple[Installation, Cast], tmp_path: Path, host: str, reached: list[str], not_reached: list[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with listening(prepared[0], tmp_path / "log", "--host", host, "--port", str(port)):
        for address in reached:
            socket.create_connection((address, port), timeout=5).close()
        for address in not_reached:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port), timeout=5)


# --- The end ------------------------------------------------------------------------------------------------


async def test_during_the_delay_the_server_is_not_ready_and_continues_to_serve(
    prepared: tuple[Installation, Cast],
) -> None:
    """Requests and handshakes that a load balancer still sends all succeed, until it has noticed."""
    with running(*prepared, ServerKind.SERVE, "--drain-delay", str(DELAY)) as stack:
        view = stack.new_portal_view()
        pid = stack.server.process.pid
        async with httpx.AsyncClient(base_url=stack.server.http, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {stack.controller.access}"
            os.kill(pid, signal.SIGTERM)
            began = time.monotonic()
            served = 0
            while time.monotonic() < began + DELAY - 0.5:
                ready = await client.get("/api/health/ready")
                assert (ready.status_code, ready.json()["draining"]) == (503, True)
                answer = await client.patch(f"/api/portal-views/{view}", json={"name": f"{served}"})
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
                async with stack.join(view, stack.viewer) as (socket_, greeting):
                    assert greeting["role"] == "viewer"
                    await socket_.send("ping", ref=served)
                    await socket_.receive("pong")
                served += 1
            assert served > 3
            async with stack.join(view, stack.viewer) as (last, _):
                assert (await last.receive("going-away"))["retryAfter"] >= 0
        await ended(stack.server.process)
        assert stack.server.process.status == 0
        assert time.monotonic() - began >= DELAY


async def test_a_second_ctrl_c_does_not_wait_for_the_delay(prepared: tuple[Installation, Cast]) -> None:
    with running(*prepared, ServerKind.SERVE, "--drain-delay", "60") as stack:
        for _ in range(2):
            os.kill(stack.server.process.pid, signal.SIGINT)
            await asyncio.sleep(0.3)
        await ended(stack.server.process)
