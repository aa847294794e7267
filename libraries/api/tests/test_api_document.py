"""The OpenAPI document as it is served: made once, and correct for the first request too."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from libraries.api import document as api_document
from libraries.tests.rest import refused

MANY = 8


@pytest.fixture(autouse=True)
def _not_made_yet() -> Iterator[None]:
    api_document._make.cache_clear()
    yield
    api_document._make.cache_clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The documents that were made, one entry each; two at once would change each other."""
    calls: list[int] = []
    at_once = threading.Semaphore()
    get_schema = SchemaGenerator.get_schema

    def watched(self: SchemaGenerator, *args: Any, **options: Any) -> Any:
        assert at_once.acquire(blocking=False), "two documents are made at once"
        calls.append(1)
        try:
            return get_schema(self, *args, **options)  # type: ignore[no-untyped-call]
        finally:
            at_once.release()

    monkeypatch.setattr(SchemaGenerator, "get_schema", watched)
    return calls


def test_simultaneous_first_requests_get_the_same_correct_document(made: list[int]) -> None:
    # drf-spectacular makes it from objects that all threads share: simultaneous first requests got wrong documents.
    begin = threading.Barrier(MANY)

    def ask(path: str) -> bytes:
        begin.wait(10)
        answer = Client().get(path)
        assert answer.status_code == 200
        return answer.content

    with ThreadPoolExecutor(MANY) as pool:
        bodies = list(pool.map(ask, ["/api/schema", "/api/schema/?format=json"] * (MANY // 2)))
    assert len(made) == 1
    assert len(set(bodies)) == 2
    expected = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert yaml.safe_load(bodies[0]) == json.loads(bodies[1]) == json.loads(json.dumps(expected))


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "", "application/vnd.oai.openapi"),
        ("", "*/*", "application/vnd.oai.openapi"),
        ("", "application/json,*/*", "application/vnd.oai.openapi+json"),
        ("", "application/yaml, application/json", "application/vnd.oai.openapi"),
        ("?format=json", "", "application/vnd.oai.openapi+json"),
        ("?format=yaml", "application/json", "application/vnd.oai.openapi"),
    ],
)
def test_the_document_has_two_formats(query: str, accept: str, kind: str, made: list[int]) -> None:
    for path in ("/api/schema", "/api/schema/"):
        answer = Client().get(f"{path}{query}", headers={"accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert answer["Cache-Control"] == "public, no-cache"
        assert "Accept" in answer["Vary"]
        assert (json.loads if kind.endswith("json") else yaml.safe_load)(answer.content)["openapi"] == "3.0.3"
    assert len(made) == 1


def test_a_client_that_has_the_document_gets_304() -> None:
    tag = Client().get("/api/schema")["ETag"]
    answer = Client().get("/api/schema", headers={"if-none-match": f'"other", W/{tag}'})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert Client().get("/api/schema?format=json", headers={"if-none-match": tag}).status_code == 200


def test_other_formats_and_methods_are_refused() -> None:
    refused(Client().get("/api/schema?format=xml"), "not-found")
    refused(Client().get("/api/schema", headers={"if-none-match": "x"}), "invalid-payload", "If-None-Match")
    refused(Client().post("/api/schema"), "method-not-allowed")
