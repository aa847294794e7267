"""The answers by URL, and their content security policies."""

import pytest
from django.test import Client


def policy(path: str) -> dict[str, list[str]]:
    """The directives of the content security policy at the path."""
    header = Client().get(path).headers["Content-Security-Policy"]
    return {words[0]: words[1:] for words in (directive.split() for directive in header.split(";"))}


@pytest.mark.parametrize("path", ["/socket.io", "/socket.io/", "/socket.io/?EIO=4&transport=polling", "/socket.io/x/y"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_socketio_clients_are_told_which_protocol_to_use(path: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == "socketio-not-supported"
    assert "/ws/portal-view/" in body["message"]


@pytest.mark.parametrize("path", ["/ws/portal-view/x", "/ws/portal-view/x/", "/ws/portal-view", "/ws/portal-view/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_address_of_a_socket_explains_itself(path: str, method: str) -> None:
    """A proxy that does not pass Upgrade on turns a handshake into a plain GET (RFC 9110, section 15.5.22)."""
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json()["code"] == "upgrade-required"
    assert "WebSocket" in answer.json()["message"]


@pytest.mark.django_db
@pytest.mark.django_db
def test_the_root_is_a_page_that_leads_to_the_documentation() -> None:
    answer = Client().get("/")
    assert (answer.status_code, 'href="/api/docs"' in answer.content.decode()) == (200, True)


def test_our_own_pages_run_no_inline_code() -> None:
    directives = policy("/socket.io/")
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["style-src"] == ["'self'"]
    assert directives["frame-ancestors"] == ["'none'"]


@pytest.mark.django_db
def test_the_admin_may_evaluate_but_runs_no_inline_script() -> None:
    directives = policy("/admin/login/")
    assert directives["script-src"] == ["'self'", "'unsafe-eval'"]
    assert directives["style-src"] == ["'self'", "'unsafe-inline'"]
    assert directives["default-src"] == ["'none'"]


def test_a_foreign_origin_gets_no_cors_header() -> None:
    answer = Client().get("/api/docs", headers={"Origin": "https://elsewhere.example.org"})
    assert "Access-Control-Allow-Origin" not in answer.headers
