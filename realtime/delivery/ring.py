"""The same bytes to many sockets in one system call: Linux's io_uring, through ctypes. See decision 011.

A send on a non-blocking socket is done, or refused, before the call returns. So no send is in progress between two
calls, and buffers and sockets need to live only for the call. `realtime.delivery.audience` chooses the targets, and
finishes the sends that were not taken completely.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
import sys
import threading
import weakref
from array import array
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from django.conf import settings

ENTRIES = 1024
"""The number of sends in one call."""

# linux/io_uring.h; the system call numbers are the same on all architectures that CPython has wheels for.
_SETUP, _ENTER = 425, 426
_GET_EVENTS = 1
_SINGLE_MMAP = 1
_AT_ENTRIES = 0x1000_0000
_NOP, _SEND = 0, 26
_FLAGS = 0x4040  # MSG_DONTWAIT | MSG_NOSIGNAL
# opcode, flags, ioprio, fd, off, addr, len, msg_flags, user_data, and fields that sends do not use
_SEND_ENTRY = struct.Struct("=BBHiQQIIQ24x")
_RESULT_BYTES = 16

log = structlog.get_logger(__name__)


def _numbers(*names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_uint32) for name in names]


class _Submissions(ctypes.Structure):
    """io_sqring_offsets."""

    _fields_ = [
        *_numbers("head", "tail", "ring_mask", "ring_entries", "flags", "dropped", "array", "resv1"),
        ("user_addr", ctypes.c_uint64),
    ]


class _Completions(ctypes.Structure):
    """io_cqring_offsets."""

    _fields_ = [
        *_numbers("head", "tail", "ring_mask", "ring_entries", "overflow", "cqes", "flags", "resv1"),
        ("user_addr", ctypes.c_uint64),
    ]


class _Params(ctypes.Structure):
    """io_uring_params."""

    _fields_ = [
        *_numbers("sq_entries", "cq_entries", "flags", "sq_thread_cpu", "sq_thread_idle", "features", "wq_fd"),
        ("resv", ctypes.c_uint32 * 3),
        ("sq_off", _Submissions),
        ("cq_off", _Completions),
    ]


class Targets:
    """The sockets that get the same bytes, by file descriptor. Each must be non-blocking, and open during the send."""

    __slots__ = ("descriptors", "entries", "size")

    def __init__(self, descriptors: Sequence[int]) -> None:
        self.descriptors = descriptors
        self.size = len(descriptors)
        self.entries = b"".join(
            _SEND_ENTRY.pack(_SEND, 0, 0, descriptor, 0, 0, 0, _FLAGS, place)
            for place, descriptor in enumerate(descriptors)
        )


class Ring:
    """An io_uring for one thread. OSError if the kernel does not allow one, as in many containers."""

    def __init__(self) -> None:
        self.is_broken = False
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "io_uring is Linux's")
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._call.restype = ctypes.c_long
        params = _Params()
        self._descriptor = self._call(_SETUP, ENTRIES, ctypes.byref(params))
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        weakref.finalize(self, os.close, self._descriptor)
        if not params.features & _SINGLE_MMAP:  # before Linux 5.4
            raise OSError(errno.ENOSYS, "io_uring_setup")
        self._map(params)

    def _map(self, params: _Params) -> None:
        sq, cq = params.sq_off, params.cq_off
        size = max(sq.array + params.sq_entries * 4, cq.cqes + params.cq_entries * _RESULT_BYTES)
        rings = memoryview(mmap.mmap(self._descriptor, size))
        self._entries = memoryview(
            mmap.mmap(self._descriptor, params.sq_entries * _SEND_ENTRY.size, offset=_AT_ENTRIES)
        )
        self._lengths = self._entries.cast("I")[6::16]
        self._addresses = self._entries.cast("Q")[2::8]
        self._sq_tail, self._cq_head = (rings[offset : offset + 4].cast("I") for offset in (sq.tail, cq.head))
        results = rings[cq.cqes : cq.cqes + params.cq_entries * _RESULT_BYTES]
        self._places, self._results = results.cast("Q")[0::2], results.cast("i")[2::4]
        self._count, self._result_count = params.sq_entries, params.cq_entries
        order = rings[sq.array : sq.array + params.sq_entries * 4].cast("I")
        for place in range(self._count):
            order[place] = place

    def send(self, targets: Targets, data: bytes, passed_over: Collection[int] = ()) -> list[tuple[int, int]]:
        """Send to all targets except the places in `passed_over`. Returns the incomplete sends: place and octets taken.

        An error counts as 0 octets taken: the usual write that follows gets the same error again.
        """
        behind: list[tuple[int, int]] = []
        done = 0
        while done < targets.size and not self.is_broken:
            at = self._sq_tail[0] & (self._count - 1)
            count = min(targets.size - done, self._count - at)
            self._fill(at, targets.entries[done * _SEND_ENTRY.size : (done + count) * _SEND_ENTRY.size], data)
            for place in passed_over:
                if done <= place < done + count:
                    self._entries[(at + place - done) * _SEND_ENTRY.size] = _NOP
            entered = self._enter(count)
            behind += self._take_results(entered, len(data))
            done += entered
        return behind + [(place, 0) for place in range(done, targets.size)]

    def _fill(self, at: int, entries: bytes, data: bytes) -> None:
        count = len(entries) // _SEND_ENTRY.size
        address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        self._entries[at * _SEND_ENTRY.size : (at + count) * _SEND_ENTRY.size] = entries
        self._lengths[at : at + count] = array("I", [len(data)]) * count
        self._addresses[at : at + count] = array("Q", [address]) * count

    def _enter(self, count: int) -> int:
        """Submit the next `count` entries; returns how many were done. Fewer only if the kernel does no more."""
        self._sq_tail[0] = (self._sq_tail[0] + count) & 0xFFFF_FFFF
        entered = 0
        while entered < count:
            left = count - entered
            taken = self._call(_ENTER, self._descriptor, left, left, _GET_EVENTS, None, 0)
            if taken > 0:
                entered += taken
            elif taken == 0 or ctypes.get_errno() != errno.EINTR:  # at 0, errno is that of an earlier call
                self.is_broken = True
                log.warning("io_uring_broken", error=errno.errorcode.get(ctypes.get_errno()) if taken else None)
                break
        return entered

    def _take_results(self, count: int, size: int) -> list[tuple[int, int]]:
        head = self._cq_head[0]
        first = head & (self._result_count - 1)
        until_end = min(count, self._result_count - first)
        results = self._results[first : first + until_end].tolist() + self._results[: count - until_end].tolist()
        behind = []
        if results.count(size) != count:
            for number, result in enumerate(results):
                if result != size:
                    place = self._places[(first + number) & (self._result_count - 1)]
                    behind.append((place, max(result, 0)))
        self._cq_head[0] = (head + count) & 0xFFFF_FFFF
        return behind


class _OfThread(threading.local):
    """A thread's ring, and whether it was already requested."""

    ring: Ring | None = None
    was_asked_for = False


_of_thread = _OfThread()


def current_ring() -> Ring | None:
    """The ring of the running thread; None if the settings or the kernel do not allow one, or it is broken."""
    if not _of_thread.was_asked_for:
        _of_thread.was_asked_for = True
        if settings.PORTAL_IO_URING:
            try:
                _of_thread.ring = Ring()
            except OSError as error:
                log.info("no_io_uring", error=repr(error))
    ring = _of_thread.ring
    return None if ring is None or ring.is_broken else ring
