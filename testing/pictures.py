"""Files to upload: pictures with noise, so that they are as long as photographs, and PDFs."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """A picture that cannot be compressed well; the same seed gives the same one."""
    return Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(width * height * 3))  # noqa: S311


def picture(width: int = 640, height: int = 480, kind: str = "JPEG", seed: int = 0) -> bytes:
    """Such a picture as a file."""
    written = BytesIO()
    noise(width, height, seed).save(written, kind)
    return written.getvalue()


def plain(width: int, height: int, kind: str = "JPEG", colour: str = "teal") -> bytes:
    """A picture of one colour, which is short."""
    written = BytesIO()
    Image.new("RGB", (width, height), colour).save(written, kind)
    return written.getvalue()


def pdf(pages: int, size: int = 300) -> bytes:
    """A PDF with so many pages, each of another grey."""
    sheets = [Image.new("L", (size, size), 255 - page % 200) for page in range(pages)]
    written = BytesIO()
    sheets[0].save(written, "PDF", save_all=True, append_images=sheets[1:])
    return written.getvalue()
