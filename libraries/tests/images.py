"""Rows of pictures for tests that need no files."""

from __future__ import annotations

from typing import Any

from libraries.models import Image, Library


def make_image(library: Library, **more: Any) -> Image:
    """A picture of the library, without its files."""
    pixels = {"media_type": "image/jpeg", "width": 640, "height": 480, "byte_count": 9_000, "stored_bytes": 12_000}
    return Image.objects.create(library=library, **{"name": "A face", "source_digest": "0" * 64, **pixels, **more})
