"""How a server process lives with Python's cyclic garbage collector, which stops everything while it looks.

Each full collection goes through all objects that there are: with the modules of Django and 9,000 connections it took
up to 0.4 s, and the server's life had ten of them (docs/decisions/012-garbage.md). Connections are made so that they
are no cycles and vanish without it.
"""

from __future__ import annotations

import gc

THRESHOLDS = (2_000, 4, 500)
"""New objects before a young collection, those before a middle one, and those before a full one."""
CONNECTIONS_A_COLLECTION = 32
"""Connections, of some 70 objects each, between two young collections."""
YOUNG_A_MIDDLE = 8
"""Young collections between two middle ones."""


def settle() -> None:
    """Spare what is loaded by now, which stays as long as the process does; and let full collections be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


class Turnover:
    """Collects young objects while connections come and go.

    By itself the collector begins when there are 2,000 objects more than before. Where as many old ones go as new ones
    come, that is never, and the young ones pile up: 37,000 of them stopped everything for 30 ms.
    """

    def __init__(self) -> None:
        self._connections = 0

    def count(self) -> None:
        """There is another connection."""
        self._connections += 1
        collections, rest = divmod(self._connections, CONNECTIONS_A_COLLECTION)
        if not rest:
            gc.collect(0 if collections % YOUNG_A_MIDDLE else 1)
