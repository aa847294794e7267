"""The client at a real server: README's programs, losses, restarts, guests and revocations."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

import pytest

from realtime.client.python import portal_client
from realtime.client.python.portal_client import PortalClient, PortalError, tables
from realtime.client.python.tests.fake import heard, until
from testing.asking import any_message
from testing.installation import ROOT, ServerKind, StoreKind, installation
from testing.people import Client
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.server

README = (ROOT / "realtime" / "client" / "python" / "README.md").read_text()
ITEMS = [{"id": "ogre", "name": "Ogre", "hp": 30, "maxHp": 60}, {"id": "spy", "name": "Spy", "visible": False}]
SETTLE_SECONDS = 20.0
NOT_FOLDED = "updatedAt"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as here:
        yield here


@pytest.fixture
def view(stack: Stack) -> str:
    return stack.new_portal_view(items=ITEMS)


def client(stack: Stack, view: str, who: Client, **how: Any) -> PortalClient:
    """A client of a person."""
    return PortalClient(stack.server.http, view, get_credential=lambda: {"token": who.access}, **how)


def link(stack: Stack, view: str) -> str:
    """The token of a new share link."""
    made = stack.controller.post(f"/api/portal-views/{view}/share-links", {"label": "Table"})
    return str(made["link"].rpartition("/")[2])


def stored(who: Client, view: str) -> dict[str, Any]:
    """The state as a person reads it over REST."""
    state: dict[str, Any] = who.get(f"/api/portal-views/{view}")
    return {key: value for key, value in state.items() if key in tables.STATE_KEYS - {NOT_FOLDED}}


def known(portal: PortalClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a client has confirmed, and what it shows."""
    confirmed, shown = ({**state} for state in (portal.confirmed, portal.state))
    confirmed.pop(NOT_FOLDED), shown.pop(NOT_FOLDED)
    return confirmed, shown


