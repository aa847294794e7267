"""Start, watch, freeze and end one operating-system process, and reserve a port for it.

This module holds what applies to any process. The command lines of Valkey, Postgres and Portal are in `stores` and
`installation`. Nothing here looks a process up by name: only child processes that we started are signalled.
"""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
LOG_TAIL_CHARACTERS = 6000


class ProcessFailed(Exception):
    """A process did not start, stop or answer in time; the message ends with the tail of its log."""


class ReservedPort:
    """A TCP port of 127.0.0.1 that only our own child can get, kept over restarts of that child.

    The socket is bound with SO_REUSEADDR and never listens: the kernel then gives the number to nobody else, while a
    server that sets SO_REUSEADDR too (uvicorn, Daphne, Valkey and Postgres do) may bind and listen on it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Return the port to the kernel."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Process:
    """One child process in its own session, with its output appended to `log`.

    `user` names the account to run as; only root may give one. `stop_signal` asks it to end in good order.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Start the process and return once `ready()` holds.

        If it never does, end the process and raise ProcessFailed.
        """
        if self.running:
            raise ProcessFailed(f"{self.name} is running already, as process {self.pid}.")
        account = None if self.user is None else pwd.getpwnam(self.user)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - the command lines are this package's own
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
                user=account and account.pw_uid,
                group=account and account.pw_gid,
                extra_groups=None if account is None else [],
            )
        try:
            self.wait_until(ready, seconds)
        except BaseException:
            self.kill()
            raise

    def wait_until(self, condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Poll `condition` until it holds; raises ProcessFailed if the process ends or `seconds` pass first."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                raise ProcessFailed(f"{self.name} ended with status {self.status}.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} was not ready within {seconds} s.\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs or before it started."""
        return None if self._popen is None else self._popen.poll()

    @property
    def pid(self) -> int:
        """The id of the process; raises ProcessFailed if it was never started."""
        if self._popen is None:
            raise ProcessFailed(f"{self.name} was never started.")
        return self._popen.pid

    @property
    def descendants(self) -> list[int]:
        """The ids of the processes below it, parents first."""
        return _tree(self.pid)[1:]

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end and wait; if it is too slow, kill the process and raise ProcessFailed."""
        if self._popen is None or not self.running:
            return
        self.resume()
        self._popen.send_signal(self.stop_signal)
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessFailed(f"{self.name} did not stop within {seconds} s.\n{self.log_tail()}") from None

    def kill(self) -> None:
        """End it and its children at once (SIGKILL), as a crash of the machine would."""
        if self._popen is None:
            return
        self._signal_tree(signal.SIGKILL)
        self._popen.wait(STOP_SECONDS)

    def suspend(self) -> None:
        """Freeze it and its children (SIGSTOP): its sockets stay open and answer nothing."""
        self._signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._signal_tree(signal.SIGCONT)

    @property
    def log_size(self) -> int:
        """The number of bytes that the process has written so far."""
        return self.log.stat().st_size

    def log_since(self, start: int) -> str:
        """The output after the first `start` bytes."""
        return self.log.read_bytes()[start:].decode(errors="replace")

    def log_tail(self, characters: int = LOG_TAIL_CHARACTERS) -> str:
        """The end of the process's output, for the message of a failure."""
        written = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- the end of {self.log} ---\n{written[-characters:]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"{self.name}: {self.log_tail()}")
        self.stop()

    def _signal_tree(self, number: signal.Signals) -> None:
        # Until its exit status is collected a child's id cannot belong to another process.
        if not self.running:
            return
        for pid in _tree(self.pid):
            with suppress(ProcessLookupError):  # a grandchild may end by itself before its turn
                os.kill(pid, number)


def _tree(pid: int) -> list[int]:
    """`pid` and all its descendants, parents first, read from /proc (on systems other than Linux: `pid` alone)."""
    found = [pid]
    for parent in found:
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended during the walk
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found.extend(int(child) for child in children.read_text().split())
    return found
