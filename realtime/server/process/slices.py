"""The core in short slices, so that the kernel lets the event loop run as soon as something comes.

Database threads compute for milliseconds, and on a core that they share with the loop the kernel lets each of them end
its slice first, whatever its priority (sched(7) of Linux 6.12, EEVDF). So all threads of the process have short ones;
their parts of the core stay the same.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

SLICE_NANOSECONDS = 100_000
"""The shortest that Linux has."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The number of the system call; the C library has no function for it."""
_OTHER = 0


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
    if sys.platform != "linux" or number is None or os.sched_getscheduler(0) != _OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _Attributes(size=ctypes.sizeof(_Attributes), nice=nice, runtime=SLICE_NANOSECONDS)
    refused: int = ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attributes), 0)
    return not refused
