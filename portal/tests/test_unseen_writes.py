"""An hour of hidden work: 500 writes that viewers can't see move nothing that a viewer can get."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from testing.installation import ServerKind, StoreKind, installation
from testing.sockets import PortalSocket, open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey]

WRITES = 500
SEED = 13
HERO = {"id": "hero", "name": "Ilse", "text": "Ranger", "hp": 20, "maxHp": 31, "show": {"health": "words"}}
ITEMS: list[dict[str, Any]] = [
    {"id": "trap", "name": "Trap", "visible": False},
    HERO,
    {"id": "ogre", "name": "Ogre", "hp": 30, "maxHp": 60, "ac": 11},
]
ADMIN_WRITE = """
from libraries.rules.state import check_patch
from libraries.services.portal_views import update_portal_view
update_portal_view(actor_id=None, portal_view_id="{id}", patch=check_patch({{"items": {items}, "currentItem": 0}}))
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A server on Postgres and Valkey with two processes."""
    with (
        installation(StoreKind.POSTGRES, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE, "--workers", "2") as stack,
    ):
        yield stack


class Work:
    """Writes that viewers can't see, by everybody who may write; their version is counted."""

    def __init__(self, stack: Stack, portal_view: str, sender: PortalSocket, *, is_black: bool) -> None:
        self._stack = stack
        self._path = f"/api/portal-views/{portal_view}"
        self._id = portal_view
        self._sender = sender
        self._is_black = is_black
        self._rng = random.Random(SEED)  # noqa: S311  # no secret
        self._number = 0

    async def write(self) -> None:
        """One of them."""
        self._number += 1
        kinds = [self._item, self._item, self._item, self._item, self._again, self._by_rest]
        await self._rng.choice(kinds)()

    async def _item(self) -> None:
        number, rng = self._number, self._rng
        patches: list[dict[str, Any]] = [
            {"itemId": "trap", "name": f"Trap {number}", "public": {"dc": number}},
            {"itemId": "ogre", "hp": rng.randrange(60), "ac": rng.randrange(20), "gmNotes": f"note {number}"},
            {"itemId": "hero", "hp": rng.randrange(16, 23), "privateNotes": [number], "体力": number},
            {"itemId": "ogre", "system": {"attributes": {"hp": {"value": number}}}},
            {"itemId": "nobody", "name": f"Ghost {number}"},
        ]
        if self._is_black:
            patches += [
                {"itemId": "hero", "text": f"Ranger {number}", "public": {"x": number}},
                {"itemId": "trap", "visible": bool(number % 2)},
            ]
        await self._ask("item-update", rng.choice(patches))

    async def _again(self) -> None:
        state = await asyncio.to_thread(self._stack.controller.get, self._path)
        items = [{**item, f"x{self._number % 7}": self._number} for item in state["items"]]
        await self._ask("portal-view-update", {"items": items, "name": state["name"], "showAC": state["showAC"]})

    async def _by_rest(self) -> None:
        state = await asyncio.to_thread(self._stack.controller.get, self._path)
        more = {"id": f"hidden {self._number % 5}", "name": "New", "hidden": True}
        kept = [item for item in state["items"] if item["id"] != more["id"]]
        current = {"currentItem": self._rng.randrange(len(kept))} if self._is_black else {}
        body = {"items": [*kept, more], **current}
        await asyncio.to_thread(self._stack.controller.patch, self._path, body)

    async def _ask(self, kind: str, payload: dict[str, Any]) -> None:
        await self._sender.send(kind, ref=self._number, payload=payload)
        while (answer := await self._sender.receive()).get("ref") != self._number:
            pass
        assert answer["type"] == "ack", answer


def seen_by_rest(stack: Stack, portal_view: str) -> list[Any]:
    """All that a viewer gets by REST about the portal views of the library: bodies and tags."""
    views = f"/api/libraries/{stack.cast.library_id}/portal-views"
    paths = [f"/api/portal-views/{portal_view}", views, f"{views}?ordering=updatedAt", f"{views}?ordering=-updatedAt"]
    library = f"/api/libraries/{stack.cast.library_id}"
    headers = {"Authorization": f"Bearer {stack.viewer.access}"}
    addresses = [f"{stack.server.http}{path}" for path in (*paths, library)]
    answers = [httpx.get(address, headers=headers, timeout=20, trust_env=False) for address in addresses]
    assert all(answer.status_code == 200 for answer in answers)
    return [(answer.text, answer.headers.get("ETag")) for answer in answers]


@asynccontextmanager
async def watching(stack: Stack, portal_view: str) -> Any:
    """Sockets that see what viewers see: viewers, and a controller who looks as one."""
    path = portal_view_path(portal_view)
    async with AsyncExitStack() as exits:
        sockets = []
        for who, query in ((stack.viewer, {}), (stack.viewer, {}), (stack.controller, {"as": "viewer"})):
            opening = open_socket(stack.server.ws, path, token=who.access, query=query)
            sockets.append(await exits.enter_async_context(opening))
        connected = [await socket.receive("connected") for socket in sockets]
        yield sockets, connected


@pytest.mark.parametrize("is_black", [False, True], ids=["in the open", "under a blackout"])
async def test_hidden_work_moves_nothing_that_a_viewer_gets(stack: Stack, is_black: bool) -> None:
    portal_view = stack.new_portal_view(items=ITEMS, currentItem=1, blackout=is_black)
    stack.new_portal_view()
    before = seen_by_rest(stack, portal_view)
    async with (
        watching(stack, portal_view) as (watchers, connected),
        stack.join(portal_view, stack.controller) as (sender, at_first),
    ):
        work = Work(stack, portal_view, sender, is_black=is_black)
        for number in range(WRITES // 2):
            await work.write()
            if number % 50 == 0:
                assert seen_by_rest(stack, portal_view) == before
        if is_black:
            stack.installation.shell(ADMIN_WRITE.format(id=portal_view, items=ITEMS))
        for watcher in watchers:
            await watcher.expect_nothing_before_pong()
    assert seen_by_rest(stack, portal_view) == before
    stored = stack.controller.get(f"/api/portal-views/{portal_view}")
    assert stored["version"] > at_first["version"] + WRITES // 4
    path, known = portal_view_path(portal_view), connected[0]
    query = {"version": str(known["version"]), "epoch": known["epoch"]}
    async with open_socket(stack.server.ws, path, token=stack.viewer.access, query=query) as socket:
        back = await socket.receive("connected")
    assert back["recovered"] is True
    assert {**back, "connectionId": ""} == {
        **{key: value for key, value in known.items() if key != "state"},
        **{"connectionId": "", "recovered": True},
    }
