"""`manage.py runserver`: Daphne's development server, which closes sockets as the protocol requires."""

from __future__ import annotations

from daphne.management.commands.runserver import Command as DaphneCommand

from realtime.server.websocket.daphne import PortalServer


class Command(DaphneCommand):
    """Daphne's command with our server."""

    server_cls = PortalServer
