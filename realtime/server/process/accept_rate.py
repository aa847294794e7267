"""Whose connections are too many: in a rush a network is taken so many a second, and the others are turned away unread.

Each connection costs the event loop about a millisecond before anybody knows whose it is. Without this, 1,000 a second
from one network had half of the interpreter, and everybody's updates took twice as long. Who comes through a proxy has
the proxy's address here, so a proxy's connections are never too many: what they bring is counted in
`realtime.limits.attempts` and `portal.lanes`.
"""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from libraries.rules.networks import NO_NETWORK, network_of
from realtime.limits import configured, rush
from realtime.limits.attempts import Buckets
from realtime.limits.entrance import over_limit
from realtime.server.http.refusals import answer

TURNED_AWAY = answer(HTTPStatus.TOO_MANY_REQUESTS, "your network connects too often; come back later.")


class AcceptRate:
    """Those who have come to one listening socket of late."""

    def __init__(self) -> None:
        self._buckets = Buckets()

    def is_over(self, address: Any) -> bool:
        """Whether to turn away who comes from there; they are counted if not."""
        rate, host = configured.connects(), address[0] if isinstance(address, tuple) else None
        network = network_of(host)
        if not rate.per_second or not rush.is_on() or network == NO_NETWORK or is_proxy(host):
            return False
        now = time.monotonic()
        if self._buckets.wait(network, rate, now):
            return over_limit("PORTAL_CONNECTS_PER_SECOND", network=network)
        self._buckets.take(network, rate, now)
        return False


@lru_cache(maxsize=4_096)
def is_proxy(host: str) -> bool:
    """Whether that is a proxy in front of this site, which is believed about where requests come from."""
    believed = settings.PORTAL_PROXY_ADDRESSES if settings.PORTAL_BEHIND_PROXY else ()
    return "*" in believed or any(ip_address(host) in ip_network(one) for one in believed)


def _forget(**_: Any) -> None:
    """A test has changed a setting."""
    is_proxy.cache_clear()


setting_changed.connect(_forget)
