"""The cost of a stored update of one item: read, merged, projected, written, committed, and encoded as news.

Run it with `.venv/bin/python -m bench.stored_update`. It calls the service as a socket does, with a receipt, for
portal views of 16 KiB, 256 KiB and 1 MiB that take turns, on SQLite (in a file) and on Postgres. It prints milliseconds
for each update: of the time that passed, and of the CPU of this process and of Postgres' together. CPU is what another
program on the machine disturbs less. `--write` puts the table into `bench/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import msgspec

from testing.stores import postgres

KIB = (16, 256, 1024)
ITEM_BYTES = 2_000
"""About 500 of these are 1 MiB, which is the most items and the most bytes."""
ROUNDS = 5
UPDATES_OF_ROUND = 40
AIM_MS = 25.0
ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "RESULTS.md"
TITLE = "## A stored update of one item"
NEXT = "## Abuse"

Times = dict[str, list[float]]


def make_items(kib: int) -> list[dict[str, Any]]:
    """Stat blocks for a state of almost that size, a fifth of them invisible; the text is not only ASCII."""
    items = []
    for index in range((kib - 1) * 1024 // ITEM_BYTES):
        item: dict[str, Any] = {
            "id": f"creature-{index}",
            "name": f"Creature {index}",
            "visible": index % 5 != 0,
            "hp": {"current": 30, "max": 60},
            "ac": 14,
            "actions": [{"name": "club", "text": "2d8+4"}, {"name": "javelin", "text": "2d6+4"}],
            "public": {"position": {"x": index, "y": 3.25}},
            "armor_class": 14,
            "gmNotes": "",
        }
        item["gmNotes"] = _notes(ITEM_BYTES - len(msgspec.json.encode(item)), index)
        items.append(item)
    return items


def _notes(size: int, seed: int) -> str:
    """Words that do not repeat in a short period: repeated text would compress too well."""
    words = ("Höhle", "Wasserfall", "der", "Drache", "schläft", "hinter", "Gold", "und", "Knochen")
    text = ""
    while len(text.encode()) < size:
        seed = (seed * 1_103_515_245 + 12_345) % 2**31
        text += f"{words[seed // 65_536 % len(words)]} {seed % 997} "
    return text.encode()[:size].decode(errors="ignore")


def _set_up() -> tuple[Any, dict[int, Any]]:
    """The tables; returns the id of a library's owner, and the id of its portal view for each size."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from libraries.models import Library, Membership, PortalView, User

    settings.DEBUG = False  # it would keep a text of each statement
    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("owner@example.com")
    library = Library.objects.create(name="Measured")
    Membership.objects.create(user=owner, library=library, role="OWNER")
    return owner.id, {
        kib: PortalView.objects.create(library=library, name=f"{kib}", items=make_items(kib)).id for kib in KIB
    }


def _server_of(connection: Any) -> int:
    """The number of the process of Postgres that serves this connection; 0 for SQLite."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _measure_here() -> dict[str, Times]:
    """Milliseconds of each update by size, in the database of this process."""
    owner_id, ids = _set_up()
    from django.db import connection

    from libraries.rules.changes import check_item_patch
    from libraries.services.changes import Message, change_portal_view
    from realtime.news.compose import news_of
    from realtime.server.process.garbage import settle

    settle()  # as a server does
    server = _server_of(connection)

    def tell(event: Any) -> None:
        list(news_of(event))

    patches: Iterator[dict[str, Any]] = cycle(
        {"public": {"position": {"x": 1, "y": y}}, "hp": {"current": y, "max": 60}} for y in range(60)
    )
    seen: dict[str, Times] = {str(kib): {"ms": [], "cpu": []} for kib in KIB}
    for number in range(ROUNDS + 1):
        for kib, portal_view_id in ids.items():
            write = partial(
                change_portal_view, actor_id=owner_id, portal_view_id=portal_view_id, sender="measured", tell=tell
            )
            item_id = f"creature-{(kib - 1) * 1024 // ITEM_BYTES // 2}"
            for turn in range(UPDATES_OF_ROUND):
                message = Message([check_item_patch(item_id, next(patches))])
                cpu, began = _cpu_seconds(server), time.perf_counter()
                write(messages=[message], receipts=[("measured", str(turn))])
                passed, used = time.perf_counter() - began, _cpu_seconds(server) - cpu
                if number:  # the first round fills caches
                    seen[str(kib)]["ms"].append(passed * 1e3)
                    seen[str(kib)]["cpu"].append(used * 1e3)
    return seen


def _cpu_seconds(server: int) -> float:
    """The CPU that this process has used, and the process of Postgres that serves it (0: there is none)."""
    also = int(Path(f"/proc/{server}/schedstat").read_text().split()[0]) / 1e9 if server else 0.0
    return time.process_time() + also


def _in_a_process(folder: str, url: str) -> dict[str, Times]:
    own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "PORTAL_DATA_DIR": folder, "DATABASE_URL": url}
    command = [sys.executable, "-m", "bench.stored_update", "--here"]
    done = subprocess.run(  # noqa: S603  # our own command line
        command, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Times] = json.loads(done.stdout)
    return found


def measure() -> dict[str, dict[str, Times]]:
    """The times by database and size."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))
        seen = {"SQLite": _in_a_process(folder, "")}
        server = stack.enter_context(postgres())
        seen["Postgres"] = _in_a_process(folder, server.create_database("measured"))
    return seen


