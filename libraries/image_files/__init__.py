"""The files of pictures, in the storage that the settings name `images`: a folder, or a bucket.

A picture has a random `key`, which names its files: `<first two characters>/<key>/full`, and so on for each `Size`. The
names are the same in a folder and in a bucket, so any tool that copies files moves them. A key is written once. This
package knows no rows (`libraries.images`), and does not look into a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from django.core.files.storage import storages

from libraries.image_files.places import Place
from libraries.rules.images import Size

ALIAS = "images"
"""The name of the storage in `STORAGES`."""


def write(key: str, files: Mapping[Size, Path]) -> None:
    """Store copies of the files of one picture, all of them or none.

    Nobody can read a file before it is whole. Raises StorageFull if there is no room left, and Unavailable if the
    storage does not work or does not answer in time; a file to copy that is missing is a FileNotFoundError.
    """
    _place().write(key, files)


def read(key: str, size: Size) -> bytes:
    """All bytes of one file; FileNotFoundError if it is missing, Unavailable if the storage does not work."""
    return _place().read(key, size)


def delete(key: str) -> None:
    """Delete the files of a picture, and what a cut write has left of it; missing ones are fine.

    Raises Unavailable if the storage does not work: some of the files may be left then.
    """
    _place().erase(key)


def stored() -> Iterator[tuple[str, datetime]]:
    """The key of each picture that has a file, also of cut writes, and when it was last written.

    A key can come twice. Raises Unavailable if the storage does not work.
    """
    return _place().stored()


def _place() -> Place:
    return cast(Place, storages[ALIAS])
