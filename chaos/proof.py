"""The JavaScript client on bad lines to a server that is restarted: random operations, and what must hold after each.

Run it with `.venv/bin/python -m chaos.proof`; `--sequences 10000` is the long form. Each table is a portal view with an
owner, an editor whose role changes, and a viewer, all behind proxies that delay, freeze and cut. After each sequence of
40 steps all is quiet: each client must have the state that the server shows to its role, every promise must have
settled, and nothing may have been stored twice (`realtime/client/js/tests/proof/table.js`). Meanwhile the server is
stopped and killed now and then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import Progress

from testing.installation import ROOT, Installation, Server, ServerKind, StoreKind, installation
from testing.limits import NO_LIMITS
from testing.tokens import forge_token

PROGRAM = ROOT / "realtime" / "client" / "js" / "tests" / "proof" / "proof.js"
TABLES = 6
SEQUENCES = 60
RESTART_SECONDS = (3.0, 9.0)
TOKEN_SECONDS = 86_400.0
MAKE_TABLES = """
import json
from libraries.models import Library, Membership, PortalView, User

tables = []
for number in range({count}):
    library = Library.objects.create(name=f"Table {{number}}")
    roles = ("OWNER", "EDITOR", "VIEWER")
    people = [User.objects.create_user(f"{{role.lower()}}-{{number}}@example.com") for role in roles]
    for person, role in zip(people, roles):
        Membership.objects.create(library=library, user=person, role=role)
    view = PortalView.objects.create(library=library, name="Table")
    tables.append([str(library.id), str(view.id), *(str(person.id) for person in people)])
print(json.dumps(tables))
"""


def run(sequences: int, tables: int, seed: int) -> Iterator[str]:
    """Run, and yield a line for each sequence that held; RuntimeError with the fault for one that did not."""
    with installation(StoreKind.SQLITE, PORTAL_LOG_LEVEL="WARNING", **NO_LIMITS) as place:
        place.manage("migrate", "--verbosity", "0")
        made = json.loads(place.shell(MAKE_TABLES.format(count=tables)))
        with place.server(ServerKind.SERVE) as server, _restarts(server, random.Random(seed)):  # noqa: S311  # chance
            given = [_table(place, server, *one) for one in made]
            yield from _play({"tables": given, "sequences": sequences, "seed": seed})


def _table(
    place: Installation, server: Server, library_id: str, portal_view_id: str, owner: str, editor: str, viewer: str
) -> dict[str, Any]:
    people = {"owner": owner, "editor": editor, "viewer": viewer}
    tokens = {name: forge_token(place.secret_key, one, lifetime=TOKEN_SECONDS) for name, one in people.items()}
    return {
        "url": server.http,
        "libraryId": library_id,
        "portalViewId": portal_view_id,
        "editorId": editor,
        "tokens": tokens,
    }


def _play(order: dict[str, Any]) -> Iterator[str]:
    env = {**os.environ, "PORTAL_PROOF": json.dumps(order)}
    command = ["node", str(PROGRAM)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as node:  # noqa: S603
        assert node.stdout is not None  # noqa: S101  # it was asked for
        assert node.stderr is not None  # noqa: S101
        for line in node.stdout:
            yield line.rstrip()
        said = node.stderr.read()
    if node.returncode:
        raise RuntimeError(f"A sequence did not hold, with seed {order['seed']}:\n{said}")


@contextmanager
def _restarts(server: Server, chance: random.Random) -> Iterator[None]:
    """Stop the server, or kill it, now and then, and start it again at once."""
    over = threading.Event()
    faults: list[Exception] = []

    def restart() -> None:
        try:
            pause = chance.uniform(*RESTART_SECONDS)
            while not over.wait(pause):
                began = time.monotonic()
                chance.choice([server.process.stop, server.process.kill])()
                server.start()
                # Clients take as long to come back as the server was away, and a quiet moment comes after that
                pause = chance.uniform(*RESTART_SECONDS) + 2 * (time.monotonic() - began)
        except Exception as fault:  # it is raised below, in the thread that waits
            faults.append(fault)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if faults:
        raise faults[0]


def main() -> int:
    """Run with a progress bar; 1 if a sequence did not hold."""
    parser = argparse.ArgumentParser(prog="python -m chaos.proof", description=__doc__)
    parser.add_argument("--sequences", type=int, default=SEQUENCES, help="how many (default: %(default)s)")
    parser.add_argument("--tables", type=int, default=TABLES, help="how many at once (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="the seed of an earlier run: the same steps, at other times")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"Seed {seed}.", flush=True)
    with Progress() as bar:
        task = bar.add_task("sequences", total=options.sequences)
        try:
            for _ in run(options.sequences, options.tables, seed):
                bar.advance(task)
        except RuntimeError as fault:
            print(fault, file=sys.stderr)
            return 1
    print(f"{options.sequences:,} sequences held.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
