"""What viewers see at one version, as far as pointers and activity depend on it. Pure.

Both are relayed and never stored. A pointer names an item: viewers get it only while they see that item, and a viewer
learns nothing about other ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libraries.rules.camera import LIMITS
from libraries.rules.changes import bad_id
from libraries.rules.errors import Forbidden, InvalidPayload
from libraries.rules.items import is_seen
from libraries.rules.places import told
from libraries.rules.roles import PortalRole
from libraries.rules.state import summary


@dataclass(frozen=True, slots=True)
class Pointed:
    """A point of an item's picture: fractions of its width and height from the top left, as those of a camera."""

    item_id: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Sight:
    """The switches of a stored state at `version`; `items` are the ids of all items, and whether viewers see them."""

    version: int
    is_black: bool
    viewers_may_point: bool
    shows_activity: bool
    items: Mapping[str, bool]

    @property
    def viewers_see_activity(self) -> bool:
        """Whether viewers are told that somebody is preparing something."""
        return self.shows_activity and not self.is_black

    def shows(self, item_id: str) -> bool:
        """Whether viewers see that item."""
        return not self.is_black and self.items.get(item_id, False)

    def may_point(self, role: PortalRole) -> bool:
        """Whether that role may point at anything."""
        return role is PortalRole.CONTROLLER or self.viewers_may_point

    def allows(self, role: PortalRole, item_id: str) -> bool:
        """Whether that role may point at the item: it must know of it."""
        return self.may_point(role) and (
            item_id in self.items if role is PortalRole.CONTROLLER else self.shows(item_id)
        )


def sight_of(state: Mapping[str, Any], *, shows_activity: bool) -> Sight:
    """The sight of a stored state; `shows_activity` is the library's."""
    return Sight(
        version=int(state["version"]),
        is_black=state["blackout"],
        viewers_may_point=state["viewersMayPoint"],
        shows_activity=shows_activity,
        items={item["id"]: is_seen(item) for item in state["items"]},
    )


def check_pointing(sight: Sight, role: PortalRole, item_id: str) -> None:
    """Raise Forbidden or InvalidPayload unless that role may point at the item.

    The answer about an item that viewers do not see is that about an item which does not exist.
    """
    if not sight.may_point(role):
        raise Forbidden("Viewers may not point here: viewersMayPoint is off.")
    if not sight.allows(role, item_id):
        raise InvalidPayload("Nothing was shown: there is no such item.", {"itemId": "There is no such item."})


def check_pointer(item_id: str | int, x: float, y: float) -> Pointed:
    """A pointer; InvalidPayload, with the places of bad values."""
    details = bad_id(item_id)
    for key, number in (("x", x), ("y", y)):
        least, most = LIMITS[key]
        if not least <= number <= most:
            details[key] = told(f"Must be a number from {least} to {most}.", number)
    _refuse_any(details)
    return Pointed(str(item_id), x, y)


def check_target(item_id: str | int) -> str:
    """The id of the item that somebody is editing; InvalidPayload for a bad one."""
    _refuse_any(bad_id(item_id, "target"))
    return str(item_id)


def _refuse_any(details: Mapping[str, str]) -> None:
    if details:
        raise InvalidPayload(f"Nothing was shown: {summary(details)}", details)
