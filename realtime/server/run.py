"""How uvicorn is set up for `manage.py serve`."""

from __future__ import annotations

import uvicorn
from django.conf import settings

from realtime.server.frames import FramesProtocol


def config(host: str, port: int) -> uvicorn.Config:
    """Uvicorn's configuration: uvloop, our WebSocket protocol, Django's logging, and no access log.

    The access log would print `?token=`.
    """
    return uvicorn.Config(
        settings.ASGI_APPLICATION.replace(".application", ":application"),
        host=host,
        port=port,
        loop="uvloop",
        ws=FramesProtocol,
        ws_max_size=settings.PORTAL_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
