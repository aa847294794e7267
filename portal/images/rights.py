"""Who may see which picture, asked for many requests at once.

Those that come together share a few queries (`realtime.batches`). What a portal view shows is worked out once for each
of its versions, after the earlier calls for this portal view.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from libraries.shown import Facts, Glance, Offered, Picture, Question, Shown, facts, shown_by
from realtime.batches import Batches
from realtime.database import in_database, in_lane

MAX_KNOWN_IMAGES = 100_000
"""How many ids of shown pictures a process remembers, each some 100 bytes; a portal view counts as one more."""

STILL_SECONDS = 0.002
"""So long no request has come when a read begins: at a reveal they come one after the other, and a read for each would
keep the database and the GIL busy."""
MOST_SECONDS = 0.06
"""How long the first request waits for a read at most."""


class Right(NamedTuple):
    """A picture that may be sent; `is_controlled` if to somebody who controls its library."""

    picture: Picture
    is_controlled: bool


class Rights:
    """The questions of one event loop; there are tasks only while there are questions."""

    def __init__(self) -> None:
        self._facts: Batches[Question, Facts] = Batches(_read_facts, STILL_SECONDS, MOST_SECONDS)
        self._known: OrderedDict[UUID, Shown] = OrderedDict()
        self._weight = 0
        self._computing: dict[UUID, Task[Shown | None]] = {}

    async def of(self, offered: Offered, image_id: UUID) -> Right | None:
        """What the credentials give for a picture now; None if nothing. Unavailable without the database."""
        question = (offered, image_id)
        sight = (await self._facts.ask(question)).sight(question)
        if sight.picture is not None and sight.is_controlled:
            return Right(sight.picture, True)
        is_shown = False
        for glance in sight.glances:
            images = await self._images(glance)
            is_shown |= sight.picture is not None and (
                glance.library_id == sight.picture.library_id and image_id in images
            )
            if is_shown:
                break
        return Right(sight.picture, False) if is_shown and sight.picture is not None else None

    # --- What portal views show ---------------------------------------------------------------------------

    async def _images(self, glance: Glance) -> frozenset[UUID]:
        """The pictures that a portal view shows, in this version of it or in a newer one."""
        known = self._known.get(glance.id)
        if known is not None and _is_current(known, glance):
            self._known.move_to_end(glance.id)
            return known.images
        running = self._computing.get(glance.id)
        if running is not None:  # it may have read the state before this version was stored
            found = await asyncio.shield(running)
            if found is not None and _is_current(found, glance):
                return found.images
        found = await asyncio.shield(self._computing.get(glance.id) or self._compute(glance.id))
        return frozenset() if found is None else found.images

    def _compute(self, portal_view_id: UUID) -> Task[Shown | None]:
        task = self._computing[portal_view_id] = asyncio.create_task(self._read(portal_view_id))
        return task

    async def _read(self, portal_view_id: UUID) -> Shown | None:
        try:
            found = await in_lane(portal_view_id, shown_by, portal_view_id)
        finally:
            del self._computing[portal_view_id]
        self._forget(portal_view_id)
        if found is not None:
            self._known[portal_view_id] = found
            self._weight += 1 + len(found.images)
            while self._weight > MAX_KNOWN_IMAGES and len(self._known) > 1:
                self._forget(next(iter(self._known)))
        return found

    def _forget(self, portal_view_id: UUID) -> None:
        gone = self._known.pop(portal_view_id, None)
        if gone is not None:
            self._weight -= 1 + len(gone.images)


def _is_current(shown: Shown, glance: Glance) -> bool:
    return shown.epoch == glance.epoch and shown.version >= glance.version


async def _read_facts(questions: list[Question]) -> dict[Question, Facts]:
    return dict.fromkeys(questions, await in_database(facts, questions))
