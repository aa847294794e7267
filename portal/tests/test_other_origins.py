"""Pages of another allowed origin, in a real browser: the requests they may send, and the answers they may read."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from testing.installation import ServerKind, StoreKind, installation
from testing.setup import chromium
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.server

ASK = """async ([url, method, headers, body]) => {
    const answer = await fetch(url, {method, headers, body: body === null ? undefined : body});
    const names = ["ETag", "Location", "Retry-After", "WWW-Authenticate", "Allow"];
    const seen = Object.fromEntries(names.map((name) => [name, answer.headers.get(name)]));
    return {status: answer.status, text: await answer.text(), ...seen};
}"""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A site with an empty page."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>x</title>")

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def stack(origin: str) -> Iterator[Stack]:
    """A server that allows it, and accepts only short bodies."""
    env = {**STACK_ENV, "PORTAL_ALLOWED_ORIGINS": origin, "PORTAL_MAX_BODY_BYTES": "100000"}
    with installation(StoreKind.SQLITE, **env) as made, running(made, made.prepare(), ServerKind.SERVE) as one:
        yield one


@pytest.fixture(scope="module")
def page(origin: str) -> Iterator[Page]:
    """A page of that site."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(origin)
        yield opened
        browser.close()


def ask(page: Page, stack: Stack, method: str, path: str, body: str | None = None, **headers: str) -> Any:
    """The answer that the page gets to a request with a token."""
    sent = {"Authorization": f"Bearer {stack.controller.access}", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    return page.evaluate(ASK, [f"{stack.server.http}{path}", method, sent, body])


def test_conditions_and_tags(page: Page, stack: Stack) -> None:
    path = f"/api/portal-views/{stack.new_portal_view()}"
    read = ask(page, stack, "GET", path)
    assert (read["status"], read["ETag"]) == (200, '"1"')
    assert ask(page, stack, "GET", path, **{"If-None-Match": read["ETag"]})["status"] in (200, 304)
    changed = ask(page, stack, "PATCH", path, '{"name": "New"}', **{"If-Match": read["ETag"]})
    assert (changed["status"], changed["ETag"]) == (200, '"2"')
    assert ask(page, stack, "PATCH", path, '{"name": "Old"}', **{"If-Match": read["ETag"]})["status"] == 412
    assert ask(page, stack, "DELETE", path, **{"If-Match": '"2"'})["status"] == 204


def test_the_location_of_a_new_object(page: Page, stack: Stack) -> None:
    made = ask(page, stack, "POST", "/api/libraries", '{"name": "Made"}')
    assert made["status"] == 201
    assert made["Location"].startswith("/api/libraries/")


def test_the_reason_of_a_failed_log_in(page: Page, stack: Stack) -> None:
    refused = ask(page, stack, "GET", "/api/auth/me", Authorization="Bearer x.y.z")
    assert (refused["status"], refused["WWW-Authenticate"]) == (401, "Bearer")
    assert ask(page, stack, "PUT", "/api/auth/me", "{}")["Allow"] == "GET, HEAD, PATCH, DELETE"


def test_a_refusal_before_django(page: Page, stack: Stack) -> None:
    """Without the headers it would be a network error to the page."""
    refused = ask(page, stack, "POST", "/api/libraries", f'"{"x" * 200_000}"')
    assert refused["status"] == 413
    assert '"too-large"' in refused["text"]


def test_a_foreign_page_reads_nothing(page: Page, stack: Stack) -> None:
    other = page.context.browser.new_page()  # type: ignore[union-attr]  # it was launched
    other.goto(page.url.replace("localhost", "127.0.0.1"))
    assert "Failed to fetch" in other.evaluate(
        f"fetch('{stack.server.http}/api/auth/me').then(() => 'read', (error) => String(error))"
    )
    other.close()
