"""`python -m chaos`: run every fault once, or for as long as told; exit status 1 if a promise was broken."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path

import uvloop

from chaos import report
from chaos.crowd import Crowd
from chaos.faults import FAULTS, NothingHappened
from chaos.presence import LEAVE_SECONDS
from chaos.rounds import Result, play
from chaos.stack import PROCESSES, Stack, running_stack
from testing.limits import NO_LIMITS_SENTENCE

VIEWERS = 200


def main() -> int:
    """Run, and print the results; returns the exit status."""
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"Seed {seed}; the same again with CHAOS_SEED={seed}.", flush=True)
    try:
        return _play(seed, options)
    except NothingHappened as nothing:
        print(f"This run proves nothing: {nothing}", file=sys.stderr)
        return 2


def _play(seed: int, options: argparse.Namespace) -> int:
    with running_stack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(_run(stack, random.Random(seed), options))  # noqa: S311  # chaos, not secrets
        if options.logs:
            stack.keep_log(options.logs)
        logged = stack.bad_log_lines()
        if logged:
            results[-1].broken += logged
    text = report.table(results)
    print(f"\n{text}\n\n{report.legend()}\n{NO_LIMITS_SENTENCE}")
    if options.write:
        report.write(options.write, f"{_about(stack, seed, options)}\n\n{text}\n\n{report.legend()}", "make chaos")
    broken = report.broken(results)
    print(f"\nBroken promises:\n{broken}" if broken else "\nEvery promise was kept.")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the seed of an earlier run, to repeat what it chose")
    parser.add_argument("--seconds", type=float, default=0, help="go on with faults for so long (0: each of them once)")
    parser.add_argument("--viewers", type=int, default=VIEWERS, help="how many viewers watch (default: %(default)s)")
    parser.add_argument("--only", help="only the faults whose name has this in it")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this page")
    parser.add_argument("--logs", type=Path, help="keep the servers' logs in this folder")
    return parser.parse_args()


async def _run(stack: Stack, rng: random.Random, options: argparse.Namespace) -> list[Result]:
    results = [Result(fault) for fault in FAULTS if not options.only or options.only in fault.name]
    crowd = Crowd(stack, options.viewers, rng)
    await stack.complete()
    async with crowd.present():
        end = time.monotonic() + options.seconds
        first = True
        while first or time.monotonic() < end:
            for result in rng.sample(results, len(results)):
                if first or time.monotonic() < end:
                    _say(result, len(result.broken), await play(crowd, result, rng))
            first = False
        await crowd.presence_settled(LEAVE_SECONDS + 2)
        if results:
            results[-1].broken += [one for table in stack.tables for one in table.ledger.take_tally().broken]
    return results


def _say(result: Result, broken_before: int, convergence: float) -> None:
    broken = len(result.broken) - broken_before
    verdict = f"{broken} promises broken" if broken else "kept"
    print(f"  {result.fault.name}: {convergence:.2f} s, {verdict}", flush=True)


def _about(stack: Stack, seed: int, options: argparse.Namespace) -> str:
    controllers = sum(len(table.controllers) for table in stack.tables)
    length = f"{options.seconds:.0f} s" if options.seconds else "each fault once"
    return (
        f"{PROCESSES} server processes, {controllers} controllers and {options.viewers} viewers on"
        f" {len(stack.tables)} portal views; seed {seed}; {length}. {NO_LIMITS_SENTENCE}"
    )


if __name__ == "__main__":
    sys.exit(main())
