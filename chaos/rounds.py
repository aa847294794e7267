"""One round: traffic, a fault in it, and the state of all clients once it is over and everything is answered."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from chaos.crowd import Crowd
from chaos.faults import Fault, NothingHappened

BOUND_SECONDS = 5.0
"""The time after a loss until every open connection must have the newest state (docs/protocol.md, section 5)."""
LEAD_SECONDS, TAIL_SECONDS = 1.0, 1.0
QUIET_FROM_SECONDS, QUIET_TO_SECONDS = 0.3, 2.0


@dataclass
class Result:
    """The results of the rounds of one fault. Times are in seconds."""

    fault: Fault
    rounds: int = 0
    acknowledged: int = 0
    retried: int = 0
    lost: int = 0
    out_of_order: int = 0
    duplicates: int = 0
    slowest_answer: float = 0.0
    slowest_convergence: float = 0.0
    broken: list[str] = field(default_factory=list)


async def play(crowd: Crowd, result: Result, rng: random.Random) -> float:
    """Play one round and add its results; returns the seconds until convergence.

    In every second round the controllers are silent during the fault: then no later news reveals a loss.
    """
    skipped = crowd.skipped
    crowd.speak()
    await asyncio.sleep(LEAD_SECONDS)
    quiet = not result.fault.stalls and rng.random() < 0.5
    for visitors in crowd.visitors:
        visitors.come()
    acting = asyncio.ensure_future(result.fault.act(crowd, rng))
    if quiet:
        await asyncio.sleep(rng.uniform(QUIET_FROM_SECONDS, QUIET_TO_SECONDS))
        crowd.hush()
    await acting
    for visitors in crowd.visitors:
        await visitors.go()
    over = time.monotonic()
    if not quiet:
        await asyncio.sleep(TAIL_SECONDS)
        crowd.hush()
    await crowd.answered()
    last_ack = max(table.ledger.last_ack_at for table in crowd.stack.tables)
    convergence = await crowd.settled(max(over, last_ack))
    await crowd.presence_settled()
    if result.fault.stalls and crowd.skipped == skipped:
        raise NothingHappened(f"“{result.fault.name}” made nobody too slow.")
    result.rounds += 1
    result.slowest_answer = max(result.slowest_answer, last_ack - over)
    result.slowest_convergence = max(result.slowest_convergence, convergence)
    if convergence > BOUND_SECONDS:
        result.broken.append(f"It took {convergence:.1f} s until everybody showed the newest state.")
    _add_up(crowd, result)
    return convergence


def _add_up(crowd: Crowd, result: Result) -> None:
    for table in crowd.stack.tables:
        tally = table.ledger.take_tally()
        result.acknowledged += tally.acknowledged
        result.retried += tally.retried
        result.lost += tally.lost
        result.out_of_order += tally.out_of_order
        result.duplicates += tally.duplicates
        result.broken += tally.broken
