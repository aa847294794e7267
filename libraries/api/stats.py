"""The figures of a portal view's open connections in the REST API, for those who control it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.schema import documented
from libraries.live import figures_for
from libraries.rules.figures import Figures


class ConnectionsSerializer(serializers.Serializer[Any]):
    """The connections that are open now."""

    total = serializers.IntegerField()
    controllers = serializers.IntegerField()
    viewers = serializers.IntegerField(help_text="Guests, too.")
    guests = serializers.IntegerField()
    stalled = serializers.IntegerField(help_text="Those that do not read fast enough, and skip updates.")
    people = serializers.IntegerField(help_text="Several connections of one person, or of one guest, count once.")
    meanSeconds = serializers.FloatField(help_text="How long they have been open, on average.")
    longestSeconds = serializers.FloatField()
    sendBufferBytes = serializers.IntegerField(help_text="What waits for slow clients.")


class RatesSerializer(serializers.Serializer[Any]):
    """Per second, over the last minute."""

    received = serializers.FloatField(help_text="Messages of clients.")
    delivered = serializers.FloatField(help_text="Messages to clients: one for each that it went to.")


class CountsSerializer(serializers.Serializer[Any]):
    """What was counted while somebody was connected."""

    connected = serializers.IntegerField(help_text="Connections that came, those that are gone, too.")
    received = serializers.IntegerField()
    broadcasts = serializers.IntegerField(help_text="Updates and commands, in each process once.")
    deliveries = serializers.IntegerField()
    sentBytes = serializers.IntegerField()
    recovered = serializers.IntegerField(help_text="Clients that came back and had missed nothing.")
    snapshots = serializers.IntegerField(help_text="Clients that came back and got the whole state.")
    gapsRepaired = serializers.IntegerField(help_text="Times that the state was read because news was missing.")
    newsLost = serializers.IntegerField(help_text="Stored versions whose news had not come by then.")


class StatsSerializer(serializers.Serializer[Any]):
    """The figures of a portal view's connections."""

    connections = ConnectionsSerializer()
    rates = RatesSerializer()
    counts = CountsSerializer()
    countedSeconds = serializers.FloatField(help_text="A process counts from its first connection to its last.")
    processes = serializers.IntegerField(help_text="How many processes have a connection.")
    complete = serializers.BooleanField(help_text="False if other processes could not be asked.")


class Stats(ApiView):
    """`portal-views/{portalViewId}/stats`."""

    cache: ClassVar[dict[str, bool]] = {"no_store": True}

    @documented("Read who is connected", answer=StatsSerializer, errors=(403, 404))
    def get(self, request: Request, portal_view_id: UUID) -> Response:
        """Connections, rates, durations and reconnects, of all processes; owners and editors may."""
        found = figures_for(user_id=self.actor_id, portal_view_id=portal_view_id)
        return Response(StatsSerializer(_answer(found)).data)


def _answer(found: Figures) -> dict[str, Any]:
    return {
        "connections": {
            "total": found.connections,
            "controllers": found.controllers,
            "viewers": found.viewers,
            "guests": found.guests,
            "stalled": found.stalled,
            "people": len(found.people),
            "meanSeconds": round(found.mean_seconds, 1),
            "longestSeconds": round(found.longest_seconds, 1),
            "sendBufferBytes": found.send_buffer_bytes,
        },
        "rates": {"received": round(found.received_rate, 2), "delivered": round(found.delivered_rate, 2)},
        "counts": {
            "connected": found.connected,
            "received": found.received,
            "broadcasts": found.broadcasts,
            "deliveries": found.deliveries,
            "sentBytes": found.sent_bytes,
            "recovered": found.recovered,
            "snapshots": found.snapshots,
            "gapsRepaired": found.gaps_repaired,
            "newsLost": found.news_lost,
        },
        "countedSeconds": round(found.counted_seconds, 1),
        "processes": found.processes,
        "complete": found.is_complete,
    }
