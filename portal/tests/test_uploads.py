"""Uploads of pictures to a real server: streamed, cut, retried, refused, and on a full disk. Nothing is left behind."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from libraries.api.errors import STATUSES
from testing.installation import Cast, Installation, ServerKind, StoreKind, installation
from testing.people import Client
from testing.pictures import pdf, picture, plain
from testing.stacks import STACK_ENV, Stack, running

pytestmark = [pytest.mark.server, pytest.mark.long]

SECONDS = 120.0
MOST = 3_000_000


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Installation, Cast]]:
    with installation(StoreKind.SQLITE, PORTAL_MAX_UPLOAD_BYTES=str(MOST), **STACK_ENV) as made:
        yield made, made.prepare()


@pytest.fixture(scope="module")
def stack(prepared: tuple[Installation, Cast]) -> Iterator[Stack]:
    with running(*prepared, ServerKind.SERVE) as started:
        yield started


def spools(stack: Stack) -> list[Path]:
    folder = stack.installation.folder / "uploads"
    return list(folder.iterdir()) if folder.is_dir() else []


def files(stack: Stack) -> set[Path]:
    return {file for file in (stack.installation.folder / "images").rglob("*") if file.is_file()}


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


def address(stack: Stack, library_id: str = "") -> str:
    return f"{stack.server.http}/api/libraries/{library_id or stack.cast.library_id}/images"


def upload(stack: Stack, data: Any, who: Client | None = None, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {(who or stack.controller).access}", **options.pop("headers", {})}
    url = options.pop("url", address(stack))
    return httpx.request(
        options.pop("method", "POST"), url, content=data, headers=headers, timeout=SECONDS, trust_env=False, **options
    )


def listed(stack: Stack) -> dict[str, Any]:
    return {image["id"]: image for image in stack.controller.get(f"{address(stack)}?pageSize=100")["results"]}


def refused(answer: httpx.Response, code: str) -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (STATUSES[code], code), body
    assert body["message"].endswith((".", "”"))
    return str(body["message"])


def raw(stack: Stack, head: str, body: bytes = b"") -> socket.socket:
    """An open connection with the head of an upload, and so much of its body."""
    connection = socket.create_connection(("127.0.0.1", stack.server.port), timeout=SECONDS)
    path = f"/api/libraries/{stack.cast.library_id}/images"
    token = f"Authorization: Bearer {stack.controller.access}\r\n" if "Authorization" not in head else ""
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{token}{head}\r\n\r\n".encode() + body)
    return connection


def test_a_picture_is_stored_with_its_thumbnails(stack: Stack) -> None:
    before = files(stack)
    answer = upload(stack, picture(seed=1), params={"name": "The old mill"})
    [image] = answer.json()["images"]
    assert answer.status_code == 201
    assert image["name"] == "The old mill"
    assert (image["width"], image["height"], image["mediaType"], image["page"]) == (640, 480, "image/jpeg", None)
    assert image["url"] == f"/images/{image['id']}"
    assert image["thumbnails"] == {size: f"/images/{image['id']}?size={size}" for size in ("256", "512", "1024")}
    assert answer.headers["location"] == f"/api/libraries/{stack.cast.library_id}/images/{image['id']}"
    new = files(stack) - before
    assert {file.name for file in new} == {"full", "256", "512", "1024"}
    assert next(file for file in new if file.name == "full").stat().st_size == image["byteCount"]
    assert not any(file.stat().st_mode & 0o077 for file in new)
    assert listed(stack)[image["id"]] == image
    assert not spools(stack)


def test_the_same_file_again_is_the_same_picture(stack: Stack) -> None:
    data = picture(seed=2)
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: upload(stack, data), range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["images"][0]["id"] for answer in answers}) == 1
    before = files(stack)
    assert upload(stack, data).status_code == 200
    assert files(stack) == before
    assert not spools(stack)


def test_each_step_is_a_line(stack: Stack) -> None:
    data = pdf(3)
    answer = upload(stack, data, headers={"Accept": "application/x-ndjson"})
    steps = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert steps[0] == {"step": "received", "bytes": len(data)}
    assert steps[1] == {"step": "waiting"}
    assert {step["step"] for step in steps[2:-1]} <= {"converting"}
    assert (steps[-1]["step"], steps[-1]["status"]) == ("stored", 201)
    assert [image["page"] for image in steps[-1]["images"]] == [1, 2, 3]
    assert [image["name"] for image in steps[-1]["images"]] == ["Picture 1", "Picture 2", "Picture 3"]


def test_a_refusal_is_the_last_line(stack: Stack) -> None:
    answer = upload(stack, b"<svg/>", headers={"Accept": "application/x-ndjson"})
    last = json.loads(answer.text.splitlines()[-1])
    assert (last["step"], last["status"], last["code"]) == ("refused", 400, "image-invalid")


def test_a_deleted_page_comes_back(stack: Stack) -> None:
    data = pdf(4)
    first = upload(stack, data).json()["images"]
    stack.controller.delete(f"{address(stack)}/{first[1]['id']}")
    answer = upload(stack, data)
    again = answer.json()["images"]
    assert answer.status_code == 201
    assert [image["id"] for image in again if image["page"] != 2] == [
        image["id"] for image in first if image["page"] != 2
    ]
    assert again[1]["id"] != first[1]["id"]


def test_another_picture_takes_the_address(stack: Stack) -> None:
    [image] = upload(stack, picture(seed=3)).json()["images"]
    before = files(stack)
    url = f"{address(stack)}/{image['id']}/file"
    [other] = upload(stack, plain(50, 40, "PNG"), method="PUT", url=url).json()["images"]
    assert (other["id"], other["url"], other["name"]) == (image["id"], image["url"], image["name"])
    assert (other["width"], other["mediaType"]) == (50, "image/png")
    assert len(files(stack)) == len(before)
    assert len(files(stack) & before) == len(before) - 4
    message = refused(upload(stack, pdf(2), method="PUT", url=url), "image-invalid")
    assert "2 pages" in message
    assert listed(stack)[image["id"]] == other


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture(seed=4)[:2000], b"%PDF-1.7\n", b"GIF89a"],
    ids=["empty", "one byte", "svg", "cut", "pdf", "gif"],
)
def test_what_is_no_picture_is_refused(stack: Stack, data: bytes) -> None:
    before, had = listed(stack), files(stack)
    refused(upload(stack, data), "image-invalid")
    assert listed(stack) == before
    assert files(stack) == had
    assert not spools(stack)


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_that_is_too_long_is_refused(stack: Stack, is_announced: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(MOST // 100_000 + 2):
            yield bytes(100_000)

    if is_announced:
        with raw(stack, f"Content-Length: {MOST + 1}") as connection:
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    else:
        assert "3,000,000" in refused(upload(stack, pieces()), "too-large")
    assert not spools(stack)


@pytest.mark.parametrize("who", ["viewer", "stranger", "nobody"])
def test_the_body_of_a_refused_upload_is_not_asked_for(stack: Stack, who: str) -> None:
    token = "" if who == "nobody" else getattr(stack, who).access
    head = f"Authorization: Bearer {token}\r\nContent-Length: 100000\r\nExpect: 100-continue"
    with raw(stack, head) as connection:
        said = connection.recv(4096)
    status = {"viewer": b"403", "stranger": b"404", "nobody": b"401"}[who]
    assert said.startswith(b"HTTP/1.1 " + status)


def test_the_body_of_an_upload_that_may_come_is_asked_for(stack: Stack) -> None:
    data = plain(30, 30)
    with raw(stack, f"Content-Length: {len(data)}\r\nExpect: 100-continue\r\nConnection: close") as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(data)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 201 ")


def test_a_form_is_refused(stack: Stack) -> None:
    answer = httpx.post(
        address(stack),
        files={"file": plain(10, 10)},
        headers={"Authorization": f"Bearer {stack.controller.access}"},
        timeout=SECONDS,
        trust_env=False,
    )
    assert "and not a form" in refused(answer, "unsupported-media-type")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_library_and_a_picture_that_are_not_there(stack: Stack, method: str) -> None:
    library = address(stack, str(uuid4()))
    url = library if method == "POST" else f"{address(stack)}/{uuid4()}/file"
    refused(upload(stack, plain(10, 10), method=method, url=url), "not-found")


def test_an_upload_that_is_cut_leaves_nothing(stack: Stack) -> None:
    before, had = listed(stack), files(stack)
    data = picture(seed=5)
    connection = raw(stack, f"Content-Length: {len(data)}", data[: len(data) // 2])
    wait_for(lambda: bool(spools(stack)))
    connection.close()
    wait_for(lambda: not spools(stack))
    wait_for(lambda: "upload_cut" in stack.server.process.log_tail())
    assert (listed(stack), files(stack)) == (before, had)
    assert upload(stack, data).status_code == 201


def workers_of(stack: Stack) -> set[int]:
    """The processes below the server that make pictures."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                is_ours = str(stack.installation.folder).encode() in command
            except OSError:  # it has just ended
                continue
            if is_ours and b"imaging" in command:
                found.add(int(folder.name))
    return found


