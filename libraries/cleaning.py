"""Deletes what has ended and is of no use any more: sessions, tickets, revocations, links and the networks of log-ins.

Writes of new rows delete a few old ones, and each minute one process with open sockets deletes them all. Files of no
picture are deleted by `manage.py clear_images` alone: it reads the names of all files.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from importlib import import_module
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from libraries import counters, image_files
from libraries.counters import Limit
from libraries.models import (
    Counter,
    Image,
    Invitation,
    KnownNetwork,
    PendingScreen,
    Revocation,
    Session,
    ShareLink,
    Ticket,
)
from libraries.tokens import longest_life
from libraries.uploads import drop_old_spools

KEPT_LINKS = timedelta(days=30)
"""How long owners see invitations and share links that have ended."""
KNOWN_SECONDS = 30 * 86_400
"""How long a network is known after a log-in; a locked account may still log in from it."""
OLD_UPLOAD_SECONDS = 3_600
"""No upload takes that long: what is left of an older one is of a process that was killed."""
STRAY_FILES_KEPT = timedelta(days=1)
"""How long files of no picture are kept."""
_BATCH = 500
_TURN = Limit("forget-ended", most=1, seconds=60)


def ended(now: datetime) -> dict[str, QuerySet[Any]]:
    """The rows that are of no use any more, by the name of their model.

    A revocation is kept until nothing that it ends could be good by its own date: no token, and no log-in to a page.
    """
    kept = max(longest_life(), timedelta(seconds=settings.SESSION_COOKIE_AGE)) + timedelta(hours=1)
    seconds = int(now.timestamp())
    return {
        "sessions": Session.objects.filter(expires_at__lte=now),
        "tickets": Ticket.objects.filter(expires_at__lte=now),
        "screens": PendingScreen.objects.filter(expires_at__lte=now),
        "invitations": Invitation.objects.filter(expires_at__lte=now - KEPT_LINKS),
        "share links": ShareLink.objects.filter(withdrawn_at__lte=now - KEPT_LINKS)
        | ShareLink.objects.filter(expires_at__lte=now - KEPT_LINKS),
        "revocations": Revocation.objects.filter(at__lte=now - kept).exclude(until__gt=now),
        "networks": KnownNetwork.objects.filter(seen_at__lte=seconds - KNOWN_SECONDS),
        "counters": Counter.objects.filter(expires_at__lte=seconds),
    }


def forget_ended() -> dict[str, int]:
    """Delete them all, the expired log-ins to pages and the rest of uploads; returns the number by name."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    # Not through the models' own `delete`: nobody is connected by what has ended
    dropped = {name: rows.delete()[0] for name, rows in ended(timezone.now()).items()}
    return {**dropped, "uploads": drop_old_spools(OLD_UPLOAD_SECONDS)}


def forget_ended_in_turn() -> None:
    """`forget_ended`, unless another process has called it within the last minute."""
    counted = counters.add([_TURN], int(time.time()))
    if counted[_TURN.key].tries == 1:
        forget_ended()


def forget_stray_files() -> int:
    """Delete the files of no picture that were written more than a day ago; returns of how many pictures they were.

    Newer ones may be of an upload whose row is not committed yet. Raises Unavailable if the storage does not work.
    """
    before = timezone.now() - STRAY_FILES_KEPT
    old = iter({key for key, written in image_files.stored() if written < before})
    dropped = 0
    while batch := set(islice(old, _BATCH)):
        for key in batch - set(Image.objects.filter(key__in=batch).values_list("key", flat=True)):
            image_files.delete(key)
            dropped += 1
    return dropped


def images_without_files() -> list[Image]:
    """The pictures of which no file is stored, as after a restore; Unavailable if the storage does not work."""
    # In this order: files are written before their row, so each row that is read has files by then
    keys = set(Image.objects.values_list("key", flat=True)) - {key for key, _ in image_files.stored()}
    # And are there still: a picture that was deleted or replaced in the meantime has lost its files rightly
    return list(Image.objects.filter(key__in=keys).select_related("library").order_by("library__name", "name", "id"))
