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
from django.urls import reverse

from libraries.rules.state import FIELDS
from libraries.selectors import load
from portal.tests.secret_clients import Client, Received
from portal.tests.secret_marks import (
    MARK,
    VISIBILITY_WORDS,
    Gardener,
    Sight,
    everything,
    is_seen,
    marks_to_be_seen,
    shown_items,
    shown_place,
    shows_health,
    word,
)
from portal.tests.secret_paths import Rows
from portal.tests.secret_steps import Beginning
from realtime.database import in_lane
from testing.admin import AdminClient
from testing.in_process import InProcessServer

NOT_FOLDED = {"version", "updatedAt", "epoch", "role"}  # a patch does not carry these
LIST_EVERY = 4
State = dict[str, Any]


class Leak(AssertionError):
    """A viewer received a value that they may not see, or can tell that something happened which they may not see."""


class Missing(AssertionError):
    """A viewer did not receive a value that they may see."""


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
        self._visible: dict[str, bool] = {}
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
        self._expect(*items)
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

    async def _disclose(self, rows: Rows) -> None:
        await self._rest("PATCH", f"/api/libraries/{self._people.library_id}", {"disclosure": dict(rows)})
        self._rows = rows
        # After the end of a disclosure its records stay, and must not.
        self._garden.rows = rows or self._garden.rows

    async def _fill_in(self, payload: State) -> None:
        """Change the portal view in the form of the admin."""
        page = reverse("admin:libraries_portalview_change", args=[self._id])
        values = {FIELDS[key].column: _typed(value) for key, value in payload.items()}
        await asyncio.to_thread(self._people.admin.submit, page, **values)

    def _expect(self, *items: State) -> None:
        """Note whether the items will be visible."""
        self._visible |= {item["id"]: is_seen(item) for item in items}

    async def _look_around(self, actor: Client, done: Done) -> None:
        before, version_before = self._sight, self._version
        await self._tell_everybody(actor)
        await self._read()
        sight = self._sight.and_relayed(done.relayed, is_sync=done.is_sync)
        for state in done.between:
            sight |= Sight.of(state, self._rows)
        if done.between:
            sight |= before
        received = {client: client.take() for client in self._present}
        for client in received:
            self._check_received(client.name, received[client], sight, done)
        for client in received:
            client.fold(received[client])
        seen_before, self._seen = self._seen, await self._check_rest()
        self._check_version(done, moved=self._version - version_before, changed=self._seen != seen_before)
        for client in received:
            if client.role == "viewer":
                assert _folded(client.state) == self._seen, client.name
                if client.version > self._version:
                    raise Leak(f"{client.name} was told of version {client.version}, which is not a viewer's")
                if done.is_quiet and self._version == version_before:
                    others = [one.text for one in received[client] if "step" not in one.message.get("payload", {})]
                    if others:
                        raise Leak(f"{client.name} saw no change, and received {others}")

    def _check_version(self, done: Done, *, moved: int, changed: bool) -> None:
        """Check that the viewers' version has risen by one if they see another state, and otherwise has not."""
        if self._told == 1 or not done.is_one_write:
            return
        if moved and not changed:
            raise Leak(f"the viewers' version has risen by {moved}, and they see no change")
        assert moved == int(changed)

    async def _read(self) -> None:
        stored = await asyncio.to_thread(self._server.ask, in_lane(self._id, load, self._id))
        assert stored is not None
        self._stored = stored.state
        self._version = stored.viewers_version
        self._sight = Sight.of(self._stored, self._rows)
        for item in self._stored["items"]:
            said = {key: value for key, value in item.items() if word(key) in VISIBILITY_WORDS}
            assert said in ({}, {"visible": True}, {"visible": False})
            assert is_seen(item) is self._visible[item["id"]], item["id"]

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
            if answer.json() != answers[0].json() or answer.headers["ETag"] != answers[0].headers["ETag"]:
                raise Leak(f"not all who look as viewers get the same: {answer.text}")
        shown = answers[0].json()
        self._check_shown(shown, answers[0])
        if self._told % LIST_EVERY == 0:
            await self._check_list(shown)
        return _folded(shown)

    def _check_shown(self, shown: State, answer: httpx.Response) -> None:
        """Check that it has the viewers' own version, date and places, and all that they may see."""
        told = (shown["version"], shown["updatedAt"], answer.headers["ETag"].partition("-")[0])
        if told != (self._version, self._stored["viewersUpdatedAt"], f'"{self._version}'):
            raise Leak(f"viewers are told {told}, and their version is {self._version}")
        ids = [item.get("id") for item in shown["items"]]
        if ids != [item["id"] for item in shown_items(self._stored)]:
            raise Missing(f"viewers see the items {ids}")
        assert shown["currentItem"] == shown_place(self._stored)
        if missing := set(marks_to_be_seen(self._stored, self._rows)) - set(MARK.findall(answer.text)):
            raise Missing(f"viewers do not get {sorted(missing)} in {answer.text}")
        due = {item["id"] for item in shown_items(self._stored) if shows_health(item, self._stored, self._rows)}
        if unhealthy := [item["id"] for item in shown["items"] if item["id"] in due and "health" not in item]:
            raise Missing(f"viewers do not get the health of {unhealthy} in {answer.text}")

    async def _check_list(self, shown: State) -> None:
        for who, query in (("viewer", ""), ("owner", "?as=viewer")):
            listed = await self._rest("GET", f"{self._list_path}{query}", who=who)
            self._check_text(f"{who} by REST", self._sight, listed.text)
            # An earlier sequence that ended in a leak has left its portal view in the list.
            [head] = [one for one in listed.json()["results"] if one["id"] == str(self._id)]
            told = [head[key] for key in ("itemCount", "currentItem", "version", "updatedAt")]
            if told != [len(shown["items"]), shown["currentItem"], shown["version"], shown["updatedAt"]]:
                raise Leak(f"the list tells {who} {told}")
        page = await asyncio.to_thread(
            self._people.admin.page, reverse("admin:libraries_portalview_preview", args=[self._id])
        )
        if found := set(MARK.findall(page)) - self._sight.marks:
            raise Leak(f"the preview in the admin shows {sorted(found)}")


def _typed(value: Any) -> str | None:
    """A value as a browser sends it in a form; None is a box without its mark."""
    if isinstance(value, bool):
        return "on" if value else None
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _folded(state: State) -> str:
    # As text, because in Python True == 1.
    return json.dumps({key: value for key, value in state.items() if key not in NOT_FOLDED}, sort_keys=True)
