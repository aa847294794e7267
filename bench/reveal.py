"""A picture that all viewers get at once, and many uploads at once: how long it takes, and what another tenant notices.

Each round has a new server. 200 guests of one portal view have a socket and a cookie each. A controller shows an item
with a picture, and each guest gets the picture on a new connection as soon as it is told; this is repeated. Then 20
photographs of 12 megapixels are uploaded at once. Meanwhile people of another library ping over their sockets
(`bench.abuse.probe`). Their quiet p99 is of the same round, with all guests connected.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from bench import reveal_peer
from bench.abuse.stage import Child, child
from bench.figures import Figures, median, ratio, spread, table
from bench.guests import Room, upload_all
from bench.load import Window, of_pings, percentile, run
from bench.servers import Portal, Running, port_of
from testing.tokens import forge_token

GUESTS = 200
REVEALS = 10
PICTURE_BYTES = range(270_000, 330_000)
PICTURE_SIDE = 672
"""Of noise, which makes about 300 KB."""
UPLOADS = 20
PHOTOGRAPH = (4_000, 3_000)
QUIET_SECONDS = 8.0
SETTLE_SECONDS = 1.0
PING_SECONDS = 0.005
LOOK_SECONDS = 0.05
UPDATE_SECONDS = 0.3
PROBES = 10
STOP_SECONDS = 30.0
MIB = 1 << 20
PAGE_BYTES = resource.getpagesize()
ITEM = "picture"
QUIET, UPDATE, REVEAL, UPLOAD = "quiet", "the item is hidden again", "reveal", "uploads"
PEER_QUIET, PEER_REVEAL = "nginx and bare sockets, quiet", "nginx and bare sockets, reveal"
MAKE_TENANT = f"""
import json
from libraries.models import Library, Membership, PortalView, User

library = Library.objects.create(name="Other")
people = [User.objects.create_user(f"other-{{number}}@example.com") for number in range({PROBES + 2})]
for number, person in enumerate(people):
    Membership.objects.create(library=library, user=person, role="VIEWER" if number else "OWNER")
view = PortalView.objects.create(library=library, name="Other")
print(json.dumps({{"view": str(view.id), "people": [str(person.id) for person in people]}}))
"""
PROSE = """## Pictures

{rounds} rounds on SQLite, each with a new server. {guests} guests of one portal view have a socket and a cookie each. A
controller shows an item with a picture, {reveals} times; each guest gets the picture on a new connection as soon as it
is told. Then {uploads} photographs of 12 megapixels are uploaded at once, by one person. Server and workers share one
core. Meanwhile people of another library ping on their sockets, at random moments, and store ten updates a second.
Quiet is the same with all guests connected, and nothing else to do. After each reveal the item is hidden again, which
is an update to all guests and no picture; the pings of the {after:.1f} s from then on tell what such an update costs
alone.

What the machine itself adds is in the last two rows: nginx sends a picture of the same size to as many new connections,
so slowly that the last has it when the last guest of Portal had it, and another process on the same core (picows) does
nothing but answer the pings.
"""


def measure(rounds: int, place: Portal, say: Callable[[], None]) -> Figures:
    """The figures of `QUIET`, `UPDATE`, `REVEAL`, `UPLOAD` and the peer's, a row for each round."""
    figures: Figures = defaultdict(list)
    tenant = json.loads(place.place.shell(MAKE_TENANT))
    photograph = _photograph()
    for _ in range(rounds):
        with place.serve() as running:
            for name, row in run(_round(running, place, tenant, photograph)).items():
                figures[name].append(row)
        seconds = figures[REVEAL][-1]["last"] / 1e3
        rows = reveal_peer.measure(
            noise(1),
            seconds,
            clients=GUESTS,
            reveals=REVEALS,
            quiet=QUIET_SECONDS,
            rest=UPDATE_SECONDS,
            ping=PING_SECONDS,
        )
        for name, row in zip((PEER_QUIET, PEER_REVEAL), rows, strict=True):
            figures[name].append(row)
        say()
    return figures


