"""Mail about accounts: who gets it, how often, and that its links are good once, for an hour."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as site
from django.core.mail import EmailMessage
from django.utils import timezone

from conftest import PASSWORD
from libraries import mail
from libraries.conftest import Mailed
from libraries.models import Revocation, User
from libraries.rules.errors import InvalidPayload, NotFound, TooManyAttempts
from libraries.services import mailed as mails
from libraries.services.accounts import reset_password
from libraries.services.mailed import (
    MAILS_PER_ADDRESS,
    MAILS_PER_NETWORK,
    RESETS,
    VERIFICATIONS,
    request_reset,
    send_verification,
    token_of,
    verify_address,
)
from libraries.services.people import register_user

HERE = "192.0.2.0/24"
NEW = "quite another password"


def link_of(token: str) -> str:
    return f"https://portal.example.org/x/{token}"


def token_in(message: EmailMessage) -> str:
    found = re.search(r"^https://portal\.example\.org/x/(\S+)$", str(message.body), re.MULTILINE)
    assert found is not None
    return found[1]


def reset(email: str, network: str = HERE) -> None:
    request_reset(email=email, network=network, link_of=link_of)


def verification(user: User) -> Callable[[], None]:
    return lambda: send_verification(user_id=user.id, network=HERE, link_of=link_of)


@pytest.fixture
def verified(owner: User) -> User:
    owner.email_verified_at = timezone.now()
    owner.save()
    return owner


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def later(seconds: float) -> None:
        moment = datetime.now() + timedelta(seconds=seconds)
        for kind in (RESETS, VERIFICATIONS):
            monkeypatch.setattr(kind, "_now", lambda: moment)

    return later


# --- The address ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_person_gets_a_mail_that_verifies_the_address(mailed: Mailed) -> None:
    [message] = mailed(lambda: register_user(email="new@example.org", password=PASSWORD, network=HERE, link_of=link_of))
    assert message.to == ["new@example.org"]
    assert not User.objects.get().is_verified
    token = token_in(message)
    assert verify_address(token=token).is_verified
    assert User.objects.get().is_verified
    with pytest.raises(InvalidPayload, match="not good any more"):
        verify_address(token=token)


@pytest.mark.django_db
def test_too_much_mail_of_a_network_stops_no_registration(mailed: Mailed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "MAILS_PER_NETWORK", 1)

    def register(name: str) -> Callable[[], User]:
        return lambda: register_user(email=f"{name}@example.org", password=PASSWORD, network=HERE, link_of=link_of)

    assert len(mailed(register("one"))) == 1
    assert mailed(register("two")) == []
    assert User.objects.count() == 2


def test_a_mail_can_be_asked_for_again_until_the_address_is_verified(owner: User, mailed: Mailed) -> None:
    [first] = mailed(verification(owner))
    [second] = mailed(verification(owner))
    verify_address(token=token_in(first))
    with pytest.raises(InvalidPayload):
        verify_address(token=token_in(second))
    assert mailed(verification(owner)) == []
    with pytest.raises(NotFound):
        send_verification(user_id=uuid4(), network=HERE, link_of=link_of)


def test_mail_to_one_person_is_limited(owner: User, editor: User, mailed: Mailed) -> None:
    for _ in range(MAILS_PER_ADDRESS):
        assert len(mailed(verification(owner))) == 1
    with pytest.raises(TooManyAttempts, match="look for them"):
        verification(owner)()
    assert len(mailed(verification(editor))) == 1


def test_a_link_is_good_for_an_hour(owner: User, later: Callable[[float], None]) -> None:
    assert mails.HOUR == site.PASSWORD_RESET_TIMEOUT
    token = token_of(owner, VERIFICATIONS)
    later(3_602)
    with pytest.raises(InvalidPayload):
        verify_address(token=token)
    later(3_598)
    assert verify_address(token=token).is_verified


def test_a_link_is_for_one_address_one_person_and_one_purpose(owner: User, editor: User) -> None:
    token = token_of(owner, VERIFICATIONS)
    for bad in (
        f"{editor.id.hex}-{token.partition('-')[2]}",
        f"{uuid4().hex}-{token.partition('-')[2]}",
        token_of(owner, RESETS),
        token[:-1],
        token.partition("-")[2],
        owner.id.hex,
        "",
        "x-y",
        "é-\0",
    ):
        with pytest.raises(InvalidPayload):
            verify_address(token=bad)
    owner.email = "other@example.org"
    owner.save()
    with pytest.raises(InvalidPayload):
        verify_address(token=token)
    assert not User.objects.filter(email_verified_at__isnull=False).exists()


def test_a_deactivated_person_verifies_nothing(owner: User) -> None:
    token = token_of(owner, VERIFICATIONS)
    User.objects.update(is_active=False)
    with pytest.raises(InvalidPayload):
        verify_address(token=token)


# --- The password -----------------------------------------------------------------------------------------


def test_a_forgotten_password_is_reset_once(verified: User, mailed: Mailed) -> None:
    [message] = mailed(lambda: reset(" OWNER@example.org "))
    assert message.to == [verified.email]
    token = token_in(message)
    assert reset_password(token=f" {token}\n", password=NEW) == verified
    stored = User.objects.get(pk=verified.pk)
    assert stored.check_password(NEW)
    assert stored.auth_version == 1
    assert Revocation.objects.get(key=verified.pk).reason == "session-ended"
    with pytest.raises(InvalidPayload):
        reset_password(token=token, password=PASSWORD)


@pytest.mark.parametrize("end", ["log out everywhere", "another address", "another password", "an hour"])
def test_what_ends_a_link_for_a_new_password(verified: User, end: str, later: Callable[[float], None]) -> None:
    token = token_of(verified, RESETS)
    match end:
        case "log out everywhere":
            verified.end_sessions()
        case "another address":
            verified.email, verified.email_verified_at = "other@example.org", timezone.now()
            verified.save()
        case "another password":
            verified.set_password("one that is different")
            verified.save()
        case _:
            later(3_602)
    with pytest.raises(InvalidPayload):
        reset_password(token=token, password=NEW)


def test_a_weak_password_uses_no_link_up(verified: User) -> None:
    token = token_of(verified, RESETS)
    for weak in ("short", "owner@example.org", "password1"):
        with pytest.raises(InvalidPayload) as refused:
            reset_password(token=token, password=weak)
        assert set(refused.value.details or {}) == {"password"}
    assert reset_password(token=token, password=NEW)


@pytest.mark.parametrize("who", ["unknown", "not verified", "deactivated", "without a password"])
def test_who_gets_no_mail_for_a_new_password(verified: User, mailed: Mailed, who: str) -> None:
    match who:
        case "unknown":
            verified.email, verified.email_verified_at = "other@example.org", timezone.now()
        case "not verified":
            verified.email_verified_at = None
        case "deactivated":
            verified.is_active = False
        case _:
            verified.set_unusable_password()
    verified.save()
    assert mailed(lambda: reset("owner@example.org")) == []


def test_the_same_is_done_for_every_address(
    verified: User, editor: User, django_assert_num_queries: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[bool, int]] = []

    def send_on_commit(to: str | None, subject: str, text: str) -> None:
        sent.append((to is not None, len(text)))

    monkeypatch.setattr(mail, "send_on_commit", send_on_commit)
    addresses = (verified.email, editor.email, "nobody@example.org")
    for address in addresses:  # the first count of each also drops old counters
        reset(address)
    for address in addresses:
        with django_assert_num_queries(8):
            reset(address)
    assert [is_sent for is_sent, _ in sent] == [True, False, False] * 2
    assert len({length for _, length in sent}) == 1


def test_resets_of_one_address_are_limited_and_nobody_is_told(verified: User, mailed: Mailed) -> None:
    for _ in range(MAILS_PER_ADDRESS):
        assert len(mailed(lambda: reset(verified.email))) == 1
    assert mailed(lambda: reset(verified.email)) == []


def test_one_network_cannot_ask_for_much_mail(verified: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAILS_PER_NETWORK > 10 * MAILS_PER_ADDRESS
    monkeypatch.setattr(mails, "MAILS_PER_NETWORK", 2)
    for _ in range(2):
        reset("nobody@example.org")
    with pytest.raises(TooManyAttempts, match="from your network") as refused:
        reset(verified.email)
    assert 3_590 < refused.value.wait <= 3_600
    reset(verified.email, "198.51.100.0/24")
