"""How a server process lives with Python's cyclic garbage collector, which stops everything while it looks.

Each full collection goes through all objects that there are: with the modules of Django and 9,000 connections it took
up to 0.4 s, and the server's life had ten of them (docs/decisions/012-garbage.md). Connections are made so that they
are no cycles and vanish without it.
"""

from __future__ import annotations

import gc

THRESHOLDS = (2_000, 4, 500)
"""New objects before a young collection, those before a middle one, and those before a full one."""


def settle() -> None:
    """Spare what is loaded by now, which stays as long as the process does; and let full collections be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
