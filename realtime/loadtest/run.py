"""One run: viewers and controllers of one portal view, all in this process, so that they share a clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from realtime.client.python.portal_client import Event, GetCredential, PortalClient, PortalError
from realtime.client.python.portal_client.codec import Encoding
from realtime.loadtest.books import MARKED, Books, mark
from realtime.loadtest.memory import memory_bytes

CONNECT_AT_ONCE = 50
CONNECT_SECONDS = 120.0
ANSWER_SECONDS = 30.0
ARRIVE_SECONDS = 10.0
REST_SECONDS = 1.0
"""The time before the memory is read."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """A portal view of a running server, and who may control and view it. `pid` is its process, if it is here."""

    url: str
    portal_view_id: str
    controller: GetCredential
    viewer: GetCredential
    pid: int | None = None


@dataclass(frozen=True)
class Plan:
    """How many clients there are; `rate` is the updates of each controller per second."""

    viewers: int
    controllers: int
    rate: float
    seconds: float
    encoding: Encoding = "json"


@dataclass(frozen=True)
class Outcome:
    """The books of a run, and what else was measured.

    `connect_seconds` is how long it took until all were in, `client_busy` the share of a core that this process used
    while it sent, and `bytes_each` the memory of the server for each viewer.
    """

    books: Books
    connect_seconds: float
    client_busy: float
    bytes_each: float | None


class Unfit(Exception):
    """The portal view cannot be measured; the sentence says why."""


Advance = Callable[[str, float, float], None]
"""Called with the step, how much of it is done, and how much there is."""


async def run(target: Target, plan: Plan, advance: Advance) -> Outcome:
    """Connect everybody, send, wait until it has arrived, and remove the items again.

    PortalError if the server lets somebody in no more, TimeoutError if it takes too long, Unfit.
    """
    items = [f"loadtest-{token_hex(6)}" for _ in range(plan.controllers)]
    books = Books(items, plan.viewers)
    controllers = [_client(target, target.controller, plan) for _ in items]
    viewers = [_client(target, target.viewer, plan) for _ in range(plan.viewers)]
    try:
        await _connect(controllers, lambda done: advance("Controllers connect", done, plan.controllers))
        _check(controllers[0])
        before = None if target.pid is None else memory_bytes(target.pid)
        began = time.monotonic()
        for number, viewer in enumerate(viewers):
            _watch(books, number, viewer)
        await _connect(viewers, lambda done: advance("Viewers connect", done, plan.viewers))
        connect_seconds = time.monotonic() - began
        bytes_each = None if before is None else await _bytes_each(target, before, plan.viewers)
        try:
            for controller, item in zip(controllers, items, strict=True):
                await controller.add_item({"id": item, "type": "image", MARKED: mark(0, 0)})
            client_busy = await _speak_all(books, controllers, items, plan, advance)
            await _arrive(books, advance)
        finally:
            await _tidy(controllers[0], items)
    finally:
        await asyncio.gather(*(client.close() for client in (*controllers, *viewers)))
    return Outcome(books, connect_seconds, client_busy, bytes_each)


def _client(target: Target, get_credential: GetCredential, plan: Plan) -> PortalClient:
    return PortalClient(
        target.url,
        target.portal_view_id,
        get_credential=get_credential,
        encoding=plan.encoding,
        open_timeout=CONNECT_SECONDS,
    )


async def _connect(clients: Sequence[PortalClient], advance: Callable[[int], None]) -> None:
    """Connect some at once. They wait and come again if the server says so."""
    free = asyncio.Semaphore(CONNECT_AT_ONCE)
    done = 0

    async def connect(client: PortalClient) -> None:
        nonlocal done
        async with free:
            await client.connect()
        done += 1
        advance(done)

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(connect(client))


def _check(controller: PortalClient) -> None:
    if controller.role != "controller":
        raise Unfit(f"The token is that of a {controller.role}: a load test needs one of an owner or editor.")
    if controller.state["blackout"]:
        raise Unfit("The portal view is blacked out, so viewers would see nothing.")


def _watch(books: Books, number: int, viewer: PortalClient) -> None:
    """Note what a viewer gets."""

    def take(event: Event) -> None:
        now, message = time.monotonic_ns(), event.data
        if message["type"] == "item-updated":
            books.note_update(number, message["payload"], now)
        elif "state" in message or "items" in message.get("payload", ()):
            books.note_state(number, viewer.confirmed["items"])

    def lose(event: Event) -> None:
        books.losses += event.data.kind == "waiting" and viewer.role != ""

    viewer.on("message", take)
    viewer.on("status", lose)


async def _bytes_each(target: Target, before: int, viewers: int) -> float | None:
    if target.pid is None or viewers == 0:
        return None
    await asyncio.sleep(REST_SECONDS)
    return (memory_bytes(target.pid) - before) / viewers


async def _speak_all(
    books: Books, controllers: Sequence[PortalClient], items: Sequence[str], plan: Plan, advance: Advance
) -> float:
    """Have every controller send at its rate; returns how busy this process was."""
    began, used = time.monotonic(), time.process_time()
    progress = asyncio.create_task(_show_time(plan.seconds, advance))
    try:
        async with asyncio.TaskGroup() as group:
            for number, (controller, item) in enumerate(zip(controllers, items, strict=True)):
                shift = number / plan.rate / plan.controllers  # not all at the same moment
                group.create_task(_speak(books, controller, item, plan, shift))
    finally:
        progress.cancel()
    return (time.process_time() - used) / (time.monotonic() - began)


async def _show_time(seconds: float, advance: Advance) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        advance("Updates", passed, seconds)
        await asyncio.sleep(POLL_SECONDS)


async def _speak(books: Books, controller: PortalClient, item: str, plan: Plan, shift: float) -> None:
    """Send updates on time, whether or not the ones before are answered."""
    began = time.monotonic() + shift
    answers: list[asyncio.Future[Any]] = []
    for count in range(max(1, round(plan.rate * plan.seconds))):
        await asyncio.sleep(max(0.0, began + count / plan.rate - time.monotonic()))
        answers.append(_update(books, controller, item))
    await asyncio.wait(answers, timeout=ANSWER_SECONDS)
    books.refused["no answer"] += sum(not answer.done() for answer in answers)


def _update(books: Books, controller: PortalClient, item: str) -> asyncio.Future[Any]:
    number, sent_at = books.note_sent(item), time.monotonic_ns()

    def answered(future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, PortalError):
            books.refused[error.code] += 1
        else:
            books.note_acked(item, number, future.result().version, sent_at, time.monotonic_ns())

    future = controller.update_item(item, {MARKED: mark(number, sent_at)})
    future.add_done_callback(answered)
    return future


async def _arrive(books: Books, advance: Advance) -> None:
    """Wait until everybody has the last update, or long enough."""
    deadline = time.monotonic() + ARRIVE_SECONDS
    while not books.is_complete and time.monotonic() < deadline:  # noqa: ASYNC110  # an event would cost viewers time
        await asyncio.sleep(POLL_SECONDS)
    advance("Arrived", 1, 1)


async def _tidy(controller: PortalClient, items: Sequence[str]) -> None:
    """Remove the items of the run that are there."""
    ids = {item["id"] for item in controller.confirmed["items"]}
    for item in items:
        if item in ids:
            await controller.remove_item(item)
