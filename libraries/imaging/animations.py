"""Animated GIF and WebP made into an animated WebP."""

from __future__ import annotations

from typing import IO

from PIL import Image, ImageFile, _webp

from libraries.imaging import colours, output
from libraries.imaging.faults import Fault, Refused
from libraries.imaging.formats import Format
from libraries.imaging.limits import Limits
from libraries.imaging.output import WEBP, Output
from libraries.imaging.stills import check_pixels
from libraries.rules.images import Size

ANIMATED = frozenset({Format.GIF, Format.WEBP})
"""The formats of which all frames are kept; of others it is the first, or the main one."""
_QUALITY, _ALPHA_QUALITY, _METHOD = 80, 90, 1
_KEY_FRAMES = (3, 5)
"""At least and at most so many frames apart, as `gif2webp` has it."""
_MOST_LOOPS = 65535
_MOST_MILLISECONDS = 24 * 3600 * 1000


def frames_of(image: ImageFile.ImageFile, kind: Format, limits: Limits) -> int:
    """How many frames are kept; Refused if there are too many, or they have too many pixels together."""
    if kind not in ANIMATED:
        return 1
    frames = int(getattr(image, "n_frames", 1))
    if frames > limits.frames:
        raise Refused(Fault.FRAMES, frames, limits.frames)
    check_pixels(image, limits)
    if frames > 1 and (count := frames * image.width * image.height) > limits.animation_pixels:
        raise Refused(Fault.ANIMATION, count, limits.animation_pixels)
    return frames


def convert(image: ImageFile.ImageFile, kind: Format, frames: int, out: Output, limits: Limits) -> dict[str, object]:
    """Decode and write an animation, a frame at a time; returns what is said of it."""
    image.seek(0)
    image.load()
    profile = image.info.get("icc_profile")
    first = output.full(image.copy(), profile, 1)  # what the file says of its frames is still needed
    size = first.size
    loops = _loops(image, kind)
    encoder = _webp.WebPAnimEncoder(size, 0, loops, False, *_KEY_FRAMES, False, False)
    at = 0
    for number in range(frames):
        image.seek(number)
        image.load()
        if number == 0:
            expected = image.size
        if image.size != expected:  # a later frame of a GIF may reach beyond the picture
            raise Refused(Fault.BROKEN)
        made = _frame(image, profile, size)
        encoder.add(made.getim(), at, False, _QUALITY, _ALPHA_QUALITY, _METHOD)
        at += min(max(0, round(image.info.get("duration", 0))), _MOST_MILLISECONDS // frames)
    encoder.add(None, at, False, _QUALITY, _ALPHA_QUALITY, 0)
    data = encoder.assemble("", "", "")
    if not data:
        raise Refused(Fault.BROKEN)
    _write(out, data)
    out.thumbnails(1, first)
    return {"type": WEBP, "width": size[0], "height": size[1], "animated": True}


def _frame(image: Image.Image, profile: bytes | None, size: tuple[int, int]) -> Image.Image:
    made = colours.in_srgb(colours.fitting(colours.simple(image), max(size)), profile)
    return made if made.mode in ("RGB", "RGBA") else made.convert("RGB")


def _write(out: Output, data: bytes) -> None:
    def save(file: IO[bytes]) -> None:
        file.write(data)

    out.write(1, Size.FULL, save)


def _loops(image: Image.Image, kind: Format) -> int:
    """How often a WebP is played, 0 for ever. A GIF says how often it is repeated, and nothing for once."""
    said = image.info.get("loop")
    if kind is Format.WEBP:
        return int(said or 0)
    if said is None:
        return 1
    return min(int(said) + 1, _MOST_LOOPS) if said else 0
