"""What is remembered of credentials: they end when they would without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libraries.api.guest_cookies import name_of
from libraries.models import SigningKey
from libraries.rules.subjects import Grant
from libraries.shown import Offered
from libraries.signing import KEYS, make_key
from libraries.tokens import KeyNotRead, guest_credential, verify_guest
from portal.images import offered as offered_module
from portal.images.offered import KNOWN_CREDENTIALS, _grants, offered_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests have left keys in this process whose rows are gone."""
    monkeypatch.setattr(KEYS, "_known", {})
    monkeypatch.setattr(KEYS, "_read_at", float("-inf"))
    offered_module._known.cache_clear()
    yield
    offered_module._known.cache_clear()


def credential(grant: Grant, seconds: float = 60) -> str:
    return guest_credential(grant, "Ann", datetime.now(UTC) + timedelta(seconds=seconds))


def offered_with(*texts: str) -> Offered:
    cookies = "; ".join(f"{name_of(verify_guest(text))}={text}" for text in texts)
    return asyncio.run(offered_by({b"cookie": cookies.encode()}))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The credentials that are verified from now on."""
    verified: list[str] = []

    def verify(text: str) -> Any:
        verified.append(text)
        return verify_guest(text)

    monkeypatch.setattr(offered_module, "_GUEST", verify)
    return verified


def test_a_credential_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = [Grant.of_new_guest(uuid4()) for _ in range(2)]
    texts = [credential(grant) for grant in grants]
    verified = counted(monkeypatch)
    for _ in range(3):
        assert offered_with(*texts).grants == frozenset(grants)
    assert verified == texts


def test_what_is_not_good_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    text = credential(Grant.of_new_guest(uuid4()))
    verified = counted(monkeypatch)
    for wrong in (text[:-6] + "AAAAAA", text.replace(".", "..", 1), ""):
        for _ in range(2):
            assert list(_grants([(offered_module._GUEST, wrong)])) == []
    assert len(verified) == 6
    assert offered_module._known.cache_info().currsize == 0


def test_a_remembered_credential_ends_in_time(settings: Any) -> None:
    ends_at = time.time() + 2
    text = credential(Grant.of_new_guest(uuid4()), seconds=2 - settings.PORTAL_CLOCK_LEEWAY_SECONDS)
    claims = [(verify_guest, text)]
    assert len(list(_grants(claims))) == 1
    assert offered_module._known.cache_info().currsize == 1
    deadline = time.monotonic() + 10
    while list(_grants(claims)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert time.time() >= int(ends_at)


def test_a_remembered_credential_ends_with_its_key() -> None:
    text = credential(Grant.of_new_guest(uuid4()))
    claims = [(verify_guest, text)]
    assert len(list(_grants(claims))) == 1
    make_key()
    KEYS.read()
    assert len(list(_grants(claims))) == 1
    SigningKey.objects.order_by("created_at")[0].delete()
    KEYS.read()
    with pytest.raises(KeyNotRead):
        list(_grants(claims))
    assert list(_grants(claims, is_last=True)) == []


def test_no_more_than_a_few_are_remembered() -> None:
    good = verify_guest(credential(Grant.of_new_guest(uuid4())))
    verified: list[str] = []

    def verify(text: str) -> Any:
        verified.append(text)
        return good

    texts = [str(number) for number in range(KNOWN_CREDENTIALS + 1)]
    for text in [*texts, texts[-1], texts[0]]:
        assert list(_grants([(verify, text)])) == [good.grant]
    assert verified == [*texts, texts[0]]
