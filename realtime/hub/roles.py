"""Looks up roles again when those that a room knows may be old.

Only the database is authoritative. News of a change, or a difference found by the beat, is only a reason to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from libraries.grants import ended_grants
from libraries.rules.revocations import Reason
from libraries.rules.roles import PortalRole, portal_role
from libraries.rules.subjects import Subject
from libraries.selectors import Pulse, roles_in, roles_on
from realtime.database import in_database
from realtime.rooms.connection import Connection
from realtime.rooms.room import Room
from realtime.rooms.snapshots import CatchUp


def doubt(room: Room, roles: Mapping[Subject, PortalRole | None], access_version: int = 0) -> None:
    """Mark these roles as possibly changed since the library's access came to that version.

    Connections with a different role get nothing more until `check_newcomers`, which the caller must call, has looked
    their role up.
    """
    room.hear_of_access(access_version)
    before = (access_version or room.newest_access) - 1
    for connection, _ in room.people.with_other_roles(roles):
        request = room.people.waiting.get(connection.id) or CatchUp(connection)
        known = request.access_version
        request.access_version = before if known is None else min(known, before)
        room.serve(request)


async def check_roles(room: Room, access_version: int) -> None:
    """Look up all roles in a room, because they do not match the stored `access_version`; may raise Unavailable."""
    asked = room.people.subjects()
    await _look_up(room, asked)
    if asked.issuperset(room.people.subjects()):
        # A connection that came in the meantime may have an old role: then the next beat looks all roles up again.
        room.access_version = access_version


async def check_newcomers(room: Room, access_version: int) -> None:
    """Look up the roles of waiting connections whose role is older than a change of access, heard of or stored.

    Nobody would have notified them between their handshake and their entry. May raise Unavailable.
    """
    room.hear_of_access(access_version)
    newest = room.newest_access
    outdated = [request for request in room.people.waiting.values() if request.has_old_role(newest)]
    if outdated:
        await _look_up(room, {request.connection.subject for request in outdated})
        for connection_id in [request.connection.id for request in outdated]:
            if (request := room.people.waiting.get(connection_id)) is not None:
                request.access_version = newest


async def find_changed(rooms: Mapping[UUID, tuple[Room, Pulse]]) -> None:
    """Find the people whose role in these rooms differs from the stored one; may raise Unavailable.

    It does not matter what changed the role.
    """
    people = {portal_view_id: users(room.people.subjects()) for portal_view_id, (room, _) in rooms.items()}
    asked = {(rooms[room_id][1].library_id, user_id) for room_id, ids in people.items() for user_id in ids}
    if not asked:
        return
    stored = await in_database(roles_in, asked)
    for portal_view_id, (room, pulse) in rooms.items():
        roles = {user_id: stored.get((pulse.library_id, user_id)) for user_id in people[portal_view_id]}
        doubt(room, {Subject(user_id): None if role is None else portal_role(role) for user_id, role in roles.items()})


async def find_ended(rooms: Iterable[Room]) -> list[tuple[Connection, Reason]]:
    """The connections in these rooms whose credential has ended, each with why; may raise Unavailable.

    It does not matter what ended it.
    """
    connections = [connection for room in rooms for connection in room.people.everybody()]
    grants = {connection.grant for connection in connections}
    ended = await in_database(ended_grants, grants) if grants else {}
    return [(one, ended[one.grant]) for one in connections if one.grant in ended]


def users(subjects: Iterable[Subject]) -> set[UUID]:
    """The ids of the subjects that have an account; the others have no role in a library."""
    return {subject.user_id for subject in subjects if subject.user_id is not None}


async def _look_up(room: Room, subjects: Iterable[Subject]) -> None:
    asked = users(subjects)
    roles = await in_database(roles_on, portal_view_id=room.id, user_ids=asked)
    room.change_roles(
        {Subject(user_id): portal_role(roles[user_id]) if user_id in roles else None for user_id in asked}
    )
