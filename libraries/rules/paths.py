"""The path of a request below the site's own prefix. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def site_path(scope: Mapping[str, Any]) -> str:
    """The path of an ASGI scope without the site's prefix, which is its `root_path`."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"