async def _round(
    running: Running, place: Portal, tenant: dict[str, Any], photograph: bytes
) -> dict[str, dict[str, float]]:
    port = port_of(running)
    room, share = await asyncio.to_thread(_set_up, place, port)
    windows: dict[str, list[Window]] = defaultdict(list)
    with _probe(place, tenant, port) as probe:
        await room.enter(share, GUESTS, place.tokens["controller"])
        await room.reveal()  # warms the server up; from then on the picture is in its memory
        await room.hide()
        await asyncio.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        await asyncio.sleep(QUIET_SECONDS)
        windows[QUIET].append((began, time.monotonic()))
        shown = await _reveals(room, running, windows)
        await asyncio.sleep(SETTLE_SECONDS)
        uploads = await _uploads(port, place, running, photograph, windows[UPLOAD])
        room.leave()
        saw = await asyncio.to_thread(probe.result, STOP_SECONDS)
    pings = {name: of_pings(saw["ping"], inside) for name, inside in windows.items()}
    return pings | {REVEAL: pings[REVEAL] | shown, UPLOAD: pings[UPLOAD] | uploads}


async def _reveals(room: Room, running: Running, windows: dict[str, list[Window]]) -> dict[str, float]:
    """Show and hide the item; milliseconds from the controller's message to the last byte of the last guest."""
    last, told, cpu = [], [], []
    sizes: set[int] = set()
    busy = time.process_time()
    for _ in range(REVEALS):
        used = running.cpu_seconds()
        sent, shown = await room.reveal()
        windows[REVEAL].append((sent, max(shown.got)))
        last.append((max(shown.got) - sent) * 1e3)
        told.append((max(shown.told) - sent) * 1e3)
        cpu.append((running.cpu_seconds() - used) / GUESTS * 1e6)
        sizes |= shown.sizes
        hidden = time.monotonic()
        await room.hide()
        await asyncio.sleep(hidden + UPDATE_SECONDS - time.monotonic())
        windows[UPDATE].append((hidden, time.monotonic()))
    seconds = sum(end - begin for begin, end in windows[REVEAL])
    return {
        "last": percentile(last, 0.5),
        "slowest": max(last),
        "told": percentile(told, 0.5),
        "cpu": percentile(cpu, 0.5),
        "bytes": max(sizes),
        "client": (time.process_time() - busy) / seconds,
    }


async def _uploads(
    port: int, place: Portal, running: Running, photograph: bytes, windows: list[Window]
) -> dict[str, float]:
    """Upload at once; the memory (RSS) of the server and its workers is looked at all the time."""
    # Bytes after a picture are dropped; with them each file is another one
    bodies = [photograph + uuid4().bytes for _ in range(UPLOADS)]
    before = most = _rss(running.pid)
    began = time.monotonic()
    path = f"/api/libraries/{place.library_id}/images?name=photograph"
    task = asyncio.create_task(upload_all(port, path, place.tokens["controller"], bodies))
    while not task.done():
        most = max(most, _rss(running.pid))
        await asyncio.wait([task], timeout=LOOK_SECONDS)
    took = await task
    windows.append((began, time.monotonic()))
    return {
        "seconds": windows[-1][1] - began,
        "first": min(took),
        "rss before": before / MIB,
        "rss": (most - before) / MIB,
        "bytes": len(photograph),
    }


@contextmanager
def _probe(place: Portal, tenant: dict[str, Any], port: int) -> Iterator[Child]:
    base = f"ws://127.0.0.1:{port}/ws/portal-view/{tenant['view']}?token="
    controller, newcomer, *viewers = (base + forge_token(place.place.secret_key, one) for one in tenant["people"])
    order = {"controller": controller, "newcomer": newcomer, "viewers": viewers, "ping_seconds": PING_SECONDS}
    with child("bench.abuse.probe", order) as probe:
        yield probe


