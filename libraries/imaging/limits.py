"""What a file may cost before it is refused, and how large what is made of it may be."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one conversion. Tests make them smaller; the site uses `LIMITS`."""

    frame_pixels: int = 50_000_000
    """Pixels of a picture, or of a frame of one."""
    frames: int = 500
    animation_pixels: int = 400_000_000
    """Pixels of all frames of an animation together."""
    pages: int = 200
    cpu_seconds: int = 20
    """Time of a core for a picture or a page."""
    animation_cpu_seconds: int = 90
    """The same for an animation: one of 400 megapixels of noise took 32 s."""
    picture_seconds: float = 120
    """Time by the clock until the next picture is made; others may slow it down, as it only gets what they leave."""
    file_seconds: float = 300
    """Time by the clock for a file."""
    memory_bytes: int = 1024 * MIB
    """Address space of the worker. Resident memory was at most 159 MiB for 12 megapixels, 536 MiB for 50 with
    transparency, and 789 MiB for an animation of 400."""
    file_bytes: int = 64 * MIB
    """Size of a file that it writes."""


LIMITS = Limits()

FULL_PX = 4096
"""The longest side of a full picture."""
PAGE_PX = 2048
"""The longest side of a page of a PDF."""
PAGE_DPI = 300
"""A page smaller than `PAGE_PX` at this resolution is not made larger."""
PNG_BYTES = 2 * MIB
"""A larger PNG becomes a WebP."""
PAGE_PNG_BYTES = MIB
"""A larger page becomes a JPEG."""
LINE_BYTES = 4096
"""The longest line that the worker may send."""
OPEN_FILES = 16
NICE = 15
