"""Whose connections are too many: in a rush a network is taken so many a second, and the others are turned away unread.

Without this, 1,000 connections a second from one network made everybody's updates take twice as long. Behind a
proxy the address here is the proxy's, so a proxy's connections are never too many: what they bring is counted in
`realtime.doors` and `portal.lanes`.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from libraries.networks import NO_NETWORK, network_of
from realtime import configured, rush
from realtime.doors import Buckets
from realtime.entrance import over_limit
from realtime.server.refusals import answer

TURNED_AWAY = answer(HTTPStatus.TOO_MANY_REQUESTS, "your network connects too often; come back later.")


class Crowd:
    """Those who have come to one listening socket of late."""

    def __init__(self) -> None:
        self._buckets = Buckets()

    def is_too_large(self, address: Any) -> bool:
        """Whether to turn away who comes from there; they are counted if not."""
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
