"""Any mode and colour profile becomes 8 bits of sRGB, or of grey, with transparency only where there is some."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageCms

_SRGB = ImageCms.createProfile("sRGB")
_16_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def in_srgb(image: Image.Image) -> Image.Image:
    """The picture in mode L, RGB or RGBA."""
    profile = image.info.get("icc_profile")
    image = _in_8_bits(image)
    colours, alpha = _apart(image)
    if profile:
        # A broken profile, or one of another colour space than the picture's, is as good as none.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            mode = "RGB" if colours.mode != "L" else "L"
            converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
            colours = converted if mode == "RGB" or converted is None else converted.convert("L")
    if colours.mode not in ("L", "RGB"):
        colours = colours.convert("RGB")
    if alpha is None:
        return colours
    colours = colours.convert("RGB")
    colours.putalpha(alpha)
    return colours


def _in_8_bits(image: Image.Image) -> Image.Image:
    if image.mode in _16_BITS:
        wide = image.convert("I")
        return wide.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.mode == "F":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("1", "LA", "La", "PA", "RGBa", "RGBX", "HSV", "YCbCr"):
        with_alpha = image.mode in ("LA", "La", "PA", "RGBa")
        return image.convert("RGBA" if with_alpha else "L" if image.mode == "1" else "RGB")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours, and the transparency if any of it shows."""
    if image.mode != "RGBA":
        return image, None
    alpha = image.getchannel("A")
    return image.convert("RGB"), None if alpha.getextrema() == (255, 255) else alpha
