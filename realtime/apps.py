"""The application that keeps the sockets."""

from __future__ import annotations

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """WebSocket connections to portal views."""

    name = "realtime"
