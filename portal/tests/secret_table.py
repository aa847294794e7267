"""A portal view on a real server with all people, and what they do at it. The checks are in `secret_watch`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from django.urls import reverse

from libraries.rules.state import FIELDS
from portal.tests.secret_clients import Client
from portal.tests.secret_garden import Gardener, everything
from portal.tests.secret_model import BLANK, applied, message_of
from portal.tests.secret_paths import Rows
from portal.tests.secret_steps import Beginning
from testing.admin import AdminClient
from testing.in_process import InProcessServer

State = dict[str, Any]


@dataclass(frozen=True)
class People:
    """Access tokens by name, the library of the people, the editor's id, and somebody who is logged in to the admin."""

    tokens: Mapping[str, str]
    library_id: str
    editor_id: str
    admin: AdminClient


@dataclass(frozen=True)
class Done:
    """The effects of a step besides the stored state: states in between, and relayed payloads.

    A message with one of the marks `too_late` was sent when the editor was known to be a viewer. After a step that
    `is_quiet`, viewers get nothing unless they see another state. With `is_one_write` at most one change was stored, so
    the viewers' version tells whether they see another state.
    """

    between: tuple[State, ...] = ()
    relayed: tuple[Any, ...] = ()
    is_sync: bool = False
    is_quiet: bool = False
    is_one_write: bool = True
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
        self._rows: Rows = ()
        self._seen = ""
        self._previewed = ""
        self._tags: dict[str, str] = {}
        self._expected: State = {**BLANK}
        self._list_path = f"/api/libraries/{people.library_id}/portal-views"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            exits.push_async_callback(self._exits.aclose)
            await self._sit_down()
            exits.pop_all()
        return self

    async def _sit_down(self) -> None:
        await self._change_role("EDITOR")
        await self._disclose(self._beginning.rows)
        items = [self._garden.item(content) for content in everything(self._beginning.way)]
        planned = applied(BLANK, _patch({"items": items}))
        scene = message_of(self._beginning.scene, planned, self._garden)["payload"]
        body = {"name": "Table", "items": items, **self._beginning.flags, **scene}
        self._expect(_patch(body))
        made = (await self._rest("POST", self._list_path, body)).json()
        self._id, self._path = UUID(made["id"]), f"/api/portal-views/{made['id']}"
        self._exits.push_async_callback(self._rest, "DELETE", self._path)
        names = ("owner", "editor", "viewer", "guest", "late")
        self._owner, self._editor, *self._viewers, self._late = map(self._client, names)
        looking = self._client("editor", "looking", as_viewer=True)
        self._present = [self._owner, self._editor, *self._viewers, looking]
        for place, client in enumerate(self._present):
            await client.join(compressed=place % 2 == 0)

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
        self, method: str, path: str, body: State | None = None, *, who: str = "owner", status: int | None = 0
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._people.tokens[who]}"}
        answer = await asyncio.to_thread(
            self._http.request, method, self._server.http + path, headers=headers, json=body
        )
        assert status in {None, answer.status_code} or (status == 0 and answer.is_success), answer.text
        return answer

    async def _change_role(self, role: str) -> None:
        path = f"/api/libraries/{self._people.library_id}/members/{self._people.editor_id}"
        await self._rest("PATCH", path, {"role": role})

    async def _disclose(self, rows: Rows) -> None:
        await self._rest(
            "PATCH", f"/api/libraries/{self._people.library_id}", {"disclosure": dict(rows), "showActivity": True}
        )
        self._rows = rows
        # After the end of a disclosure its records stay, and must not.
        self._garden.rows = rows or self._garden.rows

    async def _fill_in(self, payload: State) -> None:
        """Change the portal view in the form of the admin."""
        page = reverse("admin:libraries_portalview_change", args=[self._id])
        values = {FIELDS[key].column: _typed(value) for key, value in payload.items()}
        await asyncio.to_thread(self._people.admin.submit, page, **values)

    def _expect(self, *messages: State) -> None:
        """Note the state that these messages lead to."""
        for message in messages:
            self._expected = applied(self._expected, message)


def _patch(payload: State) -> State:
    return {"type": "portal-view-update", "payload": payload}


def _typed(value: Any) -> str | None:
    """A value as a browser sends it in a form; None is a box without its mark."""
    if isinstance(value, bool):
        return "on" if value else None
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
