"""Switches off the limits on clients, for tests and measurements with few people and many sockets.

The limits themselves have their own tests, and `bench.abuse` and one section of `make bench` run with the defaults.
"""

from __future__ import annotations

from typing import Final

NO_LIMITS: Final = {
    "PORTAL_UPDATES_PER_SECOND": "0",
    "PORTAL_MESSAGES_PER_SECOND": "0",
    "PORTAL_FRAMES_PER_SECOND": "0",
    "PORTAL_CONNECTIONS_PER_USER": "0",
    "PORTAL_CONNECTIONS_PER_USER_AND_VIEW": "0",
    "PORTAL_CONNECTIONS_PER_VIEW": "0",
    "PORTAL_HANDSHAKES_PER_SECOND": "0",
    "PORTAL_HANDSHAKES_PER_USER": "0",
    "PORTAL_CONNECTS_PER_SECOND": "0",
    "PORTAL_LOGINS_PER_MINUTE": "0",
    "PORTAL_VIEWS_PER_LIBRARY": "0",
    "PORTAL_LIBRARY_BYTES": "0",
}
"""Settings for a server's environment; 0 is no limit."""

NO_LIMITS_SENTENCE: Final = f"The server ran without these limits: {', '.join(NO_LIMITS)} were 0."
"""A sentence for the results of a run that used them."""
