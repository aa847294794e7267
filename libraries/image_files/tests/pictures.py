"""Files to store, and the two kinds of storage as the settings name them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from libraries.rules.images import Size
from testing.buckets import BUCKET, REGION, ObjectStore

KEY = "0123456789abcdef" * 2
OTHER = "01" + "f" * 30
"""In the same folder of the first level."""
LENGTHS = {Size.FULL: 300_000, Size.SMALL: 5_000, Size.MEDIUM: 0, Size.LARGE: 70_000}


def make_files(where: Path) -> dict[Size, Path]:
    """Four files of random bytes; this package does not look into them."""
    where.mkdir()
    found = {size: where / size for size in Size}
    for size, path in found.items():
        path.write_bytes(random.Random(size).randbytes(LENGTHS[size]))  # noqa: S311  # no secret
    return found


def folder(where: Path) -> dict[str, Any]:
    """An entry of STORAGES."""
    return {"BACKEND": "libraries.image_files.folder.Folder", "OPTIONS": {"location": str(where)}}


def bucket(store: ObjectStore, **options: str) -> dict[str, Any]:
    """An entry of STORAGES."""
    given = {
        "bucket_name": BUCKET,
        "region_name": REGION,
        "endpoint_url": store.url,
        "access_key": store.access_key,
        "secret_key": store.secret_key,
        "addressing_style": "path",
    }
    return {"BACKEND": "libraries.image_files.bucket.Bucket", "OPTIONS": given | options}
