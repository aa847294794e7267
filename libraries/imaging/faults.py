"""Why a file was refused: the worker names the fault and up to two numbers, and its parent makes the error.

So no text of the worker reaches a person: whoever takes it over can only choose from this table.
"""

from __future__ import annotations

from enum import StrEnum

from libraries.rules.errors import NO_ROOM, ImageInvalid, PortalError, StorageFull, Unavailable


class Fault(StrEnum):
    """A reason to refuse a file."""

    UNKNOWN = "unknown"
    SVG = "svg"
    EMPTY = "empty"
    BROKEN = "broken"
    PIXELS = "pixels"
    FRAMES = "frames"
    ANIMATION = "animation"
    PAGES = "pages"
    ENCRYPTED = "encrypted"
    MEMORY = "memory"
    TIME = "time"
    LARGE = "large"
    CRASHED = "crashed"
    FULL = "full"
    START = "start"
    KILLED = "killed"


class Refused(Exception):
    """The worker's word for it; `numbers` are what was found, and what is possible."""

    def __init__(self, fault: Fault, *numbers: int) -> None:
        super().__init__(fault)
        self.fault = fault
        self.numbers = numbers


_SENTENCES: dict[Fault, str] = {
    Fault.UNKNOWN: "The file is no picture that is possible here. Use JPEG, PNG, WebP, GIF, AVIF, HEIC or PDF.",
    Fault.SVG: "SVG is not possible, because it is a program as well as a picture. Save the picture as PNG or WebP.",
    Fault.EMPTY: "The file is empty.",
    Fault.BROKEN: "The file is broken or incomplete. Save the picture again, and send it again.",
    Fault.PIXELS: "The picture is too large: {0:,} pixels, and at most {1:,} are possible. Make it smaller.",
    Fault.FRAMES: "The animation has too many frames: at most {1:,} are possible.",
    Fault.ANIMATION: "The animation is too large: {0:,} pixels in all its frames, and at most {1:,} are possible.",
    Fault.PAGES: "The PDF has {0:,} pages, and at most {1:,} are possible. Split it.",
    Fault.ENCRYPTED: "The PDF can only be read with a password. Save it without one.",
    Fault.MEMORY: "The picture needs too much memory. Make it smaller, or save it as PNG or JPEG.",
    Fault.TIME: "The picture takes too long to read. Make it smaller, or save it as PNG or JPEG.",
    Fault.LARGE: "What was made of the picture is too long for a file. Make the picture smaller.",
    Fault.CRASHED: "The picture could not be read: it is broken, or needs too much memory. Save it as PNG or JPEG.",
    Fault.FULL: NO_ROOM,
    Fault.START: "The server cannot read pictures at this moment. Try again later.",
    Fault.KILLED: "The server stopped reading the picture. Try again later.",
}
_ERRORS: dict[Fault, type[PortalError]] = {
    Fault.FULL: StorageFull,
    Fault.START: Unavailable,
    Fault.KILLED: Unavailable,
}


def error_of(fault: Fault, numbers: tuple[int, ...] = ()) -> PortalError:
    """The error of a fault: ImageInvalid, StorageFull or Unavailable."""
    found, most = (*numbers, 0, 0)[:2]
    return _ERRORS.get(fault, ImageInvalid)(_SENTENCES[fault].format(found, most))
