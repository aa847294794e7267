"""Pictures within one process: what many requests share, slow clients, and what is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings

from libraries import image_files
from libraries.rules.errors import Unavailable
from libraries.rules.images import Size
from libraries.rules.subjects import Grant
from libraries.shown import Facts, Glance, Offered, Picture, Question, Shown
from portal.images import rights as rights_module
from portal.images import serving
from portal.images.cache import Files
from portal.images.offered import offered_by
from portal.images.rights import Rights
from portal.images.serving import Serving

KIB = 1024
LIBRARY, VIEW, IMAGE = uuid4(), uuid4(), uuid4()
GUEST = Offered(frozenset((Grant.of_new_guest(uuid4()),)))


class Disk:
    """Files by key, each of one KiB times its number; counts the reads."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.fault: Exception | None = None

    def read(self, key: str, size: Size) -> bytes:
        self.reads.append(key)
        if self.fault is not None:
            raise self.fault
        return bytes(int(key) * KIB)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(image_files, "read", made.read)
    return made


# --- Bytes ----------------------------------------------------------------------------------------------------


async def test_all_readers_of_a_file_share_one_read_and_its_bytes(disk: Disk) -> None:
    files = Files(100 * KIB, 100 * KIB)
    async with AsyncExitStack() as held:
        enter = held.enter_async_context
        readers = await asyncio.gather(*(enter(files.reader("7", Size.FULL, None)) for _ in range(50)))
        assert len({id(reader.data) for reader in readers}) == 1
    assert (disk.reads, files.held) == (["7"], 7 * KIB)
    async with files.reader("7", Size.FULL, None):
        assert disk.reads == ["7"]


async def test_the_least_recently_used_are_forgotten(disk: Disk) -> None:
    files = Files(10 * KIB, 0)
    for key in ("4", "5", "4", "3"):
        async with files.reader(key, Size.FULL, None):
            pass
    assert files.held == 7 * KIB
    async with files.reader("4", Size.FULL, None), files.reader("5", Size.FULL, None):
        pass
    assert disk.reads == ["4", "5", "3", "5"]


async def test_a_file_longer_than_the_memory_is_kept_while_it_is_read(disk: Disk) -> None:
    files = Files(10 * KIB, 0)
    async with files.reader("90", Size.FULL, None), files.reader("90", Size.FULL, None):
        assert files.held == 90 * KIB
    assert (files.held, disk.reads) == (0, ["90"])


async def test_the_slowest_are_cut_off_if_what_is_read_needs_too_much(disk: Disk) -> None:
    files, cut = Files(10 * KIB, 20 * KIB), list[str]()
    async with AsyncExitStack() as held:

        async def enter(key: str) -> Any:
            return await held.enter_async_context(files.reader(key, Size.FULL, lambda: cut.append(key)))

        first, second = await enter("11"), await enter("12")
        files.moved(first)
        third = await enter("13")
        assert cut == ["12"]
        assert (first.is_cut, second.is_cut, third.is_cut, second.data) == (False, True, False, b"")
        assert files.held == 24 * KIB
    assert files.held <= 10 * KIB


@pytest.mark.parametrize("fault", [FileNotFoundError(), Unavailable("away")])
async def test_a_fault_is_raised_for_all_and_not_kept(disk: Disk, fault: Exception) -> None:
    files, disk.fault = Files(10 * KIB, 0), fault

    async def one() -> None:
        async with files.reader("1", Size.FULL, None):
            pass

    assert [type(found) for found in await asyncio.gather(one(), one(), return_exceptions=True)] == [type(fault)] * 2
    disk.fault = None
    await one()
    assert disk.reads == ["1", "1"]


# --- Rights ---------------------------------------------------------------------------------------------------


class Database:
    """What the database says; counts the questions, and blocks while `gate` is closed."""

    def __init__(self) -> None:
        self.reads = list[int]()
        self.states = list[int]()
        self.version = 1
        self.images = frozenset[UUID]()
        self.gate, self.begun = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    async def in_database(self, function: Callable[..., Any], asked: list[Question]) -> Facts:
        self.reads.append(len(asked))
        glance = Glance(VIEW, LIBRARY, self.version, "epoch")
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        pictures = {image_id: Picture(LIBRARY, "3", "image/png") for _, image_id in asked}
        links = {grant.link_id: [glance] for offered, _ in asked for grant in offered.grants}
        return Facts({}, pictures, {}, {}, links)

    async def in_lane(self, view: UUID, *_: Any) -> Shown:
        found = Shown(self.version, "epoch", self.images)
        self.states.append(self.version)
        self.begun.set()
        await self.gate.wait()
        return found


@pytest.fixture
async def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr(rights_module, "in_database", made.in_database)
    monkeypatch.setattr(rights_module, "in_lane", made.in_lane)
    return made


async def test_two_hundred_guests_are_one_read_and_one_state(database: Database) -> None:
    rights, database.images = Rights(), frozenset((IMAGE,))
    guests = [Offered(frozenset((Grant.of_new_guest(VIEW),))) for _ in range(200)]
    found = await asyncio.gather(*(rights.of(guest, IMAGE) for guest in guests))
    assert all(right is not None and not right.is_controlled for right in found)
    assert (database.reads, database.states) == ([200], [1])
    assert await rights.of(GUEST, uuid4()) is None
    assert database.states == [1]


