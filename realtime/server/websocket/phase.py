"""How far a WebSocket connection is."""

from __future__ import annotations

from enum import Enum, auto


class Phase(Enum):
    """From the handshake to the end; no phase comes twice."""

    HANDSHAKE = auto()
    """The handshake is not answered yet."""
    OPEN = auto()
    """Messages go both ways."""
    CLOSING = auto()
    """The last word is written; of what the client still sends only its close is heard."""
    GONE = auto()
    """There is no connection any more."""
