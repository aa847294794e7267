"""Daphne's protocol: a client that is gone, and a handshake that is no ASCII."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from daphne.ws_protocol import ConnectionDeny

from realtime.server.websocket.daphne import PortalWebSocketProtocol


def test_what_is_sent_to_a_client_that_is_gone_is_an_error_of_the_connection() -> None:
    """As autobahn's own exception it was no `OSError`, and a task of ours ended with a traceback in the log."""
    protocol = PortalWebSocketProtocol()
    protocol.state = protocol.STATE_CLOSED
    with pytest.raises(OSError, match="The client is gone"):
        protocol.handle_reply({"type": "websocket.send", "text": "hello"})


@pytest.mark.parametrize(("path", "offered"), [("/ws/\xe9", ""), ("/ws/", "portal.v1.json, bearer.\xe9")])
def test_a_handshake_that_is_no_ascii_is_refused(path: str, offered: str) -> None:
    """Daphne decodes both, and what it raised was a 500 with a traceback in the log, for anybody."""
    request = SimpleNamespace(path=path, headers={"sec-websocket-protocol": offered})
    with pytest.raises(ConnectionDeny) as denied:
        PortalWebSocketProtocol().onConnect(request)
    assert denied.value.code == 400
