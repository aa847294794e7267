"""Which network an address belongs to: what is counted for each of them is counted together. Pure.

What is counted, and what follows from it, is not said here.
"""

from __future__ import annotations

import ipaddress

IPV4_PREFIX = 24
IPV6_PREFIX = 64
"""What one customer of a provider has at least (RFC 6177, section 2): a host may choose any address in it."""


def network_of(address: str | None) -> str:
    """The network of an address in its one spelling, such as `192.0.2.0/24`; empty for what is no IP address.

    An IPv4 address inside an IPv6 one (RFC 4291, section 2.5.5.2) is that IPv4 address. A Unix socket has no address.
    """
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    ip = mapped or ip
    prefix = IPV4_PREFIX if ip.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((ip, prefix), strict=False))
