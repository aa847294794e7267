"""A server with the demo and a browser, for tests of pages: below a path.

Each context ends with an empty console, in which violations of the policies are, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

from testing.installation import Person, StoreKind, installation
from testing.pictures import plain
from testing.setup import NODE_FOLDER, chromium
from testing.stacks import STACK_ENV, Stack, below_a_path

NAME = ".stage-name"
PICTURE = ".stage-layer.is-on .stage-picture"
AXE = NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE: ViewportSize = {"width": 390, "height": 844}
LAPTOP: ViewportSize = {"width": 1280, "height": 800}
TELEVISION: ViewportSize = {"width": 1920, "height": 1080}
SMALLEST: ViewportSize = {"width": 320, "height": 640}
REFUSED = "Failed to load resource"
"""The console's message about an answer with an error, which some tests ask for."""
PATIENCE_MILLISECONDS = 15_000
"""How long a test waits for what a page should do: with four tests on two cores, all takes its time."""
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running server with the demo, below a path behind nginx: what works there works at the top of a host."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, below_a_path(made, made.prepare(), stripped=False) as one:
        yield one


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield launched
        launched.close()


@contextmanager
def silent(chrome: Browser, *expected: str, **options: Any) -> Iterator[BrowserContext]:
    """A browser without any history, whose console says nothing but what begins like this."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(expected):
            said.append(message.text)

    opened = chrome.new_context(**{"locale": "en-GB", **options})
    opened.on("console", note)
    opened.on("weberror", lambda error: said.append(str(error.error)))
    opened.set_default_timeout(PATIENCE_MILLISECONDS)
    yield opened
    opened.close()
    assert said == []


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    """A browser without any history."""
    with silent(chrome, REFUSED) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of it."""
    return context.new_page()


def log_in(page: Page, stack: Stack, person: Person) -> None:
    """Log in with the form."""
    page.goto(f"{stack.server.http}/login")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="My libraries")).to_be_visible()
    page.wait_for_load_state()  # with its colours


def check(page: Page, least: int = 10) -> None:
    """Nothing for axe to complain about, and no horizontal scroll, on the smallest screen and on a large one."""
    page.wait_for_load_state()
    tools = page.context.new_cdp_session(page)
    tools.send("Runtime.evaluate", {"expression": AXE.read_text()})
    size = page.viewport_size
    options = json.dumps({"runOnly": RULES})
    for viewport in (SMALLEST, LAPTOP):
        page.set_viewport_size(viewport)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (page.url, viewport)
        asked = {"expression": f"axe.run(document, {options})", "awaitPromise": True, "returnByValue": True}
        found = tools.send("Runtime.evaluate", asked)["result"]["value"]
        assert len(found["passes"]) >= least
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], page.url
    if size is not None:
        page.set_viewport_size(size)


def picture(width: int = 400, name: str = "The old mill.png") -> FilePayload:
    """A file to upload."""
    return {"name": name, "mimeType": "image/png", "buffer": plain(width, 300, "PNG")}


@contextmanager
def reloaded_without(page: Page, script: re.Pattern[str]) -> Iterator[None]:
    """Load the page again, on a line on which that script comes only at the end of the block."""
    held: list[Route] = []
    page.route(script, lambda route: held.append(route))  # noqa: PLW0108  # marked by Playwright
    with page.expect_request(script):
        page.reload(wait_until="commit")
    yield
    for route in held:
        route.continue_()
    page.unroute(script)


def give(page: Page, how: str, name: str = "A mill", width: int = 300) -> None:
    """Drop or paste a picture of that name and width; `how` is which."""
    page.evaluate(
        """([how, name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], `${name}.png`, { type: "image/png" }));
            document.dispatchEvent(how === "drop"
                ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        [how, name, list(plain(width, 200, "PNG"))],
    )
