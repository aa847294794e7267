"""What only the open connections know of a portal view: asked here, and answered by whoever serves them.

Nothing here knows sockets. Whoever serves them gives an answer when it is loaded (`answer_with`).
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from libraries.rules.figures import Figures
from libraries.selectors import get_portal_view
from libraries.services.storing import require_controller


class _Site:
    ask: Callable[[UUID], Figures] | None = None


def answer_with(ask: Callable[[UUID], Figures]) -> None:
    """Get the figures of a portal view from this function, from now on; it is called in threads of requests."""
    _Site.ask = ask


def figures_of(portal_view_id: UUID) -> Figures:
    """The figures of a portal view, for code that has checked who asks."""
    return Figures() if _Site.ask is None else _Site.ask(portal_view_id)


def figures_for(*, user_id: UUID, portal_view_id: UUID) -> Figures:
    """The figures of a portal view for one of its controllers; NotFound, or Forbidden for viewers."""
    require_controller(get_portal_view(user_id=user_id, portal_view_id=portal_view_id).role)
    return figures_of(portal_view_id)
