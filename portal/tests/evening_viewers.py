"""Who watches the first evening: phones and people in Debian's Chromium; all they receive is kept."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, WebSocket

from portal.tests.stillness import still
from testing.television import Answer

EXPECTED = ("Failed to load resource", "WebSocket connection to")
"""What consoles say of a server that is away, and of an answer with an error."""
SECONDS = 40
POLL_MILLISECONDS = 50
POLICY = """
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    console.error(`The policy has refused ${blockedURI}: ${violatedDirective}`);
  });
"""


@dataclass
class Seat:
    """A page in a context of its own. `answers` is filled when the context ends."""

    name: str
    page: Page
    frames: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def ask(self, code: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        return self.page.evaluate(code)

    def wait_for(self, code: str) -> None:
        """Wait until an expression is true in the page."""
        until = time.monotonic() + SECONDS
        while not self.page.evaluate(f"Boolean({code})"):  # Playwright's own waiting evaluates text in the page
            assert time.monotonic() < until, (self.name, code, self.page.inner_text("body"))
            self.page.wait_for_timeout(POLL_MILLISECONDS)

    def requested(self) -> list[str]:
        """The addresses that it has asked for until now."""
        self.page.evaluate("0")  # what was asked for before has come, too
        return self.asked


@contextmanager
def quiet(chrome: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A browser whose console is silent, policies included, and whose pages stand still."""
    with still(chrome, *EXPECTED, **options) as context:
        context.add_init_script(POLICY)
        context.set_default_timeout(1_000 * SECONDS)
        yield context


@contextmanager
def seat(chrome: Browser, name: str, folder: Path, **options: Any) -> Iterator[Seat]:
    """An empty page of somebody who will watch."""
    har = folder / f"{name}.har"
    with quiet(chrome, record_har_path=har, record_har_content="embed", **options) as context:
        made = Seat(name, context.new_page())

        def note(socket: WebSocket) -> None:
            socket.on("framereceived", lambda data: made.frames.append(_text(data)))

        made.page.on("websocket", note)
        made.page.on("request", lambda request: made.asked.append(request.url))
        yield made
    made.answers += [_answer(entry) for entry in json.loads(har.read_text())["log"]["entries"]]


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("latin-1")


def _answer(entry: dict[str, Any]) -> Answer:
    answer = entry["response"]
    content = answer["content"]
    text = content.get("text", "")
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    return Answer(entry["request"]["url"], answer["status"], json.dumps(answer["headers"]), body)
