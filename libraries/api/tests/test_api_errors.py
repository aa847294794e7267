"""Every refusal below /api/ has one shape, whatever code refuses."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.core.handlers.asgi import ASGIRequest
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework import exceptions
from rest_framework.test import APIClient

from libraries.api import errors as api_errors
from libraries.api.auth import Tokens
from libraries.api.bodies import MAX_BODY_BYTES, MAX_STATE_BODY_BYTES
from libraries.api.errors import STATUSES, exception_handler, refusal
from libraries.models import PortalView, User
from libraries.rules import errors
from libraries.rules.state import MAX_STATE_BYTES, size_of
from libraries.tests.rest import as_, refused, send

# --- Addresses, methods and bodies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "nothing", "libraries/1", "portal-views", "auth", "portal-views/{id}/more", "a//b"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_unknown_addresses(owner: User, path: str, method: str) -> None:
    for client in (as_(owner), as_(None)):
        answer = getattr(client, method)(f"/api/{path}")
        assert answer.status_code == 404
        if method != "head":
            assert "/api/docs" in refused(answer, "not-found")


@pytest.mark.parametrize("case", [str.upper, lambda text: text.replace("-", ""), lambda text: f"{text}0"])
def test_ids_have_one_form(owner: User, portal_view: PortalView, case: Any) -> None:
    refused(as_(owner).get(f"/api/portal-views/{case(str(portal_view.id))}"), "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "auth/token", "POST"),
        ("get", "auth/register", "POST"),
        ("delete", "libraries", "GET, POST, HEAD"),
        ("options", "libraries", "GET, POST, HEAD"),
        ("post", "portal-views/{id}", "GET, PUT, PATCH, DELETE, HEAD"),
        ("post", "auth/me", "GET, PATCH, DELETE, HEAD"),
    ],
)
def test_methods_that_are_not_allowed(
    owner: User, portal_view: PortalView, method: str, path: str, allowed: str
) -> None:
    answer = getattr(as_(owner), method)(f"/api/{path.format(id=portal_view.id)}")
    refused(answer, "method-not-allowed")
    assert set(answer["Allow"].split(", ")) == set(allowed.split(", "))


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png"]
)
def test_bodies_that_are_not_json(owner: User, kind: str) -> None:
    answer = send(owner, "POST", "/api/libraries", b"name=x", content_type=kind)
    assert "application/json" in refused(answer, "unsupported-media-type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/json;x=y"])
def test_bodies_that_are_json(owner: User, kind: str) -> None:
    answer = send(owner, "POST", "/api/libraries", '{"name": "Ümläut"}'.encode(), content_type=kind)
    assert (answer.status_code, answer.json()["name"]) == (201, "Ümläut")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "application/json;q=0", "nonsense"])
def test_answers_are_json_for_any_accept_header(owner: User, accept: str) -> None:
    answer = as_(owner).get("/api/libraries?format=xml", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


MALFORMED = [
    b"{",
    b'{"name": NaN}',
    b'{"name": Infinity}',
    b'{"name": -Infinity}',
    b'{"name": 1e999}',
    rb'{"name": "\ud800"}',
    rb'{"name": "\udc00x"}',
    rb'{"\ud800": 1}',
    b'{"name": "\xff"}',
    b'{"name": "a\x01b"}',
    b'{"name": "x"} {}',
    b"{'name': 'x'}",
    b'\xef\xbb\xbf{"name": "x"}',
    b"[" * 200_000,
    b'{"a":' * 80_000,
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_json(owner: User, portal_view: PortalView, body: bytes) -> None:
    for method, path in (("POST", "libraries"), ("PATCH", f"portal-views/{portal_view.id}"), ("POST", "auth/token")):
        answer = send(owner, method, f"/api/{path}", body, content_type="application/json")
        refused(answer, "invalid-payload")
    portal_view.refresh_from_db()
    assert (portal_view.name, portal_view.version) == ("Evening", 1)


@pytest.mark.parametrize("body", [b"null", b"1", b'"x"', b"[]", b"true", b"[[]]"])
def test_json_that_is_not_an_object(owner: User, portal_view: PortalView, body: bytes) -> None:
    for method, path in (("POST", "libraries"), ("PATCH", f"portal-views/{portal_view.id}"), ("POST", "auth/token")):
        answer = send(owner, method, f"/api/{path}", body, content_type="application/json")
        refused(answer, "invalid-payload")


@pytest.mark.parametrize(("more", "status"), [(0, 400), (1, 413)])
@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("PATCH", "libraries/{library}", MAX_BODY_BYTES),
        ("PATCH", "portal-views/{id}", MAX_STATE_BODY_BYTES),
        ("PUT", "portal-views/{id}", MAX_STATE_BODY_BYTES),
        ("POST", "libraries/{library}/portal-views", MAX_STATE_BODY_BYTES),
    ],
)
def test_the_length_of_a_body_is_limited(
    owner: User, portal_view: PortalView, method: str, path: str, most: int, more: int, status: int
) -> None:
    body = b'{"name": "%s"}' % (b"x" * (most - len('{"name": ""}') + more))
    address = path.format(id=portal_view.id, library=portal_view.library_id)
    answer = send(owner, method, f"/api/{address}", body, content_type="application/json")
    sentence = refused(answer, *(["too-large"] if status == 413 else ["invalid-payload", "name"]))
    assert status == 400 or f"at most {most} bytes" in sentence


def test_a_state_of_the_greatest_size_fits_with_escapes(owner: User, portal_view: PortalView) -> None:
    spare = MAX_STATE_BYTES - size_of({**portal_view.state(), "items": [{"id": "a", "text": ""}]})
    for text, status in (("é" * (spare // 2), 200), ("é" * (spare // 2 + 1), 400)):
        body = json.dumps({"items": [{"id": "a", "text": text}]}, indent=4).encode()  # each é is six octets
        answer = send(owner, "PATCH", f"/api/portal-views/{portal_view.id}", body, content_type="application/json")
        assert answer.status_code == status
    assert len(body) > 2 * MAX_STATE_BYTES


@pytest.mark.parametrize(
    ("body", "code", "keys"),
    [
        (b'{"email": 1, "password": "x"}', "invalid-payload", {"email"}),
        (b'{"email": "%s"}' % (b"x" * MAX_BODY_BYTES), "too-large", set()),
    ],
)
def test_a_body_in_chunks_is_read(body: bytes, code: str, keys: set[str]) -> None:
    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/api/auth/token", "headers": headers, "query_string": b""}
    answer = Tokens.as_view()(ASGIRequest(scope, BytesIO(body)))
    assert answer.status_code == STATUSES[code]
    assert answer.data["code"] == code
    assert set(answer.data["details"] or {}) == keys


# --- Internal errors --------------------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, user: User, error: Exception) -> Any:
    """The answer to a request whose view raises the error."""

    def fail(**asked: Any) -> None:
        raise error

    monkeypatch.setattr("libraries.api.libraries.get_library", fail)
    client = as_(user)
    client.raise_request_exception = False
    return client.get(f"/api/libraries/{user.id}")


def test_an_unexpected_error(owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing(monkeypatch, owner, RuntimeError("the password is swordfish"))
    assert "logged" in refused(answer, "internal-error")
    assert b"swordfish" not in answer.content
    assert "swordfish" in caplog.text


@pytest.mark.parametrize("error", [OperationalError("locked at 10.0.0.7"), InterfaceError("closed")])
def test_an_unavailable_database(
    owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    answer = failing(monkeypatch, owner, error)
    assert "try again" in refused(answer, "unavailable")
    assert answer["Retry-After"] == "5"
    assert b"10.0.0.7" not in answer.content
    assert str(error) in caplog.text


CODES: list[tuple[Exception, str]] = [
    (Http404(), "not-found"),
    (PermissionDenied(), "forbidden"),
    (RequestDataTooBig(), "too-large"),
    (TooManyFieldsSent(), "invalid-payload"),
    (errors.InvalidPayload("No."), "invalid-payload"),
    (errors.NotFound("No."), "not-found"),
    (errors.Forbidden("No."), "forbidden"),
    (errors.VersionConflict("No."), "version-conflict"),
    (errors.Conflict("No."), "conflict"),
    (errors.Unavailable("No."), "unavailable"),
    (exceptions.ParseError(), "invalid-payload"),
    (exceptions.ValidationError("No."), "invalid-payload"),
    (exceptions.NotAuthenticated(), "not-authenticated"),
    (exceptions.AuthenticationFailed("No.", "token-expired"), "token-expired"),
    (exceptions.PermissionDenied(), "forbidden"),
    (exceptions.NotFound(), "not-found"),
    (exceptions.MethodNotAllowed("GET"), "method-not-allowed"),
    (exceptions.UnsupportedMediaType("text/plain"), "unsupported-media-type"),
    (exceptions.Throttled(), "throttled"),
    (exceptions.Throttled(59.2), "throttled"),
]


@pytest.mark.parametrize(("error", "code"), CODES)
def test_each_exception_has_its_code(error: Exception, code: str) -> None:
    answer = exception_handler(error, {})
    assert answer.status_code == STATUSES[code]
    assert answer.data is not None
    assert answer.data["code"] == code
    assert answer.data["message"]
    assert answer.data["details"] is None
    assert ("WWW-Authenticate" in answer) == (answer.status_code == 401)
    assert ("Retry-After" in answer) == (answer.status_code in (429, 503))


def test_the_time_to_wait_is_at_least_a_second_and_sufficient() -> None:
    waits = [exception_handler(exceptions.Throttled(wait), {})["Retry-After"] for wait in (None, 0, 0.2, 59.2, 60)]
    assert waits == ["1", "1", "1", "60", "60"]


def test_every_error_of_the_libraries_has_a_status() -> None:
    kinds = [kind for kind in errors.PortalError.__subclasses__() if kind.__module__ == errors.__name__]
    only_for_sockets = errors.AlreadyApplied.code
    assert {kind.code for kind in kinds} - {only_for_sockets} <= set(STATUSES)


def test_nested_errors_are_flat() -> None:
    error = exceptions.ValidationError(
        {"a": ["One.", "Two."], "b": {"c": ["Three."]}, "d": [{}, {"e": ["Four."]}], "non_field_errors": ["Five."]}
    )
    answer = exception_handler(error, {})
    details = {"a": "One. Two.", "b.c": "Three.", "d[1].e": "Four."}
    message = "Five. a: One. Two. b.c: Three. d[1].e: Four."
    assert answer.data == refusal("invalid-payload", message, details)


# --- Outside of the views ---------------------------------------------------------------------------------


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/api/libraries", "/api/schema", "/api/nowhere"])
@pytest.mark.parametrize("host", ["elsewhere.example.org", "DWm", "two words", "portal.example.org:port", "a/b"])
def test_a_foreign_host_name(settings: Any, host: str, path: str, debug: bool) -> None:
    settings.DEBUG = debug
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    refused(APIClient().get(path, HTTP_HOST=host), "invalid-payload")


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (lambda request: api_errors.bad_request(request, ValueError()), "invalid-payload", 400),
        (lambda request: api_errors.not_found(request, Http404()), "not-found", 404),
        (lambda request: api_errors.server_error(request), "internal-error", 500),
    ],
)
def test_the_sites_handlers(answer: Any, code: str, status: int) -> None:
    below = answer(RequestFactory().get("/api/x"))
    assert (below.status_code, json.loads(below.content)["code"]) == (status, code)
    assert set(json.loads(below.content)) == {"code", "message", "details"}


def test_pages_outside_of_the_api_are_not_json(settings: Any) -> None:
    settings.DEBUG = False
    answer = Client().get("/elsewhere")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (404, "text/html")
