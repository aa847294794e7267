"""A page of a real browser: of Debian's Chromium through Playwright, or of its Firefox through puppeteer-core."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Final, Protocol

from playwright.sync_api import Page, sync_playwright

from testing.setup import NODE_FOLDER, chromium, firefox

END_SECONDS = 20


class BrowserPage(Protocol):
    """What tests do with a page in either browser."""

    def goto(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""

    def evaluate(self, source: str, argument: Any = None) -> Any:
        """The JSON that a JavaScript function gives for the argument, or its promise; an error if it throws."""

    def offline(self, is_offline: bool) -> None:  # noqa: FBT001 - a switch
        """Have the browser say that it has no network, or that it is back."""

    def paste(self, *blocks: str) -> None:
        """Evaluate blocks as in the console: with `await`, and each with the names of those before; errors are ours."""

    def said(self) -> list[str]:
        """The lines of the console since the last call."""


class BrowserFailed(Exception):
    """What ran in the page has thrown, or the browser has not answered."""


class _ChromiumPage:
    def __init__(self, page: Page) -> None:
        self._page = page
        self._said: list[str] = []
        page.on("console", lambda message: self._said.append(message.text))

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def evaluate(self, source: str, argument: Any = None) -> Any:
        return self._page.evaluate(source, argument)

    def offline(self, is_offline: bool) -> None:  # noqa: FBT001 - a switch
        self._page.context.set_offline(is_offline)

    def paste(self, *blocks: str) -> None:
        tools = self._page.context.new_cdp_session(self._page)
        how = {"replMode": True, "awaitPromise": True, "userGesture": True}
        for block in blocks:
            outcome = tools.send("Runtime.evaluate", {"expression": block, **how})
            if "exceptionDetails" in outcome:
                raise BrowserFailed(outcome["exceptionDetails"])

    def said(self) -> list[str]:
        self._page.evaluate("0")  # what it has said before has come, too
        said, self._said[:] = list(self._said), []
        return said


class _FirefoxPage:
    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands, self._answers = commands, answers

    def goto(self, url: str) -> None:
        self._ask("goto", url=url)

    def evaluate(self, source: str, argument: Any = None) -> Any:
        return self._ask("evaluate", source=source, argument=argument)

    def offline(self, is_offline: bool) -> None:  # noqa: FBT001 - a switch
        self._ask("offline", isOffline=is_offline)

    def paste(self, *blocks: str) -> None:
        self.evaluate("async () => {\n" + "\n".join(blocks) + "\n}")  # WebDriver knows no `await` outside of one

    def said(self) -> list[str]:
        lines: list[str] = self._ask("said")
        return lines

    def _ask(self, command: str, **given: Any) -> Any:
        self._commands.write(json.dumps({"command": command, **given}) + "\n")
        self._commands.flush()
        line = self._answers.readline()
        if not line:
            raise BrowserFailed("Firefox has ended.")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserFailed(answer["error"])
        return answer["value"]


@contextmanager
def chromium_page() -> Iterator[BrowserPage]:
    """A page of Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield _ChromiumPage(browser.new_page())
        browser.close()


@contextmanager
def firefox_page() -> Iterator[BrowserPage]:
    """A page of Firefox."""
    path = firefox()
    if path is None:
        raise BrowserFailed("Firefox is not installed: run `make test-setup`.")
    command = ["node", "firefox_page.mjs", path]
    with subprocess.Popen(command, cwd=NODE_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as helper:
        assert helper.stdin is not None
        assert helper.stdout is not None
        try:
            yield _FirefoxPage(helper.stdin, helper.stdout)
        finally:
            helper.stdin.close()  # it then ends the browser, and itself
            try:
                helper.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                helper.terminate()  # which ends the browser, too
                raise


PAGES: Final[dict[str, Callable[[], AbstractContextManager[BrowserPage]]]] = {
    "chromium": chromium_page,
    "firefox": firefox_page,
}
"""How to open a page in each browser that the contract tests of the client run in."""
