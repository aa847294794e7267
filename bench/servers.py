"""The compared servers: this application, and its named peers. Each is started on its own core."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.load import Wire
from testing.installation import ROOT, Installation, ServerKind, StoreKind, installation
from testing.limits import NO_LIMITS
from testing.processes import Process, ReservedPort
from testing.tokens import forge_token

PEER_FILES = Path(__file__).parent / "peers"
SERVER_CORE, CLIENT_CORE = 0, 1
MARKED_KEY = "cue"


@dataclass(frozen=True)
class Running:
    """A running server: its process, its protocol, and whether it sends nothing at first."""

    name: str
    pid: int
    wire: Wire
    silent: bool = False

    def cpu_seconds(self) -> float:
        """The CPU seconds that its processes have used so far."""
        return sum(_cpu_seconds(pid) for pid in _tree(self.pid))

    def memory_bytes(self, kind: str = "Pss") -> int:
        """The memory of its processes: their share of it (Pss), or everything mapped (Rss)."""
        return sum(_memory(pid, kind) for pid in _tree(self.pid))


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(inner for child in children for inner in _tree(int(child)))]


def _cpu_seconds(pid: int) -> float:
    # The first number of schedstat: nanoseconds on a core; /proc/<pid>/stat counts only in hundredths of a second.
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _memory(pid: int, kind: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no {kind}.")


def pin(pid: int, core: int) -> None:
    """Keep a process, its threads and its children on one core."""
    for one in _tree(pid):
        for thread in os.listdir(f"/proc/{one}/task"):
            with suppress(ProcessLookupError):  # it has ended in the meantime
                os.sched_setaffinity(int(thread), {core})


def _update(payload: dict[str, str]) -> bytes:
    return json.dumps({"type": "portal-view-update", "payload": payload}).encode()


def _relayed(text: str) -> bytes:
    return _update({MARKED_KEY: text})


def _stored(text: str) -> bytes:
    return _update({"name": text[:190]})


@dataclass(frozen=True)
class Portal:
    """An installation of this application with its demo library and log-in tokens, from which servers are started."""

    place: Installation
    portal_view_id: str
    library_id: str
    tokens: dict[str, str]

    def wire(self, port: int, portal_view_id: str, *, stored: bool, viewers: Sequence[str] = ()) -> Wire:
        """The protocol for one of its portal views; `viewers` are the viewers' tokens, in turn."""
        base = f"ws://127.0.0.1:{port}/ws/portal-view/{portal_view_id}?token="
        urls = [base + token for token in viewers or (self.tokens["viewer"],)]
        return Wire(lambda n: urls[n % len(urls)], base + self.tokens["controller"], _stored if stored else _relayed)

    @contextmanager
    def serve(
        self,
        *options: str,
        stored: bool = False,
        limits: bool = False,
        viewers: Sequence[str] = (),
        **env: str,
    ) -> Iterator[Running]:
        """A server: complete with log-in tokens, membership, role check, projection and the database.

        Without `limits` the limits on one client are switched off, as a load has few people.
        """
        settings = env if limits else NO_LIMITS | env
        with self.place.server(ServerKind.SERVE, *options, **settings) as server:
            pin(server.process.pid, SERVER_CORE)
            wire = self.wire(server.port, self.portal_view_id, stored=stored, viewers=viewers)
            yield Running("portal", server.process.pid, wire)

    def make_viewers(self, count: int) -> list[str]:
        """The tokens of this many more viewers."""
        code = (
            "from libraries.models import *; import json; from uuid import uuid4; "
            f"made = [User.objects.create_user(f'{{uuid4().hex}}@example.com') for _ in range({count})]; "
            f"Membership.objects.bulk_create(Membership(library_id='{self.library_id}', user=one, role='VIEWER') "
            "for one in made); print(json.dumps([str(one.id) for one in made]))"
        )
        return [forge_token(self.place.secret_key, one) for one in json.loads(self.place.shell(code))]

    def make_portal_views(self, count: int) -> list[str]:
        """The ids of this many more portal views."""
        code = (
            "from libraries.models import *; import json; "
            f"made = PortalView.objects.bulk_create(PortalView(library_id='{self.library_id}', name='bench') "
            f"for _ in range({count})); print(json.dumps([str(one.id) for one in made]))"
        )
        made: list[str] = json.loads(self.place.shell(code))
        return made


@contextmanager
def portal(stores: StoreKind = StoreKind.SQLITE, *, root: Path = ROOT) -> Iterator[Portal]:
    """An installation on SQLite and the in-memory layer, or on Postgres and Valkey.

    `root` is the working copy to run.
    """
    with installation(stores, root, PORTAL_LOG_LEVEL="WARNING") as place:
        cast = place.prepare()
        ids = json.loads(
            place.shell("import json; print(json.dumps({u.email: str(u.id) for u in User.objects.all()}))")
        )
        people = {"controller": cast.controller, "viewer": cast.viewer}
        tokens = {who: forge_token(place.secret_key, ids[person.email]) for who, person in people.items()}
        yield Portal(place, cast.portal_view_id, cast.library_id, tokens)


