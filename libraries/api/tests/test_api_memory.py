"""A request leaves no objects for the garbage collector: large answers would pile up in the meantime."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.test import RequestFactory
from rest_framework.views import APIView

pytestmark = pytest.mark.django_db


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Records all views, requests and responses."""
    made: list[weakref.ref[Any]] = []
    finalize = APIView.finalize_response

    def note(view: APIView, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = finalize(view, request, response, *args, **kwargs)
        made.extend(weakref.ref(part) for part in (view, request, final))
        return final

    monkeypatch.setattr(APIView, "finalize_response", note)
    return made


@pytest.fixture
def _no_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collections")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/health", 200),
        ("GET", "/api/libraries", 401),
        ("GET", "/api/schema", 200),
        ("GET", "/api/nowhere", 404),
        ("HEAD", "/api/health", 200),
        ("POST", "/api/auth/token", 400),
        ("DELETE", "/api/auth/token", 405),
    ],
)
def test_an_answered_request_is_freed_at_once(
    method: str, path: str, status: int, parts: list[weakref.ref[Any]]
) -> None:
    handler = BaseHandler()
    handler.load_middleware()
    response = handler.get_response(RequestFactory().generic(method, path, "{}", content_type="application/json"))
    assert response.status_code == status
    assert len(parts) == 3
    response.close()
    del response
    assert [part() for part in parts] == [None] * 3
