"""What holds in a folder and in a bucket: all files or none, missing ones, and what is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from libraries import image_files
from libraries.image_files.tests.pictures import KEY, OTHER, bucket, folder, make_files
from libraries.rules.images import Size
from testing.buckets import ObjectStore, object_store


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(params=["folder", "bucket", "bucket with a prefix"])
def files(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> dict[Size, Path]:
    """The four files of a picture, and the storage that the settings name."""
    if request.param == "folder":
        place = folder(tmp_path / "images")
    else:
        # Each test has a path of its own in the bucket; an empty one is the bucket, which is emptied by `delete`
        prefix = tmp_path.name if "prefix" in request.param else ""
        place = bucket(request.getfixturevalue("store"), location=prefix)
    settings.STORAGES = {**settings.STORAGES, "images": place}
    for key, _ in list(image_files.stored()):
        image_files.delete(key)
    return make_files(tmp_path / "made")


def test_what_was_written_is_read(files: dict[Size, Path]) -> None:
    image_files.write(KEY, files)
    image_files.write(OTHER, files)
    for size, source in files.items():
        assert image_files.read(KEY, size) == source.read_bytes()
    assert all(source.exists() for source in files.values()), "they are copied"


def test_missing_files(files: dict[Size, Path]) -> None:
    with pytest.raises(FileNotFoundError):
        image_files.read(KEY, Size.FULL)
    image_files.delete(KEY)
    assert list(image_files.stored()) == []


def test_deleted_files_are_gone_and_others_stay(files: dict[Size, Path]) -> None:
    image_files.write(KEY, files)
    image_files.write(OTHER, files)
    image_files.delete(KEY)
    image_files.delete(KEY)
    for size in Size:
        with pytest.raises(FileNotFoundError):
            image_files.read(KEY, size)
    assert image_files.read(OTHER, Size.SMALL) == files[Size.SMALL].read_bytes()
    assert {key for key, _ in image_files.stored()} == {OTHER}


def test_what_is_stored_and_since_when(files: dict[Size, Path]) -> None:
    image_files.write(KEY, files)
    image_files.write(OTHER, files)
    found = dict(image_files.stored())
    assert found.keys() == {KEY, OTHER}
    assert all(abs(datetime.now(UTC) - written) < timedelta(minutes=1) for written in found.values())


def test_all_or_none(files: dict[Size, Path]) -> None:
    files[Size.LARGE].unlink()
    with pytest.raises(FileNotFoundError):
        image_files.write(KEY, files)
    assert list(image_files.stored()) == []
    with pytest.raises(FileNotFoundError):
        image_files.read(KEY, Size.FULL)


def test_many_threads_write_and_read(files: dict[Size, Path]) -> None:
    wrong: list[str] = []

    def use(number: int) -> None:
        key = f"{number:032x}"
        image_files.write(key, files)
        if any(image_files.read(key, size) != files[size].read_bytes() for size in Size):
            wrong.append(key)
        image_files.delete(key)

    run_together([lambda number=number: use(number) for number in range(8)])  # type: ignore[misc]
    assert wrong == []
    assert list(image_files.stored()) == []


def run_together(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