def rows(seen: dict[str, dict[str, Times]]) -> list[list[str]]:
    """A row for each database and size."""
    return [
        [
            f"{store}, {kib} KiB",
            f"{median(times['ms']):.1f}",
            f"{min(times['ms']):.1f}",
            f"{quantiles(times['ms'], n=100)[98]:.1f}",
            f"{median(times['cpu']):.1f}",
        ]
        for store, sizes in seen.items()
        for kib, times in sizes.items()
    ]


HEAD = ["", "median ms", "least ms", "p99 ms", "median ms of CPU"]


def section(seen: dict[str, dict[str, Times]], load: float) -> str:
    """The section of RESULTS.md."""
    from bench.figures import table
    from bench.report import machine

    return (
        f"{TITLE}\n\n"
        f"Written by `python -m bench.stored_update --write` on {datetime.now(UTC):%Y-%m-%d}: {ROUNDS} rounds of"
        f" {UPDATES_OF_ROUND} updates of each\nportal view, in a process that has the database to itself. SQLite's file"
        f" and Postgres' data are on disk. CPU is that of\nthe process and of Postgres' together. The machine has"
        f" {os.cpu_count()} cores, and its load average at the end was {load:.1f}.\nIf it is far above 1, other"
        f" programs used it, too, and then the CPU is the better figure.\n\n"
        f"{machine()}\n\n{table(HEAD, rows(seen))}"
    )


def stored(folder: Path) -> str:
    """The section that RESULTS.md in that folder has, with an empty line behind it; empty without one."""
    page = folder / "RESULTS.md"
    _, found, rest = (page.read_text() if page.exists() else "").partition(TITLE)
    return f"{found}{rest.partition(NEXT)[0]}" if found else ""


def write(text: str) -> None:
    """Replace the section in RESULTS.md, or add it before that of abuse, which is the last."""
    page = RESULTS.read_text().replace(stored(RESULTS.parent), "")
    before, mark, after = page.partition(NEXT)
    RESULTS.write_text(f"{before}{text}\n{mark}{after}")


def main() -> int:
    """Measure and print; returns 1 if an update of the largest portal view takes more CPU than aimed at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="measure in this process, and print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into bench/RESULTS.md")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(_measure_here()))
        return 0
    seen = measure()
    for row in [HEAD, *rows(seen)]:
        print(f"{row[0]:22}" + "".join(f"{cell:>24}" for cell in row[1:]))
    slowest = max(median(sizes[str(KIB[-1])]["cpu"]) for sizes in seen.values())
    reached = "reached" if slowest <= AIM_MS else "NOT reached"
    print(f"\nAt most {AIM_MS:.0f} ms of CPU for {KIB[-1]} KiB: {reached}, {slowest:.1f} ms.")
    if arguments.write:
        write(section(seen, os.getloadavg()[0]))
    return 0 if slowest <= AIM_MS else 1


if __name__ == "__main__":
    sys.exit(main())
