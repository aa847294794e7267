"""The limits on sockets, as configured in the site's settings at the moment: `0` is no limit."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from realtime.limits.occupancy import Caps
from realtime.limits.rates import Rate


@cache
def updates() -> Rate:
    """The rate of updates of one connection."""
    return Rate(settings.PORTAL_UPDATES_PER_SECOND, settings.PORTAL_UPDATE_BURST)


@cache
def messages() -> Rate:
    """The rate of all other messages of one connection."""
    return Rate(settings.PORTAL_MESSAGES_PER_SECOND, settings.PORTAL_MESSAGE_BURST)


@cache
def frames() -> Rate:
    """The rate of WebSocket frames of one connection."""
    return Rate(settings.PORTAL_FRAMES_PER_SECOND, settings.PORTAL_FRAME_BURST)


@cache
def failed_handshakes() -> Rate:
    """The rate of failed attempts to connect from one network."""
    return Rate(settings.PORTAL_HANDSHAKES_PER_SECOND, settings.PORTAL_HANDSHAKE_BURST)


@cache
def handshakes() -> Rate:
    """The rate of attempts to connect of one person with a valid credential."""
    return Rate(settings.PORTAL_HANDSHAKES_PER_USER, settings.PORTAL_HANDSHAKE_BURST_PER_USER)


@cache
def connects() -> Rate:
    """The rate of TCP connections of one network in a rush."""
    return Rate(settings.PORTAL_CONNECTS_PER_SECOND, settings.PORTAL_CONNECT_BURST)


@cache
def proxies() -> tuple[IPv4Network | IPv6Network, ...]:
    """The proxies in front of this site that are trusted to say where requests come from."""
    believed = settings.PORTAL_PROXY_ADDRESSES if settings.PORTAL_BEHIND_PROXY else ()
    everybody = ("0.0.0.0/0", "::/0")
    return tuple(ip_network(one) for one in (everybody if "*" in believed else believed))


@cache
def caps() -> Caps:
    """The caps on simultaneous connections."""
    return Caps(
        per_user_and_view=settings.PORTAL_CONNECTIONS_PER_USER_AND_VIEW,
        per_user=settings.PORTAL_CONNECTIONS_PER_USER,
        per_view=settings.PORTAL_CONNECTIONS_PER_VIEW,
    )


def _forget(**_: Any) -> None:
    """Forget the cached values after a test has changed a setting."""
    for one in (updates, messages, frames, failed_handshakes, handshakes, connects, proxies, caps):
        one.cache_clear()


setting_changed.connect(_forget)
