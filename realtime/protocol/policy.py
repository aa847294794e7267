"""Which roles may send which message: one table for the consumer, the tests and the documentation. Pure."""

from __future__ import annotations

from libraries.rules.roles import PortalRole

_EVERYBODY = frozenset(PortalRole)
_CONTROLLERS = frozenset({PortalRole.CONTROLLER})
_VIEWERS = frozenset({PortalRole.VIEWER})

ALLOWED: dict[str, frozenset[PortalRole]] = {
    "ping": _EVERYBODY,
    "portal-view-update": _CONTROLLERS,
    "item-update": _CONTROLLERS,
    "item-add": _CONTROLLERS,
    "item-remove": _CONTROLLERS,
    "item-move": _CONTROLLERS,
    "encounter-next": _CONTROLLERS,
    "encounter-previous": _CONTROLLERS,
    "batch": _CONTROLLERS,
    "request-sync": _VIEWERS,
    "sync-response": _CONTROLLERS,
    "activity": _CONTROLLERS,
    "pointer": _EVERYBODY,  # viewers only if the portal view has viewersMayPoint
    "auth": _EVERYBODY,
}


PREVIEW = frozenset({"ping", "auth"})
"""What a controller's connection may send that looks at what viewers see (`?as=viewer`)."""


def may_send(role: PortalRole, message_type: str, *, is_preview: bool = False) -> bool:
    """Whether a connection of that role may send a message of that type; KeyError for an unknown type."""
    return role in ALLOWED[message_type] and (message_type in PREVIEW or not is_preview)


def refusal(role: PortalRole, message_type: str, *, is_preview: bool = False) -> str:
    """The error sentence for a message that the connection may not send."""
    if is_preview:
        others = " and ".join(sorted(PREVIEW))
        return f"A connection with as=viewer may not send {message_type}; only {others}."
    others = " and ".join(sorted(f"{other}s" for other in ALLOWED[message_type]))
    return f"A {role} may not send {message_type}; only {others} may."
