"""What a second encoding costs: rooms that speak JSON, MessagePack, or both, in turn on one server.

Run it with `.venv/bin/python -m bench.encodings`. It prints the server's CPU for each delivery of a relayed command of
about 300 bytes to 50 and 500 viewers, with the median of the rounds' ratios to JSON; how often a message is encoded
for all viewers of a room; what one encoding takes; and the bytes of some messages. `--write` puts the tables into
`bench/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from bench.load import Wire
from bench.stored_update import RESULTS

SIZES = (50, 500)
ROUNDS = 9
SECONDS = 3.0
TITLE = "## Both encodings"
NEXT = "## A stored update of one item"
JSON, MSGPACK, BOTH = "JSON", "MessagePack", "both"
KINDS = (JSON, MSGPACK, BOTH)
"""The rooms: in the last one, every other viewer speaks MessagePack."""
_CALLS = 3000

Costs = dict[tuple[str, int], list[float]]


def of_kind(wire: Wire, kind: str) -> Wire:
    """The wire of a room of that kind; the sender speaks JSON."""
    from realtime.protocol.encodings import Encoding

    def headers(number: int) -> dict[str, str]:
        is_packed = kind == MSGPACK or (kind == BOTH and number % 2 == 1)
        return {"Sec-WebSocket-Protocol": Encoding.MSGPACK.value} if is_packed else {}

    return replace(wire, viewer_headers=headers)


def deliveries(rounds: int) -> Costs:
    """Microseconds of the server's CPU for a delivery, by kind and number of viewers: a value for each round."""
    from bench.sections import measure
    from bench.servers import portal

    seen: Costs = defaultdict(list)
    with portal() as place, place.serve() as running:
        for number in range(rounds):
            for size in SIZES:
                for kind in KINDS if number % 2 else reversed(KINDS):
                    wires = [of_kind(running.wire, kind)]
                    seen[kind, size].append(measure(running, size, wires=wires, seconds=SECONDS)["cpu"])
    return seen


# --- Without a server: how often, how long, how many bytes ---------------------------------------------------


def _payload() -> dict[str, Any]:
    return {"cue": "x" * 220}


def _room(kind: str, viewers: int) -> Any:
    """A room of silent viewers that take frames, as those of `manage.py serve` do."""
    from libraries.rules.roles import PortalRole
    from libraries.rules.subjects import Grant, Subject
    from realtime.delivery.outlet import Member
    from realtime.delivery.prepared import Framing, form
    from realtime.protocol.encodings import Encoding
    from realtime.rooms.connection import Connection
    from realtime.rooms.room import Room

    class Silent(Member):
        raw = None

        def write(self, frame: bytes) -> None:
            """Take a frame."""

    room = Room(UUID(int=1), lambda request: None)
    for number in range(viewers):
        outlet: Any = Silent(form(Framing.DEFLATED if number % 4 < 2 else Framing.PLAIN))
        if kind == MSGPACK or (kind == BOTH and number % 2):
            outlet.speak(Encoding.MSGPACK)
        grant = Grant(Subject(UUID(int=number)))
        connection = Connection(
            connection_id=str(number), grant=grant, portal_view_id=room.id, role=PortalRole.VIEWER, outlet=outlet
        )
        room.people.stay(connection)
        room._seats.put(connection, 0)
    return room


def encodings_of(kind: str, viewers: int) -> int:
    """How often a command is encoded for all viewers of a room, the text of its news included."""
    from realtime.delivery import prepared
    from realtime.news import compose
    from realtime.rooms.updates import Update

    room = _room(kind, viewers)
    with _counted(compose, "encode") as texts, _counted(prepared, "translated") as translations:
        news = compose.patch_news(room.id, {}, viewers=_payload())
        room.take(Update.of(news))
    of_controllers = 1
    return len(texts) - of_controllers + len(translations)


@contextmanager
def _counted(module: Any, name: str) -> Iterator[list[None]]:
    made, calls = getattr(module, name), list[None]()

    def counted(*given: Any) -> Any:
        calls.append(None)
        return made(*given)

    setattr(module, name, counted)
    try:
        yield calls
    finally:
        setattr(module, name, made)


def microseconds(work: Callable[[], object]) -> float:
    """CPU of one call, the median of nine rounds."""
    times = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(_CALLS):
            work()
        times.append((time.process_time() - began) / _CALLS * 1e6)
    return median(times)