def test_a_client_that_leaves_ends_the_work(stack: Stack) -> None:
    before, had = listed(stack), files(stack)
    data = pdf(150)
    connection = raw(stack, f"Content-Length: {len(data)}", data)
    wait_for(lambda: bool(workers_of(stack)))
    connection.close()
    wait_for(lambda: not spools(stack) and not workers_of(stack))
    assert (listed(stack), files(stack)) == (before, had)


def test_others_are_answered_while_a_file_is_made_into_pictures(stack: Stack) -> None:
    data = pdf(30)
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(upload(stack, data)))
    thread.start()
    wait_for(lambda: bool(workers_of(stack)))
    for _ in range(5):
        assert stack.viewer.get(f"/api/portal-views/{stack.cast.portal_view_id}")
    assert workers_of(stack)
    thread.join()
    assert answers[0].status_code == 201


def test_the_session_of_a_page_needs_its_token(stack: Stack) -> None:
    with httpx.Client(base_url=stack.server.http, trust_env=False, timeout=SECONDS) as page:
        form = page.get("/login").text
        token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        person = stack.controller.person
        values = {"username": person.email, "password": person.password, "csrfmiddlewaretoken": token}
        assert page.post("/login", data=values, headers={"Origin": stack.server.origin}).status_code == 302
        path = f"/api/libraries/{stack.cast.library_id}/images"
        refused(page.post(path, content=plain(11, 11)), "forbidden")
        form = page.get("/account").text
        token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        answer = page.post(path, content=plain(11, 11), headers={"X-CSRFToken": token, "Origin": stack.server.origin})
        assert answer.status_code == 201
    assert not spools(stack)


