"""`manage.py clear_images`: files of no picture go after a day, those of a picture stay, and missing ones are named."""

from __future__ import annotations

import os
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from libraries import cleaning, image_files
from libraries.image_files.tests.pictures import folder, make_files
from libraries.images import Image, new_key
from libraries.models import Library
from libraries.rules.images import Size

DAY_SECONDS = 86_400


@pytest.fixture
def where(settings: Any, tmp_path: Path) -> Path:
    settings.STORAGES = {**settings.STORAGES, "images": folder(tmp_path / "images")}
    return tmp_path / "images"


@pytest.fixture
def files(tmp_path: Path) -> dict[Size, Path]:
    return make_files(tmp_path / "made")


def add(library: Library, name: str) -> Image:
    return Image.objects.create(
        library=library,
        name=name,
        media_type="image/png",
        width=1,
        height=1,
        byte_count=1,
        stored_bytes=4,
        source_digest=name,
    )


def write(where: Path, key: str, files: dict[Size, Path], *, seconds_ago: float = 0) -> str:
    image_files.write(key, files)
    then = time.time() - seconds_ago
    os.utime(where / key[:2] / key, (then, then))
    return key


def run() -> str:
    said = StringIO()
    call_command("clear_images", stdout=said)
    return said.getvalue()


def test_old_files_of_no_picture_are_deleted(library: Library, where: Path, files: dict[Size, Path]) -> None:
    image = add(library, "Mill")
    write(where, image.key, files, seconds_ago=9 * DAY_SECONDS)
    new = write(where, new_key(), files, seconds_ago=DAY_SECONDS - 60)
    strays = [write(where, new_key(), files, seconds_ago=DAY_SECONDS + 60) for _ in range(3)]
    (where / "ab").mkdir(exist_ok=True)
    unfinished = where / "ab" / f".ab{new_key()[2:]}"
    unfinished.mkdir()
    (unfinished / Size.FULL).write_bytes(b"half")
    os.utime(unfinished, (1, 1))
    assert run() == "Files of 4 pictures that do not exist were deleted.\n"
    assert {key for key, _ in image_files.stored()} == {image.key, new}
    assert not any((where / key[:2] / key).exists() for key in strays)
    assert not unfinished.exists()
    assert image_files.read(image.key, Size.FULL) == files[Size.FULL].read_bytes()
    assert run() == "Files of 0 pictures that do not exist were deleted.\n"


def test_pictures_without_files_are_named_and_stay(library: Library, where: Path, files: dict[Size, Path]) -> None:
    write(where, add(library, "Mill").key, files)
    lost = add(library, "Inn")
    assert run().splitlines()[1:] == [f"No files: /images/{lost.id} (Inn) of Library ({library.id})"]
    assert set(Image.objects.values_list("name", flat=True)) == {"Mill", "Inn"}


def test_a_picture_that_is_deleted_meanwhile_is_not_named(
    library: Library, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = add(library, "Inn")
    stored = image_files.stored

    def delete_first() -> Any:
        image.delete()
        return stored()

    monkeypatch.setattr(image_files, "stored", delete_first)
    assert cleaning.images_without_files() == []


def test_many_files_are_looked_up_together(
    library: Library,
    where: Path,
    files: dict[Size, Path],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(cleaning, "_BATCH", 3)
    small = {size: files[Size.MEDIUM] for size in Size}
    kept = [write(where, add(library, f"{number}").key, small, seconds_ago=2 * DAY_SECONDS) for number in range(3)]
    for _ in range(4):
        write(where, new_key(), small, seconds_ago=2 * DAY_SECONDS)
    with django_assert_num_queries(3):
        assert cleaning.forget_stray_files() == 4
    assert {key for key, _ in image_files.stored()} == set(kept)


def test_a_storage_that_does_not_work_is_said(library: Library, where: Path) -> None:
    where.write_text("a file")
    with pytest.raises(CommandError, match="does not answer"):
        run()
