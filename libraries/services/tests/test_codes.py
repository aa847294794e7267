"""Short codes and screens: what a code gives, how often one may try, and who gets the token of a screen.

Those who ask at the same moment are in `test_links_at_once`.
"""

from __future__ import annotations

import string
from collections import Counter as Tally
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from libraries import digests
from libraries.digests import CODE_ALPHABET, digest_of_code, is_code, new_code, read_code
from libraries.grants import accesses, link_of_token
from libraries.models import PendingScreen, PortalView, ShareLink, User
from libraries.rules.errors import Forbidden, InvalidPayload, NotFound, PortalError, QuotaExceeded, TooManyAttempts
from libraries.rules.names import MAX_GUEST_NAME_CHARS
from libraries.rules.roles import Role
from libraries.services import codes, screens, share_links
from libraries.services.codes import TRIES_PER_NETWORK, end_code, join, start_code
from libraries.services.screens import SCREENS_PER_MINUTE, add_screen, claim_screen, new_screen
from libraries.services.share_links import LinkEnded, create_share_link, withdraw_share_link
from libraries.tokens import verify_guest

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture
def link(portal_view: PortalView) -> ShareLink:
    return create_share_link(actor_id=None, portal_view_id=portal_view.id, label="Table")[0]


def named(link: ShareLink, user: User | None = None) -> dict[str, Any]:
    """The arguments that name a link, and who asks."""
    return {"actor_id": user.id if user else None, "portal_view_id": link.portal_view_id, "link_id": link.id}


def code_of(link: ShareLink) -> str:
    """A new code of the link."""
    return start_code(**named(link))[0]


def wrong(code: str) -> str:
    """Another code."""
    return code[:-1] + ("2" if code[-1] != "2" else "3")


def test_codes_are_easy_to_type_and_hard_to_guess() -> None:
    codes = [new_code() for _ in range(500)]
    assert all(is_code(code) for code in codes)
    assert set("0O1IL").isdisjoint(CODE_ALPHABET)
    assert len(CODE_ALPHABET) == len(set(CODE_ALPHABET)) == 31
    assert set(CODE_ALPHABET) <= set(string.ascii_uppercase + string.digits)
    assert len(set(codes)) == 500
    assert max(Tally("".join(codes)).values()) < 200, "each of 31 is expected about 97 times"


# --- Codes -------------------------------------------------------------------------------------------------------


def test_a_code_gives_a_seat_to_each_who_types_it(portal_view: PortalView, link: ShareLink) -> None:
    code, expires_at = start_code(**named(link))
    assert timedelta(minutes=14) < expires_at - timezone.now() <= timedelta(minutes=15)
    seats = [join(code=typed, name="Ann", network=HERE) for typed in (code, f" {code[:3].lower()}-{code[3:]} ")]
    assert seats[0].guest_id != seats[1].guest_id
    for seat in seats:
        credential = verify_guest(seat.credential)
        assert (credential.name, credential.grant.link_id) == ("Ann", link.id)
        assert credential.subject.id == seat.guest_id
        found = accesses([(credential.grant, seat.portal_view_id)])
        assert [access.role for access in found.values()] == [Role.VIEWER]
    assert seats[0].portal_view_id == portal_view.id
    link.refresh_from_db()
    assert code not in str(vars(link))


def test_a_new_code_replaces_the_old_one_and_a_code_ends(link: ShareLink) -> None:
    first, second = code_of(link), code_of(link)
    with pytest.raises(NotFound):
        join(code=first, name="", network=HERE)
    join(code=second, name="", network=HERE)
    end_code(**named(link))
    end_code(**named(link))
    with pytest.raises(NotFound):
        join(code=second, name="", network=HERE)


def test_a_code_expires(link: ShareLink, portal_view: PortalView) -> None:
    code = code_of(link)
    ShareLink.objects.update(code_expires_at=timezone.now())
    with pytest.raises(NotFound):
        join(code=code, name="", network=HERE)
    other = create_share_link(actor_id=None, portal_view_id=portal_view.id)[0]
    code_of(other)
    link.refresh_from_db()
    assert link.code_digest is None


@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_a_code_ends_with_its_link(link: ShareLink, how: str) -> None:
    code = code_of(link)
    if how == "withdrawn":
        withdraw_share_link(**named(link))
    else:
        ShareLink.objects.update(expires_at=timezone.now())
    with pytest.raises(NotFound):
        join(code=code, name="", network=HERE)
    for write in (start_code, end_code):
        with pytest.raises(LinkEnded):
            write(**named(link))


