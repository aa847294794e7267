"""Pictures in a folder of this machine, or of a file system that several machines share. Only we may open it.

A picture is written into a folder with a dot before its name, which gets its name when all of it is on the disk: so a
process or a machine that ends in between leaves no half picture, only a folder with a dot.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from libraries.image_files.places import KEY, away, folder_of, full, name_of
from libraries.rules.errors import described
from libraries.rules.images import Size

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Folder(FileSystemStorage):
    """Django's storage in a folder, with what `Place` asks for."""

    def write(self, key: str, files: Mapping[Size, Path]) -> None:
        """Copy the files, see that they are on the disk, and name their folder."""
        final, unfinished = self._folders(key)
        with _refusals():
            try:
                for folder in (Path(self.location), final.parent, unfinished):
                    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                for size, source in files.items():
                    _copy(source, unfinished / size)
                _to_disk(unfinished)
                unfinished.rename(final)
                _to_disk(final.parent)
            except BaseException:
                _erase(unfinished)
                raise

    def read(self, key: str, size: Size) -> bytes:
        """The bytes of a file."""
        with _refusals():
            return Path(self.path(name_of(key, size))).read_bytes()

    def erase(self, key: str) -> None:
        """Delete the folder of the picture, and the one with a dot."""
        with _refusals():
            for folder in self._folders(key):
                _erase(folder)

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """The folders that are named as pictures are."""
        with _refusals():
            for level in _entries(Path(self.location)):
                for folder in _entries(level):
                    key = folder.name.removeprefix(".")
                    if KEY.fullmatch(key) and (written := _written(folder)) is not None:
                        yield key, written

    def _folders(self, key: str) -> tuple[Path, Path]:
        """Where a picture is, and where it is while it is written."""
        final = Path(self.path(folder_of(key)))
        return final, final.with_name(f".{final.name}")


@contextmanager
def _refusals() -> Iterator[None]:
    """Faults of the disk become refusals; a missing file is for the caller."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise (full if error.errno in _NO_ROOM else away)(described(error)) from error


def _copy(source: Path, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with source.open("rb") as bytes_of, os.fdopen(handle, "wb") as out:
        shutil.copyfileobj(bytes_of, out)
        out.flush()
        os.fsync(out.fileno())


def _to_disk(folder: Path) -> None:
    """Wait until the names in the folder are on the disk, too (fsync(2) says that a file's own is not enough)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _erase(folder: Path) -> None:
    """Delete a picture's folder; another process may be doing the same."""
    for size in Size:
        (folder / size).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except FileNotFoundError:
        return  # this is what we want


def _entries(folder: Path) -> list[Path]:
    try:
        return [folder / entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []  # nothing was written yet


def _written(folder: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None  # it was deleted, or got its name, in the meantime
