"""Which thread of a process has a core first: the event loop, before threads that compute for milliseconds.

Only Linux knows this for each thread. The loop wakes up for everything that comes, and on a core that it shares the
kernel (sched(7); since Linux 6.6 its rule is EEVDF) often let another thread go on until the next tick of its clock: up
to 4 ms. See decision 026.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

SLICE_NANOSECONDS = 100_000
"""The shortest that Linux has: a thread that has had less than its part may run at once (since Linux 6.12)."""
NICENESS = 15
"""See nice(1): how much lower the priority of other threads is than that of the loop."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The number of the system call; the C library has no function for it."""
_NICEST = 19
_here = threading.local()


class _Attributes(ctypes.Structure):
    """`struct sched_attr`, in its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def take_short_slices() -> bool:
    """Have this thread, and all that it starts from now on, run in short slices; false where that is not known."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or not _is_usual():
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes), policy=os.SCHED_OTHER, nice=nice, runtime=SLICE_NANOSECONDS
    )
    refused: int = ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attributes), 0)
    return not refused


def let_sockets_first() -> bool:
    """Have this thread, and all that it starts from now on, come after the event loop; false where that is not known.

    When such a thread wakes up, the loop goes on: else each call to a database thread, and each hand-over of the
    interpreter's lock, could end the loop's slice. A short slice stays short. Its connections to the database give way.
    """
    _here.gives_way = True
    if not _is_usual():
        return False
    try:
        os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, _NICEST))
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError:  # a sandbox refuses it
        return False
    return True


def give_way_to_the_loop(connection: Any, **_: object) -> None:
    """Have the thread of this new connection rest for a moment before each query, if it is to come after the loop.

    A loop that wakes up, and may not interrupt the thread at that moment, waits until the kernel's next tick otherwise,
    and a thread that makes one query after the other has work for several ticks. A receiver of `connection_created`.
    """
    wrappers = connection.execute_wrappers
    if getattr(_here, "gives_way", False) and _after_a_rest not in wrappers:
        wrappers.append(_after_a_rest)


def _after_a_rest(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
    time.sleep(0)  # it gives back the interpreter's lock, and the core
    return execute(sql, params, many, context)


def _is_usual() -> bool:
    """Whether this is Linux, and the thread has no policy that somebody chose for it."""
    if sys.platform != "linux":
        return False
    try:
        return os.sched_getscheduler(0) in (os.SCHED_OTHER, os.SCHED_BATCH)
    except OSError:  # musl, the C library of Alpine, has none of these calls
        return False
