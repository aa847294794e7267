"""The resources of the processes of a stack: memory, tasks, threads, file handles, and database connections.

Read from /proc, from Postgres, and from the census that a process writes into its log at SIGUSR1.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import psycopg

from chaos.crowd import wait_until
from chaos.stack import Stack

ANSWER_SECONDS = 10.0
_CENSUS = re.compile(r"census\W.*?tasks=(\d+)")


@dataclass(frozen=True)
class Census:
    """The sums over all processes that serve; memory in KiB, with shared pages counted proportionally (Pss)."""

    memory: int
    tasks: int
    threads: int
    files: int
    database: int


NAMES = {"memory": "memory, KiB", "files": "file handles", "database": "database connections"}
"""The names of a census' fields for people, if they differ."""


async def take(stack: Stack) -> Census:
    """Count; AssertionError if a process does not answer in time."""
    pids = stack.workers
    return Census(
        memory=sum(_number(pid, "smaps_rollup", "Pss") for pid in pids),
        tasks=await _tasks(stack, pids),
        threads=sum(_number(pid, "status", "Threads") for pid in pids),
        files=sum(_open_files(pid) for pid in pids),
        database=await asyncio.to_thread(_database_connections, stack),
    )


def _number(pid: int, file: str, key: str) -> int:
    text = Path(f"/proc/{pid}/{file}").read_text()
    found = re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)
    assert found is not None, f"/proc/{pid}/{file} has no {key}."  # noqa: S101  # see proc(5)
    return int(found[1])


def _open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def _tasks(stack: Stack, pids: Sequence[int]) -> int:
    process = stack.server.process
    start = process.log_size
    for pid in pids:
        os.kill(pid, signal.SIGUSR1)
    answered = await wait_until(lambda: len(_CENSUS.findall(process.log_since(start))) == len(pids), ANSWER_SECONDS)
    assert answered, "A process did not say how many tasks it has."  # noqa: S101
    return sum(int(tasks) for tasks in _CENSUS.findall(process.log_since(start)))


def _database_connections(stack: Stack) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'portal'"
    with psycopg.connect(stack.postgres.url()) as connection:  # to another database
        row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])


def table(censuses: Sequence[tuple[str, Census]]) -> str:
    """Censuses as columns of a Markdown table, with the difference between the last and the first."""
    (_, first), (_, last) = censuses[0], censuses[-1]
    lines = [f"| | {' | '.join(when for when, _ in censuses)} | change |", f"|---|{'---:|' * (len(censuses) + 1)}"]
    for field in fields(Census):
        counts = " | ".join(f"{getattr(census, field.name):,}" for _, census in censuses)
        lines.append(f"| {NAMES.get(field.name, field.name)} | {counts} | {growth(first, last, field.name):+.1%} |")
    return "\n".join(lines)


def growth(first: Census, last: Census, name: str) -> float:
    """The relative growth of a number: 0.05 is 5 %."""
    before = getattr(first, name)
    return float((getattr(last, name) - before) / before)
