"""An hour of hidden work: 500 writes that viewers can't see move nothing that a viewer can get."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from testing.admin import AdminClient
from testing.installation import ServerKind, StoreKind, installation
from testing.sockets import Message, PortalSocket, open_socket, portal_view_path
from testing.stacks import STACK_ENV, Stack, running

pytestmark = [pytest.mark.server, pytest.mark.postgres, pytest.mark.valkey, pytest.mark.long]

WRITES = 500
"""Together: half of them in the open, and half under a blackout."""
SEED = 13
HERO = {"id": "hero", "name": "Ilse", "text": "Ranger", "hp": 20, "maxHp": 31, "show": {"health": "words"}}
ITEMS: list[dict[str, Any]] = [
    {"id": "trap", "name": "Trap", "visible": False},
    HERO,
    {"id": "ogre", "name": "Ogre", "hp": 30, "maxHp": 60, "ac": 11},
]


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

    def __init__(
        self, stack: Stack, admin: AdminClient, portal_view: str, sender: PortalSocket, *, is_black: bool
    ) -> None:
        self._stack = stack
        self._admin = admin
        self._path = f"/api/portal-views/{portal_view}"
        self._id = portal_view
        self._sender = sender
        self._is_black = is_black
        self._rng = random.Random(SEED)  # noqa: S311  # no secret
        self._number = 0
        self._asked = 0

    async def write(self) -> None:
        """One of them."""
        self._number += 1
        kinds = [self._item, self._structure, self._batch, self._again, self._by_rest, self._in_the_admin]
        [kind] = self._rng.choices(kinds, [8, 6, 3, 3, 3, 1])
        await kind()

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
        await self._ask("item-update", payload=rng.choice(patches))

    def _change(self) -> dict[str, Any]:
        """A change of which hidden items there are, of the encounter, which viewers do not see, or of the trap."""
        number = self._number
        item = {"id": f"guard {number}", "name": f"Guard {number}", "hidden": True, "revealOnTurn": False}
        order = [{"itemId": item_id, "initiative": number} for item_id in ("trap", "hero", "ogre")]
        changes: list[dict[str, Any]] = [
            {"type": "item-add", "payload": item, "index": number % 3},
            {"type": "item-move", "itemId": "trap", "index": number % 3},
            {"type": "item-update", "itemId": "trap", "payload": {"dc": number, "name": None}},
            {"type": "encounter-next"},
            {"type": "encounter-previous"},
            {"type": "portal-view-update", "payload": {"encounter": {"round": number, "turn": "trap", "order": order}}},
        ]
        return self._rng.choice(changes)

    async def _structure(self) -> None:
        change = self._change()
        await self._ask(**change)
        if change["type"] == "item-add":
            await self._ask("item-remove", itemId=change["payload"]["id"])

    async def _batch(self) -> None:
        changes = [self._change()]
        if changes[0]["type"] == "item-add":
            item_id = changes[0]["payload"]["id"]
            changes += [
                {"type": "item-move", "itemId": item_id, "index": 1},
                {"type": "item-remove", "itemId": item_id},
            ]
        changes.append({"type": "item-update", "itemId": "hero", "payload": {"notes": self._number}})
        await asyncio.to_thread(self._stack.controller.post, f"{self._path}/preview", {"changes": changes})
        if self._rng.random() < 0.5:  # noqa: PLR2004  # half of them
            await self._ask("batch", changes=changes)
        else:
            await asyncio.to_thread(self._stack.controller.post, f"{self._path}/batch", {"changes": changes})

    async def _again(self) -> None:
        state = await asyncio.to_thread(self._stack.controller.get, self._path)
        items = [{**item, f"x{self._number % 7}": self._number} for item in state["items"]]
        payload = {"items": items, "name": state["name"], "showAC": state["showAC"]}
        await self._ask("portal-view-update", payload=payload)

    async def _by_rest(self) -> None:
        body = await asyncio.to_thread(self._with_a_hidden_item)
        await asyncio.to_thread(self._stack.controller.patch, self._path, body)

    async def _in_the_admin(self) -> None:
        body = await asyncio.to_thread(self._with_a_hidden_item)
        values = {"items": json.dumps(body["items"])}
        if self._is_black:
            values["current_item"] = str(body["currentItem"])
        page = f"/admin/libraries/portalview/{self._id}/change/"
        await asyncio.to_thread(lambda: self._admin.submit(page, **values))

    def _with_a_hidden_item(self) -> dict[str, Any]:
        """The stored items with a new hidden one, in any spelling; under a blackout another one is the current one."""
        number, items = self._number, self._stack.controller.get(self._path)["items"]
        hides: tuple[str, bool] = self._rng.choice([("hidden", True), ("isVisible", False), ("VISIBLE", False)])
        more = {"id": f"hidden {number % 5}", "name": f"New {number}", "image": "/x.png", hides[0]: hides[1]}
        kept = [item for item in items if item["id"] != more["id"]]
        current = {"currentItem": self._rng.randrange(len(kept))} if self._is_black else {}
        return {"items": [*kept, more], **current}

    async def _ask(self, type: str, **body: Any) -> None:
        self._asked += 1
        await self._sender.send(type, ref=self._asked, **body)
        while (answer := await self._sender.receive()).get("ref") != self._asked:
            pass
        assert answer["type"] == "ack", answer


def seen_by_rest(stack: Stack, portal_view: str) -> list[Any]:
    """All that a viewer, and a controller who looks as one, get by REST about portal views: bodies and tags."""
    views = f"/api/libraries/{stack.cast.library_id}/portal-views"
    paths = [f"/api/portal-views/{portal_view}", views, f"{views}?ordering=updatedAt", f"{views}?ordering=-updatedAt"]
    asked = [(stack.viewer, path) for path in (*paths, f"/api/libraries/{stack.cast.library_id}")]
    asked += [(stack.controller, f"{path}{'&' if '?' in path else '?'}as=viewer") for path in paths]
    answers = [
        httpx.get(
            f"{stack.server.http}{path}",
            headers={"Authorization": f"Bearer {who.access}"},
            timeout=20,
            trust_env=False,
        )
        for who, path in asked
    ]
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
    encounter = {"round": 1, "turn": "hero", "order": [{"itemId": "hero"}, {"itemId": "trap"}, {"itemId": "ogre"}]}
    portal_view = stack.new_portal_view(items=ITEMS, currentItem=1, blackout=is_black, encounter=encounter)
    stack.new_portal_view()
    before = seen_by_rest(stack, portal_view)
    async with (
        watching(stack, portal_view) as (watchers, connected),
        stack.join(portal_view, stack.controller) as (sender, at_first),
    ):
        with AdminClient(stack.server.http, stack.cast.admin) as admin:
            work = Work(stack, admin, portal_view, sender, is_black=is_black)
            for number in range(WRITES // 2):
                await work.write()
                if number % 50 == 0:
                    assert seen_by_rest(stack, portal_view) == before
        for watcher, told in zip(watchers, connected, strict=True):
            await watcher.expect_nothing_before_pong()
            if watcher is not watchers[-1]:  # a controller who looks as a viewer may only ping
                await check_answers(watcher, sender, told)
    assert seen_by_rest(stack, portal_view) == before
    stored = stack.controller.get(f"/api/portal-views/{portal_view}")
    assert stored["version"] > at_first["version"] + WRITES // 4
    await check_return(stack, portal_view, connected[0])


async def check_answers(watcher: PortalSocket, sender: PortalSocket, told: Message) -> None:
    """Check that answers to a viewer still have the version of `connected`: an `ack`, and a controller's sync."""
    await watcher.send("request-sync", ref=1)
    assert await watcher.receive("ack") == {"type": "ack", "ref": 1, "version": told["version"]}
    while (asked := await sender.receive())["type"] != "sync-requested":
        pass
    await sender.send("sync-response", to=asked["connectionId"], payload={"blackout": True})
    while (answer := await watcher.receive("sync-response"))["source"] == "server":  # without waiting
        assert (answer["version"], answer["payload"]) == (told["version"], told["state"])
    assert (answer["version"], answer["payload"]) == (told["version"], {"blackout": True})


async def check_return(stack: Stack, portal_view: str, known: Message) -> None:
    """Check that a viewer who comes back has missed nothing, and that a new one gets what the first one got."""
    path = portal_view_path(portal_view)
    for query in ({"version": str(known["version"]), "epoch": known["epoch"]}, {}):
        async with open_socket(stack.server.ws, path, token=stack.viewer.access, query=query) as socket:
            connected = await socket.receive("connected")
        assert connected["recovered"] is bool(query)
        missed = {"connectionId", "recovered", *(["state"] if query else [])}
        assert {key: known[key] for key in known.keys() - missed} == {
            key: connected[key] for key in connected.keys() - {"connectionId", "recovered"}
        }
