"""A service that speaks S3: moto's server as a process, with one bucket and one pair of keys that it checks.

After `process.kill()` call `start()` again: same port, and nothing in it, not even the bucket.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx

from testing.processes import Process, ReservedPort

REGION = "eu-central-1"
BUCKET = "portal-pictures"
PAGE_NAMES = 3
"""How many names a page of a list has; S3 gives a thousand."""
_RIGHTS = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@dataclass
class ObjectStore:
    """The running service, and the keys that it takes."""

    process: Process
    port: int
    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The value for PORTAL_S3_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a site whose pictures are in the bucket."""
        return {
            "PORTAL_S3_BUCKET": BUCKET,
            "PORTAL_S3_ENDPOINT": self.url,
            "PORTAL_S3_REGION": REGION,
            "PORTAL_S3_ACCESS_KEY": self.access_key,
            "PORTAL_S3_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        """Start it, make the bucket and the keys, and have it check them from then on."""
        self.process.start(self._answers)
        client("s3", self.url).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        people = client("iam", self.url)
        people.create_user(UserName="portal")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [_RIGHTS]})
        people.put_user_policy(UserName="portal", PolicyName="all", PolicyDocument=policy)
        made = people.create_access_key(UserName="portal")["AccessKey"]
        self.access_key, self.secret_key = made["AccessKeyId"], made["SecretAccessKey"]
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0", trust_env=False).raise_for_status()

    @property
    def names(self) -> set[str]:
        """The names of all objects."""
        mine = client("s3", self.url, self.access_key, self.secret_key)
        pages = mine.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/moto-api/data.json", timeout=5, trust_env=False).is_success
        except httpx.TransportError:  # not listening yet
            return False


def client(service: str, url: str, access_key: str = "nobody", secret_key: str = "") -> Any:
    """A client of the service's own interface."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key or "nothing",
    )


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A running service on its own port."""
    with tempfile.TemporaryDirectory(prefix="portal-objects-") as folder, ReservedPort() as reserved:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(reserved.number)]
        env = {"PATH": os.environ["PATH"], "HOME": folder, "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE_NAMES)}
        with Process("moto", command, Path(folder, "moto.log"), env=env) as process:
            store = ObjectStore(process, reserved.number)
            store.start()
            yield store
