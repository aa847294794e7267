"""How a server process uses Python's cyclic garbage collector, which stops everything while it runs.

Each full collection visits all objects: with the modules of Django and 9,000 connections it took up to 0.4 s, and
happened ten times in the server's life (docs/decisions/012-garbage.md). Connections are built without cycles, so they
are freed without it.
"""

from __future__ import annotations

import gc

THRESHOLDS = (500, 4, 4_000)
"""New objects before a young collection, young collections before a middle one, and middle ones before a full one.

A collection takes as long as there are objects in it, and all sockets wait for it: so there are many short ones.
"""
CONNECTIONS_A_COLLECTION = 8
"""Connections, of about 70 objects each, between two young collections."""
YOUNG_A_MIDDLE = 4
"""Young collections between two middle ones."""


def settle() -> None:
    """Exclude all loaded objects from collections, as they live as long as the process; and make full ones rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


class Turnover:
    """Collects young objects while connections come and go.

    The collector itself starts only when there are 500 objects more than before. If as many old objects go as new
    ones come, that never happens, and young objects pile up: 37,000 of them stopped everything for 30 ms.
    """

    def __init__(self) -> None:
        self._connections = 0

    def count(self) -> None:
        """Count a new connection."""
        self._connections += 1
        collections, rest = divmod(self._connections, CONNECTIONS_A_COLLECTION)
        if not rest:
            gc.collect(0 if collections % YOUNG_A_MIDDLE else 1)
