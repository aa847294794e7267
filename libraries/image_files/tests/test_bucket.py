"""Pictures in a bucket: wrong keys, a service that is down, hangs, sends little at a time, or has no room."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from libraries import image_files
from libraries.image_files import bucket as bucket_module
from libraries.image_files.tests.pictures import KEY, OTHER, bucket, make_files
from libraries.rules.errors import StorageFull, Unavailable
from libraries.rules.images import Size
from testing.buckets import BUCKET, ObjectStore, client, object_store

SLOW_SECONDS = 0.3


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture
def use(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Keep pictures in this bucket, and wait only briefly for the service."""
    monkeypatch.setattr(bucket_module, "WAIT_SECONDS", SLOW_SECONDS)

    def keep_in(store: ObjectStore, **options: str) -> None:
        settings.STORAGES = {**settings.STORAGES, "images": bucket(store, **options)}

    return keep_in


@pytest.fixture
def files(tmp_path: Path) -> dict[Size, Path]:
    return make_files(tmp_path / "made")


def refused_everywhere(files: dict[Size, Path]) -> float:
    """Check that all four say Unavailable; returns the seconds that the slowest took."""
    slowest = 0.0
    for ask in (
        lambda: image_files.write(KEY, files),
        lambda: image_files.read(KEY, Size.FULL),
        lambda: image_files.delete(KEY),
        lambda: list(image_files.stored()),
    ):
        start = time.monotonic()
        with pytest.raises(Unavailable):
            ask()
        slowest = max(slowest, time.monotonic() - start)
    return slowest


def test_names_and_privacy_of_objects(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    use(store, location="portal/pictures")
    image_files.write(KEY, files)
    assert store.names == {f"portal/pictures/{KEY[:2]}/{KEY}/{size}" for size in Size}
    mine = client("s3", store.url, store.access_key, store.secret_key)
    grants = mine.get_object_acl(Bucket=BUCKET, Key=f"portal/pictures/{KEY[:2]}/{KEY}/full")["Grants"]
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"], "the owner alone"
    mine.put_object(Bucket=BUCKET, Key="portal/pictures/readme", Body=b"")
    mine.put_object(Bucket=BUCKET, Key=f"portal/pictures/{OTHER}/full", Body=b"")
    mine.put_object(Bucket=BUCKET, Key=f"portal/{OTHER[:2]}/{OTHER}/full", Body=b"")
    assert [key for key, _ in image_files.stored()] == [KEY]


def test_a_list_of_several_pages(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    """S3 gives a thousand names at a time, this service three (`PAGE_NAMES`): a key is on two pages then."""
    use(store, location="pages")
    keys = [f"{number:032x}" for number in range(5)]
    for key in keys:
        image_files.write(key, files)
    assert [key for key, _ in image_files.stored()] == keys


def test_a_wrong_key(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    use(store, secret_key="x" * 40)
    with capture_logs() as records:
        refused_everywhere(files)
    assert {record["event"] for record in records} == {"images_away"}
    assert "SignatureDoesNotMatch" in str(records)
    assert "x" * 40 not in str(records)
    use(store, access_key="AKIA" + "X" * 16)
    refused_everywhere(files)


def test_a_bucket_that_does_not_exist(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    use(store, bucket_name="another-one")
    with pytest.raises(Unavailable):
        image_files.read(KEY, Size.FULL)
    with pytest.raises(Unavailable):
        image_files.write(KEY, files)


def test_a_service_that_hangs_and_one_that_is_down(use: Any, files: dict[Size, Path]) -> None:
    with object_store() as own:
        use(own)
        image_files.write(OTHER, files)
        own.process.suspend()
        try:
            # A write waits twice, also for `100 Continue`, and then tries to delete what may be there
            assert refused_everywhere(files) < 20, "and not the 60 s that botocore waits by itself, five times"
        finally:
            own.process.resume()
        assert image_files.read(OTHER, Size.FULL) == files[Size.FULL].read_bytes(), "and works when it is back"
        own.process.kill()
        refused_everywhere(files)
        own.start()
        use(own)
        with pytest.raises(FileNotFoundError):
            image_files.read(OTHER, Size.FULL)


def test_a_write_that_fails_in_between_leaves_nothing(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    use(store, location="cut")

    files[Size.LARGE] = files[Size.LARGE].parent  # a folder cannot be read; it is the last one
    with pytest.raises(Unavailable):
        image_files.write(KEY, files)
    assert not any(name.startswith("cut/") for name in store.names)


def test_what_a_cut_write_leaves_is_found_and_deleted(store: ObjectStore, use: Any, files: dict[Size, Path]) -> None:
    use(store, location="left")
    mine = client("s3", store.url, store.access_key, store.secret_key)
    mine.put_object(Bucket=BUCKET, Key=f"left/{KEY[:2]}/{KEY}/256", Body=b"half")
    assert [key for key, _ in image_files.stored()] == [KEY]
    image_files.delete(KEY)
    assert list(image_files.stored()) == []


HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
NO_ROOM = b"<Error><Code>%b</Code><Message>No</Message></Error>"


@contextmanager
def service(*pieces: bytes, pause: float = 0) -> Iterator[ObjectStore]:
    """A service that sends these pieces to everybody, and pauses between them."""

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError:
                return  # the client has gone

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield ObjectStore(None, listening.getsockname()[1], "key", "secret")  # type: ignore[arg-type]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_service_that_sends_little_at_a_time(use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "READ_SECONDS", 0.5)
    with service(HEAD % (b"200 OK", 10**7), *[bytes(20_000)] * 300, pause=0.1) as slow:
        use(slow)
        start = time.monotonic()
        with pytest.raises(Unavailable):
            image_files.read(KEY, Size.FULL)
        assert time.monotonic() - start < 15, "and not the half minute that the answer takes"


def test_an_answer_that_ends_too_early_is_no_picture(use: Any) -> None:
    with service(HEAD % (b"200 OK", 1000), b"half of it") as broken:
        use(broken)
        with pytest.raises(Unavailable):
            image_files.read(KEY, Size.FULL)


@pytest.mark.parametrize(
    ("status", "code"), [(b"507 Insufficient Storage", b"XMinioStorageFull"), (b"403 Forbidden", b"QuotaExceeded")]
)
def test_a_service_without_room(use: Any, files: dict[Size, Path], status: bytes, code: bytes) -> None:
    body = NO_ROOM % code
    with service(HEAD % (status, len(body)), body) as full:
        use(full)
        with pytest.raises(StorageFull):
            image_files.write(KEY, files)
