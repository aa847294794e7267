"""Django's settings of the storage of pictures, for `portal.settings` alone: a folder, or a bucket if one is named.

As in `portal.env`, a value that cannot work ends the process with a sentence that names the variable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal import env

_PACKAGES = "storages", "boto3"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
"""S3's rule for names ("Bucket naming rules"), and what older buckets and other services have."""
_REGION = re.compile(r"[a-z0-9-]+")
_KEY = re.compile(r"[!-~]+")
_PREFIX = re.compile(r"(?!\.\.?(/|$))[A-Za-z0-9._-]+(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)*")


def bucket(name: str) -> str:
    """The name of a bucket, or nothing."""
    return _of_shape(name, env.text(name), _BUCKET, "must be the name of a bucket, such as portal-pictures")


def region(name: str, default: str) -> str:
    """A region, such as `eu-central-1`."""
    return _of_shape(name, env.text(name, default), _REGION, "must be a region such as eu-central-1")


def prefix(name: str) -> str:
    """A path in the bucket, without a slash at its ends, or nothing."""
    return _of_shape(name, env.text(name).strip("/"), _PREFIX, "must be a path in the bucket such as portal/pictures")


def endpoint(name: str) -> str:
    """The address of a service that speaks S3, without a slash at its end, or nothing."""
    value = env.text(name).rstrip("/")
    example = "must be an address such as https://s3.example.org, without a path, a user or a query."
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        env.refuse(name, example)
    is_origin = parts.hostname and "@" not in parts.netloc and value == f"{parts.scheme}://{parts.netloc}"
    if value and not (is_origin and parts.scheme in ("http", "https")):
        env.refuse(name, example)
    return value


def key(name: str) -> str:
    """A key of the service, or nothing."""
    value = env.text(name)
    if value and not _KEY.fullmatch(value):
        env.refuse(name, "must be a key of the service: it has no spaces, and only ASCII.")  # not repeated: a secret
    return value


def storage(folder: Path, **values: str) -> dict[str, Any]:
    """An entry of STORAGES, from the checked values of `PORTAL_S3_<NAME>` by the name in lower case."""
    given = [name for name, value in values.items() if value and name != "region"]
    if not given:
        return {"BACKEND": "libraries.image_files.folder.Folder", "OPTIONS": {"location": str(folder)}}
    for name in ("bucket", "access_key", "secret_key"):
        if not values[name]:
            env.refuse(f"PORTAL_S3_{name.upper()}", f"is not set: it is needed with {_names(given)}.")
    if not all(find_spec(package) for package in _PACKAGES):
        env.refuse("PORTAL_S3_BUCKET", "needs the packages of requirements-s3.txt, which are not installed.")
    options = {
        "bucket_name": values["bucket"],
        "location": values["prefix"],
        "region_name": values["region"],
        "access_key": values["access_key"],
        "secret_key": values["secret_key"],
        "endpoint_url": values["endpoint"] or None,
        # A service of one's own seldom has a host name for each bucket
        "addressing_style": "path" if values["endpoint"] else "auto",
    }
    return {"BACKEND": "libraries.image_files.bucket.Bucket", "OPTIONS": options}


def _names(given: Sequence[str]) -> str:
    return " and ".join(f"PORTAL_S3_{name.upper()}" for name in given)


def _of_shape(name: str, value: str, shape: re.Pattern[str], sentence: str) -> str:
    if value and not shape.fullmatch(value):
        env.refuse(name, f"{sentence}, not {value!r}.")
    return value
