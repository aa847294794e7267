"""The system calls that the worker gives up: sockets, other programs, other processes. Threads stay possible.

The filter is a program of classic BPF (seccomp(2); `struct seccomp_data` is number, architecture, address, arguments).
Landlock limits TCP alone, and does not stop a process from starting others; this does both.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_MODE_FILTER, _PR_SET_SECCOMP = 2, 22
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000

_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        56,
        435,
        # socket connect accept sendto sendmsg bind listen socketpair fork vfork execve kill ptrace setsid tkill
        # keyctl process_vm_readv process_vm_writev execveat bpf userfaultfd perf_event_open io_uring_setup
        (41, 42, 43, 44, 46, 49, 50, 53, 57, 58, 59, 62, 101, 112, 200, 250, 310, 311, 322, 321, 323, 298, 425),
    ),
    "aarch64": (
        0xC00000B7,
        220,
        435,
        # as above, without fork and vfork
        (198, 203, 202, 206, 211, 200, 201, 199, 221, 129, 117, 157, 130, 219, 270, 271, 281, 280, 282, 241, 425),
    ),
}
"""By machine: its number in the kernel, `clone`, `clone3`, and the calls that are refused with EPERM."""


def filter_them() -> bool:
    """Refuse the calls from now on, for good; false if the machine or the kernel has no such filter."""
    known = _ARCHITECTURES.get(platform.machine()) if struct.calcsize("P") == 8 else None
    if known is None:
        return False
    program = b"".join(_program(*known))
    buffer = ctypes.create_string_buffer(program)
    head = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), head, ctypes.c_ulong(0), ctypes.c_ulong(0))
    if done and ctypes.get_errno() != errno.EINVAL:  # EINVAL: the kernel was built without it
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return not done


def _program(architecture: int, clone: int, clone3: int, refused: tuple[int, ...]) -> list[bytes]:
    """The instructions. A jump counts those that it skips."""
    eperm, enosys = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, architecture, 1, 0),
        _line(_RETURN, _KILL),  # calls of another architecture have other numbers
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, _KILL),
        _line(_EQUAL, clone3, 0, 1),
        _line(_RETURN, enosys),  # its flags are out of sight; the C library falls back to clone
    ]
    for number in refused:
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, eperm)]
    return [
        *lines,
        _line(_EQUAL, clone, 0, 3),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _line(_RETURN, eperm),
        _line(_RETURN, _ALLOW),
    ]


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
