"""Tickets: for one portal view, once, for 30 seconds; also when two processes race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from libraries.models import PortalView, Ticket, User
from libraries.rules.errors import NotFound, TooManyAttempts
from libraries.rules.subjects import Grant, Subject
from libraries.services import tickets
from libraries.services.tickets import TICKET_SECONDS, new_ticket, take_ticket

LATER = timezone.now() + timedelta(hours=1)


def of(user: User) -> Grant:
    """A user's grant."""
    return Grant(Subject(user.id), uuid4(), 3)


@pytest.mark.django_db
def test_a_ticket_is_good_once_and_says_what_the_request_said(portal_view: PortalView, viewer: User) -> None:
    grant = of(viewer)
    ticket, expires_at = new_ticket(grant=grant, portal_view_id=portal_view.id, ends_at=LATER)
    assert timedelta(seconds=TICKET_SECONDS - 1) < expires_at - timezone.now() <= timedelta(seconds=TICKET_SECONDS)
    assert ticket not in str(Ticket.objects.values().get())
    taken = take_ticket(ticket, portal_view.id)
    assert taken is not None
    assert (taken.grant, taken.expires_at) == (grant, LATER.timestamp())
    assert take_ticket(ticket, portal_view.id) is None


@pytest.mark.django_db
def test_a_ticket_for_another_portal_view_is_not_used_up_by_the_wrong_one(
    portal_view: PortalView, viewer: User
) -> None:
    ticket, _ = new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
    assert take_ticket(ticket, uuid4()) is None
    assert take_ticket(ticket.lower(), portal_view.id) is None
    assert take_ticket(ticket, portal_view.id) is not None


@pytest.mark.django_db
def test_an_expired_ticket_is_not_good_and_goes(portal_view: PortalView, viewer: User, editor: User) -> None:
    ticket, _ = new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
    new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
    Ticket.objects.update(expires_at=timezone.now())
    assert take_ticket(ticket, portal_view.id) is None
    new_ticket(grant=of(editor), portal_view_id=portal_view.id, ends_at=LATER)
    assert [row.user_id for row in Ticket.objects.all()] == [editor.id]


@pytest.mark.django_db
def test_nobody_gets_a_ticket_for_what_they_do_not_see(portal_view: PortalView, stranger: User, viewer: User) -> None:
    for user, view in ((stranger, portal_view.id), (viewer, uuid4())):
        with pytest.raises(NotFound):
            new_ticket(grant=of(user), portal_view_id=view, ends_at=LATER)


@pytest.mark.django_db
def test_tickets_that_wait_are_limited(
    portal_view: PortalView, viewer: User, editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "MAX_TICKETS", 2)
    for _ in range(2):
        new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
    with pytest.raises(TooManyAttempts) as caught:
        new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
    assert caught.value.wait == TICKET_SECONDS
    new_ticket(grant=of(editor), portal_view_id=portal_view.id, ends_at=LATER)


@pytest.mark.django_db(transaction=True)
def test_of_those_who_race_one_gets_it(portal_view: PortalView, viewer: User) -> None:
    def take(ticket: str) -> bool:
        try:
            return take_ticket(ticket, portal_view.id) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            ticket, _ = new_ticket(grant=of(viewer), portal_view_id=portal_view.id, ends_at=LATER)
            assert sorted(pool.map(take, [ticket] * 4)) == [False, False, False, True]
