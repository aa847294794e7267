"""Decoding a picture of a format that was recognised, with that format's decoder alone."""

from __future__ import annotations

import importlib
import re
import warnings
from typing import IO, Any

from PIL import Image, ImageFile

from libraries.imaging import colours, output
from libraries.imaging.faults import Fault, Refused
from libraries.imaging.formats import Format
from libraries.imaging.limits import FULL_PX, Limits
from libraries.imaging.output import Output

_DECODERS = {
    Format.JPEG: ("PIL.JpegImagePlugin", "JpegImageFile"),
    Format.PNG: ("PIL.PngImagePlugin", "PngImageFile"),
    Format.WEBP: ("PIL.WebPImagePlugin", "WebPImageFile"),
    Format.GIF: ("PIL.GifImagePlugin", "GifImageFile"),
    Format.AVIF: ("PIL.AvifImagePlugin", "AvifImageFile"),
    Format.HEIF: ("pillow_heif", "HeifImageFile"),
}
LOSSLESS = frozenset({Format.PNG, Format.GIF})
"""The formats whose pictures stay without loss, as long as that is short."""


def prepare(kind: Format, limits: Limits) -> type[ImageFile.ImageFile]:
    """Load a format's decoder, with one thread and its own limits on; to be called while files can still be read."""
    module = importlib.import_module(_DECODERS[kind][0])
    found: type[ImageFile.ImageFile] = getattr(module, _DECODERS[kind][1])
    Image.MAX_IMAGE_PIXELS = limits.frame_pixels  # some decoders take memory before the size can be asked
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `check_pixels` is stricter
    if kind is Format.AVIF:
        vars(module)["DEFAULT_MAX_THREADS"] = 1
    if kind is Format.HEIF:
        options: Any = module.options
        options.DECODE_THREADS = 1
        options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return found


def opened(decoder: type[ImageFile.ImageFile], file: IO[bytes], limits: Limits) -> ImageFile.ImageFile:
    """The picture, of which only the head is read; Refused if it has too many pixels."""
    try:
        image = decoder(file)
    except Image.DecompressionBombError as error:
        count = re.search(r"\d+", str(error))
        raise Refused(Fault.PIXELS, int(count[0]) if count else 0, limits.frame_pixels) from error
    check_pixels(image, limits)
    return image


def check_pixels(image: Image.Image, limits: Limits) -> None:
    """Refused if a frame has too many pixels."""
    if (count := image.width * image.height) > limits.frame_pixels:
        raise Refused(Fault.PIXELS, count, limits.frame_pixels)


def convert(image: ImageFile.ImageFile, kind: Format, out: Output, limits: Limits) -> dict[str, object]:
    """Decode and write a picture; returns what is said of it."""
    if kind is Format.JPEG:
        image.draft(None, fitting_draft(image.size))
    image.load()
    check_pixels(image, limits)  # some formats say another size when they are decoded
    exif, profile = image.info.get("exif"), image.info.get("icc_profile")
    orientation = colours.orientation_of(exif) if isinstance(exif, bytes) else 1
    made = output.full(image, profile, orientation)
    if made is not image:
        image.close()  # its pixels are not needed any more
    media_type = out.still(1, made, kind in LOSSLESS)
    return {"type": media_type, "width": made.width, "height": made.height, "animated": False}


def fitting_draft(size: tuple[int, int]) -> tuple[int, int]:
    """The size that a JPEG decoder is asked for: it gives at least this, and saves memory for a large picture."""
    return colours.fitting_size(size, FULL_PX)
