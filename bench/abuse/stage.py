"""The environment of an attack: a server with its default limits and two tenants, a sink, a probe, an attacker.

Server and sink have one core, attacker and probe the other. Each run gets a new server on a new copy of the database,
so that nothing of the previous attack is left.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.abuse.rows import Row
from bench.abuse.target import Target
from bench.servers import SERVER_CORE, pin
from testing.installation import ROOT, Installation, Server, ServerKind, StoreKind, installation
from testing.processes import Process, ReservedPort
from testing.tokens import forge_token

PRODUCTION = {
    "PORTAL_DEBUG": "false",
    "PORTAL_ALLOWED_HOSTS": "127.0.0.1",
    "PORTAL_HTTPS": "false",  # the attacks do not use TLS
}
VIEWERS = 10
BAD_TOKENS = 50
VICTIM = "victim@example.com"
MIB = 1 << 20
MEMORY = Path("/dev/shm")  # noqa: S108  # TemporaryDirectory makes a folder that is its own
"""The place of the database: a disk's fsync sometimes takes 40 to 80 ms, for any writer, and would be measured."""
MAKE_TENANTS = """
import json
from libraries.models import Library, Membership, PortalView, User

def tenant(name, viewers, large):
    library = Library.objects.create(name=name)
    people = [User.objects.create_user(f"{name}-{number}@example.com") for number in range(viewers + 1)]
    for number, person in enumerate(people):
        Membership.objects.create(library=library, user=person, role="VIEWER" if number else "OWNER")
    items = [{"id": f"item-{n}", "type": "token", "name": "x" * large, "hp": 10} for n in range(500)] if large else []
    views = [PortalView.objects.create(library=library, name=name, items=given) for given in ([], items)]
    return {"library": str(library.id), "views": [str(one.id) for one in views], "people": [str(p.id) for p in people]}

User.objects.create_user("%s", "a password that nobody guesses")
print(json.dumps({"other": tenant("other", %d, 0), "attacker": tenant("attacker", 1, 1_900)}))
"""


class AttackFailed(Exception):
    """An attacker, a sink or the probe ended with an error; the message has it."""


@dataclass(frozen=True)
class Held:
    """The resources of a server: bytes of memory (RSS), threads, bytes of its log."""

    memory: int
    threads: int
    logged: int


@dataclass(frozen=True)
class Stage:
    """The installation and its people."""

    place: Installation
    tenants: Mapping[str, Any]

    @contextmanager
    def server(self, row: Row) -> Iterator[Server]:
        """A new server on a copy of the data."""
        launcher = () if row.files is None else ("prlimit", f"--nofile={row.files}:{row.files}")
        with tempfile.TemporaryDirectory(prefix="portal-abuse-", dir=MEMORY) as folder:
            shutil.copytree(self.place.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.log"))
            with self.place.server(ServerKind.SERVE, launcher=launcher, PORTAL_DATA_DIR=folder) as server:
                pin(server.process.pid, SERVER_CORE)
                yield server

    def target(self) -> Target:
        """The attacker's knowledge."""
        own = self.tenants["attacker"]
        owner, guest = (self._token(person) for person in own["people"])
        return Target(
            library_id=own["library"],
            view_id=own["views"][0],
            large_view_id=own["views"][1],
            controller=owner,
            viewer=guest,
            guest_id=own["people"][1],
            bad_tokens=[forge_token("x" * 50, uuid4().hex) for _ in range(BAD_TOKENS)],
            victim=VICTIM,
        )

    def probe_order(self, port: int) -> dict[str, Any]:
        """The addresses that the other tenant connects to: the last of them is the newcomer's."""
        other = self.tenants["other"]
        base = f"ws://127.0.0.1:{port}/ws/portal-view/{other['views'][0]}?token="
        owner, *viewers = (base + self._token(person) for person in other["people"])
        return {"controller": owner, "viewers": viewers[:VIEWERS], "newcomer": viewers[VIEWERS]}

    def _token(self, person: str) -> str:
        return forge_token(self.place.secret_key, person, lifetime=3600)


@contextmanager
def stage(root: Path) -> Iterator[Stage]:
    """An installation on SQLite with two tenants, set up as in production; `root` is the working copy to run."""
    with installation(StoreKind.SQLITE, root, **PRODUCTION) as place:
        place.manage("migrate", "--verbosity", "0")
        place.manage("collectstatic", "--noinput", "--verbosity", "0")
        yield Stage(place, json.loads(place.shell(MAKE_TENANTS % (VICTIM, VIEWERS + 1))))


@contextmanager
def sink(row: Row) -> Iterator[int]:
    """The port of a sink, which runs beside the server."""
    with ReservedPort() as port, tempfile.TemporaryDirectory(prefix="portal-sink-") as folder:
        command = [sys.executable, "-m", "bench.abuse.sink", str(port.number), *(["refuse"] if row.refused else [])]
        with Process("sink", command, Path(folder) / "log", cwd=ROOT) as process:
            process.start(lambda: _listens(port.number))
            pin(process.pid, SERVER_CORE)
            yield port.number


def _listens(port: int) -> bool:
    wanted = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)


class Child:
    """A child process that gets a line of JSON, prints a line when it has begun, and ends with JSON."""

    def __init__(self, module: str, order: Mapping[str, Any]) -> None:
        self._popen = subprocess.Popen(  # noqa: S603  # our own modules
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._popen.stdin is not None  # noqa: S101  # it was asked for
        assert self._popen.stdout is not None  # noqa: S101
        self._popen.stdin.write(json.dumps(order) + "\n")
        self._popen.stdin.flush()
        if not self._popen.stdout.readline():
            raise AttackFailed(f"{module} did not begin: {self._popen.communicate()[1][-2000:]}")

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return self._popen.poll() is None

    def result(self, seconds: float) -> dict[str, Any]:
        """End its input, and wait for its result; AttackFailed if it fails, or takes longer than that."""
        try:
            said, errors = self._popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AttackFailed(f"{self._popen.args!r} did not end within {seconds} s.") from None
        if self._popen.returncode:
            raise AttackFailed(f"{self._popen.args!r} failed: {errors[-2000:]}")
        print(errors, end="", file=sys.stderr)
        result: dict[str, Any] = json.loads(said)
        return result

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()
        self._popen.wait()


@contextmanager
def child(module: str, order: Mapping[str, Any]) -> Iterator[Child]:
    """A child that has begun, and ends with the block at the latest."""
    one = Child(module, order)
    try:
        yield one
    finally:
        one.kill()


def attack(name: str, target: Target, port: int, seconds: float, look: Callable[[], None]) -> dict[str, Any]:
    """Attack that port for this many seconds, and call `look` meanwhile.

    Returns the counts, and the begin and the end.
    """
    order = {"row": name, "target": asdict(target), "port": port, "seconds": seconds}
    with child("bench.abuse.attacker", order) as attacker:
        began = time.monotonic()
        while attacker.running and time.monotonic() < began + seconds:
            look()
        result = attacker.result(seconds=30.0)
    return {**result, "began": began, "ended": began + seconds, "seconds": seconds}


def held(server: Server) -> Held:
    """The current resources of the server's processes."""
    memory = threads = 0
    for pid in [server.process.pid, *server.process.descendants]:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        memory += int(status["VmRSS"].split()[0]) * 1024
        threads += int(status["Threads"])
    return Held(memory, threads, server.process.log_size)


def most(seen: Sequence[Held]) -> Held:
    """The maximum of each."""
    return Held(*(max(values) for values in zip(*((one.memory, one.threads, one.logged) for one in seen), strict=True)))
