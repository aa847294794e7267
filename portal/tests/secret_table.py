"""A portal view on a real server with all people, and a check of all messages that viewers receive.

After each step its actor sends a command to everybody. Messages of a portal view come in order, so a client with that
command has received everything before it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from django.db import connections
from django.test import Client as Browser
from django.urls import reverse

from libraries.selectors import load
from portal.tests.secret_clients import Client, Received
from portal.tests.secret_marks import DISCLOSED, MARK, Content, Gardener, Sight, everything
from portal.tests.secret_steps import Beginning
from realtime.database import in_lane
from testing.in_process import InProcessServer

NOT_FOLDED = {"version", "updatedAt", "epoch", "role"}  # a patch does not carry these
LIST_EVERY = 4
State = dict[str, Any]


class Leak(AssertionError):
    """A viewer received a value that they may not see."""


@dataclass(frozen=True)
class People:
    """Access tokens by name, the library of the people, the editor's id, and somebody who is logged in to the admin."""

    tokens: Mapping[str, str]
    library_id: str
    editor_id: str
    admin: Browser


@dataclass(frozen=True)
class Done:
    """The effects of a step besides the stored state: states in between, and relayed payloads.

    A message with one of the marks `too_late` was sent when the editor was known to be a viewer. After a step that
    `is_quiet`, viewers get nothing unless they see another state.
    """

    between: tuple[State, ...] = ()
    relayed: tuple[Any, ...] = ()
    is_sync: bool = False
    is_quiet: bool = False
    too_late: frozenset[str] = frozenset()


