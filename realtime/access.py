"""Looks up again what people are to a portal view, where what a room knows of it may be old."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from libraries.roles import portal_role
from libraries.selectors import roles_on
from realtime.database import in_database
from realtime.room import Room


async def check_roles(room: Room, access_version: int) -> None:
    """Look up the roles of all in a room, which do not go with the stored `access_version`; may raise Unavailable."""
    asked = {UUID(connection.user_id) for connection in room.everybody()}
    await _look_up(room, asked)
    if asked.issuperset(UUID(connection.user_id) for connection in room.everybody()):
        # Somebody who came meanwhile may have an old role: then all are looked up again at the next beat.
        room.access_version = access_version


async def check_newcomers(room: Room, access_version: int) -> None:
    """Look up the roles of those who wait with one from before a change of access, heard of or stored.

    Between their handshake and the room nobody would have told them. May raise Unavailable.
    """
    room.hear_of_access(access_version)
    newest = room.newest_access
    outdated = [waiting for waiting in room.waiting.values() if waiting.has_old_role(newest)]
    if outdated:
        await _look_up(room, {UUID(waiting.connection.user_id) for waiting in outdated})
        for waiting in outdated:
            waiting.access_version = newest


async def _look_up(room: Room, user_ids: Iterable[UUID]) -> None:
    asked = set(user_ids)
    roles = await in_database(roles_on, portal_view_id=room.id, user_ids=asked)
    for user_id in asked:
        room.change_role(str(user_id), portal_role(roles[user_id]) if user_id in roles else None)
