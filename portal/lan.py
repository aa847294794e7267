"""The addresses by which other machines reach this one. Whether they may is in `portal.settings`."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import psutil

EVERY_ADDRESS = {"0.0.0.0": (4,), "::": (6,), "*": (4, 6)}  # noqa: S104  # what `serve --host` calls all addresses
_ELSEWHERE = {4: (socket.AF_INET, "198.51.100.1"), 6: (socket.AF_INET6, "2001:db8::1")}
"""An address that is in no network (RFC 5737, RFC 3849): the way there is the default route."""
_PORT = 9


def lan_hosts(listens_on: str) -> list[str]:
    """The hosts of addresses, such as `192.168.1.20` or `[fd00::2]`, under which a server there is reached from others.

    `listens_on` is an address, a host name, or a key of `EVERY_ADDRESS`. The address of the default route comes first.
    Empty if only this machine reaches the server.
    """
    if listens_on in EVERY_ADDRESS:
        return [_host(address) for address in _own_addresses(EVERY_ADDRESS[listens_on])]
    try:
        address = ip_address(listens_on)
    except ValueError:
        return [] if listens_on == "localhost" else [listens_on]
    return [_host(address)] if _is_reached(address) else []


def _own_addresses(versions: tuple[int, ...]) -> list[IPv4Address | IPv6Address]:
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = {
        ip_address(entry.address)
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if name in up and entry.family in (socket.AF_INET, socket.AF_INET6) and "%" not in entry.address
    }
    reached = [address for address in found if address.version in versions and _is_reached(address)]
    first = {_leaves_by(version) for version in versions}
    return sorted(reached, key=lambda address: (str(address) not in first, address.version, address))


def _is_reached(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is the address of one machine in a network; a link-local one needs the name of an interface."""
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _leaves_by(version: int) -> str | None:
    """Our address on the default route, if there is one. Nothing is sent."""
    family, elsewhere = _ELSEWHERE[version]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, _PORT))
            return str(probe.getsockname()[0])
    except OSError:  # no route
        return None


def _host(address: IPv4Address | IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
