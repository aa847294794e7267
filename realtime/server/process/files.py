"""The limit on open files of a process, and the number of connections that it takes.

A connection is an open file (getrlimit(2), RLIMIT_NOFILE). `realtime.server.process.listening` listens, and
`realtime.server.http.protocol` decides who is turned away beyond the limit.
"""

from __future__ import annotations

import resource
from contextlib import suppress

from django.conf import settings

RESERVED = 128
"""Files reserved for the database, Valkey, static files and logs; at most half of the limit."""


def raise_file_limit() -> None:
    """Raise the soft limit on open files to the hard one, which a process may do without being root."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses more than its kernel allows; then the limit stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """The most TCP connections of this process: PORTAL_CONNECTIONS, or what the limit on open files allows.

    0 if neither limits them.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted: int = settings.PORTAL_CONNECTIONS
    if soft == resource.RLIM_INFINITY:
        return wanted
    possible = max(soft - RESERVED, soft // 2)
    return min(wanted, possible) if wanted else possible
