"""Guests, screens and controllers who ask at once; on Postgres by `portal/tests/test_at_once_on_postgres.py`."""

from __future__ import annotations

from collections import Counter as Tally
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from libraries.grants import link_of_token
from libraries.models import Counter, PendingScreen, PortalView, ShareLink
from libraries.rules.errors import NotFound, TooManyAttempts
from libraries.services import codes
from libraries.services.codes import TRIES_PER_NETWORK, join, start_code
from libraries.services.screens import Ready, add_screen, claim_screen, new_screen
from libraries.services.share_links import create_share_link
from libraries.services.tests.test_sessions_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "192.0.2.0/24"


def code_at(portal_view: PortalView) -> str:
    """A new code of a new link."""
    link, _ = create_share_link(actor_id=None, portal_view_id=portal_view.id)
    return start_code(actor_id=None, portal_view_id=portal_view.id, link_id=link.id)[0]


def kinds(answers: list[object]) -> Tally[type]:
    """How many answers there are of each type."""
    return Tally(type(answer) for answer in answers)


def test_guests_who_come_at_once_are_all_let_in(portal_view: PortalView) -> None:
    # Cause: tries that were about to be taken back counted for the others, and those refused for that were kept.
    code = code_at(portal_view)
    for _ in range(3):
        answers: list[Any] = at_once(*[partial(join, code=code, name="", network=HERE)] * (TRIES_PER_NETWORK + 6))
        assert kinds(answers)[TooManyAttempts] == 0
        assert len({seat.guest_id for seat in answers}) == TRIES_PER_NETWORK + 6


def test_a_try_is_counted_in_the_transaction_of_its_code(
    portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Committed before, it would count for guests of the same moment, though it is about to be taken back.
    def fail(*_ends: object) -> None:
        assert Counter.objects.filter(count=1).count() == 2
        raise ValueError("as if the process ended here")

    code = code_at(portal_view)
    monkeypatch.setattr(codes, "ending", fail)
    with pytest.raises(ValueError, match="ended here"):
        join(code=code, name="", network=HERE)
    assert not Counter.objects.exists()


def test_wrong_codes_at_once_are_all_counted(portal_view: PortalView) -> None:
    code = code_at(portal_view)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    answers = at_once(*[partial(join, code=wrong, name="", network=HERE)] * (TRIES_PER_NETWORK + 6))
    assert kinds(answers) == {NotFound: TRIES_PER_NETWORK, TooManyAttempts: 6}
    with pytest.raises(TooManyAttempts):
        join(code=code, name="", network=HERE)


def test_expired_codes_that_start_again_at_once_do_not_wait_for_each_other(portal_view: PortalView) -> None:
    # Cause: each forgot the expired codes of all, so on Postgres each waited for the links that the others had locked.
    views = [PortalView.objects.create(library=portal_view.library, name=f"View {number}") for number in range(4)]
    links = [create_share_link(actor_id=None, portal_view_id=view.id)[0] for view in views]
    starts = [partial(start_code, actor_id=None, portal_view_id=link.portal_view_id, link_id=link.id) for link in links]
    with capture_logs() as logs:
        for _ in range(5):
            assert len(set(at_once(*starts))) == len(starts)
            ShareLink.objects.update(code_expires_at=timezone.now())
    assert logs == []


def test_of_controllers_who_race_for_a_screen_one_gets_it(portal_view: PortalView) -> None:
    for number in range(4):
        screen = new_screen(network=HERE)
        confirm = partial(
            add_screen, actor_id=None, portal_view_id=portal_view.id, code=screen.code, label="TV", network=HERE
        )
        assert kinds(at_once(*[confirm] * 3)) == {ShareLink: 1, NotFound: 2}
        assert ShareLink.objects.count() == number + 1


def test_of_controllers_of_two_portal_views_one_gets_the_screen(portal_view: PortalView) -> None:
    # They lock different portal views, so only the lock of the screen's own row is between them.
    other = PortalView.objects.create(library=portal_view.library, name="Other")
    for number in range(4):
        screen = new_screen(network=HERE)
        confirms = [
            partial(add_screen, actor_id=None, portal_view_id=view.id, code=screen.code, label="TV", network=HERE)
            for view in (portal_view, other)
        ]
        assert kinds(at_once(*confirms)) == {ShareLink: 1, NotFound: 1}
        assert ShareLink.objects.count() == number + 1
        found = claim_screen(claim=screen.claim)
        assert found is not None
        assert link_of_token(found.token) == PendingScreen.objects.latest("expires_at").link_id


def test_a_screen_that_asks_twice_at_once_gets_one_token(portal_view: PortalView) -> None:
    screen = new_screen(network=HERE)
    link = add_screen(actor_id=None, portal_view_id=portal_view.id, code=screen.code, label="TV", network=HERE)
    [found] = set(at_once(*[partial(claim_screen, claim=screen.claim)] * 4))
    assert isinstance(found, Ready)
    assert link_of_token(found.token) == link.id
    assert PendingScreen.objects.get().link_id == link.id