def messages() -> dict[str, Any]:
    """Messages of the server, by name."""
    from libraries.rules.octets import Octets
    from realtime.protocol.events import Ack, ItemUpdated, PortalViewUpdated, SyncResponded

    item = {"id": "warden", "name": "Warden", "hp": {"current": 61, "max": 88}, "public": {"position": {"x": 3.25}}}
    many = [{**item, "id": f"creature-{number}"} for number in range(100)]
    return {
        "a pointer": PortalViewUpdated(payload={"pointer": {"x": 0.4375, "y": 0.61}}),
        "an item's health": ItemUpdated(payload={"health": {"display": "bar", "fraction": 0.7}, "itemId": "warden"}),
        "an ack": Ack(ref=7, version=1234),
        "a state of 100 items": SyncResponded(payload={"name": "Evening", "items": many}, version=9, source="server"),
        "4 KiB of sound": PortalViewUpdated(payload={"sound": Octets(os.urandom(4096))}),
    }


def bytes_rows() -> list[list[str]]:
    """The bytes of each message in both encodings, as they are and compressed, and what one encoding takes."""
    from realtime.delivery.prepared import Framing, Prepared, form
    from realtime.protocol.encodings import Encoding, encode, translated

    found = []
    for name, message in messages().items():
        sizes = [
            len(Prepared.of(message).in_form(form(framing, encoding)))
            for framing in (Framing.PLAIN, Framing.DEFLATED)
            for encoding in Encoding
        ]
        text = encode(message)
        costs = (microseconds(partial(encode, message)), microseconds(partial(translated, text)))
        found.append([name, *(f"{size:,}" for size in sizes), *(f"{cost:.1f}" for cost in costs)])
    return found


BYTES_HEAD = ["frame", "JSON", "MessagePack", "JSON, compressed", "MessagePack, compressed", "µs JSON", "µs translated"]
HEAD = ["room / viewers", "encodings a message", "CPU µs a delivery", "to JSON"]


def rows(seen: Costs) -> list[list[str]]:
    """A row for each kind and size."""
    found = []
    for size in SIZES:
        for kind in KINDS:
            ratios = [one / base for one, base in zip(seen[kind, size], seen[JSON, size], strict=True)]
            ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            count = str(encodings_of(kind, size))
            found.append([f"{kind} / {size}", count, f"{median(seen[kind, size]):.1f}", ratio])
    return found


def section(seen: Costs, load: float) -> str:
    """The section of RESULTS.md."""
    from bench.figures import table
    from bench.report import machine

    return (
        f"{TITLE}\n\n"
        f"Written by `python -m bench.encodings --write` on {datetime.now(UTC):%Y-%m-%d}: {len(seen[JSON, SIZES[0]])}"
        f" interleaved rounds on one server, 5,000 deliveries a\nsecond of a relayed command of about 300 bytes. In a"
        f" room with both, every other viewer speaks MessagePack. News between\nprocesses hold JSON text, which is"
        f" counted too. A ratio is the median of the rounds' own ratios, with the least and the\ngreatest. The load"
        f" average of the machine at the end was {load:.1f} on {os.cpu_count()} cores.\n\n"
        f"{machine()}\n\n{table(HEAD, rows(seen))}\n"
        f"Bytes of a frame, and CPU for one message: encoded as JSON, and translated from that into MessagePack.\n\n"
        f"{table(BYTES_HEAD, bytes_rows())}"
    )


def stored(folder: Path) -> str:
    """The section that RESULTS.md in that folder has, with an empty line behind it; empty without one."""
    page = folder / "RESULTS.md"
    _, found, rest = (page.read_text() if page.exists() else "").partition(TITLE)
    return f"{found}{rest.partition(NEXT)[0]}" if found else ""


def write(text: str) -> None:
    """Replace the section in RESULTS.md, or add it before that of stored updates."""
    page = RESULTS.read_text().replace(stored(RESULTS.parent), "")
    before, mark, after = page.partition(NEXT)
    RESULTS.write_text(f"{before}{text}\n{mark}{after}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/RESULTS.md")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    from bench.servers import CLIENT_CORE

    os.sched_setaffinity(0, {CLIENT_CORE})
    seen = deliveries(arguments.rounds)
    django.setup()  # not before: the client would log each of its connections
    print(json.dumps({f"{kind} / {size}": values for (kind, size), values in seen.items()}))
    for head, found in ((HEAD, rows(seen)), (BYTES_HEAD, bytes_rows())):
        for row in [head, *found]:
            print(f"{row[0]:22}" + "".join(f"{cell:>26}" for cell in row[1:]))
    if arguments.write:
        write(section(seen, os.getloadavg()[0]))


if __name__ == "__main__":
    main()
