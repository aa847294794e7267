"""Mail to people: sent by one thread, so that no answer waits for a mail server, or tells by its time whether it sent.

Mail that cannot be sent is logged, without its text: that holds a credential.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Sequence
from functools import cache
from smtplib import SMTPException, SMTPResponseException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from libraries.rules.errors import described

MAX_WAITING = 1_000
"""How much mail may wait in one process; more is not sent, and logged."""
ENDING_SECONDS = 5.0
"""How long a process that ends waits for the mail server."""
NO_SERVER = "PORTAL_SMTP_URL is not set: this site has no mail server"

log = structlog.get_logger(__name__)


def is_configured() -> bool:
    """Whether this site sends mail to a mail server."""
    return bool(settings.PORTAL_SENDS_MAIL)


def send_on_commit(to: str | None, subject: str, text: str) -> None:
    """Send a mail once the transaction is committed; without one, at once. One to nobody takes as long as any other."""
    message = EmailMessage(subject, text, to=[] if to is None else [to])

    def send() -> None:
        _post().send(message)

    transaction.on_commit(send, robust=True)


def wait_until_sent(seconds: float) -> bool:
    """Wait for the mail of this process, at most so long; returns whether all of it was tried."""
    return _post().wait_until_sent(seconds)


class NoServer(BaseEmailBackend):
    """The backend of production without a mail server: each mail is logged as not sent, without its text."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send nothing."""
        for _ in email_messages:
            log.error("mail_not_sent", error=NO_SERVER)
        return 0


class Post:
    """The thread that sends, and the mail that waits for it."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[EmailMessage] = queue.Queue(MAX_WAITING)
        # A daemon: a process that ends does not wait for a mail server that hangs
        threading.Thread(target=self._run, name="mail", daemon=True).start()

    def send(self, message: EmailMessage) -> None:
        """Send soon."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            log.error("mail_not_sent", error=f"{MAX_WAITING} mails wait for the mail server already")

    def wait_until_sent(self, seconds: float) -> bool:
        """Wait until nothing waits any more, at most so long."""
        deadline = time.monotonic() + seconds
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks and (left := deadline - time.monotonic()) > 0:
                self._waiting.all_tasks_done.wait(left)
            return not self._waiting.unfinished_tasks

    def end(self) -> None:
        """Give the mail that waits a little time, and log what is lost."""
        if not self.wait_until_sent(ENDING_SECONDS):
            log.error("mail_not_sent", error="the process ended", mails=self._waiting.unfinished_tasks)

    def _run(self) -> None:
        while True:
            message = self._waiting.get()
            try:
                message.send()
            except OSError as error:  # smtplib's errors are some of these
                log.error("mail_not_sent", error=_reason(error))
            except Exception as error:  # a bug must not end the thread; its words may be those of the mail
                log.error("mail_not_sent", error=type(error).__name__)
            finally:
                self._waiting.task_done()


def _reason(error: OSError) -> str:
    """What happened, without the words of a server, which may repeat the mail's."""
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__}: the mail server answered {error.smtp_code}"
    return type(error).__name__ if isinstance(error, SMTPException) else described(error)


@cache
def _post() -> Post:
    post = Post()
    atexit.register(post.end)
    return post
