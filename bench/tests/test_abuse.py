"""`bench.abuse`: the attacks, the sender, the promises, and the written section."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bench.abuse import section, verdict
from bench.abuse.engine import Engine, Part
from bench.abuse.rows import FAR, NEAR, ROWS, Row
from bench.abuse.target import Target
from realtime.protocol.requests import CLIENT_MESSAGES
from realtime.server.tests.peer import MASK, masking
from testing.processes import ReservedPort

TARGET = Target(
    library_id="library",
    view_id="view",
    large_view_id="large-view",
    controller="controller-token",
    viewer="viewer-token",
    guest_id="guest",
    bad_tokens=["bad-1", "bad-2"],
    victim="victim@example.com",
)
ROW_OF_TYPE = {
    "ping": "ping",
    "portal-view-update": "update",
    "item-update": "item-update",
    "item-add": "item-add",
    "item-remove": "item-remove",
    "item-move": "item-move",
    "encounter-next": "turns",
    "encounter-previous": "turns-back",
    "batch": "batch",
    "request-sync": "request-sync",
    "sync-response": "sync-response",
    "activity": "activity",
    "pointer": "pointer",
    "auth": "auth",
}
PHASES = ("quiet", "attack", "after", "quiet as long as after")
QUICK = {"p50": 1.0, "p99": 5.0, "greatest": 9.0}
KEPT: dict[str, Any] = {
    "ping": {phase: dict(QUICK) for phase in PHASES},
    "delivery": {phase: dict(QUICK) for phase in PHASES},
    "connect": {"tried": 2, "refused": 0, "greatest": 3.0},
    "cut": 0,
    "memory": 1.0,
    "threads before": 2,
    "threads": 9,
    "sent": {"messages": 1.0, "MB": 1.0, "connections": 1.0},
    "answers": ["rate-limited"],
}


def _run(*path: str, value: float) -> dict[str, Any]:
    """A run that kept every promise, with one figure changed."""
    run = copy.deepcopy(KEPT)
    *parents, last = path
    part = run
    for parent in parents:
        part = part[parent]
    part[last] = value
    return run


# --- Rows --------------------------------------------------------------------------------------------------


def test_every_type_of_message_has_a_flood() -> None:
    assert set(ROW_OF_TYPE) == set(CLIENT_MESSAGES)
    for kind, name in ROW_OF_TYPE.items():
        blocks = [part.block for part in ROWS[name].parts(TARGET) if part.messages]
        assert f'"type": "{kind}"'.encode() in _unmasked(blocks[0])


def _unmasked(block: object) -> bytes:
    assert isinstance(block, bytes)
    start = block.index(MASK) + len(MASK)
    return masking(block[start : start + 100], MASK)


@pytest.mark.parametrize("name", ROWS)
def test_row_has_a_description_and_opens_something(name: str) -> None:
    row = ROWS[name]
    assert row.what.endswith(".")
    assert "\n" not in row.what
    parts = row.parts(TARGET)
    assert parts
    for part in parts:
        assert part.connections > 0
        assert isinstance(part.opening(1), bytes)


# --- The engine --------------------------------------------------------------------------------------------


async def _attack(part: Part, serve: Callable[..., Any], seconds: float = 0.3) -> Engine:
    """The engine's counts while `serve` answered each of its connections; all of them are closed at the end."""
    answering: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # the engine resets all of them at its end
                await serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    with ReservedPort() as port:
        server = await asyncio.start_server(answer, "127.0.0.1", port.number)
        engine = Engine([part], port.number, FAR)
        await asyncio.to_thread(engine.run, seconds)
        await asyncio.sleep(0.1)  # connections in the backlog are accepted, too
        server.close()
        await server.wait_closed()
        while unanswered := {task for task in answering if not task.done()}:
            await asyncio.wait(unanswered)
    for task in answering:
        task.result()
    return engine


async def test_connection_that_the_server_ends_is_opened_again_and_its_answer_is_recorded() -> None:
    sources = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\r\n\r\n") == b"GET / HTTP/1.1\r\n\r\n"
        sources.add(writer.get_extra_info("peername")[0])
        writer.write(b'HTTP/1.1 429 Too Many Requests\r\n\r\n{"code":"rate-limited"}')

    part = Part(lambda n: b"GET / HTTP/1.1\r\n\r\n", connections=2, opens_per_second=1000)
    engine = await _attack(part, serve)
    assert engine.counts.opened > 2
    assert set(engine.counts.answers) == {"429", "rate-limited"}
    assert sources == {FAR}


