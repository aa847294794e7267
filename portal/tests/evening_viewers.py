"""Who watches the first evening: phones and people in Debian's Chromium, and a television; all they receive is kept."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, Page, WebSocket

from portal.tests.browsing import silent
from testing.television import Answer, Television, television

EXPECTED = ("Failed to load resource", "WebSocket connection to")
"""What consoles say of a server that is away, and of an answer with an error."""
SECONDS = 40
POLL_MILLISECONDS = 50
MOST_SHIFT = 0.02
OBSERVE = """
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, value, sources } of list.getEntries()) {
      const moved = sources.map(({ node }) => node && (node.outerHTML || node.textContent).slice(0, 120));
      if (!hadRecentInput) shifted(`${location.pathname} ${performance.timeOrigin}`, value, moved);
    }
  }).observe({ type: "layout-shift", buffered: true });
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    console.error(`The policy has refused ${blockedURI}: ${violatedDirective}`);
  });
"""


class Viewer(Protocol):
    """Somebody who watches."""

    name: str

    @property
    def frames(self) -> list[str]:
        """The messages that their sockets received."""

    def ask(self, code: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""

    def wait_for(self, code: str) -> None:
        """Wait until an expression is true in the page."""

    def requested(self) -> list[str]:
        """The addresses that it has asked for until now."""


@dataclass
class Seat:
    """A page in a context of its own. `answers` is filled when the context ends."""

    name: str
    page: Page
    frames: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def ask(self, code: str) -> Any:
        """As `Viewer`."""
        return self.page.evaluate(code)

    def wait_for(self, code: str) -> None:
        """As `Viewer`."""
        until = time.monotonic() + SECONDS
        while not self.page.evaluate(f"Boolean({code})"):  # Playwright's own waiting evaluates text in the page
            assert time.monotonic() < until, (self.name, code, self.page.inner_text("body"))
            self.page.wait_for_timeout(POLL_MILLISECONDS)

    def requested(self) -> list[str]:
        """As `Viewer`."""
        self.page.evaluate("0")  # what was asked for before has come, too
        return self.asked


@dataclass
class Screen:
    """The television."""

    name: str
    television: Television

    @property
    def frames(self) -> list[str]:
        """As `Viewer`."""
        return self.television.frames

    def ask(self, code: str) -> Any:
        """As `Viewer`."""
        return self.television.ask(code)

    def wait_for(self, code: str) -> None:
        """As `Viewer`."""
        self.television.wait_for(code, SECONDS)

    def requested(self) -> list[str]:
        """As `Viewer`."""
        self.television.ask("0")
        return [answer.address for answer in self.television.answers]


@contextmanager
def still(chrome: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A silent browser in whose pages nothing shifts."""
    shifts: dict[str, float] = {}
    causes: list[Any] = []

    def note(_: Any, place: str, value: float, moved: list[str]) -> None:
        shifts[place] = shifts.get(place, 0) + value
        causes.append((place, value, moved))

    with silent(chrome, *EXPECTED, **options) as context:
        context.expose_binding("shifted", note)
        context.add_init_script(OBSERVE)
        yield context
    assert [place for place, sum_ in shifts.items() if sum_ >= MOST_SHIFT] == [], causes


@contextmanager
def seat(chrome: Browser, name: str, folder: Path, **options: Any) -> Iterator[Seat]:
    """An empty page of somebody who will watch."""
    har = folder / f"{name}.har"
    with still(chrome, record_har_path=har, record_har_content="embed", **options) as context:
        made = Seat(name, context.new_page())

        def note(socket: WebSocket) -> None:
            socket.on("framereceived", lambda data: made.frames.append(_text(data)))

        made.page.on("websocket", note)
        made.page.on("request", lambda request: made.asked.append(request.url))
        yield made
    made.answers += [_answer(entry) for entry in json.loads(har.read_text())["log"]["entries"]]


@contextmanager
def screen(name: str, folder: Path) -> Iterator[Screen]:
    """A television, 1920 x 1080."""
    folder.mkdir()
    with television(folder) as shown:
        yield Screen(name, shown)
        shown.ask("0")
        assert [said for said in shown.said if not said.startswith(EXPECTED)] == []
        assert all(re.search(r"/api/screens|/tv", address) for address in shown.lost), shown.lost


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("latin-1")


def _answer(entry: dict[str, Any]) -> Answer:
    answer = entry["response"]
    content = answer["content"]
    text = content.get("text", "")
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    return Answer(entry["request"]["url"], answer["status"], json.dumps(answer["headers"]), body)
