"""Whether there is a rush: more clients come than can be let in. Then newcomers are taken one at a time.

Connections inside go first. Other modules decide who is told to wait, at the entrance of sockets or before a request is
answered, and which connection ends to make room for another.
"""

from __future__ import annotations

import time

SECONDS = 1.0
"""How long a rush lasts after somebody was told to wait."""

_until = 0.0


def notice() -> None:
    """Note that somebody was told to wait."""
    global _until  # noqa: PLW0603  # of the process, as is its one listening socket
    _until = time.monotonic() + SECONDS


def is_on() -> bool:
    """Whether somebody was told to wait recently."""
    return time.monotonic() < _until


def forget() -> None:
    """End the rush at once."""
    global _until  # noqa: PLW0603  # see above
    _until = 0.0
