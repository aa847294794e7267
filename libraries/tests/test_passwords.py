"""Password hashing: with little memory, a few at once, and outside of transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings as project
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, identify_hasher, make_password
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from rest_framework.test import APIClient

from conftest import PASSWORD
from libraries import passwords
from libraries.models import User
from libraries.passwords import Gate, TooBusy
from testing.in_process import wait_until

SECONDS = 20.0
NEW = "quite another password"
HASHERS = list(project.PASSWORD_HASHERS)
EMAIL = "owner@example.org"


@pytest.fixture(autouse=True)
def _real_hashers(_quick_passwords: None, settings: Any) -> None:
    settings.PASSWORD_HASHERS = HASHERS


class Blocked:
    """A call that runs until `go` is set. `most` is the maximum number of simultaneous calls."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Wait."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go.wait(SECONDS)
        with self._lock:
            self.now -= 1
        return "done"


# --- The gate ---------------------------------------------------------------------------------------------


def test_the_gate_limits_running_and_waiting_calls() -> None:
    gate, blocked = Gate(at_once=2, waiting=3), Blocked()
    got: Queue[object] = Queue()

    def call() -> None:
        try:
            got.put(gate.run(blocked))
        except TooBusy as error:
            got.put(error)

    threads = [threading.Thread(target=call) for _ in range(9)]
    for thread in threads:
        thread.start()
    refused = [got.get(timeout=SECONDS) for _ in range(4)]
    assert all(isinstance(answer, TooBusy) for answer in refused)
    wait_until(lambda: blocked.now == 2)
    blocked.go.set()
    assert [got.get(timeout=SECONDS) for _ in range(5)] == ["done"] * 5
    assert blocked.most == 2
    for thread in threads:
        thread.join(SECONDS)


