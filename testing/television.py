"""Chromium 76, as television sets have it: npm's `chrome-aws-lambda` holds that browser. It is driven over DevTools.

Playwright is too new for it, so this speaks the few commands of the DevTools protocol that a test needs.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from testing.processes import Process
from testing.setup import NODE_FOLDER

PACKED = NODE_FOLDER / "node_modules" / "chrome-aws-lambda" / "bin" / "chromium-76.0.3803.0.br"
UNPACK = "const [, from, to] = process.argv; const { writeFileSync, readFileSync } = require('fs'); \
writeFileSync(to, require('zlib').brotliDecompressSync(readFileSync(from)), { mode: 0o755 })"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--single-process", "--no-zygote", "--hide-scrollbars")
LISTENS = re.compile(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/")
UNPACK_SECONDS = 120
ANSWER_SECONDS = 30
POLL_SECONDS = 0.1


@dataclass
class Television:
    """Its one page. `said` is what the page wrote to the console, and the errors that nobody caught."""

    socket: ClientConnection
    said: list[str] = field(default_factory=list)
    _sent: int = 0

    def do(self, method: str, **params: Any) -> Any:
        """The answer to a command of the DevTools protocol."""
        self._sent += 1
        self.socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=ANSWER_SECONDS))
            if message.get("id") == self._sent:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning"}:
                self.said.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.said.append(params["entry"]["text"])

    def open(self, address: str) -> None:
        """Go to a page."""
        self.do("Page.navigate", url=address)

    def ask(self, code: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.do("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, code: str, seconds: float = 20) -> None:
        """Wait until an expression is true in the page, or in the next one that it goes to."""
        until = time.monotonic() + seconds
        while not self.ask(f"Boolean({code})"):
            assert time.monotonic() < until, (code, self.ask("document.body.innerText"), self.said)
            time.sleep(POLL_SECONDS)


@contextmanager
def television(folder: Path, width: int = 1920, height: int = 1080) -> Iterator[Television]:
    """The browser with an empty page of that size; its files are in `folder`."""
    program, log = folder / "chromium-76", folder / "chromium-76.log"
    subprocess.run(["node", "-e", UNPACK, PACKED, program], check=True, timeout=UNPACK_SECONDS)  # noqa: S607
    size = f"--window-size={width},{height}"
    command = [str(program), *OPTIONS, size, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    with Process("Chromium 76", command, log) as process:
        process.start(lambda: bool(LISTENS.search(log.read_text(errors="replace"))))
        [port] = LISTENS.findall(log.read_text(errors="replace"))
        pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
        address = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
        with connect(address, max_size=None, proxy=None, compression=None) as socket:
            shown = Television(socket)
            for domain in ("Page", "Runtime", "Log"):
                shown.do(f"{domain}.enable")
            yield shown
        process.kill()  # in a single process it does not end in good order
