"""The JavaScript client in a page of a real browser: a site with the page, and what a test does with its clients."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from realtime.management.commands.client_tables import JAVASCRIPT
from testing.browsers import BrowserPage

CLIENT = JAVASCRIPT.parent
PAGE = b'<!doctype html><title>Tests</title><script type="module" src="/tests/browsers/page.js"></script>'
Seen = dict[str, Any]


class _Site(http.server.SimpleHTTPRequestHandler):
    """The files of the client, and a page that loads the tests."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def site() -> Iterator[int]:
    """The port of a site on loopback; `/` is the page of the tests."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, directory=str(CLIENT)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


class TabClient:
    """One client in a page; `key` is its own there."""

    def __init__(self, page: BrowserPage, key: str) -> None:
        self._page, self._key = page, key

    def seen(self) -> Seen:
        """Its properties, and what it has heard; see `page.js`."""
        seen: Seen = self._page.evaluate("(given) => tests.seen(given)", {"key": self._key})
        return seen

    def until(self, condition: str) -> Seen:
        """Wait for it: JavaScript about `client`, and about `own`, which is what the page has counted."""
        source = f"({{ key }}) => tests.until(key, (client, own) => {condition})"
        seen: Seen = self._page.evaluate(source, {"key": self._key})
        return seen

    def connected(self) -> Seen:
        """What `connect()` came to, and then all that is seen."""
        outcome = self._page.evaluate("(given) => tests.connected(given)", {"key": self._key})
        return {"outcome": outcome, **self.seen()}

    def start(self, method: str, *given: Any) -> None:
        """Call a method, and do not wait for its promise."""
        called = {"key": self._key, "method": method, "given": given}
        self._page.evaluate("(given) => tests.start(given)", called)

    def outcomes(self) -> list[Seen]:
        """What the promises of all calls since the last time came to: `{version}` or `{code}` each."""
        outcomes: list[Seen] = self._page.evaluate("(given) => tests.outcomes(given)", {"key": self._key})
        return outcomes

    def do(self, method: str, *given: Any) -> Seen:
        """Call a method, and wait for its promise."""
        self.start(method, *given)
        return self.outcomes()[-1]

    def close(self) -> None:
        """Close it."""
        self._page.evaluate("(given) => tests.close(given)", {"key": self._key})


class Tab:
    """The page; each test loads it anew, so it has no clients."""

    def __init__(self, page: BrowserPage, address: str) -> None:
        self.page = page
        self._count = 0
        page.goto(address)

    def begin(self, url: str, view: str, *credentials: dict[str, str], **options: Any) -> TabClient:
        """A client that connects. Each attempt is given the next of the credentials, and the last one ever after.

        `speed` is how many times faster its time passes, and `random` its chance, if it is known.
        """
        self._count += 1
        key = f"client {self._count}"
        given = {"key": key, "url": url, "portalViewId": view, "credentials": credentials, **options}
        self.page.evaluate("(given) => tests.begin(given)", given)
        return TabClient(self.page, key)

    def join(self, url: str, view: str, *credentials: dict[str, str], **options: Any) -> TabClient:
        """A client that is in."""
        client = self.begin(url, view, *credentials, **options)
        client.until("client.status === 'open'")
        return client

    def hide(self, *, is_hidden: bool) -> None:
        """Have the page say that nobody looks at it, or that somebody does."""
        self.page.evaluate("(given) => tests.hide(given)", {"isHidden": is_hidden})


def names(items: Sequence[Seen]) -> list[str]:
    """The names of items."""
    return [item["name"] for item in items]
