"""README's sessions, pasted exactly as written: two terminals and a browser's console, on a fresh demo.

In README's output, `…` stands for anything. `test_docs` checks its tables.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Self

import pytest

from testing.browsers import PAGES, BrowserPage
from testing.installation import ROOT, Server, StoreKind, installation
from testing.sockets import DEADLINE_SECONDS

README = (ROOT / "README.md").read_text()
ADDRESS = "127.0.0.1:8000"
PYTHON = ".venv/bin/python"

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[78])|\r")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Section:
    """The blocks of one of README's sections, by language, with the server's address instead of README's."""

    def __init__(self, heading: str, server: Server) -> None:
        body = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        assert body, f"README has no section “{heading}”"
        body = body.replace(ADDRESS, f"127.0.0.1:{server.port}").replace(PYTHON, sys.executable)
        self._blocks = _BLOCK.findall(body)

    def blocks(self, language: str) -> list[str]:
        """The blocks of that language in order."""
        return [text for kind, text in self._blocks if kind == language]


def shows(expected: str, line: str) -> bool:
    """Whether a line matches README."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line) is not None


class Terminal:
    """A shell in a pseudo-terminal, as a person uses it."""

    def __init__(self) -> None:
        self._screen, inside = pty.openpty()
        self._shell = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile"],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=ROOT,
            env={**os.environ, "PS1": "", "TERM": "xterm", "no_proxy": "127.0.0.1"},
            start_new_session=True,
        )
        os.close(inside)
        self._written = b""

    def paste(self, text: str) -> None:
        """Type it, with an enter at the end."""
        os.write(self._screen, f"{text.rstrip()}\n".encode())

    def follow(self, transcript: str) -> None:
        """Paste the text after each `>`, and expect the other lines."""
        for line in transcript.splitlines():
            if line.startswith("> "):
                self.paste(line.removeprefix("> "))
            else:
                seen = self._next_line()
                assert shows(line, seen), f"README shows\n{line}\nand what came is\n{seen}"

    def _next_line(self) -> str:
        """The next line of the client's output, without cursor movements."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            whole, end, rest = self._written.partition(b"\n")
            if not end:
                self._read(deadline)
                continue
            self._written = rest
            line = _ESCAPES.sub("", whole.decode())
            if line.startswith(("Connected to ", "< ")):
                return line

    def _read(self, deadline: float) -> None:
        ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing came within {DEADLINE_SECONDS} s behind {self._written!r}"
        self._written += os.read(self._screen, 65536)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._shell.pid, signal.SIGKILL)  # and the client in it
        self._shell.wait()
        os.close(self._screen)


def follow(page: BrowserPage, transcript: str) -> None:
    """Expect README's output in the console, line by line."""
    deadline, seen = time.monotonic() + DEADLINE_SECONDS, list[str]()
    for count, expected in enumerate(transcript.splitlines()):
        while len(seen) <= count and time.monotonic() < deadline:
            seen += page.said()
        assert len(seen) > count, f"README shows\n{expected}\nand nothing came"
        assert shows(expected, seen[count]), f"README shows\n{expected}\nand what came is\n{seen[count]}"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with the demo, set up as by `make run`."""
    with installation(StoreKind.SQLITE) as fresh:
        fresh.prepare()
        with fresh.server() as started:
            yield started


@pytest.mark.server
@pytest.mark.browser
@pytest.mark.parametrize("browser", PAGES)
def test_the_sessions_work_as_pasted(server: Server, browser: str) -> None:
    terminals = Section("Talk to it from a terminal", server)
    browsers = Section("Talk to it from a browser's console", server)
    prepare, look, control = terminals.blocks("sh")
    looking, controlling, looking_on = terminals.blocks("text")
    connect, show = browsers.blocks("js")
    connected, shown, looking_at_last = browsers.blocks("text")
    with Terminal() as viewer, Terminal() as owner, PAGES[browser]() as page:
        for terminal in (viewer, owner):
            terminal.paste(prepare)
        viewer.paste(look)
        viewer.follow(looking)
        owner.paste(control)
        owner.follow(controlling)
        viewer.follow(looking_on)
        page.goto(f"{server.http}/")
        page.paste(connect, show)
        follow(page, connected + shown)
        viewer.follow(looking_at_last)
