"""Pictures by the settings of a site: what one process has written is read by the others, from a folder or a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from libraries.image_files.tests.pictures import KEY, make_files
from libraries.rules.images import Size
from testing.buckets import object_store
from testing.installation import Installation, StoreKind, installation

WRITE = """
from pathlib import Path
from libraries import image_files
from libraries.rules.images import Size
image_files.write({key!r}, {{size: Path({made!r}, size) for size in Size}})
"""
READ = """
import hashlib
from libraries import image_files
from libraries.rules.images import Size
print(hashlib.sha256(b"".join(image_files.read({key!r}, size) for size in Size)).hexdigest())
print([key for key, _ in image_files.stored()] == [{key!r}])
"""


@pytest.fixture(params=["folder", "bucket"])
def site(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with ExitStack() as stack:
        env = {}
        if request.param == "bucket":
            env = {**stack.enter_context(object_store()).variables, "PORTAL_S3_PREFIX": "portal/pictures"}
        yield stack.enter_context(installation(StoreKind.SQLITE, **env))


@pytest.mark.server
def test_all_processes_read_what_one_has_written(site: Installation, tmp_path: Path) -> None:
    files = make_files(tmp_path / "made")
    site.shell(WRITE.format(key=KEY, made=str(tmp_path / "made")))
    seen = {site.shell(READ.format(key=KEY)) for _ in range(2)}
    assert seen == {f"{digest(files)}\nTrue\n"}
    assert (site.folder / "images").exists() == ("PORTAL_S3_BUCKET" not in site.env)


def digest(files: dict[Size, Path]) -> str:
    return hashlib.sha256(b"".join(files[size].read_bytes() for size in Size)).hexdigest()
