"""Pictures in a folder: who may open it, a full disk, a process that is killed while it writes, a folder that fails."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from libraries import image_files
from libraries.image_files.folder import Folder
from libraries.image_files.tests.pictures import KEY, OTHER, folder, make_files
from libraries.rules.errors import StorageFull, Unavailable
from libraries.rules.images import Size
from testing.installation import ROOT

SECONDS = 30
WRITE = """
    import sys
    from pathlib import Path
    from django.conf import settings
    settings.configure()
    from libraries.image_files.folder import Folder
    from libraries.rules.images import Size
    place, made = Folder(location=sys.argv[1]), Path(sys.argv[2])
    def write(key):
        place.write(key, {size: made / size for size in Size})
"""


@pytest.fixture
def where(settings: Any, tmp_path: Path) -> Path:
    settings.STORAGES = {**settings.STORAGES, "images": folder(tmp_path / "data" / "images")}
    return tmp_path / "data" / "images"


@pytest.fixture
def files(tmp_path: Path) -> dict[Size, Path]:
    return make_files(tmp_path / "made")


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(WRITE) + textwrap.dedent(code), *arguments]


def test_only_we_may_open_the_files(where: Path, files: dict[Size, Path]) -> None:
    before = os.umask(0)
    try:
        image_files.write(KEY, files)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in where.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (where, *where.rglob("*")) if path.is_dir()} == {0o700}
    assert sorted(path.name for path in (where / KEY[:2] / KEY).iterdir()) == sorted(Size)


def test_a_file_is_all_there_as_soon_as_it_is_there(where: Path, files: dict[Size, Path]) -> None:
    """The source of the last file is a pipe: until it is closed, nothing has a name."""
    files[Size.LARGE].unlink()
    os.mkfifo(files[Size.LARGE])
    child = subprocess.Popen(python(f"write({KEY!r})", str(where), str(files[Size.FULL].parent)), cwd=ROOT)
    with files[Size.LARGE].open("wb", buffering=0) as pipe:
        pipe.write(b"the first half, ")
        for size in Size:
            with pytest.raises(FileNotFoundError):
                image_files.read(KEY, size)
        pipe.write(b"the second")
    assert child.wait(SECONDS) == 0
    assert image_files.read(KEY, Size.LARGE) == b"the first half, the second"
    assert [path.name for path in (where / KEY[:2]).iterdir()] == [KEY]


def test_what_a_killed_process_leaves_is_found_and_deleted(where: Path, files: dict[Size, Path]) -> None:
    files[Size.LARGE].unlink()
    os.mkfifo(files[Size.LARGE])
    child = subprocess.Popen(python(f"write({KEY!r})", str(where), str(files[Size.FULL].parent)), cwd=ROOT)
    with files[Size.LARGE].open("wb", buffering=0) as pipe:
        pipe.write(b"half")
        child.kill()
        child.wait(SECONDS)
    with pytest.raises(FileNotFoundError):
        image_files.read(KEY, Size.FULL)
    assert [path.name for path in (where / KEY[:2]).iterdir()] == [f".{KEY}"]
    assert [key for key, _ in image_files.stored()] == [KEY]
    image_files.delete(KEY)
    assert list((where / KEY[:2]).iterdir()) == []
    assert list(image_files.stored()) == []


def test_a_write_that_was_cut_can_be_done_again(where: Path, files: dict[Size, Path]) -> None:
    left = where / KEY[:2] / f".{KEY}"
    left.mkdir(parents=True)
    (left / Size.FULL).write_bytes(b"x" * 1_000_000)
    image_files.write(KEY, files)
    assert image_files.read(KEY, Size.FULL) == files[Size.FULL].read_bytes()


def test_a_full_disk(tmp_path: Path, files: dict[Size, Path]) -> None:
    """A real one, of 512 KiB: the first picture fits, the second does not, and is gone again."""
    where = tmp_path / "small"
    where.mkdir()
    code = f"""
        from libraries.rules.errors import StorageFull
        write({KEY!r})
        try:
            write({OTHER!r})
        except StorageFull as error:
            print(error.code, [key for key, _ in place.stored()] == [{KEY!r}], len(place.read({KEY!r}, Size.FULL)))
    """
    mounted = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=512k none "$0" && exec "$@"',
    ]
    done = subprocess.run(
        [*mounted, str(where), *python(code, str(where), str(files[Size.FULL].parent))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"a small disk cannot be made here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "storage-full True 300000"
    assert "images_full" in done.stdout + done.stderr


def test_a_quota_of_the_disk_is_a_full_disk(where: Path, files: dict[Size, Path], monkeypatch: Any) -> None:
    def refuse(*_: object) -> None:
        raise OSError(122, os.strerror(122))

    monkeypatch.setattr(os, "fsync", refuse)  # EDQUOT is said there at the latest; no quota can be set without root
    with pytest.raises(StorageFull):
        image_files.write(KEY, files)
    monkeypatch.undo()
    assert list(image_files.stored()) == []


def test_a_place_that_is_no_folder(where: Path, files: dict[Size, Path]) -> None:
    where.parent.mkdir()
    where.write_text("a file")
    for use in (
        lambda: image_files.write(KEY, files),
        lambda: image_files.read(KEY, Size.FULL),
        lambda: image_files.delete(KEY),
        lambda: list(image_files.stored()),
    ):
        with pytest.raises(Unavailable):
            use()


def test_foreign_files_are_not_pictures(where: Path, files: dict[Size, Path]) -> None:
    for name in ("lost+found", "ab/readme", f"ab/{KEY[:-1]}", f"ab/{KEY.upper()}"):
        (where / name).mkdir(parents=True)
    (where / "ab" / OTHER).write_text("a file")
    assert list(image_files.stored()) == []


def test_a_key_is_written_once(where: Path, files: dict[Size, Path]) -> None:
    image_files.write(KEY, files)
    with pytest.raises(Unavailable):
        image_files.write(KEY, {size: files[Size.SMALL] for size in Size})
    assert image_files.read(KEY, Size.FULL) == files[Size.FULL].read_bytes()


def test_reading_is_quick(tmp_path: Path, files: dict[Size, Path]) -> None:
    """A thousand thumbnails took 0.05 s on a busy machine; here they may take 5 s. Nothing is listed or locked."""
    place = Folder(location=str(tmp_path / "images"))
    place.write(KEY, files)
    start = time.monotonic()
    for _ in range(1_000):
        place.read(KEY, Size.SMALL)
    assert time.monotonic() - start < 5
