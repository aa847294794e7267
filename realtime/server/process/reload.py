"""Finds changed source files of this project, for `manage.py serve --reload`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings

SUFFIXES = {".py", ".html"}
PASSED_OVER = {"__pycache__", "node_modules"}


def own_folders() -> list[Path]:
    """The folders of this project's apps; not those of packages, wherever they are installed."""
    folders = [Path(app.path) for app in apps.get_app_configs()]
    return [folder for folder in folders if folder.parent == settings.BASE_DIR]


class Watch:
    """The files below some folders, as they were at the last look."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._known = dict(self._look())

    def changed(self) -> list[Path]:
        """The files that were changed, added or removed since the last call."""
        known, self._known = self._known, dict(self._look())
        paths = known.keys() | self._known.keys()
        return sorted(path for path in paths if known.get(path) != self._known.get(path))

    def _look(self) -> Iterator[tuple[Path, int]]:
        for root in self._folders:
            for folder, folders, files in os.walk(root):
                folders[:] = [name for name in folders if name not in PASSED_OVER]
                for path in (Path(folder, name) for name in files):
                    if path.suffix in SUFFIXES:
                        try:
                            yield path, path.stat().st_mtime_ns
                        except FileNotFoundError:
                            continue  # it was removed while we looked
