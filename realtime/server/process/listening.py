"""The listening socket, which answers clients even if the process has no file left for another connection.

If accept(2) fails for want of files, aiofastnet 1.2 calls a method that sockets lack. So the event loop finds the same
connection again at once, runs at full speed, and logs a traceback at each turn. Here the connection is accepted with a
reserved file, told to come back, and closed.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import suppress
from typing import Any

import structlog

from realtime.limits import rush
from realtime.seldom import Seldom
from realtime.server.http.refusals import TOO_MANY
from realtime.server.process.accept_rate import TURNED_AWAY, AcceptRate

AT_ONCE = 2
"""The number of connections taken in one turn of the event loop: connections that come together share one look-up.

In a rush it is one: each connection is much work, and other work runs in between.
"""
TURNED_AWAY_AT_ONCE = 16
"""The most connections turned away in one turn before one is taken."""

UNSENT_BYTES = 16_384
"""What the kernel takes of a connection beyond what it can send (tcp(7), TCP_NOTSENT_LOWAT): see `websocket.pace`."""

_USED_UP = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

log = structlog.get_logger(__name__)


class ListeningSocket(socket.socket):
    """A socket whose `accept` never fails if this process has no file left."""

    __slots__ = ("_rate", "_rests", "_said", "_spare", "_taken")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rate = AcceptRate()
        self._spare = -1
        self._taken = 0
        self._rests = False
        self._said = Seldom()

    def listen(self, backlog: int = 128, /) -> None:
        """Listen, with a reserved file from now on. The connections have the socket's options, too."""
        if self.family in (socket.AF_INET, socket.AF_INET6):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        super().listen(backlog)
        self._keep_spare()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; BlockingIOError if there is none, or none that may be taken in this turn of the loop."""
        if self._taken >= (1 if rush.is_on() else AT_ONCE) or self._rests:
            self._taken, self._rests = 0, False
            raise BlockingIOError
        self._taken += 1
        try:
            for _ in range(TURNED_AWAY_AT_ONCE):
                taken, address = super().accept()
                if not self._rate.is_over(address):
                    return taken, address
                _say(taken, TURNED_AWAY)
            raise BlockingIOError
        except BlockingIOError:
            self._taken = 0
            raise
        except OSError as error:
            if error.errno not in _USED_UP:
                raise
            if times := self._said.count():
                log.error("no_files_left", error=error.strerror, refused=times)
            if not self._turn_away():
                # The machine has no files left either: aiofastnet logs the error, and tries again in a second.
                self._rests = True
                raise
            raise BlockingIOError from error

    def remove_reader(self, descriptor: int) -> None:
        """Remove the reader; aiofastnet calls this on the socket, but means the event loop's method."""
        asyncio.get_running_loop().remove_reader(descriptor)

    def close(self) -> None:
        """Stop listening."""
        super().close()
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1

    def _turn_away(self) -> bool:
        """Answer one connection, and close it; returns whether one could be taken."""
        if self._spare < 0:
            return False
        os.close(self._spare)
        self._spare = -1
        try:
            refused, _ = super().accept()
        except OSError:
            return False
        else:
            _say(refused, TOO_MANY)
            return True
        finally:
            self._keep_spare()

    def _keep_spare(self) -> None:
        if self._spare < 0:
            try:
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self._spare = -1  # none was available at the moment


def _say(refused: socket.socket, last: bytes) -> None:
    """Tell a client that its request is not read, and close the connection."""
    with refused:
        refused.setblocking(False)
        with suppress(OSError):  # it is gone already
            refused.send(last)
