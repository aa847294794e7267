"""Helpers for tests of the REST API: clients for the people, and the shape of refusals."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from libraries.api.errors import STATUSES
from libraries.models import User

CAST = ("owner", "editor", "viewer", "stranger", "nobody")


def as_(user: User | None) -> APIClient:
    """A client with the user's access token; with None, a client without one."""
    client = APIClient(raise_request_exception=True)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


def cast(request: pytest.FixtureRequest, name: str) -> APIClient:
    """A client for one of the people, by name."""
    return as_(None if name == "nobody" else request.getfixturevalue(name))


def send(user: User, method: str, path: str, body: bytes, content_type: str) -> Any:
    """The answer to a request with these bytes."""
    return as_(user).generic(method, path, body, content_type=content_type)  # type: ignore[arg-type]  # bytes are fine


def refused(answer: Any, code: str, *keys: str) -> str:
    """Assert that the answer is a refusal with this code that names these keys; returns its message."""
    body = answer.json()
    assert (answer.status_code, body.get("code")) == (STATUSES[code], code), body
    assert set(body) == {"code", "message", "details"}
    assert body["message"].endswith((".", "”"))
    assert set(body["details"] or {}) == set(keys), body["details"]
    assert all(isinstance(sentence, str) for sentence in (body["details"] or {}).values())
    assert answer["Content-Type"] == "application/json"
    return str(body["message"])


CODES = {400: "invalid-payload", 401: "not-authenticated", 403: "forbidden", 404: "not-found", 409: "conflict"}
"""The code of a refusal by its status, for tables of permissions."""
