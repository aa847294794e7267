"""Daphne's protocol: a client that is gone, and a handshake with non-ASCII characters."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from daphne.ws_protocol import ConnectionDeny, WebSocketFactory

from realtime.server.websocket.connection import CLOSE_SECONDS
from realtime.server.websocket.daphne import PortalServer, PortalWebSocketProtocol


def test_sending_to_a_client_that_is_gone_is_a_connection_error() -> None:
    """autobahn's own exception was no `OSError`, and a task of ours ended with a traceback in the log."""
    protocol = PortalWebSocketProtocol()
    protocol.state = protocol.STATE_CLOSED
    with pytest.raises(OSError, match="The client is gone"):
        protocol.handle_reply({"type": "websocket.send", "text": "hello"})


@pytest.mark.parametrize(("path", "offered"), [("/ws/\xe9", ""), ("/ws/", "portal.v1.json, bearer.\xe9")])
def test_a_handshake_that_is_not_ascii_is_refused(path: str, offered: str) -> None:
    """Daphne decodes both; for any client its exception became a 500 with a traceback in the log."""
    request = SimpleNamespace(path=path, headers={"sec-websocket-protocol": offered})
    with pytest.raises(ConnectionDeny) as denied:
        PortalWebSocketProtocol().onConnect(request)
    assert denied.value.code == 400


def test_a_client_has_as_long_to_answer_a_close_frame_as_elsewhere() -> None:
    """After autobahn's one second, a client on a busy machine saw 1006 instead of the code."""
    server = PortalServer(application=None, endpoints=["tcp:0"])
    server.ws_factory = WebSocketFactory(server, server="Daphne")
    assert server.ws_factory.closeHandshakeTimeout == CLOSE_SECONDS
