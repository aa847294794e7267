"""The network of an address, which the limits per network count. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Any

IPV4_PREFIX = 24
IPV6_PREFIX = 64
NO_NETWORK = "none"
"""The network of all clients without an address, such as the peers of a Unix socket."""


@lru_cache(maxsize=4_096)
def network_of(address: object) -> str:
    """The network of an IP address: its /24, or its /64 for IPv6, such as `192.0.2.0/24`.

    An IPv4 address written as IPv6 (`::ffff:192.0.2.1`; RFC 4291, section 2.5.5.2) counts as IPv4. `NO_NETWORK` if
    there is no address, or the text is none.
    """
    try:
        ip = ip_address(str(address))
    except ValueError:
        return NO_NETWORK
    if not isinstance(ip, IPv4Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, IPv4Address):
        return str(IPv4Network((int(ip), IPV4_PREFIX), strict=False))
    return str(IPv6Network((int(ip), IPV6_PREFIX), strict=False))


def network_of_scope(scope: Mapping[str, Any]) -> str:
    """The network of the client of an ASGI scope."""
    client = scope.get("client")
    return network_of(client[0] if client else None)


def is_loopback(host: str) -> bool:
    """Whether a host, without a port, is a name of the machine itself that no other one can use, such as 127.0.0.1."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
