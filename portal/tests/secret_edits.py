"""Single changes and batches at a table, by socket, by REST and in the admin; a batch is previewed before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from django.urls import reverse

from portal.tests.secret_clients import Client
from portal.tests.secret_draws import By
from portal.tests.secret_faults import Leak
from portal.tests.secret_model import UNKNOWN, applied, message_of
from portal.tests.secret_names import MARK
from portal.tests.secret_sight import Sight
from portal.tests.secret_steps import Batch, Edit, Scene
from portal.tests.secret_table import Done, State
from portal.tests.secret_watch import Watch, folded_text

_TURNS = {"encounter-next": "turn_next", "encounter-previous": "turn_previous"}


class Editing(Watch):
    """A table at which items are added, removed, moved and changed, and turns are taken."""

    async def _edit(self, step: Edit, actor: Client) -> Done:
        message = message_of(step.change, self._stored, self._garden)
        self._expect(message)
        if step.by == "admin" and message["type"] in _TURNS:
            await self._turn_in_the_admin(_TURNS[message["type"]])
        elif step.by == "admin" and isinstance(step.change, Scene):
            await self._fill_in(self._as_a_form(message["payload"]))
        elif step.by in {"rest", "admin"}:
            self._learn([message], await self._change_by_rest(message))
        else:
            answer = await actor.say(**_said(message))
            assert answer["type"] == "ack", answer
            self._learn([message], [answer["itemId"]] if "itemId" in answer else [])
        if message["type"] == "item-add" and "_id" in message["payload"]:
            await self._bring_elsewhere(message["payload"])
        return Done(is_quiet=True)

    async def _bring_elsewhere(self, record: State) -> None:
        """Check that the record has another id in another portal view."""
        made = (await self._rest("POST", self._list_path, {"name": "Elsewhere", "items": [record]})).json()
        await self._rest("DELETE", f"/api/portal-views/{made['id']}")
        if made["items"][0]["id"] in {item["id"] for item in self._expected["items"]}:
            raise Leak(f"the id of {record} is the same in two portal views")

    async def _turn_in_the_admin(self, action: str) -> None:
        values = {"action": action, "_selected_action": str(self._id)}
        page = reverse("admin:libraries_portalview_changelist")
        await asyncio.to_thread(self._people.admin.post, page, values)

    def _as_a_form(self, payload: State) -> State:
        """The payload as the form has it: there, what is current has a place and no id."""
        rest = {key: value for key, value in payload.items() if key != "currentItemId"}
        return {**rest, "currentItem": self._expected["currentItem"]} if len(rest) < len(payload) else rest

    async def _change_by_rest(self, message: State) -> list[str]:
        """Make the change at its own address; returns the id of an added item."""
        items, payload = f"{self._path}/items", message.get("payload")
        own = f"{items}/{message.get('itemId')}"
        match message["type"]:
            case "portal-view-update":
                await self._rest("PATCH", self._path, payload)
            case "item-update":
                await self._rest("PATCH", own, payload)
            case "item-remove":
                await self._rest("DELETE", own)
            case "item-move":
                await self._rest("PUT", f"{own}/position", {"index": message["index"]})
            case "item-add":
                place = f"?index={message['index']}" if "index" in message else ""
                return [(await self._rest("POST", f"{items}{place}", payload)).json()["item"]["id"]]
            case _:
                await self._rest("POST", f"{self._path}/batch", {"changes": [message]})
        return []

    async def _batch(self, step: Batch, actor: Client) -> Done:
        changes, state = list[State](), self._stored
        for change in step.changes:
            message = message_of(change, state, self._garden)
            changes.append(message)
            state = applied(state, message)
        self._expect(*changes)
        previewed = await self._preview(changes)
        self._learn(changes, await self._send_batch(changes, actor, step.by))
        self._check_preview(previewed)
        return Done(is_quiet=True)

    async def _send_batch(self, changes: Sequence[State], actor: Client, by: By) -> list[str]:
        """Returns the ids of the added items."""
        if by in {"rest", "admin"}:
            written = (await self._rest("POST", f"{self._path}/batch", {"changes": changes})).json()
            return list(written["itemIds"])
        answer = await actor.say("batch", changes=changes)
        assert answer["type"] == "ack", answer
        return list(answer.get("itemIds", ()))

    async def _preview(self, changes: Sequence[State]) -> httpx.Response:
        """What viewers would get after the changes; viewers may not ask."""
        path, body = f"{self._path}/preview", {"changes": changes}
        who = "viewer" if self._can_write else "editor"
        refused = await self._rest("POST", path, body, who=who, status=None)
        if refused.status_code != httpx.codes.FORBIDDEN:
            raise Leak(f"a preview for {who}: {refused.text}")
        return await self._rest("POST", path, body)

    def _check_preview(self, previewed: httpx.Response) -> None:
        self._check_text("a preview", Sight.of(self._expected, self._rows), previewed.text)
        shown = previewed.json()
        told = (shown["version"], shown["updatedAt"])
        if told != (self._version, self._stored["viewersUpdatedAt"]):
            raise Leak(f"a preview tells {told}")
        self._previewed = folded_text(shown)

    def _learn(self, messages: Sequence[State], item_ids: Sequence[str]) -> None:
        """Put the ids of added items into the expected state; one that the server made up tells nothing."""
        added = [message["payload"] for message in messages if message["type"] == "item-add"]
        assert len(added) == len(item_ids)
        made = []
        for item, item_id in zip(added, item_ids, strict=True):
            if "id" in item:
                assert item["id"] == item_id
                continue
            made.append(item_id)
            if MARK.search(item_id) or item.get("_id", "-") in item_id:
                raise Leak(f"the id {item_id} tells what is in {item}")
        ids = {f"{UNKNOWN}{number}": item_id for number, item_id in enumerate(made)}
        self._expected["items"] = [{**item, "id": ids.get(item["id"], item["id"])} for item in self._expected["items"]]


def _said(message: State) -> dict[str, Any]:
    return {"kind": message["type"], **{key: value for key, value in message.items() if key != "type"}}