def test_what_a_killed_server_left_is_deleted_later(prepared: tuple[Installation, Cast]) -> None:
    made, cast = prepared
    with running(made, cast, ServerKind.SERVE) as stack:
        connection = raw(stack, "Content-Length: 100000", bytes(50_000))
        wait_for(lambda: bool(spools(stack)))
        stack.server.process.kill()
        connection.close()
    [spool] = spools(stack)
    assert "0 uploads were dropped" in made.manage("clear_sessions")
    hours_ago = time.time() - 7200
    os.utime(spool, (hours_ago, hours_ago))
    assert "1 uploads were dropped" in made.manage("clear_sessions")
    assert not spools(stack)


def test_the_development_server_takes_files_too(prepared: tuple[Installation, Cast]) -> None:
    with running(*prepared, ServerKind.RUNSERVER) as stack:
        assert upload(stack, picture(seed=6)).status_code == 201
        refused(upload(stack, b"x"), "image-invalid")
        assert not spools(stack)


FULL_DISK = ("unshare", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size=72m tmpfs "$0" && exec "$@"'


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_full_disk_is_said(prepared: tuple[Installation, Cast], is_announced: bool) -> None:
    made, cast = prepared
    folder = made.folder / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    launcher = (*FULL_DISK, MOUNT, str(folder))
    with (
        made.server(launcher=launcher, PORTAL_MAX_UPLOAD_BYTES="0") as server,
        Client(server.http, cast.controller) as owner,
    ):
        url = f"{server.http}/api/libraries/{cast.library_id}/images"
        headers = {"Authorization": f"Bearer {owner.access}"}
        long = bytes(10_000_000) if is_announced else (bytes(1_000_000) for _ in range(90))
        answer = httpx.post(url, content=long, headers=headers, timeout=SECONDS, trust_env=False)
        assert "no room left" in refused(answer, "storage-full")
        answer = httpx.post(url, content=plain(12, 12), headers=headers, timeout=SECONDS, trust_env=False)
        assert answer.status_code in (200, 201), answer.text  # all of what was cut is gone
