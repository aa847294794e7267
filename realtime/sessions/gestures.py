"""What a client does that is over in a moment: checked with what its role sees, and handed to the hub."""

from __future__ import annotations

from collections.abc import Sequence

from libraries.rules.errors import NotFound
from libraries.rules.sight import Pointed, check_pointing
from realtime.hub.gestures import ANSWER_AGE_SECONDS, Gestures
from realtime.hub.hub import current_hub
from realtime.rooms.connection import Connection
from realtime.rooms.gestures import Doing


def act(connection: Connection, *, is_editing: bool, target: str | None) -> None:
    """Relay that a controller is editing the item `target`, or has stopped."""
    _gestures(connection).act(connection, Doing(is_editing, target))


async def point(connection: Connection, pointed: Pointed) -> Sequence[str]:
    """Relay where somebody points; Forbidden or InvalidPayload if they may not. Returns no warnings."""
    gestures = _gestures(connection)
    sight = await gestures.sight(max_age=ANSWER_AGE_SECONDS)
    if not sight.allows(connection.role, pointed.item_id):  # the client may know of a newer version
        sight = await gestures.sight(at_least=connection.newest_version)
    check_pointing(sight, connection.role, pointed.item_id)
    gestures.point(connection, pointed)
    return ()


def _gestures(connection: Connection) -> Gestures:
    gestures = current_hub().gestures_of(connection)
    if gestures is None:
        raise NotFound("The portal view is gone.")
    return gestures
