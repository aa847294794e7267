"""Starts the process that makes pictures of a file, follows it, and ends it if it takes too long.

What the process says is not believed: it may have been taken over by the file.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from libraries.imaging import limits
from libraries.imaging.results import Picture
from libraries.rules.errors import ImageInvalid, PortalError, StorageFull, Unavailable
from libraries.rules.images import Size

_ROOT = Path(__file__).resolve().parents[2]
_WORKER = Path(__file__).with_name("worker.py")
_NAME = re.compile(r"[0-9]{1,3}-(?:full|256|512|1024)")
_TYPES = ("image/jpeg", "image/png", "image/webp")
_LONGEST_LINE = 4096
_BROKEN = "The file is broken, or not complete."

log = structlog.get_logger(__name__)


class Stopped(PortalError):
    """Somebody called `stop`."""

    code = "unavailable"


class Distrusted(Exception):
    """The process said or wrote what it should not."""


class Conversion:
    """The pictures of one file, which are written to a folder of their own. It is used once."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, tell: Callable[[int, int], None] = lambda done, of: None) -> list[Picture]:
        """The pictures, in a thread that waits for them; `tell` is called with how many of how many are done.

        ImageInvalid, StorageFull or Unavailable; Stopped after `stop`.
        """
        with self._source.open("rb") as source:
            process = self._start(source)
        try:
            pictures = self._follow(process, tell)
        except Distrusted as error:
            log.error("imaging_distrusted", reason=str(error))
            raise ImageInvalid(_BROKEN) from None
        finally:
            self._end(process)
            process.wait()
            assert process.stdout is not None  # noqa: S101  # a pipe
            process.stdout.close()
        return pictures

    def stop(self) -> None:
        """End the process; from another thread."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                self._end(self._process)

    def _start(self, source: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", str(_WORKER), str(_ROOT), str(self._folder), str(os.getpid())]
        with self._lock:
            if self._is_stopped:
                raise Stopped("The upload was given up.")
            try:
                self._process = subprocess.Popen(  # noqa: S603  # our own command line
                    command,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                log.error("imaging_not_started", error=str(error))
                raise Unavailable("Pictures cannot be made at the moment: try again later.") from error
            return self._process

    def _follow(self, process: subprocess.Popen[bytes], tell: Callable[[int, int], None]) -> list[Picture]:
        pictures: list[Picture] = []
        of = 0
        for said in _lines(process, time.monotonic() + limits.FILE_SECONDS):
            if isinstance(refused := said.get("refused"), str):
                raise ImageInvalid(refused)
            if said.get("full") is True:
                raise StorageFull("The server has no room left for pictures; nothing was stored.")
            if "of" in said:
                of = _number(said["of"], limits.MAX_PAGES)
            elif len(pictures) < of:
                pictures.append(self._picture(said, len(pictures) + 1, of))
            else:
                raise Distrusted("more pictures than it said")
            tell(len(pictures), of)
        status = process.wait()
        if self._is_stopped:
            raise Stopped("The upload was given up.")
        if status == -signal.SIGXCPU:
            raise ImageInvalid("The file takes too long: make it smaller, or save it in another way.")
        if status or not of or len(pictures) != of:
            log.warning("imaging_ended", status=status, pictures=len(pictures), of=of)
            raise ImageInvalid(_BROKEN)
        return pictures

    def _picture(self, said: dict[str, Any], number: int, of: int) -> Picture:
        page = said.get("page")
        if page not in (None, number) or (page is None and of > 1) or said.get("media_type") not in _TYPES:
            raise Distrusted("a picture that is none")
        named = said.get("files")
        if not isinstance(named, dict) or set(named) != {size.value for size in Size}:
            raise Distrusted("other files than there should be")
        width, height = (_number(said.get(key), limits.LONGEST_SIDE) for key in ("width", "height"))
        files = {size: self._file(named[size.value]) for size in Size}
        return Picture(page, said["media_type"], width, height, said.get("is_animated") is True, files)

    def _file(self, name: object) -> Path:
        """The path of a file that it wrote: a plain one, in its folder."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Distrusted("a name that it should not give")
        path = self._folder / name
        try:
            found = path.lstat()
        except OSError as error:
            raise Distrusted("a file that is not there") from error
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= limits.OUTPUT_BYTES:
            raise Distrusted("a file that is none")
        return path

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()


def _number(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
        raise Distrusted("a number that cannot be")
    return value


def _lines(process: subprocess.Popen[bytes], deadline: float) -> Iterator[dict[str, Any]]:
    """What it says, line by line, until it ends; ImageInvalid if it says nothing for too long."""
    assert process.stdout is not None  # noqa: S101  # a pipe
    descriptor = process.stdout.fileno()
    waiting = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            patience = min(limits.SILENT_SECONDS, deadline - time.monotonic())
            if patience <= 0 or not selector.select(patience):
                raise ImageInvalid("The file takes too long: make it smaller, or save it in another way.")
            if not (read := os.read(descriptor, _LONGEST_LINE)):
                return
            *lines, waiting = (waiting + read).split(b"\n")
            if len(waiting) > _LONGEST_LINE:
                raise Distrusted("a line without an end")
            for line in lines:
                yield _decoded(line)


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        raise Distrusted("a line that is no JSON") from None
    if not isinstance(value, dict):
        raise Distrusted("a line that is no object")
    return value
