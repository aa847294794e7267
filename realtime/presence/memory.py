"""The presence of this process, for its REST and admin, whose threads read it while the event loop writes it.

Without Valkey or Redis it is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from realtime.rooms.presence import Person

_here: dict[UUID, dict[str, dict[UUID, Person]]] = {}


def put(portal_view_id: UUID, hub: str, people: Mapping[UUID, Person]) -> None:
    """Replace the people of one hub in a portal view."""
    hubs = {name: found for name, found in _here.get(portal_view_id, {}).items() if name != hub}
    if people:
        hubs[hub] = dict(people)
    if hubs:
        _here[portal_view_id] = hubs
    else:
        _here.pop(portal_view_id, None)


def read(portal_view_id: UUID) -> list[dict[UUID, Person]]:
    """The people of a portal view, of each hub of this process."""
    return list(_here.get(portal_view_id, {}).values())
