"""The rate limit on accepting connections: in a rush each network gets N per second, the rest is turned away unread.

Without this, 1,000 connections per second from one network doubled the time of everybody's updates. Behind a proxy the
address here is the proxy's, so a proxy's connections are never limited here. Their clients are counted in
`realtime.limits.attempts` and `portal.lanes`.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from libraries.rules.networks import NO_NETWORK, network_of
from realtime.limits import configured, rush
from realtime.limits.attempts import Buckets
from realtime.limits.entrance import over_limit
from realtime.server.http.refusals import answer

TURNED_AWAY = answer(HTTPStatus.TOO_MANY_REQUESTS, "your network connects too often; come back later.")


class AcceptRate:
    """The recent connections to one listening socket, by network."""

    def __init__(self) -> None:
        self._buckets = Buckets()

    def is_over(self, address: Any) -> bool:
        """Whether to turn away a connection from that address; if not, it is counted."""
        if not rush.is_on():
            return False
        rate, host = configured.connects(), address[0] if isinstance(address, tuple) else ""
        network = network_of(host)
        if network == NO_NETWORK or any(ip_address(host) in proxy for proxy in configured.proxies()):
            return False
        now = time.monotonic()
        if self._buckets.wait(network, rate, now):
            return over_limit("PORTAL_CONNECTS_PER_SECOND", network=network)
        self._buckets.take(network, rate, now)
        return False
