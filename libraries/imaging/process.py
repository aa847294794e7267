"""Starting the worker, listening to it, and ending it. What it says is checked, since a file may have taken it over."""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from libraries.imaging.faults import Fault, error_of
from libraries.imaging.limits import FULL_PX, LIMITS, LINE_BYTES, Limits
from libraries.imaging.results import Picture
from libraries.rules.images import Size

log = structlog.get_logger(__name__)

WORKER = Path(__file__).with_name("worker.py")
_HEADS = {
    "image/jpeg": (b"\xff\xd8\xff", b""),
    "image/png": (b"\x89PNG\r\n\x1a\n", b""),
    "image/webp": (b"RIFF", b"WEBP"),
}
"""How a file of each type begins, and what it has from its ninth byte on."""


class Stopped(Exception):
    """The conversion was stopped by `stop`."""


class _Nonsense(Exception):
    """The worker said what it never says."""


class Conversion:
    """A file, `source`, made into pictures in `folder`, which is empty, and is the caller's to delete."""

    def __init__(self, source: Path, folder: Path, limits: Limits = LIMITS) -> None:
        self._source = source
        self._folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def run(self, tell: Callable[[int, int], None] = lambda done, of: None) -> list[Picture]:
        """The pictures of the file, in the order of its pages. Blocks its thread, which must not end meanwhile.

        `tell` is called after each picture with the number of those done, and of all. Raises ImageInvalid with a
        sentence for whoever sent the file, StorageFull, Unavailable, or Stopped.
        """
        process = self._started()
        try:
            pictures = self._heard(process, tell)
        except _Nonsense as error:
            log.warning("image_worker_nonsense", reason=str(error))
            raise error_of(Fault.CRASHED) from error
        finally:
            self._ended(process)
        return pictures

    def stop(self) -> None:
        """End the worker, from any thread and at any time, also before `run`; that raises Stopped."""
        with self._lock:
            self._is_stopped = True
            self._kill()

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", str(WORKER), str(self._folder), str(os.getpid())]
        with self._lock:
            if self._is_stopped:
                raise Stopped
            try:
                with self._source.open("rb") as source:
                    self._process = subprocess.Popen(  # noqa: S603  # our own program
                        [*command, json.dumps(asdict(self._limits))],
                        stdin=source,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL,
                        bufsize=0,
                        env={},
                        cwd="/",
                        process_group=0,  # a session of its own would get as much of a core as the whole server
                    )
            except OSError as error:
                log.error("image_worker_not_started", reason=str(error))
                raise error_of(Fault.START) from error
            _come_last(self._process.pid)
            return self._process

    def _kill(self) -> None:
        """The lock is held, so the process was not waited for, and its number is still its own."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _heard(self, process: subprocess.Popen[bytes], tell: Callable[[int, int], None]) -> list[Picture]:
        pictures: list[Picture] = []
        of = 1
        lines = _Lines(process, self._limits)
        while (line := lines.next()) is not None:
            said = _object(line)
            if "fault" in said:
                raise self._refusal(said)
            of = _whole(said, "of", 1, self._limits.pages)
            if len(pictures) >= of or _whole(said, "done", 1, of) != len(pictures) + 1:
                raise _Nonsense("done")
            pictures.append(self._picture(said, len(pictures) + 1))
            tell(len(pictures), of)
            lines.picture_is_made()
        if len(pictures) < of or not pictures:
            self._raise_for_end(process, is_late=lines.is_late)
        return pictures

    def _refusal(self, said: dict[str, Any]) -> Exception:
        """The error that the worker names by a fault."""
        numbers = said.get("numbers", [])
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            return _Nonsense("numbers")
        try:
            fault = Fault(said["fault"])
        except ValueError:
            return _Nonsense("fault")
        log.info("image_refused", fault=str(fault), cause=str(said.get("cause", ""))[:500])
        return error_of(fault, tuple(min(number, 10**18) for number in numbers[:2]))

    def _raise_for_end(self, process: subprocess.Popen[bytes], *, is_late: bool) -> None:
        """The worker ended before it was done, or takes too long."""
        with self._lock:
            if self._is_stopped:
                raise Stopped
            if is_late:
                self._kill()
            code = process.wait()
        fault = Fault.TIME if is_late or code == -signal.SIGXCPU else _FAULT_OF_END.get(code, Fault.CRASHED)
        log.warning("image_worker_ended", code=code, fault=str(fault))
        raise error_of(fault)

    def _picture(self, said: dict[str, Any], number: int) -> Picture:
        media_type = said.get("type")
        if not isinstance(media_type, str) or media_type not in _HEADS or type(said.get("animated")) is not bool:
            raise _Nonsense("type")
        files = {size: self._folder / f"{number}-{size}" for size in Size}
        for size, path in files.items():
            _check_file(path, media_type if size is Size.FULL else "image/webp", self._limits)
        return Picture(
            page=None if said.get("page") is None else _whole(said, "page", number, number),
            media_type=media_type,
            width=_whole(said, "width", 1, FULL_PX),
            height=_whole(said, "height", 1, FULL_PX),
            is_animated=said["animated"],
            files=files,
        )


def _come_last(pid: int) -> None:
    """Let the worker have only what others leave of a core, from its start on: Python takes milliseconds to begin.

    One that is only nice runs on for some milliseconds while a thread that holds the server's GIL waits.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox refuses it, and musl, the C library of Alpine, does not know it
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


_FAULT_OF_END = {0: Fault.START, 1: Fault.START, -signal.SIGKILL: Fault.KILLED, -signal.SIGTERM: Fault.KILLED}
"""What it means that the worker ended in this way without having said anything else: 1 is Python's, for an error."""


class _Lines:
    """The lines of the worker, and the time that it has for them."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        assert process.stdout is not None  # noqa: S101
        self._pipe = process.stdout.fileno()
        self._limits = limits
        self._end = time.monotonic() + limits.file_seconds
        self._waiting = b""
        self.is_late = False
        self.picture_is_made()

    def picture_is_made(self) -> None:
        """The time for the next picture begins."""
        self._next = time.monotonic() + self._limits.picture_seconds

    def next(self) -> bytes | None:
        """The next line; None if the worker has ended, or is late."""
        while b"\n" not in self._waiting:
            if len(self._waiting) > LINE_BYTES:
                raise _Nonsense("length")
            poll = select.poll()
            poll.register(self._pipe, select.POLLIN)
            left = min(self._end, self._next) - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000 + 1):
                self.is_late = True
                return None
            if not (piece := os.read(self._pipe, LINE_BYTES)):
                return None
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Nonsense("no JSON") from error
    if not isinstance(said, dict):
        raise _Nonsense("no object")
    return said


def _whole(said: dict[str, Any], key: str, least: int, most: int) -> int:
    value = said.get(key)
    if type(value) is not int or not least <= value <= most:
        raise _Nonsense(key)
    return value


def _check_file(path: Path, media_type: str, limits: Limits) -> None:
    """A file of its own, of that type, that is not too long."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            head = file.read(12) if stat.S_ISREG(about.st_mode) else b""
    except OSError as error:
        raise _Nonsense("file") from error
    start, later = _HEADS[media_type]
    is_fine = about.st_nlink == 1 and 0 < about.st_size <= limits.file_bytes
    if not (is_fine and head.startswith(start) and head[8:].startswith(later)):
        raise _Nonsense("file")
