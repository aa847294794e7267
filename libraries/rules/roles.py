"""Who somebody is to a library, and what that makes them on its portal views. Pure: no Django in here."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A member's role in a library, as stored."""

    OWNER = "OWNER"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"


class PortalRole(StrEnum):
    """What a connection is on a portal view: it decides what is shown, or it looks."""

    CONTROLLER = "controller"
    VIEWER = "viewer"


PORTAL_ROLES: dict[Role, PortalRole] = {
    Role.OWNER: PortalRole.CONTROLLER,
    Role.EDITOR: PortalRole.CONTROLLER,
    Role.VIEWER: PortalRole.VIEWER,
}


def portal_role(role: str) -> PortalRole:
    """The portal role of a membership role; ValueError for a word that is no role."""
    return PORTAL_ROLES[Role(role)]
