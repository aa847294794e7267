"""Looks at everything that viewers have received and can ask for, after each step.

The step's actor sends a command to everybody. Messages of a portal view come in order, so a client with that command
has received everything before it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import httpx
from django.urls import reverse

from libraries.selectors import load
from portal.tests.secret_clients import Client, Received
from portal.tests.secret_faults import Leak, Missing
from portal.tests.secret_marks import is_seen, marks_to_be_seen, shown_items, shows_health
from portal.tests.secret_names import GESTURES, MARK, SETTLED, VISIBILITY_WORDS, word
from portal.tests.secret_sight import Sight
from portal.tests.secret_table import Done, State, Table
from portal.tests.secret_turns import check_settled
from realtime.database import in_lane

NOT_FOLDED = {"version", "updatedAt", "epoch", "role"}  # a patch does not carry these
LIST_EVERY = 4


class Watch(Table):
    """A table with checks of all messages and answers."""

    async def _look_around(self, actor: Client, done: Done) -> None:
        before, version_before = self._sight, self._version
        await self._tell_everybody(actor)
        await self._read()
        sight = self._sight.and_relayed(done.relayed, is_sync=done.is_sync).after(before)
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
        previewed, self._previewed = self._previewed, ""
        if previewed and previewed != self._seen:
            raise Missing(f"{previewed} was previewed, and viewers see {self._seen}")
        self._check_version(done, moved=self._version - version_before, changed=self._seen != seen_before)
        for client in received:
            if client.role == "viewer":
                self._check_viewer(client, received[client], done, moved=self._version - version_before)

    def _check_viewer(self, client: Client, received: Iterable[Received], done: Done, *, moved: int) -> None:
        """Check the state and the version of a viewer, and that one change has come as one message, if they see it."""
        if client.version > self._version:
            raise Leak(f"{client.name} was told of version {client.version}, which is not a viewer's")
        if (folded := folded_text(client.state)) != self._seen:
            raise Missing(f"{client.name} has {folded} and not {self._seen}")
        # A gesture may come a moment later than its answer.
        changes = [one for one in received if one.message["type"] not in GESTURES]
        others = [one.text for one in changes if "step" not in one.message.get("payload", {})]
        if done.is_quiet and not moved and others:
            raise Leak(f"{client.name} saw no change, and received {others}")
        assert not done.is_quiet or len(others) <= 1, others

    def _check_version(self, done: Done, *, moved: int, changed: bool) -> None:
        """Check that the viewers' version has risen by one if they see another state, and otherwise has not."""
        if self._told == 1 or not done.is_one_write:
            return
        if moved and not changed:
            raise Leak(f"the viewers' version has risen by {moved}, and they see no change")
        if moved != int(changed):
            raise Missing(f"the viewers' version has risen by {moved}")

    async def _read(self) -> None:
        stored = await asyncio.to_thread(self._server.ask, in_lane(self._id, load, self._id))
        assert stored is not None
        self._stored = stored.state
        self._version = stored.viewers_version
        self._sight = Sight.of(self._stored, self._rows)
        self._check_stored()
        self._expected = {**self._stored}

    def _check_stored(self) -> None:
        """Check that the stored state is the expected one, as far as it says what viewers see."""
        due, stored = self._expected, self._stored
        visible = {item["id"]: is_seen(item) for item in due["items"]}
        assert [*visible] == [item["id"] for item in stored["items"]]
        for item in stored["items"]:
            said = {key: value for key, value in item.items() if word(key) in VISIBILITY_WORDS}
            assert said in ({}, {"visible": True}, {"visible": False})
            if is_seen(item) is not visible[item["id"]]:
                raise (Leak if is_seen(item) else Missing)(f"{item['id']} is stored as {said}")
        if _waiting(due) != _waiting(stored):
            raise (Leak if _waiting(stored) - _waiting(due) else Missing)(
                f"these wait for their turn: {_waiting(stored)}"
            )
        assert {key: due[key] for key in SETTLED} == {key: stored[key] for key in SETTLED}

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
        """Check what viewers get by REST, and in turn an editor who is none any more, and an owner who looks as one.

        Returns the state.
        """
        answers = [await self._rest("GET", self._path, who="viewer")]
        if self._told % 2:
            answers += [] if self._can_write else [await self._rest("GET", self._path, who="editor")]
        else:
            answers.append(await self._rest("GET", f"{self._path}?as=viewer", who="owner"))
        for answer in answers:
            self._check_text("somebody by REST", self._sight, answer.text)
            assert not MARK.search(str(answer.headers))
            if answer.json() != answers[0].json() or answer.headers["ETag"] != answers[0].headers["ETag"]:
                raise Leak(f"not all who look as viewers get the same: {answer.text}")
        shown = answers[0].json()
        self._check_shown(shown, answers[0])
        if self._told % LIST_EVERY == 0:
            await self._check_list(shown)
        elif self._told % LIST_EVERY == 1:
            await self._check_items(shown, answers[0].headers["ETag"])
        return folded_text(shown)

    async def _check_items(self, shown: State, tag: str) -> None:
        """Check what the addresses of single items tell."""
        seen = {item["id"] for item in shown["items"]}
        unseen = [item["id"] for item in self._stored["items"] if item["id"] not in seen]
        who, query = self._somebody_who_looks()
        listed = await self._rest("GET", f"{self._path}/items{query}", who=who)
        self._check_text(f"{who} by REST", self._sight, listed.text)
        if listed.json() != {"items": shown["items"]} or listed.headers["ETag"] != tag:
            raise Leak(f"the items tell {who} {listed.text}")
        for item in shown["items"][-1:]:
            one = await self._rest("GET", f"{self._path}/items/{item['id']}{query}", who=who)
            if one.json() != item or self._tags.setdefault(one.text, one.headers["ETag"]) != one.headers["ETag"]:
                raise Leak(f"the item {item} is told {who} as {one.text}")
        for item_id in unseen[-1:]:
            refused = await self._rest("GET", f"{self._path}/items/{item_id}{query}", who=who, status=None)
            unknown = await self._rest("GET", f"{self._path}/items/nobody{query}", who=who, status=None)
            if refused.text != unknown.text:
                raise Leak(f"an unseen item is told {who} as {refused.text}")

    def _somebody_who_looks(self) -> tuple[str, str]:
        """A viewer or, in turn, the owner as one."""
        return [("viewer", ""), ("owner", "?as=viewer")][self._told // LIST_EVERY % 2]

    def _check_shown(self, shown: State, answer: httpx.Response) -> None:
        """Check that it has the viewers' own version, date and places, and all that they may see."""
        told = (shown["version"], shown["updatedAt"], answer.headers["ETag"].partition("-")[0])
        if told != (self._version, self._stored["viewersUpdatedAt"], f'"{self._version}'):
            raise Leak(f"viewers are told {told}, and their version is {self._version}")
        ids = [item.get("id") for item in shown["items"]]
        if ids != [item["id"] for item in shown_items(self._stored)]:
            raise Missing(f"viewers see the items {ids}")
        check_settled(shown, self._stored)
        if missing := set(marks_to_be_seen(self._stored, self._rows)) - set(MARK.findall(answer.text)):
            raise Missing(f"viewers do not get {sorted(missing)} in {answer.text}")
        due = {item["id"] for item in shown_items(self._stored) if shows_health(item, self._stored, self._rows)}
        if unhealthy := [item["id"] for item in shown["items"] if item["id"] in due and "health" not in item]:
            raise Missing(f"viewers do not get the health of {unhealthy} in {answer.text}")

    async def _check_list(self, shown: State) -> None:
        who, query = self._somebody_who_looks()
        listed = await self._rest("GET", f"{self._list_path}{query}", who=who)
        self._check_text(f"{who} by REST", self._sight, listed.text)
        # An earlier sequence that ended in a leak has left its portal view in the list.
        [head] = [one for one in listed.json()["results"] if one["id"] == str(self._id)]
        told = [head[key] for key in ("itemCount", "currentItem", "version", "updatedAt")]
        if told != [len(shown["items"]), shown["currentItem"], shown["version"], shown["updatedAt"]]:
            raise Leak(f"the list tells {who} {told}")
        if who == "viewer":
            return
        address = reverse("admin:libraries_portalview_preview", args=[self._id])
        page = await asyncio.to_thread(self._people.admin.page, address)
        if found := set(MARK.findall(page)) - self._sight.marks:
            raise Leak(f"the preview in the admin shows {sorted(found)}")


def folded_text(state: State) -> str:
    """A state as a viewer can know it, as text."""
    # As text, because in Python True == 1.
    return json.dumps({key: value for key, value in state.items() if key not in NOT_FOLDED}, sort_keys=True)


def _waiting(state: State) -> set[str]:
    """The items that their turns reveal."""
    return {item["id"] for item in state["items"] if item.get("revealOnTurn") is True}
