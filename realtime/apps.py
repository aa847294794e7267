"""The application that keeps the sockets."""

from __future__ import annotations

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """WebSocket connections to portal views."""

    name = "realtime"

    def ready(self) -> None:
        """Listen to what happens to stored things."""
        from libraries.events import happened
        from realtime.news.publish import on_event

        happened.connect(on_event)
