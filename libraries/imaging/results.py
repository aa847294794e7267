"""What is made of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libraries.rules.images import Size


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its thumbnails, as files. `page` counts from 1, and is None for a file that is no document."""

    page: int | None
    media_type: str
    width: int
    height: int
    is_animated: bool
    files: dict[Size, Path]
