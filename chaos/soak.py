"""`python -m chaos.soak`: many sockets for a long time, to find out whether the processes leak resources.

People come and go, controllers write, monitors request the health. Once per minute all is quiet for a moment, all
clients have the stored state, and the resources of the processes are counted. Exit status 1 if they have grown since
the third minute.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path

import httpx
import uvloop

from chaos import census, report
from chaos.census import Census
from chaos.crowd import Crowd
from chaos.stack import Stack, running_stack
from testing.limits import NO_LIMITS_SENTENCE

SECONDS = 1200.0
SOCKETS = 500
NOT_VIEWERS = 7
"""Controllers and onlookers, of every table."""
MINUTE = 60.0
FROM_MINUTE = 3
MOST_GROWTH = 0.05
LEAVES_PER_SECOND = 5.0
UPDATES_PER_SECOND = 2.0
"""Per controller."""
HEALTH_EVERY_SECONDS = 5.0


def main() -> int:
    """Soak, and print the counts; returns the exit status."""
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"Seed {seed}.", flush=True)
    with running_stack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rng = random.Random(seed)  # noqa: S311  # chaos, not secrets
        censuses, broken = runner.run(_soak(stack, rng, options.seconds))
        broken += stack.bad_log_lines()
    broken += _grown(censuses)
    first = min(FROM_MINUTE, len(censuses)) - 1
    shown = [(f"minute {first + 1}", censuses[first]), (f"minute {len(censuses)}", censuses[-1])]
    ends = f"{sum(stack.entry.ends.values()):,} connections ended and came back."
    about = f"{SOCKETS} sockets for {options.seconds:.0f} s; {ends} {NO_LIMITS_SENTENCE}"
    text = f"{about}\n\n{census.table(shown)}"
    print(f"\n{text}\n")
    if options.write:
        report.write(options.write, text, "make soak")
    print("\n".join(["Broken promises:", *broken]) if broken else "Every promise was kept, and nothing has grown.")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__)
    parser.add_argument("--seed", type=int, help="the seed of an earlier run")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long (default: %(default)s)")
    parser.add_argument("--write", type=Path, help="put what was counted between the marks of this page")
    return parser.parse_args()


async def _soak(stack: Stack, rng: random.Random, seconds: float) -> tuple[list[Census], list[str]]:
    await stack.complete()
    crowd = Crowd(stack, SOCKETS - NOT_VIEWERS, rng)
    for controller in crowd.controllers:
        controller.per_second = UPDATES_PER_SECOND
    censuses: list[Census] = []
    broken: list[str] = []
    async with crowd.present():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            crowd.speak()
            async with _comings_and_goings(crowd, rng):
                await asyncio.sleep(min(MINUTE, end - time.monotonic()))
            crowd.hush()
            await crowd.answered()
            await crowd.settled(time.monotonic())
            censuses.append(await census.take(stack))
            print(f"  minute {len(censuses)}: {censuses[-1]}", flush=True)
            broken += [sentence for table in stack.tables for sentence in table.ledger.take_tally().broken]
    return censuses, broken


@asynccontextmanager
async def _comings_and_goings(crowd: Crowd, rng: random.Random) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_leave(crowd, rng)), asyncio.create_task(_ask_for_health(crowd.stack))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _leave(crowd: Crowd, rng: random.Random) -> None:
    """Disconnect clients, half of them without a close; they reconnect."""
    while True:
        await asyncio.sleep(rng.expovariate(LEAVES_PER_SECOND))
        client = rng.choice(crowd.clients)
        if rng.random() < 0.5:
            client.cut()
        else:
            client.leave()


async def _ask_for_health(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            await asyncio.sleep(HEALTH_EVERY_SECONDS)
            (await http.get(f"{stack.server.http}/api/health", headers={"Connection": "close"})).raise_for_status()


def _grown(censuses: list[Census]) -> list[str]:
    if len(censuses) <= FROM_MINUTE:
        return []
    first, last = censuses[FROM_MINUTE - 1], censuses[-1]
    return [
        f"{census.NAMES.get(field.name, field.name)}: {census.growth(first, last, field.name):+.1%} since minute"
        f" {FROM_MINUTE}"
        for field in fields(Census)
        if census.growth(first, last, field.name) > MOST_GROWTH
    ]


if __name__ == "__main__":
    sys.exit(main())
