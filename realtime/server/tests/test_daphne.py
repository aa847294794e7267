"""Daphne's protocol: what it tells an application whose client is gone."""

from __future__ import annotations

import pytest

from realtime.server.daphne import PortalWebSocketProtocol


def test_what_is_sent_to_a_client_that_is_gone_is_an_error_of_the_connection() -> None:
    """As autobahn's own exception it was no `OSError`, and a task of ours ended with a traceback in the log."""
    protocol = PortalWebSocketProtocol()
    protocol.state = protocol.STATE_CLOSED
    with pytest.raises(OSError, match="The client is gone"):
        protocol.handle_reply({"type": "websocket.send", "text": "hello"})
