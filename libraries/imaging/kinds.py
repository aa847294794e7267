"""What a file is, by its first bytes; its name and what the client says of it do not count."""

from __future__ import annotations

from enum import StrEnum


class Refused(Exception):
    """The file is no picture that is taken in; the text is a sentence for people."""


class Kind(StrEnum):
    """A format, by Pillow's name for it."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    WEBP = "WEBP"
    AVIF = "AVIF"
    HEIF = "HEIF"
    PDF = "PDF"


HEAD_BYTES = 1024
_TAKEN = "JPEG, PNG, WebP, GIF, AVIF, HEIC and PDF are taken."
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), Kind.AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), Kind.HEIF),
}
"""The brands of ISO/IEC 23008-12 and of AVIF; a file names its main one first."""


def kind_of(head: bytes) -> Kind:
    """The format of a file that begins with these bytes; Refused for any other."""
    if not head:
        raise Refused("The file is empty.")
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[place : place + 4] for place in range(16, min(_box(head), 64), 4))]
        if found := next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None):
            return found
        raise Refused(f"A film is no picture. {_TAKEN}")
    if b"%PDF-" in head:  # readers of PDF look for it in the first 1,024 bytes
        return Kind.PDF
    if b"<svg" in head.lower():
        raise Refused(f"SVG is not taken, because it can hold code. {_TAKEN}")
    raise Refused(f"This is no picture, or of a kind that is not taken. {_TAKEN}")


def _box(head: bytes) -> int:
    """The length of the first box."""
    return int.from_bytes(head[:4], "big")
