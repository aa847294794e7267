"""Reads what there is at this moment: connections, rooms, send buffers, and whether the other servers answer.

Nothing here is counted while the process runs, so none of it costs anything between two scrapes.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from libraries.rules.subjects import Subject
from realtime.hub.hub import Hub, current_hub
from realtime.metrics import names
from realtime.metrics.reports import Report, take_report

DATABASE, LAYER = "database", "channelLayer"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")

Checks = Callable[[], Mapping[str, bool]]


class _Site:
    checks: Checks | None = None


def check_with(checks: Checks) -> None:
    """Ask this function whether the database and the channel layer answer, by name; it may take a second."""
    _Site.checks = checks


async def full_report() -> Report:
    """All numbers of this process, read now."""
    if _Site.checks is not None:
        found = await asyncio.to_thread(_Site.checks)
        names.DATABASE_UP.set(found[DATABASE])
        names.LAYER_UP.set(found[LAYER])
    _read_process()
    read_hub(current_hub())
    return take_report(gauges=True)


def _read_process() -> None:
    names.PROCESSES.set(1)
    times = os.times()
    names.CPU.value = times.user + times.system
    if _STATM.exists():  # proc(5); only Linux has it
        names.MEMORY.set(int(_STATM.read_text().split()[1]) * _PAGE_BYTES)


def read_hub(hub: Hub) -> None:
    """Set the gauges of the rooms of this process."""
    roles: Counter[str] = Counter()
    subjects: set[Subject] = set()
    stalled = waiting = 0
    for keeper in hub.keepers.values():
        for connection in keeper.room.people.everybody():
            outlet = connection.outlet
            roles[connection.role] += 1
            subjects.add(connection.subject)
            stalled += outlet.stalled_since is not None
            waiting += outlet.waiting
    names.ROOMS.set(len(hub.keepers))
    for role in names.ROLES:
        names.CONNECTIONS.set(roles[role], role)
    names.SUBJECTS.set(len(subjects))
    names.STALLED.set(stalled)
    names.SEND_BUFFERS.set(waiting)
