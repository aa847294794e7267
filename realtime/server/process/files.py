"""How many files a process may have open, and how many connections of those it takes.

A connection is an open file (getrlimit(2), RLIMIT_NOFILE). What listens is in `realtime.server.process.listening`; who
is turned away beyond the limit is decided in `realtime.server.http.protocol`.
"""

from __future__ import annotations

import resource
from contextlib import suppress

from django.conf import settings

RESERVED = 128
"""Files that are kept for the database, Valkey, static files and logs; at most half of those that there are."""


def raise_file_limit() -> None:
    """Raise the soft limit on open files to the hard one, as a process may without being root."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses what its kernel cannot have; then the limit stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """How many TCP connections this process takes: PORTAL_CONNECTIONS, or what the limit on open files allows.

    0 where neither limits them.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted: int = settings.PORTAL_CONNECTIONS
    if soft == resource.RLIM_INFINITY:
        return wanted
    possible = max(soft - RESERVED, soft // 2)
    return min(wanted, possible) if wanted else possible
