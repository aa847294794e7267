from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from libraries.imaging.results import Picture


class Conversion:
    def __init__(self, source: Path, folder: Path) -> None: ...
    def run(self, tell: Callable[[int, int], None] = lambda done, of: None) -> list[Picture]:
        return []

    def stop(self) -> None: ...