@contextmanager
def _peer(
    name: str,
    command: Callable[[int, Path], list[str]],
    wire: Callable[[int], Wire],
    *,
    silent: bool = False,
    env: dict[str, str] | None = None,
) -> Iterator[Running]:
    with ReservedPort() as port, tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        process = Process(
            name,
            command(port.number, Path(folder)),
            Path(folder) / "log",
            env={**os.environ, **(env or {})},
            cwd=PEER_FILES.parent.parent,
        )
        with process:
            process.start(lambda: _answers(port.number))
            pin(process.pid, SERVER_CORE)
            yield Running(name, process.pid, wire(port.number), silent)


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False)
    except httpx.TransportError:
        return False
    return True


SECRET = "bench-secret-that-is-long-enough-for-hs256-0123456789"  # noqa: S105  # of the peer alone


def _plain(port: int) -> Wire:
    url = f"ws://127.0.0.1:{port}/ws/portal-view/bench"
    return Wire(lambda n: url, url + "?role=controller", _relayed)


def _with_token(port: int) -> Wire:
    url = f"ws://127.0.0.1:{port}/ws/portal-view/bench?token={forge_token(SECRET, 'bench')}"
    return Wire(lambda n: url, url + "&role=controller", _relayed)


@contextmanager
def fastify(*, token_check: bool = False) -> Iterator[Running]:
    """The reference: Fastify with @fastify/websocket on Node."""
    script = str(PEER_FILES / "node" / "fastify.js")
    env = {"PORTAL_SECRET_KEY": SECRET} if token_check else {}
    wire = _with_token if token_check else _plain
    with _peer("fastify", lambda port, _: ["node", script, str(port)], wire, env=env) as running:
        yield running


@contextmanager
def socketio() -> Iterator[Running]:
    """Socket.IO on Node."""

    def wire(port: int) -> Wire:
        url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        return Wire(
            lambda n: url,
            url,
            lambda text: b"42" + json.dumps(["portal-view-update", {MARKED_KEY: text}]).encode(),
            b"40",
        )

    script = str(PEER_FILES / "node" / "socketio.js")
    with _peer("socket.io", lambda port, _: ["node", script, str(port)], wire) as running:
        yield running


@contextmanager
def vanilla() -> Iterator[Running]:
    """Channels as documented, on Daphne."""
    with _peer("vanilla", lambda port, _: [sys.executable, "-m", "bench.peers.vanilla", str(port)], _plain) as running:
        yield running


@contextmanager
def broadcaster() -> Iterator[Running]:
    """The `websockets` library's `broadcast`."""
    command = [sys.executable, "-m", "bench.peers.broadcaster"]
    with _peer("websockets", lambda port, _: [*command, str(port)], _plain) as running:
        yield running


@contextmanager
def nchan() -> Iterator[Running]:
    """nginx with nchan."""

    def command(port: int, folder: Path) -> list[str]:
        text = (PEER_FILES / "nchan.conf").read_text().replace("PORT", str(port)).replace("FOLDER", str(folder))
        (folder / "nginx.conf").write_text(text)
        return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    def wire(port: int) -> Wire:
        base = f"ws://127.0.0.1:{port}"
        return Wire(lambda n: f"{base}/ws/bench", f"{base}/publish", lambda text: _relayed(text))

    with _peer("nchan", command, wire, silent=True) as running:
        yield running


@contextmanager
def pongs() -> Iterator[int]:
    """The port of sockets that answer pings, and nothing else."""
    command = [sys.executable, "-m", "bench.peers.pongs"]
    with _peer("pongs", lambda port, _: [*command, str(port)], _plain) as running:
        yield port_of(running)


@contextmanager
def pictures(picture: bytes, rate: int) -> Iterator[int]:
    """The port of an nginx that serves `/picture`, with so many bytes a second for each client."""

    def command(port: int, folder: Path) -> list[str]:
        text = (PEER_FILES / "pictures.conf").read_text().replace("PORT", str(port)).replace("FOLDER", str(folder))
        (folder / "nginx.conf").write_text(text.replace("RATE", str(rate)))
        folder.chmod(0o755)  # its worker is another user
        (folder / "pictures").mkdir()
        (folder / "pictures" / "picture").write_bytes(picture)
        return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]

    with _peer("nginx", command, _plain) as running:
        yield port_of(running)


def port_of(running: Running) -> int:
    """The port that a server listens on."""
    return int(running.wire.controller_url.split(":")[2].split("/")[0])


PEERS = {
    "fastify": fastify,
    "nchan": nchan,
    "websockets": broadcaster,
    "socket.io": socketio,
    "vanilla": vanilla,
}
