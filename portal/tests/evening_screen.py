"""The television that watches the first evening, Chromium 76; and what is the same in all who watch.

This browser does not judge how far a page shifts: its measure, behind a switch, leaves the distance out. The same pages
are judged in Debian's Chromium, at the same size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from portal.tests.browsing import AXE, RULES
from portal.tests.evening_viewers import EXPECTED, SECONDS
from testing.television import Answer, Television, television

LOST = "/api/screens"
"""The answer that sends the screen to the table may go with its page; it holds the token of a link."""


class Viewer(Protocol):
    """Somebody who watches."""

    name: str

    @property
    def frames(self) -> list[str]:
        """The messages that their sockets received."""

    @property
    def answers(self) -> list[Answer]:
        """What they received by HTTP."""

    def ask(self, code: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""

    def wait_for(self, code: str) -> None:
        """Wait until an expression is true in the page."""

    def requested(self) -> list[str]:
        """The addresses that it has asked for until now."""


@dataclass
class Screen:
    """The television, as a `Viewer`."""

    name: str
    television: Television

    @property
    def frames(self) -> list[str]:
        """As `Viewer`."""
        return self.television.frames

    @property
    def answers(self) -> list[Answer]:
        """As `Viewer`."""
        return self.television.answers

    def ask(self, code: str) -> Any:
        """As `Viewer`."""
        return self.television.ask(code)

    def wait_for(self, code: str) -> None:
        """As `Viewer`."""
        self.television.wait_for(code, SECONDS)

    def requested(self) -> list[str]:
        """As `Viewer`."""
        self.ask("0")  # what was asked for before has come, too
        return self.television.asked

    def check(self, least: int = 10) -> None:
        """Nothing for axe to complain about, and nothing beside the screen."""
        assert self.ask("[innerWidth, innerHeight, document.documentElement.scrollWidth]") == [1920, 1080, 1920]
        self.ask(f"{AXE.read_text()}\n0")
        found = self.ask(f"axe.run(document, {json.dumps({'runOnly': RULES})})")
        assert len(found["passes"]) >= least
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []


@contextmanager
def screen(name: str, folder: Path) -> Iterator[Screen]:
    """A television, 1920 x 1080, whose console says nothing; what its policies refuse would be there, too."""
    folder.mkdir()
    with television(folder) as shown:
        assert "Chrome/76." in shown.ask("navigator.userAgent")
        yield Screen(name, shown)
        shown.ask("0")
        assert [said for said in shown.said if not said.startswith(EXPECTED)] == []
        assert [address for address in shown.lost if LOST not in address] == []
