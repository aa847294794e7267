"""The numbers of connections of each person and portal view: exact for this process, sums for the others. Pure.

`realtime.limits.tallies` exchanges the sums between processes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from libraries.rules.roles import PortalRole

PREVIEWS = 5
"""The most connections of a person that look at one portal view as a viewer (`?as=viewer`)."""
SHARED_FROM = 10
"""A count is shared from a tenth of its cap on: smaller counts would be many, and make no difference."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The maximum numbers of simultaneous connections; 0 is no limit."""

    per_user_and_view: int
    per_user: int
    per_view: int


@dataclass(slots=True)
class Places:
    """The places of one share link: the number of connections of each guest here, and the most guests at once."""

    most: int
    taken: Counter[str] = field(default_factory=Counter)


class Occupancy:
    """The connections of this process by person, by portal view, and by both. Ids are text."""

    def __init__(self) -> None:
        self._people: Counter[str] = Counter()
        self._views: Counter[str] = Counter()
        self._seats: Counter[tuple[str, str]] = Counter()
        self._previews: Counter[tuple[str, str]] = Counter()
        self._elsewhere: Counter[str] = Counter()
        self._links: dict[str, Places] = {}
        self._guests_elsewhere: dict[str, set[str]] = {}

    def enter(self, who: str, portal_view_id: str, role: PortalRole, caps: Caps) -> str | None:
        """Count a connection. If there are too many, count nothing and return the error's code.

        Controllers may connect even if a portal view is full.
        """
        seat = (who, portal_view_id)
        if self._is_full(caps.per_user, self._people[who], who):
            return "too-many-connections"
        if self._is_full(caps.per_user_and_view, self._seats[seat], _shared(seat)):
            return "too-many-connections"
        if role is not PortalRole.CONTROLLER and self._is_full(
            caps.per_view, self._views[portal_view_id], portal_view_id
        ):
            return "portal-view-full"
        self.take(who, portal_view_id)
        return None

    def preview(self, who: str, portal_view_id: str, caps: Caps) -> str | None:
        """Count a connection that looks as a viewer; as `enter`, with a cap of its own.

        It takes no place in the portal view, and none of the person's others there.
        """
        seat = (who, portal_view_id)
        if self._is_full(caps.per_user, self._people[who], who):
            return "too-many-connections"
        if self._is_full(caps.per_user_and_view and PREVIEWS, self._previews[seat], f"{_PREVIEW} {_shared(seat)}"):
            return "too-many-connections"
        self.take_preview(who, portal_view_id)
        return None

    def take_preview(self, who: str, portal_view_id: str) -> None:
        """Count a connection that looks as a viewer, whatever the caps are."""
        self._people[who] += 1
        self._previews[who, portal_view_id] += 1

    def leave_preview(self, who: str, portal_view_id: str) -> None:
        """Stop counting a connection that looked as a viewer."""
        _subtract(self._people, who)
        _subtract(self._previews, (who, portal_view_id))

    def take(self, who: str, portal_view_id: str) -> None:
        """Count a connection, whatever the caps are."""
        self._people[who] += 1
        self._views[portal_view_id] += 1
        self._seats[who, portal_view_id] += 1

    def leave(self, who: str, portal_view_id: str) -> None:
        """Stop counting a connection that has ended."""
        _subtract(self._people, who)
        _subtract(self._views, portal_view_id)
        _subtract(self._seats, (who, portal_view_id))

    def seat(self, link_id: str, guest: str, most: int) -> bool:
        """Give a guest's connection a place of its share link; false if all `most` are taken by others.

        All connections of a guest share one place, also across processes: a reload takes the guest's own.
        """
        places = self._links.get(link_id) or Places(most)
        others = (self._guests_elsewhere.get(link_id, set()) | places.taken.keys()) - {guest}
        if guest not in places.taken and len(others) >= most:
            return False
        places.most = most
        places.taken[guest] += 1
        self._links[link_id] = places
        return True

    def rise(self, link_id: str, guest: str) -> None:
        """Free the place of a guest's connection, if it has one."""
        places = self._links.get(link_id)
        if places is not None and guest in places.taken:
            _subtract(places.taken, guest)
            if not places.taken:
                del self._links[link_id]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is connected here."""
        return not self._people

    def _is_full(self, cap: int, here: int, key: str) -> bool:
        return bool(cap) and here + self._elsewhere[key] >= cap

    def to_share(self, caps: Caps) -> dict[str, int]:
        """The counts that may matter to other processes, by a key that means the same in all of them."""
        counted: tuple[tuple[int, Iterable[tuple[str, int]]], ...] = (
            (caps.per_user, self._people.items()),
            (caps.per_view, self._views.items()),
            (caps.per_user_and_view, ((_shared(seat), count) for seat, count in self._seats.items())),
            (PREVIEWS, ((f"{_PREVIEW} {_shared(seat)}", count) for seat, count in self._previews.items())),
        )
        shared = {
            key: count
            for cap, counts in counted
            for key, count in counts
            if cap and count >= max(1, cap // SHARED_FROM)
        }
        for link_id, places in self._links.items():
            if len(places.taken) >= max(1, places.most // SHARED_FROM):
                shared |= {f"{_PLACE} {link_id} {guest}": 1 for guest in places.taken}
        return shared

    def hear(self, told: Iterable[Mapping[str, int]]) -> None:
        """Replace what the other processes have told earlier."""
        self._elsewhere = Counter()
        guests: defaultdict[str, set[str]] = defaultdict(set)
        for counts in told:
            self._elsewhere.update(counts)
            for key in counts:
                if key.startswith(_PLACE):
                    _, link_id, guest = key.split()
                    guests[link_id].add(guest)
        self._guests_elsewhere = dict(guests)


_PLACE = "place"
_PREVIEW = "preview"


def _shared(seat: tuple[str, str]) -> str:
    return " ".join(seat)


K = TypeVar("K")


def _subtract(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
