"""One installation of Portal in a temporary folder: its environment, its first data, its server processes.

An installation is a database and a channel layer; any number of servers of either kind may run on it at once. The
stores themselves are in `stores`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

import httpx

from testing.processes import Process, ProcessFailed, ReservedPort
from testing.stores import Postgres, Valkey, postgres, valkey

ROOT = Path(__file__).resolve().parents[1]
COMMAND_SECONDS = 90
OWN_VARIABLES = ("PORTAL_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
OF_ONE_INSTALLATION = {"PORTAL_DATA_DIR": "", "PORTAL_SECRET_KEY": ""}
"""What makes no difference to the tables and the demo library."""


class ServerKind(StrEnum):
    """The two ways to run Portal: uvicorn (`manage.py serve`) and Daphne (`manage.py runserver`)."""

    SERVE = "serve"
    RUNSERVER = "runserver"


class StoreKind(StrEnum):
    """The two storage set-ups: SQLite with the in-memory layer, and Postgres with Valkey."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


@dataclass(frozen=True)
class Person:
    """A person who can log in."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Cast:
    """The people and data of `manage.py demo --json`.

    A library with one portal view, its members, a stranger, and a superuser. `controller` is the library's owner.
    """

    portal_view_id: str
    library_id: str
    controller: Person
    editor: Person
    viewer: Person
    stranger: Person
    admin: Person

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the output of `manage.py demo --json`."""
        data = json.loads(text)
        people = {role: Person(**data[role]) for role in ("controller", "editor", "viewer", "stranger", "admin")}
        return cls(portal_view_id=data["portalViewId"], library_id=data["libraryId"], **people)


@dataclass(frozen=True)
class Server:
    """A running Portal server; `process` kills and freezes it, `start()` restarts it on the same port.

    `port` may be a proxy's, and `path` is the site's path on its host.
    """

    process: Process
    port: int
    path: str = ""

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        """The base URL for HTTP, without a slash at the end."""
        return f"{self.origin}{self.path}"

    @property
    def ws(self) -> str:
        """The base URL for WebSockets, without a slash at the end."""
        return f"ws://127.0.0.1:{self.port}{self.path}"

    def start(self) -> None:
        """Start it and return once it answers HTTP, with any status."""
        self.process.start(self._answers)

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.http}/", timeout=5, trust_env=False)
        except httpx.TransportError:  # not listening yet
            return False
        return True


_PREPARED: dict[tuple[Path, frozenset[tuple[str, str]]], tuple[bytes, Cast]] = {}
"""SQLite databases that this process has made, by the working copy and the settings."""


@dataclass(frozen=True)
class Installation:
    """Folder, environment and secret of one installation, and the stores that were started for it.

    `root` is the working copy with the `manage.py` to run.
    """

    folder: Path
    env: Mapping[str, str]
    secret_key: str = field(repr=False)
    postgres: Postgres | None = None
    valkey: Valkey | None = None
    root: Path = ROOT

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` and return its standard output; raises ProcessFailed with its standard error."""
        command = [sys.executable, str(self.root / "manage.py"), *arguments]
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            cwd=self.root,
            env=dict(self.env),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise ProcessFailed(f"manage.py {arguments[0]} ended with status {done.returncode}.\n{done.stderr}")
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python code with the models imported, in its own process; returns its output."""
        return self.manage("shell", "--verbosity", "0", "--command", code)

    def prepare(self) -> Cast:
        """Create the tables and the demo library. On SQLite, later installations with the same settings get copies."""
        place = self.folder / "db.sqlite3"
        settings = {name: value for name, value in self.env.items() if name.startswith(OWN_VARIABLES)}
        is_file = settings["PORTAL_DATA_DIR"] == str(self.folder) and "DATABASE_URL" not in settings
        alike = self.root, frozenset((settings | OF_ONE_INSTALLATION).items())
        if is_file and alike in _PREPARED:
            database, cast = _PREPARED[alike]
            place.write_bytes(database)
            return cast
        self.manage("migrate", "--verbosity", "0")
        cast = Cast.from_json(self.manage("demo", "--json"))
        if is_file:
            _PREPARED[alike] = place.read_bytes(), cast
        return cast

    @contextmanager
    def server(
        self, kind: ServerKind = ServerKind.SERVE, *options: str, launcher: Sequence[str] = (), **env: str
    ) -> Iterator[Server]:
        """A running server on its own port; `options` go on its command line, `env` over the environment.

        `launcher` is a command that starts the server's command as itself, such as `prlimit`.
        """
        with ReservedPort() as port:
            command = [*launcher, sys.executable, str(self.root / "manage.py"), kind.value]
            if kind is ServerKind.SERVE:
                command += ["--host", "127.0.0.1", "--port", str(port.number), *options]
            else:
                command += ["--noreload", *options, f"127.0.0.1:{port.number}"]
            log = self.folder / f"{kind.value}-{port.number}.log"
            with Process(f"manage.py {kind.value}", command, log, env={**self.env, **env}, cwd=self.root) as process:
                server = Server(process, port.number)
                server.start()
                yield server


@contextmanager
def installation(stores: StoreKind, root: Path = ROOT, /, **env: str) -> Iterator[Installation]:
    """An empty installation on `stores`, which run while the block lasts; `env` adds settings.

    The environment is a copy of our own, without any setting of Portal.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-installation-")))
        secret_key = secrets.token_urlsafe(48)
        settings = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        settings |= {"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": secret_key, "PYTHONUNBUFFERED": "1"}
        database = layer = None
        if stores is StoreKind.POSTGRES:
            database, layer = stack.enter_context(postgres()), stack.enter_context(valkey())
            settings |= {"DATABASE_URL": database.create_database("portal"), "REDIS_URL": layer.url}
        yield Installation(folder, settings | env, secret_key, database, layer, root)
