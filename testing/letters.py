"""A mail server on loopback, and the letters that it got."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller


class Letterbox:
    """What the mail server on `port` got; it refuses with `answer` if that is set."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.letters: list[tuple[list[str], Message]] = []
        self.answer = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd."""
        if self.answer:
            return self.answer
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"

    def links_to(self, email: str) -> list[str]:
        """The links in the letters to that address, the oldest first."""
        found: list[str] = []
        for to, letter in self.letters:
            body = letter.get_payload(decode=True)
            if to == [email] and isinstance(body, bytes):
                found += re.findall(r"https?://\S+", body.decode())
        return found


@contextmanager
def letterbox() -> Iterator[Letterbox]:
    """The server, while the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made = Letterbox(free.getsockname()[1])
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    yield made
    controller.stop()
