"""The format of a file, by its first bytes alone: names and types that a sender gives may lie. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from libraries.imaging.faults import Fault, Refused

HEAD_BYTES = 4096


class Format(StrEnum):
    """A format that is decoded."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"
    HEIF = "heif"
    PDF = "pdf"


_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), Format.AVIF),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"), Format.HEIF),
}
"""ISO/IEC 23008-12 annex B, and the AVIF specification, section 6."""
_GENERIC = (b"mif1", b"msf1", b"miaf", b"MiHE", b"MiHB")
_SVG = re.compile(rb"<(?:[a-z][\w.-]{0,60}:)?svg[\s>]", re.IGNORECASE)


def format_of(head: bytes) -> Format:
    """The format of a file that begins with these bytes (up to `HEAD_BYTES`); Refused if it is none that we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp":
        return _format_of_brands(head)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return Format.PDF
    raise Refused(_what_else(head))


def _format_of_brands(head: bytes) -> Format:
    """The first brand that names a codec: the major one, or a compatible one if that is generic (`mif1`)."""
    brands = head[8 : min(int.from_bytes(head[:4], "big"), HEAD_BYTES)]
    major, others = brands[:4], [brands[at : at + 4] for at in range(8, len(brands), 4)]
    if major in _BRANDS:
        return _BRANDS[major]
    if major in _GENERIC:
        for brand in others:
            if brand in _BRANDS:
                return _BRANDS[brand]
        return Format.HEIF
    raise Refused(Fault.UNKNOWN)


def _what_else(head: bytes) -> Fault:
    if not head:
        return Fault.EMPTY
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.replace(b"\0", b"")  # UTF-16
    return Fault.SVG if _SVG.search(head) else Fault.UNKNOWN
