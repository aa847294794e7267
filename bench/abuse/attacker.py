"""`python -m bench.abuse.attacker`: attacks a port as one row says, in its own process with low priority.

Reads one line of JSON from its input: `row`, `port`, `seconds`, `target`. Prints a line when it begins, and the counts
as JSON when it is done.
"""

from __future__ import annotations

import gc
import json
import os
import sys

from bench.abuse.engine import Engine
from bench.abuse.rows import ROWS
from bench.abuse.target import Target

NICE = 5


def main() -> None:
    """Attack."""
    order = json.loads(sys.stdin.readline())
    row = ROWS[order["row"]]
    os.nice(NICE)
    gc.disable()
    engine = Engine(row.parts(Target(**order["target"])), order["port"], row.source)
    print("begun", flush=True)
    print(json.dumps(vars(engine.run(order["seconds"]))), flush=True)


if __name__ == "__main__":
    main()
