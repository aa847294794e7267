"""What a conversion gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from libraries.rules.images import Size


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its page from 1 if it is of a PDF, width and height of the full picture in px, and four files."""

    page: int | None
    media_type: str
    width: int
    height: int
    is_animated: bool
    files: dict[Size, Path]
