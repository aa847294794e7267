"""Records of other programs come in by one batch, over REST and over a socket; broken ones are named by their place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from libraries.rules.presets import presets
from libraries.rules.tests.records import RECORDS, SECRETS
from testing.installation import Cast, Server, StoreKind, installation
from testing.people import Client
from testing.sockets import Message, open_socket, portal_view_path
from testing.stacks import STACK_ENV

pytestmark = pytest.mark.server

COUNT = 60
BROKEN: dict[int, tuple[dict[str, Any], str]] = {
    7: ({"notes": {"pages": ["", {"text": "\0"}]}}, "notes.pages[1].text"),
    31: ({"visible": "yes"}, "visible"),
    59: ({"id": ""}, "id"),
}
"""By its number in the batch: what is broken in a record, and the place of that in it."""

Way = tuple[Cast, Server]


@pytest.fixture(scope="module")
def made() -> Iterator[Way]:
    """A server whose sockets take messages as long as 60 records."""
    with installation(StoreKind.SQLITE, PORTAL_MAX_MESSAGE_BYTES="262144", **STACK_ENV) as here:
        cast = here.prepare()
        with here.server() as server:
            yield cast, server


def additions(preset: str) -> list[dict[str, Any]]:
    """60 records of a format, each with another name and without our own id."""
    record = {key: value for key, value in RECORDS[preset].items() if key != "id"}
    return [{"type": "item-add", "payload": {**record, "name": f"Record {number}"}} for number in range(COUNT)]


async def answer(made: Way, way: str, client: Client, portal_view_id: str, changes: list[dict[str, Any]]) -> Message:
    """The answer to a batch: of REST, or the `ack` or `error` of a socket."""
    if way == "REST":
        path = f"/api/portal-views/{portal_view_id}/batch"
        answered: Message = client._http.post(path, json={"changes": changes}).json()
        return answered
    async with open_socket(made[1].ws, portal_view_path(portal_view_id), token=client.access) as socket:
        await socket.receive("connected")
        await socket.send("batch", ref=1, changes=changes)
        return await socket.receive()


@pytest.mark.parametrize("way", ["REST", "socket"])
@pytest.mark.parametrize("preset", presets())
async def test_sixty_records_come_in_by_one_batch(made: Way, preset: str, way: str) -> None:
    cast, server = made
    with Client(server.http, cast.controller) as owner, Client(server.http, cast.viewer) as viewer:
        library = f"/api/libraries/{cast.library_id}"
        owner.patch(library, {"disclosure": presets()[preset].disclosure})
        portal_view_id = str(owner.post(f"{library}/portal-views", {"name": preset})["id"])
        said = await answer(made, way, owner, portal_view_id, additions(preset))
        assert said["version"] == 2, said
        stored = owner.get(f"/api/portal-views/{portal_view_id}")["items"]
        assert [item["id"] for item in stored] == said["itemIds"]
        assert len(set(said["itemIds"])) == COUNT
        seen = viewer.get(f"/api/portal-views/{portal_view_id}")["items"]
        assert [item["name"] for item in seen] == [f"Record {number}" for number in range(COUNT)]
        assert not any(secret in json.dumps(seen) for secret in SECRETS)


@pytest.mark.parametrize("way", ["REST", "socket"])
@pytest.mark.parametrize("preset", presets())
async def test_three_broken_records_are_named_by_their_place_and_nothing_is_stored(
    made: Way, preset: str, way: str
) -> None:
    cast, server = made
    with Client(server.http, cast.controller) as owner:
        portal_view_id = str(owner.post(f"/api/libraries/{cast.library_id}/portal-views", {"name": preset})["id"])
        changes = additions(preset)
        for number, (fault, _) in BROKEN.items():
            changes[number]["payload"] |= fault
        said = await answer(made, way, owner, portal_view_id, changes)
        assert said["code"] == "invalid-payload"
        assert set(said["details"]) == {f"changes[{number}].payload.{place}" for number, (_, place) in BROKEN.items()}
        assert owner.get(f"/api/portal-views/{portal_view_id}")["items"] == []
