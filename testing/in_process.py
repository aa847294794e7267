"""A server in this process: set up like `manage.py serve`, in a thread, on the database of the test.

Tests can inspect its event loop, and code replaced by a test is replaced for it too.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvicorn
from asgiref.sync import sync_to_async
from django.db import connections

from realtime import server as realtime_server
from testing.processes import ReservedPort

SECONDS = 20.0
T = TypeVar("T")


class InProcessServer:
    """uvicorn in a thread, on its own port. `start()` and `stop()` return once it has started or stopped."""

    def __init__(self) -> None:
        self._port = ReservedPort()
        self._config = realtime_server.config("127.0.0.1", self._port.number)
        self.server = uvicorn.Server(self._config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="server")
        self.ws = f"ws://127.0.0.1:{self._port.number}"
        self.http = f"http://127.0.0.1:{self._port.number}"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
            self._loop = runner.get_loop()
            runner.run(self.server.serve())

    def start(self) -> None:
        """Start it, and return once it accepts connections."""
        self._thread.start()
        wait_until(lambda: self.server.started or not self._thread.is_alive())
        assert self.server.started, "the server ended while it started"

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's event loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(question, self._loop).result(SECONDS)

    def stop(self) -> None:
        """Stop it, and return once the thread has ended."""
        self.ask(sync_to_async(connections.close_all)())  # those of the thread that runs the application's queries
        self.server.should_exit = True
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self._port.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Check the condition again and again; AssertionError after `SECONDS`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS} s"
        time.sleep(0.01)