async def test_block_is_repeated_once_the_awaited_answer_has_come() -> None:
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.readexactly(5))
        assert received == b"hello"  # and nothing of the block yet
        writer.write(b"welcome")
        while chunk := await reader.read(65_536):
            received.extend(chunk)

    engine = await _attack(Part(lambda n: b"hello", awaits=b"come", block=b"0123456789", messages=2), serve)
    flood = bytes(received[5:])
    assert len(flood) > 1000
    assert flood == (b"0123456789" * (len(flood) // 10 + 1))[: len(flood)]
    assert engine.counts.messages == pytest.approx((engine.counts.sent_bytes - 5) / 5)


async def test_abandoned_connection_is_reset_once_its_opening_is_sent() -> None:
    resets = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal resets
        try:
            await reader.read()
        except ConnectionResetError:
            resets += 1

    part = Part(lambda n: b"GET", connections=3, abandons=True, opens_per_second=500)
    engine = await _attack(part, serve)
    assert engine.counts.opened > 3
    assert resets > 3


# --- Promises ----------------------------------------------------------------------------------------------

FROM_FAR, FROM_NEAR = (Row(ROWS["ping"].parts, source=source) for source in (FAR, NEAR))


def test_no_promise_is_broken_if_everything_is_fast() -> None:
    assert verdict.broken(FROM_FAR, [KEPT] * 3) == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("ping", "attack", "p99"), 20.0, "ping p99 20.0 ms, at most 20.0"),
        (("delivery", "attack", "p99"), 31.0, "delivery p99 31.0 ms, at most 20.0"),
        (("ping", "attack", "greatest"), 250.0, "ping greatest 250 250 250 ms"),
        (("delivery", "after", "p99"), 9.0, "delivery p99 9.0 ms after the end, quiet for as long was 5.0"),
        (("ping", "after", "p99"), 7.5, "ping p99 7.5 ms after the end, quiet for as long was 5.0"),
        (("ping", "attack", "p99"), float("nan"), "ping p99 nan ms, at most 20.0"),
        (("memory",), 100.0, "memory grew by 100 MiB"),
        (("threads",), 43, "41 more threads"),
        (("cut",), 1, "1 connections of the other tenant were cut"),
        (("connect", "refused"), 1, "the other tenant could not connect 3 times"),
    ],
)
def test_one_figure_breaks_one_promise(path: tuple[str, ...], value: float, sentence: str) -> None:
    assert verdict.broken(FROM_FAR, [_run(*path, value=value)] * 3) == [sentence]


def test_p99_may_be_twice_that_of_a_slow_quiet_phase() -> None:
    run = _run("ping", "quiet", "p99", value=30.0)
    run["ping"]["attack"] = {"p50": 1.0, "p99": 59.0, "greatest": 90.0}
    assert verdict.broken(FROM_FAR, [run]) == []


@pytest.mark.parametrize(
    ("kind", "before", "after"), [("ping", 0.5, 2.4), ("delivery", 5.0, 8.9), ("ping", 10.0, 14.9)]
)
def test_three_seconds_may_differ_a_little_from_three_others(kind: str, before: float, after: float) -> None:
    run = _run(kind, "after", "p99", value=after)
    run[kind]["quiet as long as after"]["p99"] = before
    assert verdict.broken(FROM_FAR, [run]) == []


def test_maximum_may_exceed_the_limit_in_one_run_of_three() -> None:
    slow = _run("ping", "attack", "greatest", value=900.0)
    assert verdict.broken(FROM_FAR, [KEPT, slow, KEPT]) == []
    assert verdict.broken(FROM_FAR, [KEPT, slow, slow]) == ["ping greatest 9 900 900 ms"]


def test_p99_is_the_median_of_the_runs_and_memory_the_maximum() -> None:
    runs = [KEPT, _run("ping", "attack", "p99", value=500.0), _run("memory", value=200.0)]
    assert verdict.broken(FROM_FAR, runs) == ["memory grew by 200 MiB"]


def test_limits_of_a_network_are_shared_by_its_clients() -> None:
    refused = _run("connect", "refused", value=2)
    assert verdict.broken(FROM_NEAR, [refused]) == []


def test_run_that_failed_breaks_the_promise() -> None:
    assert verdict.broken(FROM_FAR, [KEPT, {"failed": "AttackFailed: no"}]) == ["run failed: AttackFailed: no"]


# --- The section -------------------------------------------------------------------------------------------

RECORD: dict[str, Any] = {"date": "2026-01-01", "seconds": 30.0, "quiet": 10.0, "runs": 1, "rows": {"ping": [KEPT]}}


def test_section_replaces_the_previous_one(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# What was measured\n\nOther figures.\n\n## Abuse\n\nOld ones.\n")
    section.write(RECORD, tmp_path)
    written = page.read_text()
    assert written.startswith("# What was measured\n\nOther figures.\n\n## Abuse\n")
    assert "Old ones" not in written
    assert "| ping | 1.0 messages" in written
    assert written.count(section.HEADING) == 1
    assert json.loads((tmp_path / "abuse.json").read_text()) == RECORD
    assert section.stored(tmp_path) == section.section(RECORD)


def test_there_is_no_section_before_the_first_attack(tmp_path: Path) -> None:
    assert section.stored(tmp_path) == ""


def test_row_of_failed_runs_is_written(tmp_path: Path) -> None:
    record = {**RECORD, "rows": {"ping": [{"failed": "OSError: no"}]}}
    assert "| ping | failed |" in section.section(record)


def test_runs_of_the_same_code_are_added(tmp_path: Path) -> None:
    """Three runs of all attacks take two hours; they need not be made in one go."""
    record = {**RECORD, "code": ["a", "b"]}
    assert section.added(record, tmp_path) == record
    section.write(record, tmp_path)
    both = section.added(record, tmp_path)
    assert both["runs"] == 2 * record["runs"]
    assert all(len(both["rows"][name]) == 2 * len(runs) for name, runs in record["rows"].items())
    for other in ({"code": ["a", "c"]}, {"seconds": 1}, {"quiet": 1}):
        assert section.added({**record, **other}, tmp_path) == {**record, **other}
