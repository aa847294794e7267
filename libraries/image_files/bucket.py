"""Pictures in a bucket of a service that speaks S3. The objects are private: only Portal reads them.

Only this module knows django-storages and boto (`requirements-s3.txt`), and it is imported only if a bucket is named.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from libraries.image_files.places import KEY, away, folder_of, full, name_of
from libraries.rules.errors import PortalError
from libraries.rules.images import Size

WAIT_SECONDS = 10
"""How long a service may take to accept a connection, and to send the next bytes."""
ATTEMPTS = 2
READ_SECONDS = 30
"""How long all of one file may take: a service that sends little at a time holds a thread."""
_PIECE_BYTES = 16_384
_NO_ROOM = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"})
"""What services answer when there is no room: Ceph, RFC 4918 in words, and MinIO. S3 itself does not know it."""
_NO_ROOM_STATUS = 507
_MISSING = frozenset({"NoSuchKey", "404"})


class Bucket(S3Storage):  # type: ignore[misc]  # it has no types
    """django-storages' storage, with what `Place` asks for, and one client for all threads."""

    def get_default_settings(self) -> dict[str, Any]:
        """Options that were not given. None is taken from the environment of boto, which may be another program's."""
        return {
            **super().get_default_settings(),
            "security_token": None,
            "session_profile": None,
            "default_acl": None,  # private, as all objects are unless somebody asks for another thing
            "querystring_auth": False,
            "client_config": Config(
                connect_timeout=WAIT_SECONDS,
                read_timeout=WAIT_SECONDS,
                retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                signature_version="s3v4",
                # Checksums in trailers are newer than many services
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                ignore_configured_endpoint_urls=True,
                max_pool_connections=32,
            ),
        }

    @cached_property
    def _client(self) -> Any:
        # A client may be used by several threads, a resource may not (boto3's guide, "Multithreading")
        config = self.client_config.merge(Config(s3={"addressing_style": self.addressing_style}))
        return self._create_session().client(
            "s3", region_name=self.region_name, endpoint_url=self.endpoint_url, config=config
        )

    def write(self, key: str, files: Mapping[Size, Path]) -> None:
        """Store one object for each file; if one fails, delete those before it."""
        with _refusals():
            try:
                for size, source in files.items():
                    with source.open("rb") as body:
                        self._client.put_object(**self._object(key, size), Body=body)
            except BaseException:
                self._undo(key)
                raise

    def read(self, key: str, size: Size) -> bytes:
        """The bytes of an object."""
        deadline = time.monotonic() + READ_SECONDS
        with _refusals():
            body = self._client.get_object(**self._object(key, size))["Body"]
            pieces = []
            with body:
                for piece in body.iter_chunks(_PIECE_BYTES):
                    pieces.append(piece)
                    if time.monotonic() > deadline:
                        raise away(f"a picture took more than {READ_SECONDS} s")
            return b"".join(pieces)

    def erase(self, key: str) -> None:
        """Delete the objects one by one: DeleteObjects needs a checksum that some services do not know."""
        with _refusals():
            for size in Size:
                self._client.delete_object(**self._object(key, size))

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """The objects that are named as pictures are. Lists are in the order of names: those of a key are together."""
        prefix = f"{self.location.strip('/')}/".lstrip("/")
        with _refusals():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=prefix)
            found = (entry for page in pages for entry in page.get("Contents", ()))
            for folder, entries in groupby(found, lambda entry: entry["Key"].removeprefix(prefix).rpartition("/")[0]):
                key = folder.rpartition("/")[2]
                if KEY.fullmatch(key) and folder == folder_of(key):
                    yield key, max(entry["LastModified"] for entry in entries)

    def _object(self, key: str, size: Size) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name_of(key, size))}

    def _undo(self, key: str) -> None:
        try:
            self.erase(key)
        except PortalError:
            return  # it is logged, and `manage.py clear_images` finds what is left; the first error says why


@contextmanager
def _refusals() -> Iterator[None]:
    """Faults of the service become refusals, and its word for a missing object becomes FileNotFoundError."""
    try:
        yield
    except ClientError as error:
        code, status = _answer(error)
        if code in _MISSING:
            raise FileNotFoundError(f"The bucket has no such object: {code}") from error
        # Without the service's own words, which may repeat a part of the request
        reason = f"{error.operation_name} was refused: {code}, status {status}"
        raise (full if code in _NO_ROOM or status == _NO_ROOM_STATUS else away)(reason) from error
    except FileNotFoundError:
        raise
    except (BotoCoreError, OSError) as error:  # the latter: a file that is to be stored cannot be read
        raise away(f"{type(error).__name__}: {error}") from error


def _answer(error: ClientError) -> tuple[str, int]:
    """The service's code and status, such as `SlowDown` and 503."""
    answer: Mapping[str, Any] = error.response
    return str(answer.get("Error", {}).get("Code", "")), int(
        answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    )
