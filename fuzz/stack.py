"""Real servers for fuzzing, on one temporary installation; their logs, memory and threads. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testing.installation import Cast, Installation, Server, ServerKind, StoreKind, installation
from testing.logged import begins_traceback, tells
from testing.people import Client
from testing.stacks import STACK_ENV

MEBIBYTE = 1024 * 1024
# A token is valid for a year: a run may be long. Some inputs are log-ins of the run's own people with wrong passwords:
# they must not lock them out of the parts after it.
ENV = {"PORTAL_ACCESS_TOKEN_MINUTES": "525600", "PORTAL_LOGIN_ATTEMPTS": "0", "PORTAL_IO_URING": "false"}
TRACE_LINES = 2
BAD_LEVELS = ("critical", "error")
BAD_EVENTS = ("socket_crashed", "Unhandled error")
SHOWN_LINE_CHARS = 400


@dataclass
class Watched:
    """A running server; its log and its resources."""

    server: Server
    log_read: int = field(default=0, init=False)

    @property
    def pids(self) -> list[int]:
        """The ids of its processes."""
        process = self.server.process
        return [process.pid, *process.descendants]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.server.process.running

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return sum(_number(pid, "status", "VmRSS") for pid in self.pids) * 1024

    @property
    def threads(self) -> int:
        """The number of its threads."""
        return sum(_number(pid, "status", "Threads") for pid in self.pids)

    @property
    def written(self) -> int:
        """Bytes that it has written to files, without network output."""
        return sum(_number(pid, "io", "wchar") for pid in self.pids)

    def bad_lines(self) -> list[str]:
        """The unexpected lines in its log since the last call."""
        logged = self.server.process.log_since(self.log_read)
        self.log_read = self.server.process.log_size
        return bad_lines(logged)


@dataclass(frozen=True)
class Stack:
    """An installation and its people, logged in when a server runs."""

    installation: Installation
    cast: Cast

    @contextmanager
    def serving(self, kind: ServerKind = ServerKind.SERVE, *, default_limits: bool = False) -> Iterator[Watched]:
        """A server; without `default_limits` rates are not limited, because that would only slow the fuzzer down."""
        limits = {} if default_limits else STACK_ENV
        with self.installation.server(kind, **limits) as server:
            watched = Watched(server)
            watched.bad_lines()
            yield watched

    @contextmanager
    def people(self, server: Server) -> Iterator[dict[str, Client]]:
        """The owner, an editor, a viewer and a stranger, logged in."""
        cast = self.cast
        people = {"owner": cast.controller, "editor": cast.editor, "viewer": cast.viewer, "stranger": cast.stranger}
        clients = {role: Client(server.http, person) for role, person in people.items()}
        try:
            yield clients
        finally:
            for client in clients.values():
                client.close()


@contextmanager
def throwaway() -> Iterator[Stack]:
    """A prepared installation on SQLite, which is deleted at the end of the block."""
    with installation(StoreKind.SQLITE, **ENV) as made:
        yield Stack(made, made.prepare())


def bad_lines(logged: str) -> list[str]:
    """The lines that must not be in a log; of a traceback the end, with the exception and its place."""
    found: list[str] = []
    trace: list[str] | None = None
    for line in logged.splitlines():
        if trace is not None and line.startswith(" "):
            trace.append(line.strip())
        elif trace is not None:
            found.append(f"{' '.join(trace[-TRACE_LINES:])} {line}"[:SHOWN_LINE_CHARS])
            trace = None
        elif begins_traceback(line):
            trace = []
        elif tells(line, events=BAD_EVENTS, levels=BAD_LEVELS):
            found.append(line[:SHOWN_LINE_CHARS])
    return found


def _number(pid: int, file: str, key: str) -> int:
    """A number in a file of /proc; 0 for a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0