def differing(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The keys that differ, with both values."""
    keys = sorted(found.keys() | wanted.keys())
    return {key: (found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)}


async def agree(stack: Stack, view: str, *portals: PortalClient) -> None:
    """Everybody has what is stored, as their role sees it, within a while."""

    def is_settled() -> bool:
        return all(portal.status.kind == "open" and known(portal) == (of[portal.role],) * 2 for portal in portals)

    of = {"controller": stored(stack.controller, view), "viewer": stored(stack.viewer, view)}
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while not is_settled():  # noqa: ASYNC110  # of the test's own making
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass
    for portal in portals:
        assert portal.status.kind == "open"
        for found in known(portal):
            assert differing(found, of[portal.role]) == {}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_controller_changes_and_a_viewer_sees(stack: Stack, view: str, encoding: Any) -> None:
    async with (
        client(stack, view, stack.controller, encoding=encoding) as one,
        client(stack, view, stack.editor) as other,
        client(stack, view, stack.viewer, encoding=encoding) as viewer,
    ):
        assert (one.role, viewer.role) == ("controller", "viewer")
        stored_one = await one.update_item("ogre", hp=12)
        assert stored_one.version == one.version == 2
        added = await other.add_item({"name": "Goblin"}, index=0)
        await one.until(lambda portal: portal.version == 3)
        await one.move_item(added.item_id, 2)
        await one.update(showEncounter=True, encounter={"round": 0, "turn": None, "order": [{"itemId": "ogre"}]})
        await one.next_turn()
        with pytest.raises(PortalError) as caught:
            await one.update_item("ogre", visible="perhaps")
        assert (caught.value.code, list(caught.value.details)) == ("invalid-payload", ["visible"])
        with pytest.raises(PortalError, match="forbidden"):
            await viewer.update(blackout=True)
        await agree(stack, view, one, other, viewer)
        assert viewer.state["encounter"]["turn"] == "ogre"


async def test_commands_pointers_and_presence(stack: Stack, view: str) -> None:
    async with client(stack, view, stack.controller) as one, client(stack, view, stack.viewer) as viewer:
        messages = heard(viewer, "message")
        await one.send({"type": "portal-view-update", "payload": {"flash": b"light"}})
        await one.send({"type": "pointer", "itemId": "ogre", "x": 0.5, "y": 0.5})
        await until(lambda: {"portal-view-updated", "pointer"} <= {message["type"] for message in messages})
        assert next(one for one in messages if one["type"] == "portal-view-updated")["payload"] == {"flash": b"light"}
        await one.until(lambda portal: portal.presence.counts == {"controllers": 1, "viewers": 1})
        assert {person["role"] for person in one.presence.people.values()} == {"controller", "viewer"}


async def test_a_guest_comes_back_as_the_same(stack: Stack, view: str) -> None:
    share = link(stack, view)

    def get_credential() -> Any:
        return {"share": share}

    async with PortalClient(stack.server.http, view, get_credential=get_credential, guest_name="Bo") as guest:
        who = guest.subject
        assert (who["kind"], who["name"], guest.role) == ("guest", "Bo", "viewer")
        first = guest.connection_id
        guest._line.cut()  # type: ignore[union-attr]
        await guest.until(lambda portal: portal.connection_id not in {"", first})
        assert guest.subject == who
        links = stack.controller.get(f"/api/portal-views/{view}/share-links")
        found = links["results"] if isinstance(links, dict) else links
        stack.controller.delete(f"/api/portal-views/{view}/share-links/{found[0]['id']}")
        with pytest.raises(PortalError, match="link-withdrawn"):
            await guest.until(lambda portal: False)


async def test_the_role_may_change(stack: Stack, view: str) -> None:
    async with client(stack, view, stack.controller, as_viewer=True) as preview:
        assert preview.role == "viewer"
        with pytest.raises(PortalError, match="forbidden"):
            await preview.next_turn()


async def test_a_stranger_is_told_no(stack: Stack, view: str) -> None:
    with pytest.raises(PortalError, match="no-access"):
        await client(stack, view, stack.stranger).connect()


async def test_a_portal_view_that_is_deleted_ends_it(stack: Stack, view: str) -> None:
    async with client(stack, view, stack.viewer) as viewer:
        stack.controller.delete(f"/api/portal-views/{view}")
        with pytest.raises(PortalError, match="portal-view-deleted"):
            await viewer.until(lambda portal: False)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_nothing_is_lost_or_done_twice_over_a_restart(stack: Stack, view: str, how: str) -> None:
    async with client(stack, view, stack.controller) as one, client(stack, view, stack.viewer) as viewer:
        rolled_back = heard(one, "refused")
        before = [one.add_item({"name": f"Before {number}"}) for number in range(20)]
        await asyncio.to_thread(getattr(stack.server.process, how))
        await until(lambda: one.status.kind != "open")
        while_down = [one.add_item({"name": f"Down {number}"}) for number in range(20)]
        assert len(one.state["items"]) == len(ITEMS) + 40
        await asyncio.to_thread(stack.server.start)
        for portal in (one, viewer):
            portal.hurry()
        versions = [stored.version for stored in await asyncio.gather(*before, *while_down)]
        assert len(set(versions)) == len(versions)
        assert rolled_back == []
        await agree(stack, view, one, viewer)
        names = sorted(item["name"] for item in one.confirmed["items"])
        assert names == sorted(f"{when} {number}" for when in ("Before", "Down") for number in range(20)) + [
            "Ogre",
            "Spy",
        ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_changes_and_cuts_end_in_one_state(stack: Stack, view: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311  # chance, not secrets
    async with AsyncExitStack() as exits:
        people = (stack.controller, stack.editor, stack.viewer)
        portals = [await exits.enter_async_context(client(stack, view, who)) for who in people]
        futures = []
        for _ in range(300):
            speaker = random.choice(portals[:2])
            message = any_message(random, speaker.confirmed)
            if message["type"] == "portal-view-update" and "zoom" in message["payload"]:
                continue
            futures.append(speaker.store(message))
            if random.random() < 0.06:
                cut = random.choice(portals)
                if cut._line is not None:
                    cut._line.cut()
                cut.hurry()
            await asyncio.sleep(random.random() * 0.02)
        answers = await asyncio.gather(*futures, return_exceptions=True)
        codes = {answer.code for answer in answers if isinstance(answer, PortalError)}
        assert codes <= {"invalid-payload", "queue-full"}
        assert not [
            answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, PortalError)
        ]
        await agree(stack, view, *portals)


# --- README --------------------------------------------------------------------------------------------------

PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package under the name that it has when it is installed."""
    monkeypatch.setitem(sys.modules, "portal_client", portal_client)


async def test_readme_s_controller(
    stack: Stack, view: str, installed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"url": stack.server.http, "portal_view_id": view, "token": stack.controller.access}
    program = PROGRAMS[0].replace("asyncio.run(main())", "")
    exec(program, names)  # noqa: S102  # README's own
    await names["main"]()
    assert capsys.readouterr().out.strip().endswith("4")
    assert [item["name"] for item in stored(stack.controller, view)["items"]] == ["Ogre", "Goblin", "Spy"]


@asynccontextmanager
async def started(program: str, names: dict[str, Any]) -> AsyncIterator[None]:
    """A program that is the body of a coroutine."""
    body = "".join(f"    {line}\n" for line in program.splitlines())
    exec(f"async def main():\n{body}", names)  # noqa: S102  # README's own
    task = asyncio.create_task(names["main"]())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_readme_s_view(stack: Stack, view: str, installed: None, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    names: dict[str, Any] = {"url": stack.server.http, "portal_view_id": view, "share": link(stack, view)}
    names |= {"PortalClient": PortalClient, "print": lambda *words: lines.append(" ".join(map(str, words)))}
    async with started(PROGRAMS[1], names), client(stack, view, stack.controller) as one:
        await one.until(lambda portal: portal.presence.counts.get("viewers"))
        await one.update_item("ogre", name="Big ogre")
        await until(lambda: "state open ['Big ogre']" in lines)
