"""`python -m fuzz`: run every part, for the given time; exit status 1 if anything was found."""

from __future__ import annotations

import argparse
import io
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from fuzz.findings import Finding, Outcome
from fuzz.stack import Stack, throwaway

SECONDS = 120.0
SHARES: dict[str, float] = {"rest": 40, "protocol": 25, "cost": 35, "flood": 20}
"""The shares of the time by part; each part is the module of `fuzz` with that name."""


def main() -> int:
    """Run, and print the numbers of inputs and the findings; returns the exit status."""
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    with throwaway() as stack:
        _set_up(stack)
        if options.repeat:
            return _tell(_repeat(stack, options.repeat))
        print(f"Seed {seed}; the same again with FUZZ_SEED={seed}.", flush=True)
        findings: list[Finding] = []
        for part in options.only or SHARES:
            began = time.monotonic()
            outcome = _run(stack, part, seed, options.seconds * SHARES[part] / sum(SHARES.values()))
            print(f"  {outcome} in {time.monotonic() - began:.0f} s", flush=True)
            findings += outcome.findings
    return _tell(findings)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="the seed of an earlier run, to try what it tried")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all parts together (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=list(SHARES), help="only these parts")
    parser.add_argument("--repeat", metavar="NAME", help="the input of a finding, by the name that it was printed with")
    return parser.parse_args()


def _set_up(stack: Stack) -> None:
    """Set Django up in this process, on the installation; log entries are formatted and dropped."""
    os.environ.update({name: value for name, value in stack.installation.env.items() if name.startswith("PORTAL_")})
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import_module("django").setup()
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())
    for name in ("httpx", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _run(stack: Stack, part: str, seed: int, seconds: float) -> Outcome:
    module: Any = import_module(f"fuzz.{part}")  # it needs Django
    run: Callable[[Stack, int, float], Outcome] = module.run
    return run(stack, seed, seconds)


def _repeat(stack: Stack, name: str) -> list[Finding]:
    module: Any = import_module(f"fuzz.{name.partition(':')[0]}")
    findings: list[Finding] = module.repeat(stack, name)
    return findings


def _tell(findings: list[Finding]) -> int:
    if not findings:
        print("\nNothing was found.")
        return 0
    print("\nFound:", *(f"  {finding}" for finding in findings), sep="\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
