"""Fixtures of the whole-system tests: real servers on real stores, each started once per run.

The definition of a stack, and how it starts, is in `testing`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from realtime.protocol.encodings import Encoding
from testing.installation import Cast, Installation, ServerKind, StoreKind, installation
from testing.spoken import found_in
from testing.stacks import STACK_ENV, Stack, below_a_path, running

JWT = re.compile(r"eyJ[\w-]{17}")  # {" in base64url, the start of every JWT; ids of connections are shorter


BELOW_A_PATH = (ServerKind.SERVE, StoreKind.SQLITE, "below-a-path")


class Stacks:
    """Stacks by server and store, started on first use; both kinds of server run on the same installation."""

    def __init__(self, exits: ExitStack) -> None:
        self._exits = exits
        self._made: dict[StoreKind, tuple[Installation, Cast]] = {}
        self._running: dict[tuple[str, ...], Stack] = {}

    def of(self, server: ServerKind, store: StoreKind, *more: str) -> Stack:
        """The stack of such a server on such a store, with its demo library."""
        wanted = (server, store, *more)
        if wanted not in self._running:
            made, cast = self._on(store)
            stack = below_a_path(made, cast, stripped=False) if wanted == BELOW_A_PATH else running(made, cast, server)
            self._running[wanted] = self._exits.enter_context(stack)
        return self._running[wanted]

    def _on(self, store: StoreKind) -> tuple[Installation, Cast]:
        if store not in self._made:
            made = self._exits.enter_context(installation(store, **STACK_ENV))
            self._made[store] = made, made.prepare()
        return self._made[store]


@pytest.fixture(scope="session")
def stacks() -> Iterator[Stacks]:
    """The stacks of this run."""
    with ExitStack() as exits:
        yield Stacks(exits)


STACKS = [*product(ServerKind, StoreKind), BELOW_A_PATH]
IN_MSGPACK = [(server, StoreKind.SQLITE, Encoding.MSGPACK) for server in ServerKind]
"""Both servers, and one store: what is stored does not depend on the encoding."""
CONTRACT = Path(__file__).parent / "contract"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on all stacks; the contract suite also in MessagePack, but for what is about one encoding."""
    if "running_stack" in metafunc.fixturenames:
        marked = {mark.name for mark in metafunc.definition.iter_markers()}
        stacks: list[tuple[str | Encoding, ...]] = [] if "only_msgpack" in marked else [*STACKS]
        if CONTRACT in metafunc.definition.path.parents and "only_json" not in marked:
            stacks += IN_MSGPACK
        ids = ["-".join(one if isinstance(one, str) else "msgpack" for one in stack) for stack in stacks]
        metafunc.parametrize("running_stack", stacks, indirect=True, ids=ids, scope="session")


@pytest.fixture(scope="session")
def running_stack(request: pytest.FixtureRequest, stacks: Stacks) -> Stack:
    """Each server on each store, in turn; and one behind nginx, below a path of its host."""
    match request.param:
        case (server, store, Encoding() as encoding):
            return replace(stacks.of(server, store), encoding=encoding)
        case wanted:
            return stacks.of(*wanted)


@pytest.fixture
def stack(running_stack: Stack) -> Iterator[Stack]:
    """The stack of this test. The server's log of the test must contain no credential, and no unexpected traceback.

    A test of an unexpected error uses `running_stack` instead.
    """
    start = running_stack.server.process.log_size
    yield running_stack
    written = running_stack.server.process.log_since(start)
    assert not JWT.search(written), f"the log shows a credential:\n{written}"
    assert not (shown := found_in(written)), f"the log shows {shown}:\n{written}"
    assert "Traceback" not in written, f"the log shows an unexpected error:\n{written}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the server's log for a failed test."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("running_stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("server log", stack.server.process.log_tail()))
    return report
