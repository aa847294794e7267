"""What has ended is deleted once it is of no use any more, and nothing else."""

from __future__ import annotations

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session as PageSession
from django.core.management import call_command
from django.utils import timezone

from libraries.cleaning import KEPT_LINKS, KNOWN_SECONDS, OLD_UPLOAD_SECONDS, forget_ended, forget_ended_in_turn
from libraries.models import (
    Counter,
    Invitation,
    KnownNetwork,
    Library,
    PendingScreen,
    PortalView,
    Revocation,
    Session,
    ShareLink,
    Ticket,
    User,
)
from libraries.tokens import longest_life


@pytest.fixture
def rows(library: Library, portal_view: PortalView, owner: User, settings: Any, tmp_path: Path) -> dict[str, int]:
    """Of each kind one row that is of use, and one or two that are not; how many of these, by kind."""
    now, second = timezone.now(), timedelta(seconds=5)
    kept = longest_life() + timedelta(hours=1)
    for name, moment in (("old", now - second), ("new", now + second)):
        Session.objects.create(user=owner, expires_at=moment)
        PendingScreen.objects.create(claim_digest=name, code_digest=name, expires_at=moment)
        Invitation.objects.create(library=library, digest=name, expires_at=moment - KEPT_LINKS)
        ShareLink.objects.create(portal_view=portal_view, digest=f"{name} e", expires_at=moment - KEPT_LINKS)
        ShareLink.objects.create(portal_view=portal_view, digest=f"{name} w", withdrawn_at=moment - KEPT_LINKS)
        seconds = int(moment.timestamp())
        KnownNetwork.objects.create(user=owner, network=name, seen_at=seconds - KNOWN_SECONDS)
        Counter.objects.create(key=name, count=1, extends_below=0, expires_at=seconds)
        PageSession.objects.create(session_key=name, expire_date=moment)
        Revocation.objects.create(key=uuid4(), reason="session-ended", at=moment - kept)
        more: dict[str, Any] = {"session_id": uuid4(), "auth_version": 0, "expires_at": moment, "ends_at": now}
        Ticket.objects.create(digest=name, user=owner, portal_view=portal_view, **more)
    Invitation.objects.create(library=library, digest="open", expires_at=now + timedelta(days=7))
    ShareLink.objects.create(portal_view=portal_view, digest="for ever")
    settings.PORTAL_UPLOADS_DIR = tmp_path
    for name, seconds in (("old", OLD_UPLOAD_SECONDS + 5), ("new", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "source").write_bytes(b"x")
        os.utime(tmp_path / name, (now.timestamp() - seconds,) * 2)
    one = dict.fromkeys(("sessions", "tickets", "screens", "invitations", "revocations", "networks", "counters"), 1)
    return {**one, "share links": 2, "uploads": 1}


def test_only_what_has_ended_is_deleted(rows: dict[str, int], settings: Any) -> None:
    revocations = Revocation.objects.count()
    assert forget_ended() == rows
    assert [ticket.digest for ticket in Ticket.objects.all()] == ["new"]
    assert {link.digest for link in ShareLink.objects.all()} == {"new e", "new w", "for ever"}
    assert {row.digest for row in Invitation.objects.all()} == {"new", "open"}
    assert [session.session_key for session in PageSession.objects.all()] == ["new"]
    assert Revocation.objects.count() == revocations - 1, "nobody is told again"
    assert [folder.name for folder in Path(settings.PORTAL_UPLOADS_DIR).iterdir()] == ["new"]
    assert forget_ended() == dict.fromkeys(rows, 0)


def test_the_command_says_how_much(rows: dict[str, int]) -> None:
    said = StringIO()
    call_command("clear_sessions", stdout=said)
    assert "1 tickets were dropped." in said.getvalue()
    assert "2 share links were dropped." in said.getvalue()


def test_one_process_a_minute_deletes(rows: dict[str, int]) -> None:
    forget_ended_in_turn()
    assert Session.objects.count() == 1
    Session.objects.update(expires_at=timezone.now())
    forget_ended_in_turn()
    assert Session.objects.count() == 1
    Counter.objects.filter(key="forget-ended").update(expires_at=0)
    forget_ended_in_turn()
    assert Session.objects.count() == 0
