"""The addresses by which other machines reach this one."""

from __future__ import annotations

import socket
from collections import namedtuple
from typing import Any

import psutil
import pytest

from portal import lan

Entry = namedtuple("Entry", ["family", "address"])
Stats = namedtuple("Stats", ["isup"])
ENTRIES = {
    "lo": [Entry(socket.AF_INET, "127.0.0.1"), Entry(socket.AF_INET6, "::1")],
    "docker0": [Entry(socket.AF_INET, "172.17.0.1")],
    "wlan0": [
        Entry(socket.AF_INET, "192.168.1.20"),
        Entry(socket.AF_INET6, "fd00::2"),
        Entry(socket.AF_INET6, "fe80::1%wlan0"),
        Entry(psutil.AF_LINK, "00:00:00:00:00:00"),
    ],
    "lost": [Entry(socket.AF_INET, "169.254.7.7")],
    "off": [Entry(socket.AF_INET, "10.0.0.5")],
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a network, containers, and an interface that is off."""
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: ENTRIES)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {name: Stats(name != "off") for name in ENTRIES})
    monkeypatch.setattr(lan, "_leaves_by", {4: "192.168.1.20", 6: None}.get)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("listens_on", "hosts"),
    [
        ("0.0.0.0", ["192.168.1.20", "172.17.0.1"]),  # noqa: S104
        ("::", ["[fd00::2]"]),
        ("*", ["192.168.1.20", "172.17.0.1", "[fd00::2]"]),
        ("172.17.0.1", ["172.17.0.1"]),
        ("fd00::2", ["[fd00::2]"]),
        ("table.local", ["table.local"]),
        ("127.0.0.1", []),
        ("127.1.2.3", []),
        ("::1", []),
        ("localhost", []),
    ],
)
def test_the_address_of_the_default_route_comes_first(listens_on: str, hosts: list[str]) -> None:
    assert lan.lan_hosts(listens_on) == hosts


def test_a_machine_without_a_route_has_no_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert lan._leaves_by(4) is None
