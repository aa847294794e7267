"""Whether more come than are let in just now: then newcomers are taken one at a time, and those inside go first.

Who is told to wait, at the entrance of sockets or before a request is answered, or has to go so that somebody else may
come, is decided elsewhere.
"""

from __future__ import annotations

import time

SECONDS = 1.0
"""How long a rush lasts after somebody was told to wait."""

_until = 0.0


def notice() -> None:
    """Somebody was told to wait."""
    global _until  # noqa: PLW0603  # of the process, as is its one listening socket
    _until = time.monotonic() + SECONDS


def is_on() -> bool:
    """Whether somebody was told to wait of late."""
    return time.monotonic() < _until


def forget() -> None:
    """End it at once."""
    global _until  # noqa: PLW0603  # see above
    _until = 0.0
