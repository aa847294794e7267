"""People edit and point at a table, also at hidden items: what viewers get of it, and that a refusal tells nothing."""

from __future__ import annotations

import asyncio
from uuid import UUID

from portal.tests.secret_clients import Client
from portal.tests.secret_edits import Editing
from portal.tests.secret_faults import Leak, Missing
from portal.tests.secret_marks import shown_items
from portal.tests.secret_steps import Gesture
from portal.tests.secret_table import Done
from realtime.hub.hub import current_hub
from testing.in_process import wait_until

AT = {"x": 0.25, "y": 1}


class Gesturing(Editing):
    """A table whose people edit and point."""

    async def _gesture(self, step: Gesture, actor: Client) -> Done:
        ids = [item["id"] for item in self._stored["items"]]
        item_id = ids[step.index % len(ids)] if ids else "nobody"
        if step.kind == "edits":
            assert (await actor.say("activity", state="editing", target=item_id))["type"] == "ack"
        elif step.kind == "points" and ids:
            assert (await actor.say("pointer", itemId=item_id, **AT))["type"] == "ack"
        else:
            await self._point_as_a_viewer(item_id)
        await asyncio.to_thread(wait_until, lambda: self._server.ask(_has_relayed(self._id)))
        return Done()

    async def _point_as_a_viewer(self, item_id: str) -> None:
        """A viewer points at what it sees, and finds out nothing about other ids."""
        viewer, may = self._viewers[0], self._stored["viewersMayPoint"]
        shown = {item["id"] for item in shown_items(self._stored)}
        told, unknown = [await viewer.say("pointer", itemId=one, **AT) for one in (item_id, "nobody")]
        if (told["type"] == "ack") != (may and item_id in shown):
            raise (Leak if told["type"] == "ack" else Missing)(f"{viewer.name} points at {item_id}: {told}")
        if told["type"] == "error" and {**told, "ref": None} != {**unknown, "ref": None}:
            raise Leak(f"{viewer.name} is told of {item_id}: {told}, and not {unknown}")


async def _has_relayed(portal_view_id: UUID) -> bool:
    keeper = current_hub().keepers.get(portal_view_id)
    if keeper is None:
        return True
    gestures = keeper.gestures
    waits = any(mine.wanted is not None for mine in gestures._outbox._people.values())
    return not (gestures._pointers or gestures._is_pointing or waits)
