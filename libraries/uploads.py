"""A file that is being uploaded: kept in a folder of its own, which is gone afterwards, and made into pictures.

Nothing of it is stored here; that is for `libraries.services.images`.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from django.conf import settings

from libraries.imaging.process import Conversion
from libraries.imaging.results import Picture
from libraries.rules.errors import NO_ROOM, StorageFull, UploadTooLarge

T = TypeVar("T")

UPLOAD: Final = "portal.upload"
"""The scope extension with the `Upload` of a request; None as long as its body has not been read."""
GO_ON = 100
"""The status with which a view asks for the body (RFC 9110, section 15.2.1). It is never sent as an answer."""
KEPT_FREE_BYTES = 64 * 1024 * 1024
"""An upload is refused before it fills the disk: the database may be on the same one."""
_TURN = threading.Lock()
"""One file at a time is made into pictures in a process: each may take hundreds of MiB for some seconds."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Upload:
    """A file that was received, and the pictures in it; none if they are stored already."""

    def __init__(self, source_digest: str, pictures: tuple[Picture, ...]) -> None:
        self.source_digest = source_digest
        self.pictures = pictures


class Spool:
    """The file while it arrives: at most `PORTAL_MAX_UPLOAD_BYTES` (0: no limit). `close` deletes it."""

    def __init__(self, announced: int = 0) -> None:
        self._most = int(settings.PORTAL_MAX_UPLOAD_BYTES)
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.size = 0
        self._check_size(announced)
        parent = Path(settings.PORTAL_UPLOADS_DIR)
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(parent).free < announced + KEPT_FREE_BYTES:
            raise StorageFull(NO_ROOM)
        with _full_disk_said():
            self.folder = Path(tempfile.mkdtemp(dir=parent))
            try:
                self._file = self.source.open("xb")
            except OSError:
                self.close()
                raise

    @property
    def source(self) -> Path:
        """The file."""
        return self.folder / "source"

    @property
    def digest(self) -> str:
        """The SHA-256 of what has arrived, as hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, piece: bytes) -> None:
        """Add a piece; UploadTooLarge or StorageFull."""
        self._check_size(self.size + len(piece))
        assert self._file is not None, "closed"  # noqa: S101
        with _full_disk_said():
            self._file.write(piece)
        self.size += len(piece)
        self._hash.update(piece)

    def finish(self) -> None:
        """All has arrived."""
        if self._file is not None:
            with _full_disk_said():
                self._file.close()
            self._file = None

    def close(self) -> None:
        """Delete the file, and what was made of it."""
        if self._file is not None:
            with suppress(OSError):  # what was still to be written is deleted anyway
                self._file.close()
            self._file = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def conversion(self) -> Conversion:
        """What makes pictures of the file, in the same folder."""
        made = self.folder / "made"
        with _full_disk_said():
            made.mkdir(mode=0o700)
        return Conversion(self.source, made)

    def _check_size(self, size: int) -> None:
        if self._most and size > self._most:
            raise UploadTooLarge(f"The file is too long: at most {self._most:,} bytes are possible.")


def converted(conversion: Conversion, tell: Callable[[int, int], None] = lambda done, of: None) -> tuple[Picture, ...]:
    """The pictures of a file, made by a process of their own; others wait until it is done."""
    with _TURN:
        return tuple(conversion.run(tell))


def received(pieces: Iterable[bytes], use: Callable[[Upload], T]) -> T:
    """What `use` makes of a file that is read here, for callers who have a thread; nothing of it is left afterwards."""
    spool = Spool()
    try:
        for piece in pieces:
            spool.write(piece)
        spool.finish()
        return use(Upload(spool.digest, converted(spool.conversion())))
    finally:
        spool.close()


def drop_old_spools(older_than_seconds: float) -> int:
    """Delete what uploads of processes that were killed have left; returns their number."""
    parent, before = Path(settings.PORTAL_UPLOADS_DIR), time.time() - older_than_seconds
    dropped = 0
    for folder in parent.iterdir() if parent.is_dir() else ():
        try:
            is_old = folder.stat().st_mtime < before
        except FileNotFoundError:  # its upload has just ended
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)
            dropped += 1
    return dropped


@contextmanager
def _full_disk_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(NO_ROOM) from error
