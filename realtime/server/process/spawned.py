"""The entry point of one of several processes of `manage.py serve`: it sets Django up before importing the apps.

Nothing else belongs here, and nothing that needs the apps may be imported at the top.
"""

from __future__ import annotations

import socket

import django


def begin(host: str, port: int, drain_seconds: int, drain_delay: int, path: str, lifeline: socket.socket) -> None:
    """Serve at a place, as long as the other end of the lifeline is open."""
    django.setup()

    from realtime.server.process.inside import work
    from realtime.server.process.run import Place

    work(Place(host, port, drain_seconds, drain_delay, path), lifeline)