def test_a_place_is_free_again_after_an_error() -> None:
    gate = Gate(at_once=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            gate.run(lambda: 1 // 0)
    assert gate.run(lambda: 7) == 7


@pytest.mark.parametrize(
    ("cores", "workers", "expected"), [(1, 1, 1), (2, 1, 1), (4, 1, 3), (8, 2, 3), (8, 8, 1), (2, 4, 1), (16, 4, 3)]
)
def test_hashes_at_once(
    cores: int, workers: int, expected: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PORTAL_WORKERS = workers
    monkeypatch.setattr(passwords, "_cores", lambda: cores)
    assert passwords.hashes_at_once() == expected


# --- Hashes -----------------------------------------------------------------------------------------------


def test_the_size_of_a_hash_is_owasps_first_choice() -> None:
    assert make_password(PASSWORD).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_every_way_to_hash_passes_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Gate(at_once=1, waiting=-1)
    argon2, pbkdf2 = make_password(PASSWORD), make_password(PASSWORD, hasher="pbkdf2_sha256")
    assert check_password(PASSWORD, argon2)
    assert check_password(PASSWORD, pbkdf2)
    monkeypatch.setattr(passwords, "gate", lambda: full)
    for call in (
        lambda: make_password(PASSWORD),
        lambda: make_password(PASSWORD, hasher="pbkdf2_sha256"),
        lambda: check_password(PASSWORD, argon2),
        lambda: check_password(PASSWORD, pbkdf2),
        lambda: check_password(PASSWORD, "!unusable"),
        lambda: identify_hasher(pbkdf2).harden_runtime(PASSWORD, pbkdf2.replace("$1000000$", "$1$")),
    ):
        with pytest.raises(TooBusy, match="try again"):
            call()


def large_hash(password: str) -> str:
    """A hash as the previous version made it: 100 MiB."""
    return Argon2PasswordHasher().encode(password, "salt" * 6)


def test_an_older_hash_is_valid_and_renewed_at_log_in(owner: User) -> None:
    User.objects.update(password=large_hash(PASSWORD))
    assert APIClient().post("/api/auth/token", {"email": EMAIL, "password": "wrong"}).status_code == 401
    owner.refresh_from_db()
    assert "m=102400" in owner.password
    assert APIClient().post("/api/auth/token", {"email": EMAIL, "password": PASSWORD}).status_code == 200
    owner.refresh_from_db()
    assert "m=19456,t=2,p=1" in owner.password
    assert owner.check_password(PASSWORD)


@pytest.mark.parametrize(("pooled", "in_transaction", "closed"), [(1, 0, True), (0, 0, False), (1, 1, False)])
def test_a_waiting_call_holds_no_connection_of_the_pool(
    pooled: bool, in_transaction: bool, closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten calls that waited for their hashes held all ten connections of the process, and others were refused."""
    connection = Mock(settings_dict={"OPTIONS": {"pool": pooled}}, in_atomic_block=in_transaction)
    monkeypatch.setattr(connections, "all", lambda initialized_only: [connection])
    make_password(PASSWORD)
    assert connection.close.called is closed


# --- Interfaces -------------------------------------------------------------------------------------------


def log_in() -> Any:
    return APIClient().post("/api/auth/token", {"email": EMAIL, "password": PASSWORD})


def log_in_as_nobody() -> Any:
    return APIClient().post("/api/auth/token", {"email": "nobody@example.org", "password": PASSWORD})


def log_in_by_form() -> Any:
    return Client().post("/admin/login/", {"username": EMAIL, "password": PASSWORD})


def register() -> Any:
    return APIClient().post("/api/auth/register", {"email": "new@example.org", "password": PASSWORD})


def staff() -> Client:
    client = Client()
    client.force_login(User.objects.get(email=EMAIL))
    return client


def add_in_the_admin() -> Any:
    typed = {"email": "new@example.org", "name": "New", "password1": PASSWORD, "password2": PASSWORD}
    return staff().post("/admin/libraries/user/add/", typed)


def set_in_the_admin() -> Any:
    user = User.objects.get(email=EMAIL)
    typed = {"usable_password": "true", "password1": NEW, "password2": NEW}
    return staff().post(f"/admin/libraries/user/{user.pk}/password/", typed)


def change_own() -> Any:
    typed = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    return staff().post("/admin/password_change/", typed)


def demo() -> Any:
    call_command("demo", "--json", "--force")


DOORS = [log_in, log_in_as_nobody, log_in_by_form, register, add_in_the_admin, set_in_the_admin, change_own, demo]


@pytest.fixture
def large_owner(transactional_db: None, owner: User) -> User:
    """A superuser with an older hash, which is renewed."""
    owner.is_staff = owner.is_superuser = True
    owner.password = large_hash(PASSWORD)
    owner.save()
    return owner


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_no_transaction_waits_for_a_hash(
    large_owner: User, door: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_transaction: list[bool] = []
    real = passwords.gate()

    class Watched:
        def run(self, *args: Any) -> Any:
            in_transaction.append(connection.in_atomic_block)
            return real.run(*args)

    monkeypatch.setattr(passwords, "gate", Watched)
    answer = door()
    assert answer is None or answer.status_code < 402
    assert in_transaction
    assert not any(in_transaction)


@pytest.mark.parametrize("door", [log_in, log_in_as_nobody, register], ids=lambda door: door.__name__)
def test_rest_reports_too_many_log_ins(owner: User, door: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "gate", lambda: Gate(at_once=1, waiting=-1))
    answer = door()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "try again in a few seconds" in answer.json()["message"]
    assert int(answer["Retry-After"]) >= 1
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.parametrize(
    "door", [log_in_by_form, add_in_the_admin, set_in_the_admin, change_own], ids=lambda door: door.__name__
)
def test_the_admin_reports_too_many_log_ins(
    large_owner: User, door: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "gate", lambda: Gate(at_once=1, waiting=-1))
    answer = door()
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert "try again in a few seconds" in answer.content.decode()
    assert User.objects.get().password == large_owner.password
