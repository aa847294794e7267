"""Many simultaneous log-ins, at real servers: their cost for others, and how many guesses are tested.

Each limit is tested in `libraries/services/tests/test_logins.py` and `test_passwords.py`.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from testing.installation import Cast, Installation, Person, Server, StoreKind, installation

pytestmark = [pytest.mark.server, pytest.mark.long]

AT_ONCE = 40
GROWTH_KIB = 150 * 1024
SECONDS = 60.0
WRONG = "not the password"

LogIn = Callable[[httpx.AsyncClient, Person], Coroutine[Any, Any, httpx.Response]]


async def by_rest(client: httpx.AsyncClient, person: Person) -> httpx.Response:
    """Log in as a program does."""
    return await client.post("/api/auth/token", json={"email": person.email, "password": person.password})


async def by_form(client: httpx.AsyncClient, person: Person) -> httpx.Response:
    """Log in as a browser does at the admin's form."""
    token = client.cookies["csrftoken"]
    typed = {"username": person.email, "password": person.password, "csrfmiddlewaretoken": token}
    return await client.post("/admin/login/", data=typed)


def client_of(server: Server) -> httpx.AsyncClient:
    """A client that opens as many connections as needed."""
    return httpx.AsyncClient(
        base_url=server.http, timeout=SECONDS, trust_env=False, limits=httpx.Limits(max_connections=None)
    )


def memory(pid: int, name: str) -> int:
    """A line of /proc/<pid>/status, in KiB: `VmRSS` is the memory of a process, `VmHWM` its maximum."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def forget_most(pid: int) -> None:
    """Reset the maximum memory of a process (proc(5): clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@pytest.fixture
def alone() -> Iterator[tuple[Installation, Cast]]:
    """SQLite, and unlimited attempts."""
    with installation(StoreKind.SQLITE, PORTAL_LOGIN_ATTEMPTS="0", PORTAL_LOGINS_PER_MINUTE="0") as made:
        yield made, made.prepare()


@pytest.mark.parametrize("log_in", [by_rest, by_form])
async def test_simultaneous_log_ins_take_the_memory_of_few(alone: tuple[Installation, Cast], log_in: LogIn) -> None:
    """One hash after the other: earlier each took 100 MiB, and there were as many at once as requests."""
    made, cast = alone
    with made.server() as server:
        async with client_of(server) as client:
            await client.get("/admin/login/")
            good = {200} if log_in is by_rest else {302}
            assert (await log_in(client, cast.admin)).status_code in good
            before = memory(server.process.pid, "VmRSS")
            forget_most(server.process.pid)
            answers = await asyncio.gather(*[log_in(client, cast.admin) for _ in range(AT_ONCE)])
            grown = memory(server.process.pid, "VmHWM") - before
    assert {answer.status_code for answer in answers} <= good | {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 503)
    assert sum(answer.status_code in good for answer in answers) >= 1
    assert grown < GROWTH_KIB, f"{grown} KiB for {AT_ONCE} log-ins at once"


@pytest.fixture(params=[StoreKind.SQLITE, pytest.param(StoreKind.POSTGRES, marks=pytest.mark.postgres)])
def limited(request: pytest.FixtureRequest) -> Iterator[tuple[Installation, Cast]]:
    """An installation with the default limits."""
    with installation(request.param) as made:
        yield made, made.prepare()


async def test_two_servers_test_ten_guesses_together(limited: tuple[Installation, Cast]) -> None:
    """Earlier, simultaneous guesses were all tested, and each process had its own counters."""
    made, cast = limited
    with made.server() as one, made.server() as other:
        async with client_of(one) as first, client_of(other) as second:
            guess = Person(cast.controller.email, WRONG)
            refused = asyncio.Event()

            async def guesses(client: httpx.AsyncClient) -> int:
                answer = await by_rest(client, guess)
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    assert 1 <= int(answer.headers["Retry-After"]) <= 300
                    refused.set()
                return answer.status_code

            async def right() -> int:
                await refused.wait()
                return (await by_rest(second, cast.controller)).status_code

            going = [asyncio.create_task(guesses((first, second)[number % 2])) for number in range(AT_ONCE - 1)]
            last = await asyncio.wait_for(right(), SECONDS)
            statuses = Counter(await asyncio.gather(*going))
            assert last == httpx.codes.TOO_MANY_REQUESTS
            assert statuses == {httpx.codes.UNAUTHORIZED: 10, httpx.codes.TOO_MANY_REQUESTS: AT_ONCE - 11}
            assert (await by_rest(first, cast.viewer)).status_code == httpx.codes.OK


def mode(path: Path) -> int:
    """The permissions of others than the owner."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077


def test_nobody_else_can_read_the_data(tmp_path: Path) -> None:
    """`db.sqlite3` was 0644 in 0755, so anybody with an account on the machine could read it."""
    folder = tmp_path / "outer" / "data"
    before = os.umask(0o022)
    try:
        with installation(StoreKind.SQLITE, PORTAL_DATA_DIR=str(folder)) as made:
            cast = made.prepare()
            made.manage("collectstatic", "--noinput")
            with made.server() as server, closing(sqlite3.connect(folder / "db.sqlite3")) as kept:
                kept.execute("SELECT 1 FROM sqlite_master").fetchall()  # the log exists while a client is connected
                body = {"email": cast.viewer.email, "password": cast.viewer.password}
                assert httpx.post(f"{server.http}/api/auth/token", json=body, trust_env=False).is_success
                names = {path.name for path in folder.iterdir()}
                assert {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "static"} <= names
                assert [mode(path) for path in (folder.parent, folder, *folder.glob("db.sqlite3*"))] == [0] * 5
                assert mode(folder / "static") == 0
    finally:
        os.umask(before)
