"""The keys of tokens: made when needed, rotated without logging anybody out, sealed with the secret key."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from structlog.testing import capture_logs

from libraries.models import SigningKey, User
from libraries.signing import KEYS, READ_SECONDS, Keys, is_ours, make_key, rotate_key
from libraries.tokens import Guest, access_token, longest_life, verify, with_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have left keys in this process whose rows are gone."""
    monkeypatch.setattr(KEYS, "_known", {})
    monkeypatch.setattr(KEYS, "_read_at", float("-inf"))


def age(key_id: str, **ago: float) -> None:
    SigningKey.objects.filter(id=key_id).update(created_at=timezone.now() - timedelta(**ago))


def test_the_first_key_is_made_when_it_is_needed() -> None:
    key = Keys().newest()
    assert [row.id for row in SigningKey.objects.all()] == [key.id]
    assert len(key.secret) == 32
    assert Keys().newest() == key
    assert is_ours(key.id)


def test_the_stored_key_is_encrypted() -> None:
    key = Keys().newest()
    sealed = SigningKey.objects.get().sealed
    assert key.secret.hex() not in sealed
    assert str(SigningKey.objects.get()) == key.id


def test_a_process_signs_with_a_new_key_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    keys = Keys()
    first = keys.newest()
    age(first.id, minutes=1)
    second = make_key()
    assert keys.newest() == first
    assert keys.find(second) is None
    now += READ_SECONDS
    assert keys.newest().id == second
    assert keys.find(first.id) == first


def test_tokens_of_an_older_key_stay_good(owner: User) -> None:
    token = access_token(owner, uuid4())
    age(KEYS.newest().id, days=1)
    new, deleted = rotate_key(longest_life().total_seconds())
    assert deleted == 0
    assert KEYS.newest().id == new
    assert with_keys(lambda: verify(token)).subject.id == owner.id


def test_a_key_is_deleted_once_its_tokens_have_expired() -> None:
    oldest, older = make_key(), make_key()
    age(oldest, days=200)
    age(older, days=100)
    kept = timedelta(days=90).total_seconds()
    newest, deleted = rotate_key(kept)
    assert deleted == 1
    assert {row.id for row in SigningKey.objects.all()} == {older, newest}
    # It signed until a moment ago
    assert rotate_key(kept)[1] == 0
    age(newest, seconds=kept + READ_SECONDS + 2)
    assert rotate_key(kept)[1] == 1
    assert not SigningKey.objects.filter(id=older).exists()


def test_the_secret_key_can_change(owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = access_token(owner, uuid4())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret key of the site, which is long enough"
    KEYS.read()
    assert with_keys(lambda: verify(token)).subject.id == owner.id
    rotate_key(longest_life().total_seconds())
    settings.SECRET_KEY_FALLBACKS = []
    monkeypatch.setattr(KEYS, "_known", {})  # a process that has just started
    monkeypatch.setattr(KEYS, "_read_at", float("-inf"))
    assert with_keys(lambda: verify(token)).subject.id == owner.id


def test_a_key_that_cannot_be_decrypted_is_logged_and_kept(settings: Any) -> None:
    lost = make_key()
    settings.SECRET_KEY = "another secret key of the site, which is long enough"
    with capture_logs() as logs:
        KEYS.read()
        rotate_key(1e9)
    assert {(line["event"], line["key"]) for line in logs} == {("signing_key_not_opened", lost)}
    assert KEYS.find(lost) is None
    assert SigningKey.objects.count() == 2


@pytest.mark.parametrize("key_id", ["", "x", "0" * 16, "é" * 16, "\ud800" * 16, "x" * 100_000])
def test_an_id_that_somebody_made_up_is_not_ours(key_id: str) -> None:
    assert not is_ours(key_id)


def test_the_command_rotates_the_key() -> None:
    first = KEYS.newest().id
    age(first, days=1)
    said = StringIO()
    call_command("rotate_key", stdout=said)
    assert KEYS.newest().id != first
    assert KEYS.newest().id in said.getvalue()
    assert "0 old keys" in said.getvalue()
    assert longest_life() > Guest.lifetime