class Table:
    """One portal view with all people, for `async with`."""

    def __init__(self, server: InProcessServer, http: httpx.Client, people: People, beginning: Beginning) -> None:
        self._server = server
        self._http = http
        self._people = people
        self._beginning = beginning
        self._garden = Gardener()
        self._exits = AsyncExitStack()
        self._told = 0
        self._discloses = False
        self._list_path = f"/api/libraries/{people.library_id}/portal-views"

    async def __aenter__(self) -> Self:
        await self._change_role("EDITOR")
        await self._disclose(False)
        items = [self._garden.item(content) for content in (*everything(self._beginning.way), Content(visible=False))]
        body = {"name": "Table", "items": items, **self._beginning.flags}
        made = (await self._rest("POST", self._list_path, body)).json()
        self._id, self._path = UUID(made["id"]), f"/api/portal-views/{made['id']}"
        self._exits.push_async_callback(self._rest, "DELETE", self._path)
        names = ("owner", "editor", "viewer", "guest", "late")
        self._owner, self._editor, *self._viewers, self._late = map(self._client, names)
        looking = self._client("editor", "looking", as_viewer=True)
        self._present = [self._owner, self._editor, *self._viewers, looking]
        for place, client in enumerate(self._present):
            await client.join(compressed=place % 2 == 0)
        await self._read()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    def _client(self, person: str, name: str = "", *, as_viewer: bool = False) -> Client:
        token = self._people.tokens[person]
        client = Client(name or person, self._server.ws, str(self._id), token, as_viewer=as_viewer)
        self._exits.push_async_callback(client.leave)
        return client

    @property
    def _can_write(self) -> bool:
        return self._editor.role == "controller"

    async def _rest(
        self, method: str, path: str, body: State | None = None, *, who: str = "owner", status: int = 0
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._people.tokens[who]}"}
        answer = await asyncio.to_thread(
            self._http.request, method, self._server.http + path, headers=headers, json=body
        )
        assert answer.status_code == status or (not status and answer.is_success), answer.text
        return answer

    async def _change_role(self, role: str) -> None:
        path = f"/api/libraries/{self._people.library_id}/members/{self._people.editor_id}"
        await self._rest("PATCH", path, {"role": role})

    async def _disclose(self, discloses: bool) -> None:
        path = f"/api/libraries/{self._people.library_id}"
        await self._rest("PATCH", path, {"disclosure": {"always": [DISCLOSED]} if discloses else {}})
        self._discloses = discloses

    async def _look_around(self, actor: Client, done: Done) -> None:
        before, version_before = self._sight, self._version
        await self._tell_everybody(actor)
        await self._read()
        sight = self._sight.and_relayed(done.relayed, is_sync=done.is_sync)
        for state in done.between:
            sight |= Sight.of(state, self._discloses)
        if done.between:
            sight |= before
        received = {client: client.take() for client in self._present}
        for client in received:
            self._check_received(client.name, received[client], sight, done)
        for client in received:
            client.fold(received[client])
        seen = await self._check_rest()
        for client in received:
            if client.role == "viewer":
                assert _folded(client.state) == seen, client.name
                if client.version > self._version:
                    raise Leak(f"{client.name} was told of version {client.version}, which is not a viewer's")
                if done.is_quiet and self._version == version_before:
                    assert all("step" in one.message.get("payload", {}) for one in received[client]), client.name

    async def _read(self) -> None:
        stored = await asyncio.to_thread(self._server.ask, in_lane(self._id, load, self._id))
        assert stored is not None
        self._stored = stored.state
        self._version = stored.viewers_version
        self._sight = Sight.of(self._stored, self._discloses)

    async def _tell_everybody(self, actor: Client) -> None:
        self._told += 1
        ref = await actor.send("portal-view-update", payload={"step": self._told})
        await actor.until(lambda message: message.get("ref") == ref)
        for client in self._present:
            if client is not actor:
                await client.until(lambda message: message.get("payload", {}).get("step") == self._told)

    def _check_received(self, name: str, received: Iterable[Received], sight: Sight, done: Done) -> None:
        for one in received:
            if one.role == "viewer":
                self._check_text(name, sight, one.text)
            elif done.too_late & set(MARK.findall(one.text)):
                raise Leak(f"{name}, who was a viewer by then, received {one.text}")

    def _check_text(self, who: str, sight: Sight, text: str) -> None:
        found = sight.leaks(text)
        if found:
            raise Leak(f"{who} received {sorted(found)} in {text}")

    async def _check_rest(self) -> str:
        """Check what viewers get by REST, and what a controller gets who looks as one; returns the state."""
        answers = [await self._rest("GET", self._path, who="viewer")]
        answers.append(await self._rest("GET", f"{self._path}?as=viewer", who="owner"))
        if not self._can_write:
            answers.append(await self._rest("GET", self._path, who="editor"))
        for answer in answers:
            self._check_text("somebody by REST", self._sight, answer.text)
            assert not MARK.search(str(answer.headers))
            assert answer.json()["version"] == self._version
            assert answer.json() == answers[0].json()
        shown = answers[0].json()
        must_see = {mark for item in shown["items"] for mark in MARK.findall(item.get("name", ""))}
        assert must_see <= self._sight.marks
        if self._told % LIST_EVERY == 0:
            await self._check_list(shown)
        return _folded(shown)

    async def _check_list(self, shown: State) -> None:
        listed = await self._rest("GET", self._list_path, who="viewer")
        self._check_text("viewer by REST", self._sight, listed.text)
        # An earlier sequence that ended in a leak has left its portal view in the list.
        [head] = [one for one in listed.json()["results"] if one["id"] == str(self._id)]
        assert (head["itemCount"], head["currentItem"]) == (len(shown["items"]), shown["currentItem"])
        assert (head["version"], head["updatedAt"]) == (shown["version"], shown["updatedAt"])
        page = await asyncio.to_thread(self._preview)
        if found := set(MARK.findall(page)) - self._sight.marks:
            raise Leak(f"the preview in the admin shows {sorted(found)}")

    def _preview(self) -> str:
        """The admin's page of what viewers see."""
        try:
            answer = self._people.admin.get(reverse("admin:libraries_portalview_preview", args=[self._id]))
        finally:
            connections.close_all()
        assert answer.status_code == 200
        return answer.content.decode()


def _folded(state: State) -> str:
    # As text, because in Python True == 1.
    return json.dumps({key: value for key, value in state.items() if key not in NOT_FOLDED}, sort_keys=True)
