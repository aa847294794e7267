"""The phases of a WebSocket connection."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """The phases from the handshake to the end; no phase comes twice."""

    HANDSHAKE = auto()
    """The handshake is not answered yet."""
    OPEN = auto()
    """Messages go both ways."""
    CLOSING = auto()
    """The close frame is written; of the client's input only its close frame is processed."""
    GONE = auto()
    """There is no connection any more."""
