"""What the worker gives up before it decodes a file: memory, time, files, the network, other processes.

Every part that a system does not have is left out, except the limits on memory, time and open files. Linux has all:
`rlimits` and `prctl` (their manual pages), Landlock (Linux 5.13; its user-space API in the kernel's documentation), and
the filter of system calls in `system_calls`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

from libraries.imaging import system_calls
from libraries.imaging.limits import NICE, OPEN_FILES, Limits

_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS = 1, 4, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_RULE_PATH_BENEATH, _ASK_VERSION = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _MAKE_REG, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 8, 1 << 14
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""The number of rights on files that each version of Landlock knows; from 5 on there are 16."""
_TCP, _SCOPES = 0b11, 0b11
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts")


def of_process(parent: int, limits: Limits) -> None:
    """Limit this process, and make it end with its parent. It may still read files, to load a decoder."""
    os.nice(NICE)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    with suppress(ValueError, OSError):  # macOS has no such limit
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
    if sys.platform == "linux":
        with suppress(OSError):  # without /proc it is as likely as others to be ended when the machine has no memory
            Path("/proc/self/oom_score_adj").write_text("1000")
        _prctl(_PDEATHSIG, signal.SIGKILL)
        _prctl(_NO_NEW_PRIVS, 1)
        _prctl(_DUMPABLE, 0)
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)


def of_decoder(folder: int, limits: Limits, *, may_have_threads: bool) -> None:
    """Leave only the writing of files in one folder, an open descriptor, and the reading of Python and of fonts."""
    more_time(limits.cpu_seconds, hard=int(limits.file_seconds) + 1)
    if not may_have_threads:
        with suppress(ValueError, OSError):
            _limit(resource.RLIMIT_NPROC, 0)  # it counts all processes of a user, so a thread needs more; root has none
    if sys.platform == "linux":
        _landlock(folder)
        system_calls.filter_them()


def more_time(seconds: int, hard: int | None = None) -> None:
    """Allow so many more seconds of a core from now on, and in all at most `hard`."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = hard if hard is not None else resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft if most < 0 else min(soft, most), most))


def landlock_version() -> int:
    """The version of Landlock that the kernel has; 0 or less for none."""
    return int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION)))


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard < 0 else min(most, hard)
    resource.setrlimit(what, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc().prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _landlock(folder: int) -> None:
    """Only the folder can be written to, only Python's own files and fonts read, and no TCP port used."""
    version = landlock_version()
    if version < 1:
        return
    handled = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    network, scopes = _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, network, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    libc = _libc()
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    _allow(rules, folder, (_WRITE_FILE | _MAKE_REG | _TRUNCATE) & handled)
    for readable in {
        *(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *_FONTS,
    }:
        with suppress(OSError):  # not every system has all of them
            opened = os.open(readable, os.O_PATH | os.O_CLOEXEC)
            _allow(rules, opened, _READ_FILE | _READ_DIR)
            os.close(opened)
    if libc.syscall(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(rules)


def _allow(rules: int, folder: int, rights: int) -> None:
    rule = struct.pack("=Qi", rights, folder)
    if _libc().syscall(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_add_rule")
