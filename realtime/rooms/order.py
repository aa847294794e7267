"""The order of a portal view's versions: each is given out once, and they rise.

News of stored changes come from many processes, and may come late, twice or never. What comes too early is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from libraries.selectors import Stored
from realtime.rooms.updates import Update


class Order:
    """How far one room is.

    `version` is the newest that was given out, and 0 until the state was read for the first time; it counts in `epoch`.
    What gives out updates is an iterator: `version` is that of the update which it has given last.
    """

    __slots__ = ("_behind", "_early", "_recent", "epoch", "version")

    def __init__(self) -> None:
        self.version = 0
        self.epoch = ""
        self._early: dict[int, Update] = {}
        self._recent: list[Update] | None = None
        self._behind = 0

    @property
    def has_gap(self) -> bool:
        """Whether there is a change that was not given out."""
        return bool(self._early) or self._behind > self.version

    def take(self, update: Update) -> Iterator[Update]:
        """What may be delivered now that an update has come; one that is known, or too early, brings nothing."""
        if update.version is None:
            yield update.by(self.version)
        elif update.version > self.version:
            self._early[update.version] = update
            yield from self._next()

    def note(self, version: int) -> None:
        """That version is stored; until it is given out there is a gap."""
        self._behind = version

    def is_other_past(self, epoch: str, version: int, version_before: int) -> bool:
        """Whether what is stored comes from a restored backup, and not from what was given out.

        `version_before` is our version when the stored one was asked for.
        """
        return self.version > 0 and (epoch != self.epoch or version < version_before)

    def start_reading(self) -> None:
        """From now on remember what is given out: a state that is being read may not have it."""
        self._recent = []

    def jump(self, stored: Stored, whole: Callable[[], Update] | None) -> Iterator[Update]:
        """What may be delivered now that the state was read.

        `whole` makes an update of it, for connections that may have missed what led to it; None if there are none.
        """
        if self.version == 0:
            self.version, self.epoch = stored.version, stored.epoch
        elif whole is not None and stored.version > self.version:
            yield self._given(whole())
        yield from self._next()

    def stop_reading(self) -> list[Update]:
        """What was given out while the state was read."""
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
        self.version = update.version
        if self._recent is not None:
            self._recent.append(update)
        return update
