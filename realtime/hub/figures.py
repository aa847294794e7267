"""The figures of one portal view, asked of all processes that have connections to it.

Nobody keeps them between two questions. A process is asked over the channel layer, as for anything else about a portal
view, and answers to a group of this question alone. Nobody knows how many processes will answer: it takes
`ANSWER_SECONDS`, unless no other process can be there.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from channels.layers import InMemoryChannelLayer

from libraries.rules.errors import Unavailable
from libraries.rules.figures import Figures, together
from libraries.rules.roles import PortalRole
from realtime.hub.subscriptions import Subscriptions
from realtime.news.layer import publish, require_layer
from realtime.news.structs import FiguresAskedNews, FiguresToldNews, figures_group
from realtime.rooms.room import Room

ANSWER_SECONDS = 0.25
"""How long other processes may take."""


class Home(Protocol):
    """The owner of the rooms: the hub."""

    subscriptions: Subscriptions

    def room_of(self, portal_view_id: UUID) -> Room | None:
        """The room of a portal view, if there is one in this process."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that nobody waits for."""


class Questions:
    """The questions of one hub, and its answers to those of others."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._name = secrets.token_urlsafe(9)
        self._answers: dict[str, list[Figures]] = {}
        self._asking: dict[UUID, asyncio.Task[Figures]] = {}

    async def ask(self, portal_view_id: UUID) -> Figures:
        """The figures of a portal view in all processes. Whoever asks the same meanwhile gets the same answer."""
        asking = self._asking.get(portal_view_id)
        if asking is None:
            asking = self._asking[portal_view_id] = asyncio.create_task(self._ask(portal_view_id))
            asking.add_done_callback(lambda _: self._asking.pop(portal_view_id, None))
        return await asyncio.shield(asking)

    async def _ask(self, portal_view_id: UUID) -> Figures:
        if isinstance(require_layer(), InMemoryChannelLayer):  # there is no other process
            return together(self._own(portal_view_id))
        question = secrets.token_urlsafe(9)
        group, answers = figures_group(question), self._answers.setdefault(question, [])
        is_complete = False
        try:
            if await self._home.subscriptions.add(group):
                await publish(FiguresAskedNews(portal_view_id=portal_view_id, asker=self._name, question=question))
                is_complete = True
                await asyncio.sleep(ANSWER_SECONDS)
        except Unavailable:
            pass  # logged there; what this process knows is told as incomplete
        finally:
            del self._answers[question]
            await self._home.subscriptions.discard(group, unless=lambda: False)
        found = together([*self._own(portal_view_id), *answers])
        found.is_complete = is_complete
        return found

    def _own(self, portal_view_id: UUID) -> list[Figures]:
        room = self._home.room_of(portal_view_id)
        return [] if room is None else [figures(room, time.monotonic())]

    def take(self, news: FiguresAskedNews | FiguresToldNews) -> None:
        """Answer the question of another process, or hear its answer."""
        if isinstance(news, FiguresToldNews):
            if (answers := self._answers.get(news.question)) is not None:
                answers.append(news.figures)
        elif news.asker != self._name:
            for own in self._own(news.portal_view_id):
                self._home.start(_tell(FiguresToldNews(question=news.question, figures=own)))


async def _tell(news: FiguresToldNews) -> None:
    with suppress(Unavailable):  # logged there; the question is over by the time that the layer is back
        await publish(news)


def figures(room: Room, now: float) -> Figures:
    """The figures of a room of this process; `now` is of the monotonic clock."""
    everybody, tally = room.people.everybody(), room.tally
    ages = [now - connection.since for connection in everybody]
    received_rate, delivered_rate = tally.rates(now)
    controllers = sum(connection.role is PortalRole.CONTROLLER for connection in everybody)
    return Figures(
        processes=1,
        controllers=controllers,
        viewers=len(everybody) - controllers,
        guests=sum(connection.subject.is_guest for connection in everybody),
        stalled=sum(connection.outlet.stalled_since is not None for connection in everybody),
        send_buffer_bytes=sum(connection.outlet.waiting for connection in everybody),
        people={connection.subject.id for connection in everybody},
        seconds=sum(ages),
        longest_seconds=max(ages, default=0.0),
        counted_seconds=now - tally.opened,
        received=tally.received,
        received_rate=received_rate,
        broadcasts=tally.broadcasts,
        deliveries=tally.deliveries,
        delivered_rate=delivered_rate,
        sent_bytes=tally.sent_bytes,
        connected=tally.connected,
        recovered=tally.recovered,
        snapshots=tally.snapshots,
        gaps_repaired=tally.gaps_repaired,
        news_lost=tally.news_lost,
    )
