"""The order of a portal view's versions: each is delivered once, in rising order.

News of stored changes comes from many processes, and may come late, twice or never. An early update is held back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from libraries.selectors import Stored
from realtime.rooms.updates import Update


class Order:
    """The position of one room in the sequence of versions.

    `version` is the newest that was delivered, and 0 until the state was read for the first time. It belongs to
    `epoch`. `viewers_version` is the viewers' version at that version. The methods that deliver updates are iterators:
    `version` is that of the update yielded last.
    """

    __slots__ = ("_behind", "_early", "_recent", "epoch", "version", "viewers_version")

    def __init__(self) -> None:
        self.version = 0
        self.viewers_version = 0
        self.epoch = ""
        self._early: dict[int, Update] = {}
        self._recent: list[Update] | None = None
        self._behind = 0

    @property
    def has_gap(self) -> bool:
        """Whether a change was not delivered yet."""
        return bool(self._early) or self._behind > self.version

    def take(self, update: Update) -> Iterator[Update]:
        """The updates that may be delivered after this one has come. A known or early update yields nothing.

        Nor does one without the viewers' version, from a process of the release before: it leaves a gap, and the state
        is read.
        """
        if update.version is None:
            yield update.by(self.version)
        elif update.version > self.version and update.viewers_version is None:
            self._behind = max(self._behind, update.version)
        elif update.version > self.version:
            self._early[update.version] = update
            yield from self._next()

    def missing(self, version: int) -> int:
        """How many of the versions up to this one have not come as news; 0 before the first delivery."""
        if not self.version:
            return 0
        return max(version - self.version, 0) - sum(self.version < early <= version for early in self._early)

    def note(self, version: int) -> None:
        """Note that this version is stored; until it is delivered there is a gap."""
        self._behind = version

    def is_other_past(self, epoch: str, version: int, version_before: int) -> bool:
        """Whether the stored data comes from a restored backup, and does not continue what was delivered.

        `version_before` is the room's version at the time when the stored one was requested.
        """
        return self.version > 0 and (epoch != self.epoch or version < version_before)

    def start_reading(self) -> None:
        """Remember the delivered updates from now on: a state that is being read may not have them."""
        self._recent = []

    def jump(self, stored: Stored, whole: Callable[[], Update] | None) -> Iterator[Update]:
        """The updates that may be delivered after the state was read.

        `whole` makes an update of the state, for connections that may have missed earlier changes; None if there are
        none.
        """
        if self.version == 0:
            self.version, self.viewers_version, self.epoch = stored.version, stored.viewers_version, stored.epoch
        elif whole is not None and stored.version > self.version:
            yield self._given(whole())
        yield from self._next()

    def stop_reading(self) -> list[Update]:
        """The updates that were delivered while the state was read."""
        recent, self._recent = self._recent or [], None
        return recent

    def _next(self) -> Iterator[Update]:
        for version in [version for version in self._early if version <= self.version]:
            del self._early[version]
        if self.version:
            while update := self._early.pop(self.version + 1, None):
                yield self._given(update)

    def _given(self, update: Update) -> Update:
        assert update.version is not None  # noqa: S101  # a command has none, and needs no order
        assert update.viewers_version is not None  # noqa: S101  # `take` keeps the others away
        self.version, self.viewers_version = update.version, update.viewers_version
        if self._recent is not None:
            self._recent.append(update)
        return update
