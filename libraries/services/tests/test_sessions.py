"""Sessions: refresh tokens that rotate, re-use that ends the session, log-out, and the sessions of pages."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session as PageSession
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.tokens import RefreshToken
from structlog.testing import capture_logs

from conftest import PASSWORD
from libraries.conftest import Published
from libraries.events import Revoked
from libraries.models import Revocation, Session, User
from libraries.rules.errors import NotFound
from libraries.rules.subjects import Grant, Subject
from libraries.selectors import get_user_of
from libraries.services import sessions
from libraries.services.people import set_user_active
from libraries.services.sessions import (
    GRACE_SECONDS,
    MAX_SESSIONS,
    SID,
    SessionEnded,
    Tokens,
    end_all_sessions,
    end_session,
    open_session,
    page_session_end,
    page_session_id,
    refresh_session,
    session_of,
    session_of_refresh,
)
from libraries.tokens import Refresh, TokenInvalid, read_token, verify

LOG_IN = "libraries.services.logins.LimitedBackend"


class Clock:
    """The time, in seconds since the epoch, that a test moves."""

    def __init__(self) -> None:
        self.now = int(time.time()) - 6 * 3_600

    def time(self) -> float:
        return self.now + 0.9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sessions, "time", clock)
    return clock


def sid(tokens: Tokens) -> UUID:
    return session_of(verify(tokens.access).grant)


def generation(tokens: Tokens) -> int:
    return int(read_token(Refresh, tokens.refresh)["gen"])


def test_a_session_has_tokens(owner: User) -> None:
    first, second = open_session(user=owner), open_session(user=owner)
    assert sid(first) == session_of_refresh(first.refresh) != sid(second)
    assert set(Session.objects.values_list("id", flat=True)) == {sid(first), sid(second)}
    stored = Session.objects.get(id=sid(first))
    assert str(stored) == str(stored.id)
    assert stored.expires_at > timezone.now() + timedelta(days=13)


def test_each_refresh_token_gives_the_next(owner: User, clock: Clock) -> None:
    tokens = first = open_session(user=owner)
    for number in range(1, 4):
        clock.now += 3_600
        tokens = refresh_session(refresh=tokens.refresh)
        assert (generation(tokens), sid(tokens)) == (number, sid(first))
        assert len(Session.objects.get().rotations) == 1
    assert Session.objects.get().expires_at.timestamp() > clock.now + 13 * 86_400
    assert get_user_of(verify(tokens.access).grant) == owner


def test_the_same_token_gives_the_same_successor_for_half_a_minute(owner: User, clock: Clock) -> None:
    first = open_session(user=owner)
    second = refresh_session(refresh=first.refresh)
    clock.now += GRACE_SECONDS
    again = refresh_session(refresh=first.refresh)
    assert again.refresh == second.refresh
    assert get_user_of(verify(again.access).grant) == owner
    third = refresh_session(refresh=second.refresh)
    assert refresh_session(refresh=second.refresh).refresh == third.refresh
    assert Session.objects.get().rotations == [[0, clock.now - GRACE_SECONDS], [1, clock.now]]
    assert refresh_session(refresh=first.refresh).refresh == second.refresh


def test_a_token_used_again_later_ends_the_session(owner: User, clock: Clock, published: Published) -> None:
    first, other = open_session(user=owner), open_session(user=owner)
    second = refresh_session(refresh=first.refresh)
    clock.now += GRACE_SECONDS + 1

    def use_again() -> None:
        with pytest.raises(SessionEnded, match="log in again"):
            refresh_session(refresh=first.refresh)

    with capture_logs() as logs:
        assert published(use_again) == [Revoked(key=sid(first))]
    assert logs == [
        {
            "event": "refresh_token_reused",
            "log_level": "warning",
            "user": str(owner.id),
            "session": str(sid(first)),
        }
    ]
    for tokens in (first, second):
        assert get_user_of(verify(tokens.access).grant) is None
        with pytest.raises(SessionEnded):
            refresh_session(refresh=tokens.refresh)
    assert Revocation.objects.get().reason == "session-ended"
    assert refresh_session(refresh=other.refresh)


def test_a_number_that_was_never_given_ends_the_session(owner: User) -> None:
    """After a restored backup the stored number is lower than those that are in use."""
    tokens = open_session(user=owner)
    later = refresh_session(refresh=tokens.refresh)
    Session.objects.update(generation=0, rotations=[])
    with pytest.raises(SessionEnded):
        refresh_session(refresh=later.refresh)
    assert not Session.objects.exists()


def test_who_gets_no_fresh_tokens(owner: User) -> None:
    tokens = open_session(user=owner)
    with pytest.raises(TokenInvalid):
        refresh_session(refresh=tokens.access)
    Session.objects.all().delete()
    with pytest.raises(SessionEnded):
        refresh_session(refresh=tokens.refresh)
    tokens = open_session(user=owner)
    set_user_active(user_id=owner.id, is_active=False)
    with pytest.raises(SessionEnded):
        refresh_session(refresh=tokens.refresh)


def test_a_refresh_token_of_an_older_release_joins_a_session(owner: User, clock: Clock) -> None:
    old = str(RefreshToken.for_user(owner))
    first = refresh_session(refresh=old)
    second = refresh_session(refresh=first.refresh)
    clock.now += 3_600
    again = refresh_session(refresh=old)
    assert sid(first) == sid(second) == sid(again) == session_of_refresh(old)
    assert (generation(second), generation(again)) == (1, 1)
    assert generation(refresh_session(refresh=again.refresh)) == 2
    end_session(session_id=sid(first))
    for refresh in (old, again.refresh):
        with pytest.raises(SessionEnded):
            refresh_session(refresh=refresh)


def test_the_oldest_sessions_beyond_the_limit_are_forgotten(owner: User, editor: User) -> None:
    others = open_session(user=editor)
    oldest = open_session(user=owner)
    Session.objects.filter(id=sid(oldest)).update(created_at=timezone.now() - timedelta(hours=1))
    Session.objects.bulk_create(
        Session(user=owner, expires_at=timezone.now() + timedelta(days=1)) for _ in range(MAX_SESSIONS - 1)
    )
    open_session(user=owner)
    assert Session.objects.filter(user=owner).count() == MAX_SESSIONS
    with pytest.raises(SessionEnded):
        refresh_session(refresh=oldest.refresh)
    assert refresh_session(refresh=others.refresh)


def test_expired_sessions_are_deleted_with_the_next_log_in(owner: User) -> None:
    old = open_session(user=owner)
    Session.objects.update(expires_at=timezone.now())
    new = open_session(user=owner)
    assert Session.objects.get().id == sid(new) != sid(old)


def test_a_log_out_ends_one_session(owner: User, published: Published) -> None:
    here, there = open_session(user=owner), open_session(user=owner)
    assert published(lambda: end_session(session_id=sid(here))) == [Revoked(key=sid(here))]
    assert published(lambda: end_session(session_id=sid(here))) == []
    assert get_user_of(verify(here.access).grant) is None
    assert get_user_of(verify(there.access).grant) == owner


def test_all_sessions_end(owner: User, published: Published) -> None:
    tokens = [open_session(user=owner) for _ in range(2)]
    assert published(lambda: end_all_sessions(user_id=owner.id)) == [Revoked(key=owner.id)]
    assert [get_user_of(verify(pair.access).grant) for pair in tokens] == [None, None]
    assert not Session.objects.exists()
    with pytest.raises(NotFound):
        end_all_sessions(user_id=uuid4())


def test_tokens_of_a_session_that_opened_while_all_ended_are_not_good(owner: User) -> None:
    user: Any = authenticate(email=owner.email, password=PASSWORD)
    end_all_sessions(user_id=owner.id)
    tokens = open_session(user=user)
    assert get_user_of(verify(tokens.access).grant) is None
    with pytest.raises(SessionEnded):
        refresh_session(refresh=tokens.refresh)


# --- The sessions of pages --------------------------------------------------------------------------------


def test_a_log_in_to_pages_has_an_id_that_ends_with_its_log_out(owner: User, published: Published) -> None:
    client = Client()
    client.force_login(owner, LOG_IN)
    session_id = UUID(client.session[SID])
    client.force_login(owner, LOG_IN)
    assert client.session[SID] == str(session_id)
    other = Client()
    other.force_login(owner, LOG_IN)
    assert other.session[SID] != str(session_id)
    assert published(client.logout) == [Revoked(key=session_id)]
    assert SID not in client.session
    assert get_user_of(Grant(Subject(owner.id), session_id)) is None
    assert get_user_of(Grant(Subject(owner.id), UUID(other.session[SID]))) == owner


def test_a_log_out_of_nobody_and_of_a_session_without_an_id(owner: User, published: Published) -> None:
    client = Client()
    assert published(client.logout) == []
    client.force_login(owner, LOG_IN)
    session = client.session
    del session[SID]
    session.save()
    assert published(client.logout) == []


def test_a_log_in_to_pages_ends_when_its_row_says_so(owner: User) -> None:
    client = Client()
    client.force_login(owner, LOG_IN)
    tomorrow = timezone.now() + timedelta(days=1)
    PageSession.objects.update(expire_date=tomorrow)
    session = client.session
    assert page_session_end(session) == tomorrow
    PageSession.objects.all().delete()
    with pytest.raises(SessionEnded):
        page_session_end(session)


def test_a_session_of_an_older_release_gets_an_id() -> None:
    session: dict[str, str] = {}
    assert page_session_id(session) == page_session_id(session) == UUID(session[SID])


def test_grants_without_a_session_are_not_asked_for() -> None:
    with pytest.raises(AssertionError):
        session_of(Grant(Subject(uuid4(), is_guest=True)))
