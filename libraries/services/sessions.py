"""Sessions: the families of refresh tokens, and the `sid` of the log-ins to pages. The same rules as in
`libraries.services.portal_views` apply.

A refresh token is good once (RFC 9700, section 4.14.2). Asked again within `GRACE_SECONDS`, the server gives the same
successor: two tabs asked, or an answer was lost. Asked later, somebody else has a copy, and the whole session ends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session as PageSession
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings

from libraries.access import revoke
from libraries.counters import drop_some
from libraries.models import Revocation, Session, User
from libraries.outages import tried_again
from libraries.page_sessions import SID as SID
from libraries.rules.errors import NotFound, PortalError
from libraries.rules.revocations import Reason
from libraries.rules.subjects import Grant
from libraries.selectors import get_user_of
from libraries.tokens import Refresh, access_token, grant_of, read_token, refresh_token, with_keys

GRACE_SECONDS = 30
"""How long after its use a refresh token gives the same successor again."""
MAX_SESSIONS = 200
"""The most sessions of a person: the refresh token of the oldest is forgotten."""

log = structlog.get_logger(__name__)


class SessionEnded(PortalError):
    """The session, or all of the person's, has ended."""

    code = Reason.SESSION_ENDED.value

    def __init__(self) -> None:
        super().__init__("This session has ended, or the account is switched off: log in again.")


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token for requests, and the refresh token for the next two."""

    access: str
    refresh: str


@tried_again
def open_session(*, user: User) -> Tokens:
    """The first tokens of a new session."""
    now = int(time.time())
    with transaction.atomic():
        session = Session.objects.create(user=user, expires_at=_end(now))
        newest = Session.objects.filter(user=user).order_by("-created_at", "-id").values_list("id", flat=True)
        drop_some(Session.objects.filter(user=user).exclude(id__in=list(newest[:MAX_SESSIONS])))
        drop_some(Session.objects.filter(expires_at__lte=timezone.now()))
    return _tokens(user, session.id, 0, now)


def refresh_session(*, refresh: str) -> Tokens:
    """Fresh tokens for a refresh token, which is used up by that.

    TokenExpired and TokenInvalid; SessionEnded if it has ended, or ends now because the token was used before.
    """
    token = with_keys(lambda: read_token(Refresh, refresh))
    found = _rotate(grant_of(token), token.get("gen"))
    if found is None:
        raise SessionEnded
    return found


@tried_again
def _rotate(grant: Grant, generation: object) -> Tokens | None:
    """The next tokens; None if the session has ended. It returns, so that what ends a session is committed."""
    with transaction.atomic():
        user = get_user_of(grant)
        if user is None:
            return None
        session_id = session_of(grant)
        if generation is None:
            return _go_on(user, session_id)
        session = Session.objects.select_for_update().filter(id=session_id, user=user).first()
        if session is None:
            return None
        now = int(time.time())
        recent = [[used, at] for used, at in session.rotations if now - at <= GRACE_SECONDS]
        for used, at in recent:
            if used == generation:
                return _tokens(user, session.id, used + 1, at)
        if generation != session.generation:
            log.warning("refresh_token_reused", user=str(user.pk), session=str(session.id))
            _end_session(session.id)
            return None
        session.rotations = [*recent, [session.generation, now]]
        return _next(user, session, now)


def _go_on(user: User, session_id: UUID) -> Tokens:
    """The tokens for a refresh token of a release without sessions, which stays good until it expires."""
    now = int(time.time())
    session, _ = Session.objects.update_or_create(id=session_id, defaults={"user": user, "expires_at": _end(now)})
    return _tokens(user, session.id, session.generation, now)


def _next(user: User, session: Session, now: int) -> Tokens:
    session.generation += 1
    session.expires_at = _end(now)
    session.save(update_fields=["generation", "rotations", "expires_at"])
    return _tokens(user, session.id, session.generation, now)


def _tokens(user: User, session_id: UUID, generation: int, issued_at: int) -> Tokens:
    return Tokens(access_token(user, session_id), refresh_token(user, session_id, generation, issued_at))


def _end(now: int) -> datetime:
    life: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return datetime.fromtimestamp(now, UTC) + life + timedelta(seconds=settings.PORTAL_CLOCK_LEEWAY_SECONDS)


@tried_again
def end_session(*, session_id: UUID) -> None:
    """End a session with all of its tokens and open connections; one that has ended stays so."""
    with transaction.atomic():
        _end_session(session_id)


def _end_session(session_id: UUID) -> None:
    Session.objects.filter(id=session_id).delete()
    if not Revocation.objects.filter(key=session_id).exists():
        revoke(session_id, Reason.SESSION_ENDED)


def session_of_refresh(refresh: str) -> UUID:
    """The id of the session of a valid refresh token, also of a used one; TokenExpired or TokenInvalid."""
    return session_of(grant_of(with_keys(lambda: read_token(Refresh, refresh))))


def session_of(grant: Grant) -> UUID:
    """The id of the session of a user's grant."""
    assert grant.session_id is not None, "only a guest has no session"  # noqa: S101
    return grant.session_id


@tried_again
def end_all_sessions(*, user_id: UUID) -> None:
    """End all sessions of a person: tokens, log-ins to pages and open connections; NotFound if they are deleted."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None:
            raise NotFound("There is no such person.")
        user.end_sessions()


# --- The sessions of pages --------------------------------------------------------------------------------


def page_session_id(session: Any) -> UUID:
    """The `sid` of the session of a log-in to pages; one from a release without gets it now."""
    if SID not in session:
        session[SID] = str(uuid4())
    return UUID(session[SID])


def page_session_end(session: Any) -> datetime:
    """When a log-in to pages ends, as stored; SessionEnded if it has just been deleted.

    Django's `get_expiry_date` only says when it would end if it were stored now.
    """
    stored = PageSession.objects.filter(session_key=session.session_key).values_list("expire_date", flat=True).first()
    if stored is None:
        raise SessionEnded
    return stored


def follow_page_sessions() -> None:
    """Give each log-in to pages a `sid` from now on, and end it with the log-out."""
    user_logged_in.connect(_logged_in, dispatch_uid="libraries.sid")
    user_logged_out.connect(_logged_out, dispatch_uid="libraries.sid")


def _logged_in(request: Any, **_: object) -> None:
    page_session_id(request.session)


def _logged_out(request: Any, user: User | None, **_: object) -> None:
    # Django calls this before it empties the session
    if user is not None and SID in request.session:
        end_session(session_id=UUID(request.session[SID]))
