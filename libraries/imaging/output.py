"""The files of a picture: which format each gets, and how it is written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from math import inf
from typing import IO, Any

from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from libraries.imaging import colours
from libraries.imaging.faults import Fault, Refused
from libraries.imaging.limits import FULL_PX, PAGE_PNG_BYTES, PNG_BYTES
from libraries.rules.images import THUMBNAILS, Size

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
_HOW: dict[str, tuple[str, dict[str, Any]]] = {
    JPEG: ("JPEG", {"quality": 85, "progressive": True, "subsampling": "4:2:0", "optimize": True}),
    PNG: ("PNG", {"compress_level": 6}),
    WEBP: ("WEBP", {"quality": 90, "method": 2}),
}
_THUMBNAIL: dict[str, Any] = {"quality": 80, "method": 4}
PIECE_BYTES = 64 * 1024
"""How much is written at once. Linux without preemption, as servers have it, takes the core away from no system call;
one that writes a whole picture has it for some milliseconds."""
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

Image.preinit()  # what `save` would look for later, when it may no longer read the files of other plugins
__all__ = ["JPEG", "PNG", "WEBP", "JpegImagePlugin", "Output", "PngImagePlugin", "WebPImagePlugin"]


class _TooLong(Exception):
    """More was written than a format may take."""


class _Pieces:
    """A file that is written in small pieces, and takes at most `room` bytes: a PNG that grows too long is given up."""

    def __init__(self, file: IO[bytes], room: float) -> None:
        self._file = file
        self._room = room

    def write(self, given: bytes) -> int:
        """As a file's."""
        self._room -= len(given)
        if self._room < 0:
            raise _TooLong
        for start in range(0, len(given), PIECE_BYTES):
            self._file.write(memoryview(given)[start : start + PIECE_BYTES])
        return len(given)

    def flush(self) -> None:
        """As a file's."""


class Output:
    """The folder that the files go to, as an open descriptor; picture 3 has the files `3-full`, `3-256` and so on."""

    def __init__(self, folder: int) -> None:
        self._folder = folder

    def still(self, number: int, image: Image.Image, is_lossless: bool) -> str:
        """Write all files of a picture that is L, RGB or RGBA in sRGB; returns the media type of the full one."""
        if is_lossless:
            made = self._first_of(number, image, PNG_BYTES, WEBP)
        else:
            made = WEBP if image.mode == "RGBA" else JPEG
            self._full(number, image, made)
        self.thumbnails(number, image)
        return made

    def page(self, number: int, image: Image.Image) -> str:
        """Write all files of a page of a PDF; returns the media type of the full one."""
        made = self._first_of(number, image, PAGE_PNG_BYTES, JPEG)
        self.thumbnails(number, image)
        return made

    def thumbnails(self, number: int, image: Image.Image) -> None:
        """Write the three small files; none is larger than the picture."""
        whole = image.size
        for size in reversed(THUMBNAILS):
            image = colours.resized(image, colours.fitting_size(whole, int(size)))
            self.write(number, size, partial(image.save, format="WEBP", **_THUMBNAIL))

    def write(self, number: int, size: Size, save: Callable[[IO[bytes]], None], room: float = inf) -> None:
        """Write one file, in place of an earlier one; Refused if the disk is full, or the file becomes too long."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            with open(os.open(f"{number}-{size}", flags, 0o600, dir_fd=self._folder), "wb") as file:
                save(_Pieces(file, room))  # type: ignore[arg-type]  # Pillow needs no more of a file
        except OSError as error:
            if error.errno in _FULL_DISK:
                raise Refused(Fault.FULL) from error
            if error.errno == errno.EFBIG:
                raise Refused(Fault.LARGE) from error
            raise

    def _first_of(self, number: int, image: Image.Image, room: int, other: str) -> str:
        """Write a PNG, or the other format if a PNG takes more than `room` bytes."""
        try:
            self._full(number, image, PNG, room)
        except _TooLong:
            self._full(number, image, other)
            return other
        return PNG

    def _full(self, number: int, image: Image.Image, media_type: str, room: float = inf) -> None:
        name, how = _HOW[media_type]
        self.write(number, Size.FULL, partial(image.save, format=name, **how), room)


def full(image: Image.Image, profile: bytes | None, orientation: int, longest: int = FULL_PX) -> Image.Image:
    """The full picture of a decoded one: small enough, in sRGB, upright, and bare."""
    image = colours.fitting(colours.simple(image), longest)
    return colours.bare(colours.upright(colours.in_srgb(image, profile), orientation))
