"""A person's role in a library, and the role that follows from it on its portal views. Pure: no Django in here."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A member's role in a library, as stored."""

    OWNER = "OWNER"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"


class PortalRole(StrEnum):
    """The role of a connection on a portal view: a controller decides what is shown, a viewer looks."""

    CONTROLLER = "controller"
    VIEWER = "viewer"


PORTAL_ROLES: dict[Role, PortalRole] = {
    Role.OWNER: PortalRole.CONTROLLER,
    Role.EDITOR: PortalRole.CONTROLLER,
    Role.VIEWER: PortalRole.VIEWER,
}


def portal_role(role: str) -> PortalRole:
    """The portal role of a membership role; ValueError for an unknown role."""
    return PORTAL_ROLES[Role(role)]
