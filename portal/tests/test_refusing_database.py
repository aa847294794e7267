"""A Postgres that answers, and refuses: sockets stay, requests may be repeated, and everything recovers afterwards.

`test_recovery` tests a Postgres that does not answer at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pytest

from testing.installation import ServerKind, StoreKind, installation
from testing.sockets import PortalSocket
from testing.stacks import STACK_ENV, Stack, running
from testing.stores import Postgres

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey, pytest.mark.long]

SOON = 10.0
RELOAD = "SELECT pg_reload_conf()"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'portal'"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that must survive all refusals."""
    with installation(StoreKind.POSTGRES, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as one:
        yield one


def postgres(stack: Stack) -> Postgres:
    """The database server."""
    assert stack.installation.postgres is not None
    return stack.installation.postgres


def operator(stack: Stack, *statements: str) -> None:
    """Execute an operator's SQL, from another database of the same server."""
    with psycopg.connect(postgres(stack).url(), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement)


@contextmanager
def read_only(stack: Stack) -> Iterator[None]:
    """Like a former primary after a failover: connections stay, and each write is refused (25006)."""
    operator(stack, "ALTER SYSTEM SET default_transaction_read_only = on", RELOAD)
    try:
        yield
    finally:
        operator(stack, "ALTER SYSTEM RESET default_transaction_read_only", RELOAD)


@contextmanager
def nobody_let_in(stack: Stack) -> Iterator[None]:
    """An administrator ends connections (57P01), and no new ones are accepted (55000)."""
    operator(stack, "ALTER DATABASE portal ALLOW_CONNECTIONS false", CUT)
    try:
        yield
    finally:
        operator(stack, "ALTER DATABASE portal ALLOW_CONNECTIONS true")


@contextmanager
def too_many(stack: Stack) -> Iterator[None]:
    """Others use all available connections (53300)."""
    with ExitStack() as taken:
        keeper = taken.enter_context(psycopg.connect(postgres(stack).url(), autocommit=True))
        keeper.execute("ALTER DATABASE portal ALLOW_CONNECTIONS false")
        keeper.execute(CUT)
        try:
            while True:
                taken.enter_context(psycopg.connect(postgres(stack).url()))
        except psycopg.OperationalError:
            keeper.execute("ALTER DATABASE portal ALLOW_CONNECTIONS true")
        yield


REFUSALS: dict[str, Callable[[Stack], object]] = {
    "read-only": read_only,
    "nobody let in": nobody_let_in,
    "too many": too_many,
}


async def store(socket: PortalSocket, name: str) -> dict[str, object]:
    """Set the name over a socket; returns the answer."""
    await socket.send("portal-view-update", payload={"name": name}, ref=name)
    while (answer := await socket.receive()).get("ref") != name:
        pass
    return answer


def asked(stack: Stack, path: str) -> httpx.Response:
    """Send a request without a log-in."""
    return httpx.get(f"{stack.server.http}{path}", timeout=10, trust_env=False)


def patched(stack: Stack, view: str, name: str) -> httpx.Response:
    """Send a request that stores a name."""
    return httpx.patch(
        f"{stack.server.http}/api/portal-views/{view}",
        json={"name": name},
        headers={"Authorization": f"Bearer {stack.controller.access}"},
        timeout=20,
        trust_env=False,
    )


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(SOON):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110  # another process has no event of ours
            await asyncio.sleep(0.1)


@pytest.fixture
async def sockets(stack: Stack) -> AsyncIterator[tuple[str, Sequence[PortalSocket]]]:
    """A portal view with a controller and a viewer."""
    view = stack.new_portal_view()
    async with stack.join_all(view, stack.controller, stack.viewer) as joined:
        yield view, joined


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusing_database_is_unavailable_and_no_more(
    stack: Stack, sockets: tuple[str, Sequence[PortalSocket]], refusal: str
) -> None:
    view, (controller, viewer) = sockets
    start = stack.server.process.log_size
    with REFUSALS[refusal](stack):  # type: ignore[attr-defined]
        await until(lambda: asked(stack, "/api/health/ready").status_code == 503)
        alive = asked(stack, "/api/health")
        assert (alive.status_code, alive.json()["status"]) == (200, "unavailable")
        assert alive.json()["checks"]["database"] == "unavailable"
        assert alive.json()["checks"]["channelLayer"] == "ok"
        for number in range(12):  # more than the pool's connections
            answer = await store(controller, f"in vain {number}")
            assert (answer["type"], answer["code"]) == ("error", "unavailable"), answer
        rest = await asyncio.to_thread(patched, stack, view, "in vain")
        assert (rest.status_code, rest.json()["code"], rest.headers["retry-after"]) == (503, "unavailable", "5")
        page = await asyncio.to_thread(asked, stack, "/admin/login/")
        assert page.status_code in (200, 503)
        for socket in (controller, viewer):
            await socket.send("ping", ref="alive")
            assert (await socket.receive("pong"))["ref"] == "alive"
    await until(lambda: asked(stack, "/api/health/ready").status_code == 200)
    await until(lambda: patched(stack, view, "by REST").status_code == 200)
    assert (await store(controller, "by socket"))["type"] == "ack"
    while (await viewer.receive("portal-view-updated"))["payload"]["name"] != "by socket":
        pass
    written = stack.server.process.log_since(start)
    assert "Traceback" not in written
    assert "database_away" in written


async def test_conflicting_writers_all_succeed(stack: Stack) -> None:
    """With an isolation level set by an operator, conflicting writes fail (40001); they are repeated."""
    start = stack.server.process.log_size
    operator(stack, "ALTER SYSTEM SET default_transaction_isolation = 'serializable'", RELOAD)
    try:
        view = stack.new_portal_view()
        async with stack.join_all(view, stack.controller, stack.editor, stack.controller) as controllers:
            for number in range(15):
                many = [store(one, f"{number} of {place}") for place, one in enumerate(controllers)]
                rest = [asyncio.to_thread(patched, stack, view, f"{number} by REST {n}") for n in range(4)]
                answers, by_rest = await asyncio.gather(asyncio.gather(*many), asyncio.gather(*rest))
                assert [one["type"] for one in answers] == ["ack"] * len(controllers)
                assert [one.status_code for one in by_rest] == [200] * 4
    finally:
        operator(stack, "ALTER SYSTEM RESET default_transaction_isolation", RELOAD)
    assert "transaction_tried_again" in stack.server.process.log_since(start)
