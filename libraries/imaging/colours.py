"""Any mode of Pillow made into L, RGB or RGBA, in sRGB, upright, and without anything else that the file said."""

from __future__ import annotations

import io
import struct

from PIL import Image, ImageCms

ORIENTATION = 0x0112
"""The tag of Exif 2.32, section 4.6.4."""
_TURNS: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SPACES = {"RGB": "RGB", "RGBA": "RGB", "L": "GRAY", "CMYK": "CMYK"}
"""The colour space of a profile that fits a mode."""


def orientation_of(exif: bytes) -> int:
    """The orientation (1 to 8) in the first directory of EXIF data; 1 if there is none, or it is broken."""
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for at in range(start + 2, start + 2 + 12 * min(count, 512), 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", data, at)
            if (tag, kind) == (ORIENTATION, 3):
                return value if 1 <= value <= 8 else 1
    except struct.error:  # it ends too early: as if it were not there
        pass
    return 1


def simple(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be made smaller: L, RGB, RGBA or CMYK."""
    if image.mode == "I;16":
        return Image.frombytes("L", image.size, image.tobytes(), "raw", "L;16")  # `convert` would cut, not scale
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB: L, RGB or RGBA. Without a profile, or with a broken one, it is taken to be in sRGB."""
    made = _by_profile(image, profile) if profile else None
    if made is not None:
        return made
    return image.convert("RGB") if image.mode == "CMYK" else image


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as EXIF says that it is to be held."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def bare(image: Image.Image) -> Image.Image:
    """The picture without a word of its file, and without transparency if nothing is transparent."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    image.info = {}
    return image


def fitting(image: Image.Image, longest: int) -> Image.Image:
    """The picture with at most this many pixels on its longest side; it is never made larger."""
    return resized(image, fitting_size(image.size, longest))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture with this width and height, which are not larger than its own."""
    # the gap lets whole pixels be averaged first, which is much faster and looks the same
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def fitting_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Width and height of a picture of this size after `fitting`."""
    width, height = size
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture by its profile; None if the profile is broken or does not fit."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[image.mode]:
            return None
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, srgb, intent, outputMode=mode, flags=flags)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # many pictures have a broken one
        return None