async def test_a_state_that_was_read_before_the_change_is_read_again(database: Database) -> None:
    """A picture is hidden while another request works out what was shown before."""
    rights, database.images = Rights(), frozenset((IMAGE,))
    database.gate.clear()
    early = asyncio.create_task(rights.of(GUEST, IMAGE))
    await database.begun.wait()
    database.version, database.images = 2, frozenset()
    late = [asyncio.create_task(rights.of(GUEST, IMAGE)) for _ in range(5)]
    for _ in range(10):
        await asyncio.sleep(0)
    database.gate.set()
    assert await early is not None
    assert await asyncio.gather(*late) == [None] * 5
    assert database.states == [1, 2]
    assert await rights.of(GUEST, IMAGE) is None
    assert database.states == [1, 2]


async def test_what_is_remembered_is_limited(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights_module, "MAX_KNOWN_IMAGES", 10)
    rights, database.images = Rights(), frozenset(uuid4() for _ in range(4))
    for _ in range(5):
        await rights._images(Glance(uuid4(), LIBRARY, 1, "epoch"))
    assert (len(rights._known), rights._weight) == (2, 10)


async def test_a_fault_reaches_everybody_who_asked(database: Database) -> None:
    rights, database.fault = Rights(), Unavailable("away")
    found = await asyncio.gather(*(rights.of(GUEST, uuid4()) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [Unavailable] * 3


# --- Answers --------------------------------------------------------------------------------------------------


def scope(path: str = f"/images/{IMAGE}", **more: Any) -> dict[str, Any]:
    network = {"client": ("192.0.2.7", 5), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": ""}
    head: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    return {**network, **head, **more}


async def nothing() -> Any:
    """ASGI's `receive` of a request whose body is not read."""


class Client:
    """Keeps the events that it is sent."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def send(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    async def ask(self, application: Any, **more: Any) -> tuple[int, dict[bytes, bytes], bytes]:
        """The status, the headers and the body of an answer."""
        await application(scope(**more), nothing, self.send)
        head, *pieces = self.events
        return head["status"], dict(head["headers"]), b"".join(piece.get("body", b"") for piece in pieces)


@pytest.fixture
def passed_on() -> list[str]:
    """The paths that were not for pictures."""
    return []


@pytest.fixture
def pictures(database: Database, disk: Disk, passed_on: list[str], monkeypatch: pytest.MonkeyPatch) -> Serving:
    """All requests are from one guest."""

    async def rest(scope: Any, receive: Any, send: Any) -> None:
        passed_on.append(scope["path"])

    database.images = frozenset((IMAGE,))

    async def guest(headers: Any) -> Offered:
        return GUEST

    monkeypatch.setattr(serving, "offered_by", guest)
    return Serving(rest)


async def test_pieces_are_short(pictures: Serving, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "read", lambda key, size: bytes(range(256)) * 1024)
    client = Client()
    status, headers, body = await client.ask(pictures)
    assert (status, headers[b"content-length"], body) == (200, b"262144", bytes(range(256)) * 1024)
    assert [len(event["body"]) for event in client.events[1:]] == [serving.PIECE_BYTES] * 4 + [0]
    assert pictures.waiting == 0


@pytest.mark.parametrize("most", [0, 1])
async def test_too_many_requests_are_told_to_come_back(
    most: int, pictures: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_WAITING_REQUESTS", most)
    status, headers, _ = await Client().ask(pictures)
    assert (status, headers[b"retry-after"]) == (503, b"5")
    assert pictures.waiting == 0


async def test_without_a_database_and_without_a_storage(pictures: Serving, database: Database, disk: Disk) -> None:
    disk.fault = Unavailable("away")
    assert (await Client().ask(pictures))[0] == 503
    database.fault = Unavailable("away")
    status, headers, _ = await Client().ask(pictures)
    assert (status, headers[b"retry-after"]) == (503, b"5")


async def test_a_file_that_is_missing_is_looked_for_twice(pictures: Serving, disk: Disk, database: Database) -> None:
    disk.fault = FileNotFoundError()
    assert (await Client().ask(pictures))[0] == 404
    assert (disk.reads, database.reads) == (["3", "3"], [1, 1])


async def test_a_client_that_was_cut_off_gets_no_more(pictures: Serving, disk: Disk) -> None:
    client = Client()
    async with pictures.files.reader("3", Size.FULL, None) as reader:
        reader.data = bytes(3 * serving.PIECE_BYTES)
        answer = serving.Answer(200, (), reader=reader)
        reader.is_cut = True
        await pictures._send(answer, scope(), {}, client.send)
    assert len(client.events) == 2


async def test_what_is_not_for_pictures(pictures: Serving, passed_on: list[str], settings: Any) -> None:
    for path in ("/", "/images", "/api/images/x", "/static/images/x", "/view/images/"):
        await pictures(scope(path), nothing, Client().send)
    await pictures(scope(headers=[(b"host", b"evil.example")]), nothing, Client().send)
    settings.SECURE_SSL_REDIRECT = True
    await pictures(scope(), nothing, Client().send)
    assert len(passed_on) == 7
    assert (await Client().ask(pictures, scheme="https"))[0] == 200


async def test_below_a_path(pictures: Serving) -> None:
    assert (await Client().ask(pictures, path=f"/portal/images/{IMAGE}", root_path="/portal"))[0] == 200


async def test_what_is_no_credential_is_nothing() -> None:
    name = django_settings.SESSION_COOKIE_NAME
    for headers in (
        {},
        {b"authorization": b"Basic eA=="},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer \xff\xfe"},
        {b"cookie": f"{name}=../../x; guest-0123456789abcdef=x; guest-x=y; ;;=".encode()},
        {b"cookie": f"{name}={'a' * 400}".encode()},
        {b"cookie": b"\xff\xfe=\x00"},
    ):
        assert await offered_by(headers) == Offered(), headers
