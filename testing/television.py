"""Chromium 76, as television sets have it: npm's `chrome-aws-lambda` holds that browser. It is driven over DevTools.

Playwright is too new for it, so this speaks the few commands of the DevTools protocol that a test needs. All that the
page receives is kept.
"""

from __future__ import annotations

import base64
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
TEXT = 1
"""The opcode of a frame of text; DevTools writes others in base64."""


@dataclass(frozen=True)
class Answer:
    """What a browser received by HTTP."""

    address: str
    status: int
    headers: str
    body: bytes


@dataclass
class Television:
    """Its one page. `said` is what the page wrote to the console, and the errors that nobody caught.

    `frames` are the messages of its sockets, `asked` the addresses of its requests, and `answers` what came. `lost` are
    the addresses whose answers came just before the page went to another one: the browser keeps no body of them.
    """

    socket: ClientConnection
    said: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    _sent: int = 0
    _begun: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ended: list[str] = field(default_factory=list)

    def do(self, method: str, **params: Any) -> Any:
        """The answer to a command of the DevTools protocol."""
        message = self._send(method, params)
        assert "error" not in message, message
        return message["result"]

    def _send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._sent += 1
        self.socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=ANSWER_SECONDS))
            if message.get("id") == self._sent:
                return message
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
            case "Network.webSocketFrameReceived":
                data, opcode = params["response"]["payloadData"], params["response"]["opcode"]
                self.frames.append(data if opcode == TEXT else base64.b64decode(data).decode("latin-1"))
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Network.responseReceived":
                self._begun[params["requestId"]] = params["response"]
            case "Network.loadingFinished":
                self._ended.append(params["requestId"])

    def _keep_answers(self) -> None:
        while self._ended:
            request_id = self._ended.pop(0)
            answer = self._begun.pop(request_id)
            message = self._send("Network.getResponseBody", {"requestId": request_id})
            if "error" in message:
                self.lost.append(answer["url"])
                continue
            text, is_encoded = message["result"]["body"], message["result"]["base64Encoded"]
            body = base64.b64decode(text) if is_encoded else text.encode()
            self.answers.append(Answer(answer["url"], answer["status"], json.dumps(answer["headers"]), body))

    def open(self, address: str) -> None:
        """Go to a page."""
        self.do("Page.navigate", url=address)

    def ask(self, code: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.do("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        self._keep_answers()
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
        process.start(lambda: bool(_pages(log)))
        address = _pages(log)[0]
        # This browser closes a connection that brings a ping, and the library sends one every 20 seconds by default
        with connect(address, max_size=None, proxy=None, compression=None, ping_interval=None) as socket:
            shown = Television(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                shown.do(f"{domain}.enable")
            yield shown
        process.kill()  # in a single process it does not end in good order


def _pages(log: Path) -> list[str]:
    """The addresses of the browser's pages. It listens before there is one."""
    listens = LISTENS.search(log.read_text(errors="replace"))
    if listens is None:
        return []
    listed = httpx.get(f"http://127.0.0.1:{listens[1]}/json", trust_env=False).json()
    return [one["webSocketDebuggerUrl"] for one in listed if one["type"] == "page"]