def test_two_links_never_have_the_same_code(
    link: ShareLink, portal_view: PortalView, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(["AAAAAA", "AAAAAA", "BBBBBB"])
    monkeypatch.setattr(codes, "new_code", lambda: next(made))
    other = create_share_link(actor_id=None, portal_view_id=portal_view.id)[0]
    assert [code_of(link), code_of(other)] == ["AAAAAA", "BBBBBB"]


@pytest.mark.parametrize("code", ["", "AAAAA", "AAAAAAA", "AAAAA0", "AAAAAO", "AAAAAI", "AAAAAÄ", "ＡAAAAA"])
def test_what_cannot_be_a_code_is_not_counted(code: str, django_assert_num_queries: Callable[[int], Any]) -> None:
    with django_assert_num_queries(0), pytest.raises(InvalidPayload) as refused:
        join(code=code, name="", network=HERE)
    assert set(refused.value.details or {}) == {"code"}


@pytest.mark.parametrize("name", ["a" * (MAX_GUEST_NAME_CHARS + 1), "a\u202eb", "\u200b"])
def test_a_bad_name_is_not_counted(name: str, django_assert_num_queries: Callable[[int], Any]) -> None:
    with django_assert_num_queries(0), pytest.raises(InvalidPayload) as refused:
        join(code="AAAAAA", name=name, network=HERE)
    assert set(refused.value.details or {}) == {"name"}


def test_who_may_start_a_code(link: ShareLink, owner: User, editor: User, viewer: User, stranger: User) -> None:
    outcomes: list[type[PortalError] | None] = []
    for user in (owner, editor, viewer, stranger):
        for write in (start_code, end_code):
            try:
                write(**named(link, user))
                outcomes.append(None)
            except PortalError as error:
                outcomes.append(type(error))
    assert outcomes == [None] * 4 + [Forbidden] * 2 + [NotFound] * 2


# --- How often -------------------------------------------------------------------------------------------------


def test_wrong_codes_of_a_network_are_limited_and_right_ones_do_not_count(link: ShareLink) -> None:
    code = code_of(link)
    for _ in range(30):
        join(code=code, name="", network=HERE)
    for _ in range(TRIES_PER_NETWORK):
        with pytest.raises(NotFound):
            join(code=wrong(code), name="", network=HERE)
    with pytest.raises(TooManyAttempts) as caught:
        join(code=code, name="", network=HERE)
    assert 0 < caught.value.wait <= 60
    join(code=code, name="", network=ELSEWHERE)


def test_wrong_codes_of_the_site_are_limited(link: ShareLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "TRIES_PER_SITE", 3)
    code = code_of(link)
    for number in range(3):
        with pytest.raises(NotFound):
            join(code=wrong(code), name="", network=f"network {number}")
    with pytest.raises(TooManyAttempts):
        join(code=code, name="", network=ELSEWHERE)


def test_a_limit_that_is_reached_is_logged_once(link: ShareLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "TRIES_PER_SITE", TRIES_PER_NETWORK + 1)
    code, screen = code_of(link), new_screen(network=HERE).code
    with capture_logs() as logs:
        for _ in range(TRIES_PER_NETWORK - 1):
            with pytest.raises(NotFound):
                join(code=wrong(code), name="", network=HERE)
        join(code=code, name="", network=HERE)
        assert logs == [], "the last try of the network was right"
        for _ in range(3):
            with pytest.raises((NotFound, TooManyAttempts)):
                join(code=wrong(code), name="", network=HERE)
        with pytest.raises(NotFound):
            add(wrong(screen), link.portal_view_id)
    found = [(entry["event"], entry["limit"], entry["network"]) for entry in logs]
    assert found == [("codes_limited", "network", HERE), ("codes_limited", "site", ELSEWHERE)]
    assert code not in str(logs)


# --- Screens ---------------------------------------------------------------------------------------------------


def add(code: str, view: PortalView | UUID, user: User | None = None, label: str = "TV") -> ShareLink:
    """A controller confirms the code."""
    view_id = view if isinstance(view, UUID) else view.id
    actor_id = user.id if user else None
    return add_screen(actor_id=actor_id, portal_view_id=view_id, code=code, label=label, network=ELSEWHERE)


def test_a_screen_gets_a_link_of_its_own(portal_view: PortalView, editor: User) -> None:
    screen = new_screen(network=HERE)
    assert claim_screen(claim=screen.claim) is None
    link = add(screen.code.lower(), portal_view, editor)
    assert (link.is_screen, link.label, link.created_by) == (True, "TV", editor)
    found = [claim_screen(claim=screen.claim) for _ in range(3)]
    assert found[0] is not None
    assert found[0] == found[1] == found[2]
    assert (found[0].portal_view_id, link_of_token(found[0].token)) == (portal_view.id, link.id)
    stored = str([*PendingScreen.objects.values(), *ShareLink.objects.values()])
    for secret in (found[0].token, screen.claim, screen.code):
        assert secret not in stored
    withdraw_share_link(**named(link))
    with pytest.raises(LinkEnded):
        claim_screen(claim=screen.claim)


def test_the_token_of_a_screen_outlives_a_change_of_the_secret_key(portal_view: PortalView, settings: Any) -> None:
    screen = new_screen(network=HERE)
    link = add(screen.code, portal_view)
    before = claim_screen(claim=screen.claim)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret of a site" * 3, [settings.SECRET_KEY]
    after = claim_screen(claim=screen.claim)
    assert after == before
    assert after is not None
    assert link_of_token(after.token) == link.id


def test_a_code_of_a_screen_is_good_once(portal_view: PortalView) -> None:
    screen = new_screen(network=HERE)
    add(screen.code, portal_view)
    with pytest.raises(NotFound):
        add(screen.code, portal_view)
    assert ShareLink.objects.count() == 1


def test_a_screen_that_waited_too_long(portal_view: PortalView) -> None:
    screen = new_screen(network=HERE)
    PendingScreen.objects.update(expires_at=timezone.now())
    with pytest.raises(NotFound):
        add(screen.code, portal_view)
    for claim in (screen.claim, "made-up", ""):
        with pytest.raises(NotFound):
            claim_screen(claim=claim)
    new_screen(network=HERE)
    assert PendingScreen.objects.count() == 1


def test_a_screen_that_was_added_late_may_still_ask(portal_view: PortalView) -> None:
    screen = new_screen(network=HERE)
    PendingScreen.objects.update(expires_at=timezone.now() + timedelta(seconds=2))
    add(screen.code, portal_view)
    assert PendingScreen.objects.get().expires_at > timezone.now() + timedelta(minutes=4)


def test_a_screen_that_was_added_early_may_ask_for_as_long_as_it_was_told(portal_view: PortalView) -> None:
    screen = new_screen(network=HERE)
    add(screen.code, portal_view)
    assert PendingScreen.objects.get().expires_at == screen.expires_at


def test_screens_that_wait_no_more_make_room(portal_view: PortalView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "MAX_WAITING_SCREENS", 2)
    added, expired = new_screen(network=HERE), new_screen(network=HERE)
    with pytest.raises(TooManyAttempts):
        new_screen(network=HERE)
    add(added.code, portal_view)
    new_screen(network=HERE)
    with pytest.raises(TooManyAttempts):
        new_screen(network=HERE)
    PendingScreen.objects.filter(claim_digest=digests.digest_of(expired.claim)).update(expires_at=timezone.now())
    new_screen(network=HERE)


def test_who_may_add_a_screen(portal_view: PortalView, viewer: User, stranger: User) -> None:
    screen = new_screen(network=HERE)
    with pytest.raises(Forbidden):
        add(screen.code, portal_view, viewer)
    for view, user in ((portal_view, stranger), (uuid4(), viewer)):
        with pytest.raises(NotFound):
            add(screen.code, view, user)
    assert claim_screen(claim=screen.claim) is None


def test_screens_are_limited(portal_view: PortalView, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(SCREENS_PER_MINUTE):
        new_screen(network=HERE)
    with pytest.raises(TooManyAttempts):
        new_screen(network=HERE)
    monkeypatch.setattr(screens, "MAX_WAITING_SCREENS", SCREENS_PER_MINUTE + 1)
    screen = new_screen(network=ELSEWHERE)
    with pytest.raises(TooManyAttempts):
        new_screen(network=ELSEWHERE)
    monkeypatch.setattr(share_links, "MAX_LIVE_LINKS", 0)
    with pytest.raises(QuotaExceeded):
        add(screen.code, portal_view)
    for _ in range(TRIES_PER_NETWORK - 1):
        with pytest.raises((NotFound, QuotaExceeded)):
            add(wrong(screen.code), portal_view)
    with pytest.raises(TooManyAttempts):
        add(screen.code, portal_view)


def test_two_screens_never_show_the_same_code(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(["AAAAAA", "AAAAAA", "BBBBBB"])
    monkeypatch.setattr(screens, "new_code", lambda: next(made))
    assert [new_screen(network=HERE).code for _ in range(2)] == ["AAAAAA", "BBBBBB"]


def test_a_digest_needs_the_secret_of_the_site(settings: Any) -> None:
    before = digest_of_code("AAAAAA")
    settings.SECRET_KEY = "another secret of a site, which is long enough"
    assert digests.digest_of_code("AAAAAA") != before
    assert read_code(" a2-b3 c4 ") == "A2B3C4"