def _set_up(place: Portal, port: int) -> tuple[Room, str]:
    """A portal view with a hidden item that names an uploaded picture; returns its room, and the token of its link."""
    headers = {"Authorization": f"Bearer {place.tokens['controller']}"}
    [portal_view_id] = place.make_portal_views(1)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False) as client:
        seed = uuid4().int
        path = f"/api/libraries/{place.library_id}/images?name=reveal"
        [image] = _answer(client.post(path, content=noise(seed), headers={"Content-Type": "image/jpeg"}))["images"]
        if image["byteCount"] not in PICTURE_BYTES:
            raise RuntimeError(f"The picture has {image['byteCount']} bytes, and should have about 300,000.")
        url = httpx.URL(image["url"]).path
        item = {"id": ITEM, "type": "image", "image": url, "visible": False}
        view = f"/api/portal-views/{portal_view_id}"
        _answer(client.patch(view, json={"items": [item]}))
        link = _answer(client.post(f"{view}/share-links", json={"maxGuests": GUESTS}))
    return Room(port, portal_view_id, ITEM, url), link["token"]


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise RuntimeError(f"{response.request.url} was answered with {response.status_code}: {response.text[:300]}")
    found: dict[str, Any] = response.json()
    return found


def noise(seed: int) -> bytes:
    """A picture that stays about as long when it is written anew."""
    pixels = random.Random(seed).randbytes(PICTURE_SIDE * PICTURE_SIDE * 3)  # noqa: S311  # no secret
    return _jpeg(Image.frombytes("RGB", (PICTURE_SIDE, PICTURE_SIDE), pixels), quality=85)


def _photograph() -> bytes:
    """12 megapixels with large and small forms, which make some megabytes, as of a camera."""
    width, height = PHOTOGRAPH
    grain = random.Random(1).randbytes(width // 4 * (height // 4) * 3)  # noqa: S311
    rough = Image.frombytes("RGB", (width // 4, height // 4), grain)
    return _jpeg(rough.resize(PHOTOGRAPH, Image.Resampling.BICUBIC), quality=90)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    written = BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return written.getvalue()


def _rss(pid: int) -> int:
    """Bytes of a process and of those below it; `statm` costs it less than `smaps`."""
    pages = 0
    with suppress(FileNotFoundError, ProcessLookupError):  # a worker ended in the meantime
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pages += sum(_rss(int(one)) for one in children.read_text().split()) // PAGE_BYTES
    return pages * PAGE_BYTES


def section(figures: Figures) -> str:
    """The section of RESULTS.md."""
    quiet, update, reveal, upload = (figures[name] for name in (QUIET, UPDATE, REVEAL, UPLOAD))

    def over(rows: list[dict[str, float]], key: str, form: str = ".0f") -> str:
        return spread([row[key] for row in rows], form)

    shown = [
        [f"from the controller's message to the last byte of the last of {GUESTS} guests, ms", over(reveal, "last")],
        [f"the slowest of {REVEALS} reveals in a round, ms", over(reveal, "slowest")],
        ["until the last guest was told, ms", over(reveal, "told")],
        ["CPU µs of the server for each guest", over(reveal, "cpu")],
        ["KB of the picture", f"{median(reveal, 'bytes') / 1e3:.0f}"],
        ["how busy the load client was", f"{median(reveal, 'client'):.0%}"],
        [f"{UPLOADS} uploads at once: seconds until the last was answered", over(upload, "seconds", ".1f")],
        ["seconds until the first was answered", over(upload, "first", ".1f")],
        ["MB of each file", f"{median(upload, 'bytes') / 1e6:.1f}"],
        ["RSS of server and workers before, MiB", over(upload, "rss before")],
        ["more at the peak, MiB", over(upload, "rss")],
    ]
    pings = [
        [name, over(rows, "p50", ".2f"), over(rows, "p99", ".2f"), ratio(rows, quiet, "p99")]
        for name, rows in ((QUIET, quiet), (UPDATE, update), (REVEAL, reveal), (UPLOAD, upload))
    ]
    bare = figures[PEER_QUIET]
    pings += [
        [name, over(rows, "p50", ".2f"), over(rows, "p99", ".2f"), ratio(rows, bare, "p99")]
        for name, rows in ((PEER_QUIET, bare), (PEER_REVEAL, figures[PEER_REVEAL]))
    ]
    head = ["another tenant's ping", "p50 ms", "p99 ms", "p99 to that of quiet"]
    text = PROSE.format(rounds=len(quiet), guests=GUESTS, reveals=REVEALS, uploads=UPLOADS, after=UPDATE_SECONDS)
    return f"{text}\n{table(['', 'median (least to greatest)'], shown)}\n{table(head, pings)}"
