"""A site below a path of its host, such as `/portal`: the paths of requests as the applications need them.

A proxy may pass the whole path on, or strip the site's prefix: both lead to the same page. In ASGI, `path` is the whole
path, and `root_path` the site's prefix (ASGI, "HTTP Connection Scope").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]


class BasePath:
    """An ASGI application around another one, which is below `base`; `base` is empty, or like `/portal`."""

    def __init__(self, application: Application, base: str) -> None:
        self._application = application
        self._base = base

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on."""
        if self._base and "path" in scope:
            path: str = scope["path"]
            if not f"{path}/".startswith(f"{self._base}/"):
                path = self._base + path
            scope = {**scope, "path": path, "root_path": self._base}
        await self._application(scope, receive, send)
