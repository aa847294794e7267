"""Applies the steps of `secret_steps` to a portal view on a real server. After each it checks the viewers' messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from portal.tests.secret_clients import Client
from portal.tests.secret_draws import By
from portal.tests.secret_garden import UNSEEN, Content
from portal.tests.secret_gestures import Gesturing
from portal.tests.secret_marks import patched
from portal.tests.secret_model import message_of
from portal.tests.secret_names import FLAGS, MARK, SETTLED
from portal.tests.secret_paths import Rows
from portal.tests.secret_steps import (
    Ask,
    Batch,
    Change,
    ChangeMissing,
    ComeBack,
    Command,
    Disclose,
    Display,
    Edit,
    Flip,
    Gesture,
    Latecomer,
    Refused,
    Replace,
    Step,
    SwapRole,
)
from portal.tests.secret_table import Done, State
from realtime.hub.hub import current_hub
from testing.in_process import wait_until


class Machine(Gesturing):
    """Runs a sequence of steps at a table: `async with`, then `run`."""

    async def run(self, steps: Iterable[Step]) -> None:
        """Do all steps; Leak, or another AssertionError for a client with a wrong state."""
        done = [f"The table began with {self._beginning}; then:"]
        try:
            await self._read()
            await self._look_around(self._owner, Done())
            for step in steps:
                done.append(str(step))
                actor = self._editor if getattr(step, "by", "") == "editor" and self._can_write else self._owner
                await self._look_around(actor, await self._do(step, actor))
        except AssertionError as error:
            error.add_note("\n".join(done))
            raise

    async def _do(self, step: Step, actor: Client) -> Done:
        match step:
            case Edit():
                return await self._edit(step, actor)
            case Batch():
                return await self._batch(step, actor)
            case Disclose():
                return await self._disclose_other(step.rows)
            case Flip():
                return await self._flip(step, actor)
            case Display():
                return await self._store({"healthDisplay": step.value}, actor, step.by)
            case Replace():
                return await self._replace(step, actor)
            case Change():
                return await self._change(step, actor)
            case ChangeMissing():
                return await self._change_missing(step.content, actor)
            case Command():
                return await self._command(step, actor)
            case SwapRole():
                return await self._swap_role(step)
            case ComeBack():
                return await self._come_back(step)
            case Latecomer():
                return await self._come_late(step)
            case Ask():
                return await self._ask(step)
            case Gesture():
                return await self._gesture(step, actor)
            case Refused():
                return await self._be_refused(step)

    async def _store(self, payload: State, actor: Client, by: By) -> Done:
        self._expect({"type": "portal-view-update", "payload": payload})
        if by == "rest":
            await self._rest("PATCH", self._path, payload)
        elif by == "admin":
            await self._fill_in(payload)
        else:
            assert (await actor.say("portal-view-update", payload=payload))["type"] == "ack"
        return Done(is_quiet=True)

    async def _disclose_other(self, rows: Rows) -> Done:
        if dict(rows) == dict(self._rows):
            return Done(is_quiet=True)
        before = self._stored
        await self._disclose(rows)
        version = self._version + 1
        for client in self._present:
            if client.role == "viewer":
                await client.until(lambda message: message.get("version", 0) >= version)
        return Done(between=(before,), is_one_write=False)

    async def _flip(self, step: Flip, actor: Client) -> Done:
        # Only a message may have keys that a portal view does not have.
        zoom = {} if step.zoom is None or step.by in {"rest", "admin"} else {"zoom": self._garden.keys(step.zoom)}
        done = await self._store({step.flag: not self._stored[step.flag], **zoom}, actor, step.by)
        return replace(done, relayed=(zoom,))

    async def _replace(self, step: Replace, actor: Client) -> Done:
        items = [*map(self._garden.item, step.contents), *(reversed(self._stored["items"]) if step.keeps else ())]
        current = len(items) - 1 if items and step.current else None
        return await self._store({"items": items, "currentItem": current}, actor, step.by)

    async def _change(self, step: Change, actor: Client) -> Done:
        items = self._stored["items"]
        if not items:
            return await self._change_missing(step.content, actor)
        item, patch = items[step.index % len(items)], self._garden.item_keys(step.content)
        self._expect({"type": "item-update", "itemId": item["id"], "payload": patch})
        assert (await actor.say("item-update", payload={"itemId": item["id"], **patch}))["type"] == "ack"
        return Done(is_quiet=True)

    async def _change_missing(self, content: Content, actor: Client) -> Done:
        payload = {"itemId": self._garden.mark(), **self._garden.item_keys(content)}
        assert (await actor.say("item-update", payload=payload))["type"] == "ack"
        return Done(is_quiet=True)

    async def _command(self, step: Command, actor: Client) -> Done:
        items = [self._garden.item(content) for content in step.items]
        scene = {"items": items[1:], **({"currentItem": items[0]} if items else {})}
        payload = {**self._unnamed(step.content), "pointer": self._garden.keys(step.content), "scene": scene}
        assert (await actor.say("portal-view-update", payload=payload))["type"] == "ack"
        return Done(relayed=(payload,))

    def _unnamed(self, content: Content) -> State:
        # A portal view has its own name, which is no secret; some keys of items are its own, too.
        return {key: value for key, value in self._garden.keys(content).items() if key not in _OWN_KEYS}

    async def _swap_role(self, step: SwapRole) -> Done:
        demoted, between = self._can_write, [self._stored]
        for index, content in enumerate(step.amid):
            between.append(await self._push(between[-1], index, content))
        changing = self._change_role("VIEWER" if demoted else "EDITOR")
        if step.rejoins:
            await self._editor.leave()
            await asyncio.gather(self._editor.join(), changing)
        else:
            await changing
        between.append(await self._push(between[-1], 0, step.after))
        # A connection that waits for its new state misses the commands of that time.
        if self._can_write == demoted:
            await self._editor.until(lambda message: message["type"] == "role-changed")
        too_late = _marks(between[-1]) - _marks(between[-2]) if demoted else frozenset()
        return Done(between=tuple(between), too_late=too_late, is_one_write=False)

    async def _push(self, state: State, index: int, content: Content) -> State:
        """Let the owner change an item without waiting for the answer; returns the future state."""
        items = list(state["items"])
        if not items:
            return state
        index %= len(items)
        keys = self._garden.item_keys(content)
        message = {"itemId": items[index]["id"], "payload": keys}
        await self._owner.send("item-update", **message)
        items[index] = patched(items[index], keys)
        self._expect({"type": "item-update", **message})
        return {**state, "items": items}

    async def _come_back(self, step: ComeBack) -> Done:
        client, before = self._viewers[step.who], self._stored
        await client.leave()
        joining = client.join(knows=step.knows, compressed=step.compressed)
        if step.amid is None:
            await joining
        else:
            changing = self._rest("PATCH", self._path, {step.amid: not before[step.amid]})
            await asyncio.gather(joining, changing)
        return Done(between=(before,))

    async def _come_late(self, step: Latecomer) -> Done:
        if self._late in self._present:
            await self._late.leave()
        else:
            self._present.append(self._late)
        await self._late.join(compressed=step.compressed)
        return Done()

    async def _ask(self, step: Ask) -> Done:
        viewer = self._viewers[step.who]
        if step.answer == "by the server":
            await self._ask_server(viewer)
            return Done()
        await viewer.send("request-sync")
        asked = await self._owner.until(lambda message: message["type"] == "sync-requested")
        assert asked["connectionId"] == viewer.connection_id
        items = [self._garden.item(content) for content in step.items]
        # The flags in a controller's own payload do not count.
        again = [{**item, "visible": True} for item in self._stored["items"]]
        payload = {
            **self._unnamed(step.more),
            "items": [*items, *again],
            **message_of(step.scene, {"items": [*items, *again]}, self._garden)["payload"],
            **dict.fromkeys(FLAGS, True),
            "blackout": False,
        }
        to = {"to": viewer.connection_id} if step.answer == "to one" else {}
        assert (await self._owner.say("sync-response", payload=payload, **to))["type"] == "ack"
        return Done(relayed=(payload,), is_sync=True)

    async def _ask_server(self, viewer: Client) -> None:
        controllers = [self._owner, self._editor] if self._can_write else [self._owner]
        for controller in controllers:
            await controller.leave()
        await asyncio.to_thread(wait_until, lambda: not self._server.ask(_has_controller(self._id)))
        await viewer.send("request-sync")
        await viewer.until(lambda message: message.get("source") == "server")
        for controller in controllers:
            await controller.join()

    async def _be_refused(self, step: Refused) -> Done:
        viewer, item = self._viewers[0], self._garden.item(UNSEEN)
        match step.who:
            case "viewer":
                for kind in FOR_CONTROLLERS:
                    body = {"itemId": "x", "index": 0, "state": "idle", "changes": [{"type": "encounter-next"}]}
                    answer = await viewer.say(kind, payload={"itemId": "x", **dict.fromkeys(FLAGS, True)}, **body)
                    assert answer["code"] == "forbidden"
                await viewer.babble("{")
            case "viewer by rest":
                await self._be_refused_by_rest()
            case "controller":
                answer = await self._owner.say("portal-view-update", payload={"items": [item, item]})
                assert MARK.search(answer["message"])
            case _:
                payload = {"itemId": item["id"], "visible": item["name"]}
                assert (await self._owner.say("item-update", payload=payload))["code"] == "invalid-payload"
        return Done()

    async def _be_refused_by_rest(self) -> None:
        """Let a viewer try all writes; what they are told does not depend on whether there is such an item."""
        body: State = {"name": "x", "showHealth": True}
        asked = [(method, self._path, body) for method in ("PATCH", "PUT", "DELETE")]
        asked += [("POST", f"{self._path}/{what}", {"changes": [{"type": "encounter-next"}]}) for what in BATCHES]
        asked.append(("POST", f"{self._path}/items", body))
        for item_id in ("nobody", *(item["id"] for item in self._stored["items"][:2])):
            own = f"{self._path}/items/{item_id}"
            asked += [("PATCH", own, body), ("DELETE", own, body), ("PUT", f"{own}/position", {"index": 0})]
        told = set()
        for method, path, sent in asked:
            refusal = await self._rest(method, path, sent, who="viewer", status=403)
            self._check_text("viewer by rest", self._sight, refusal.text)
            told.add(refusal.text)
        assert len(told) == 1, told


FOR_CONTROLLERS = (
    *("portal-view-update", "item-update", "item-add", "item-remove", "item-move", "encounter-next"),
    *("encounter-previous", "batch", "sync-response", "activity"),
)
BATCHES = ("batch", "preview")
_OWN_KEYS = {"name", "id", "items", *SETTLED}
"""Keys of a portal view."""


async def _has_controller(portal_view_id: UUID) -> bool:
    keeper = current_hub().keepers.get(portal_view_id)
    return keeper is not None and keeper.room.has_controller


def _marks(state: State) -> frozenset[str]:
    return frozenset(MARK.findall(json.dumps(state["items"])))
