"""Mail to people: sent by one thread, so that no answer waits for a mail server, or tells by its time whether it sent.

Mail that cannot be sent is logged, without its text: that holds a credential.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from libraries.rules.errors import described

MAX_WAITING = 1_000
"""How much mail may wait in one process; more is not sent, and logged."""

log = structlog.get_logger(__name__)


def is_configured() -> bool:
    """Whether this site sends mail to a mail server."""
    return bool(settings.PORTAL_SENDS_MAIL)


def send_on_commit(to: str, subject: str, text: str) -> None:
    """Send a mail once the transaction is committed; without one, at once."""

    def send() -> None:
        _post().send(EmailMessage(subject, text, to=[to]))

    transaction.on_commit(send, robust=True)


class Post:
    """The thread that sends, and the mail that waits for it."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._pool = ThreadPoolExecutor(1, "mail")

    def send(self, message: EmailMessage) -> None:
        """Send soon."""
        if not self._places.acquire(blocking=False):
            log.error("mail_not_sent", error="too much mail waits")
            return
        self._pool.submit(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        try:
            message.send()
        except OSError as error:  # smtplib's errors are some of these
            log.error("mail_not_sent", error=described(error))
        except Exception:  # a bug must not end the thread unseen
            log.exception("mail_not_sent")
        finally:
            self._places.release()


@cache
def _post() -> Post:
    return Post()
