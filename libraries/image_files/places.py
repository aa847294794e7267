"""What a place for pictures can do, the names of files in it, and what it says when it does not work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from libraries.rules.errors import NO_ROOM, StorageFull, Unavailable
from libraries.rules.images import Size

KEY = re.compile(r"[0-9a-f]{32}")
AWAY = "The place where pictures are kept does not answer; try again in a moment."

log = structlog.get_logger(__name__)


class Place(Protocol):
    """A storage of Django that keeps pictures; `libraries.image_files` describes the four functions."""

    def write(self, key: str, files: Mapping[Size, Path]) -> None: ...

    def read(self, key: str, size: Size) -> bytes: ...

    def erase(self, key: str) -> None: ...

    def stored(self) -> Iterator[tuple[str, datetime]]: ...


def folder_of(key: str) -> str:
    """The folder of a picture below the place; the first level keeps folders short."""
    return f"{key[:2]}/{key}"


def name_of(key: str, size: Size) -> str:
    """The name of a file below the place."""
    return f"{folder_of(key)}/{size}"


def full(reason: str) -> StorageFull:
    """The refusal when there is no room left; the reason is only for the log."""
    log.error("images_full", error=reason)
    return StorageFull(NO_ROOM)


def away(reason: str) -> Unavailable:
    """The refusal when the place does not work; the reason is only for the log."""
    log.error("images_away", error=reason)
    return Unavailable(AWAY)
