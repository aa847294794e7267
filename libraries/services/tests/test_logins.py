"""Limits on log-ins: counted before a password is tested, for every interface, and reset by a right password."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import aauthenticate, authenticate
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from conftest import PASSWORD
from libraries import counters, passwords
from libraries.models import Counter, KnownNetwork, User
from libraries.rules.errors import TooManyAttempts
from libraries.services import logins

EMAIL = "owner@example.org"
NOBODY = "nobody@example.org"
HERE = "10.0.0.1"
MINUTE = 60
DAY = 86_400


class Clock:
    """A replacement of the module's `time`: a test advances it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that does not move by itself."""
    made = Clock()
    monkeypatch.setattr(logins, "time", made)
    return made


@pytest.fixture(autouse=True)
def _three_attempts(settings: Any) -> None:
    settings.PORTAL_LOGIN_ATTEMPTS = 3


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were tested, right or wrong."""
    found: list[str] = []
    check = User.check_password

    def noted(user: User, password: str) -> bool:
        found.append(password)
        return check(user, password)

    monkeypatch.setattr(User, "check_password", noted)
    return found


def request_from(address: str | None) -> HttpRequest:
    request = RequestFactory().post("/log-in")
    if address is None:
        del request.META["REMOTE_ADDR"]
    else:
        request.META["REMOTE_ADDR"] = address
    return request


def log_in(password: str = PASSWORD, address: str | None = HERE, email: str = EMAIL) -> bool:
    return authenticate(request_from(address), email=email, password=password) is not None


def wait(address: str | None = HERE, email: str = EMAIL, password: str = PASSWORD) -> int:
    """The seconds to wait in the refusal of a log-in."""
    with pytest.raises(TooManyAttempts) as refused:
        log_in(password, address, email)
    assert f"in {refused.value.wait} seconds" in refused.value.message
    return refused.value.wait


def fail(times: int, address: str | None = HERE, email: str = EMAIL) -> None:
    for _ in range(times):
        assert not log_in("wrong", address, email)


# --- One account, one network -----------------------------------------------------------------------------


def test_failures_lock_the_network_for_five_minutes(owner: User, clock: Clock, tested: list[str]) -> None:
    fail(3)
    assert wait() == 300
    clock.now += 299
    assert wait() == 1
    assert tested == ["wrong"] * 3
    clock.now += 1
    assert log_in()


def test_an_attempt_while_locked_does_not_extend_the_lock(owner: User, clock: Clock) -> None:
    fail(3)
    clock.now += 200
    assert wait() == 100


def test_slow_guesses_add_up(owner: User, clock: Clock) -> None:
    for _ in range(3):
        fail(1)
        clock.now += 4 * MINUTE
    assert wait() == MINUTE


def test_a_pause_resets_failures(owner: User, clock: Clock) -> None:
    fail(2)
    clock.now += 5 * MINUTE
    fail(2)
    assert log_in()


def test_a_right_password_resets_failures(owner: User) -> None:
    fail(2)
    assert log_in()
    fail(2)
    assert log_in()


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("10.0.0.1", "10.0.0.254", True),
        ("10.0.0.1", "10.0.1.1", False),
        ("10.0.0.1", "::ffff:10.0.0.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::1", "0.0.0.1", False),
        (None, "", True),
        ("unix:", "nonsense", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_address_counts_with_its_network(owner: User, first: str | None, second: str, is_one: bool) -> None:
    fail(3, first)
    if is_one:
        assert wait(second) == 300
    else:
        assert log_in(address=second)


def test_a_header_does_not_choose_the_network(owner: User) -> None:
    for number in range(3):
        request = request_from(HERE)
        request.META["HTTP_X_FORWARDED_FOR"] = f"10.9.{number}.9"
        assert authenticate(request, email=EMAIL, password="wrong") is None
    assert wait() == 300


def test_other_accounts_are_not_locked(owner: User, editor: User) -> None:
    fail(3)
    assert log_in(email="editor@example.org")
    assert log_in(address="10.0.1.1")


def test_every_spelling_of_the_address_counts(owner: User) -> None:
    for email in ("owner@example.org", "OWNER@example.org", " Owner@Example.Org "):
        fail(1, email=email)
    assert wait() == 300


def test_zero_is_no_limit(owner: User, settings: Any) -> None:
    settings.PORTAL_LOGIN_ATTEMPTS = settings.PORTAL_LOGINS_PER_MINUTE = 0
    fail(40)
    assert log_in()
    assert not Counter.objects.exists()


# --- One account, all networks ----------------------------------------------------------------------------


def from_everywhere(times: int, email: str = EMAIL) -> None:
    for number in range(times):
        fail(1, f"192.0.{number}.1", email)


def test_failures_from_all_networks_lock_the_account_for_an_hour(owner: User, clock: Clock, tested: list[str]) -> None:
    from_everywhere(30)
    assert len(tested) == 30
    assert wait("198.51.100.1") == 60 * MINUTE
    clock.now += 59 * MINUTE
    assert wait("198.51.100.1") == MINUTE
    assert len(tested) == 30
    clock.now += MINUTE
    assert log_in(address="198.51.100.1")


def test_known_networks_are_not_locked(owner: User, clock: Clock) -> None:
    assert log_in(address="198.51.100.1")
    clock.now += 29 * DAY
    from_everywhere(30)
    assert log_in(address="198.51.100.77")
    assert wait("198.51.101.1") == 60 * MINUTE
    clock.now += 60 * MINUTE
    assert log_in(address="198.51.101.1")


def test_a_network_is_known_for_thirty_days(owner: User, clock: Clock) -> None:
    assert log_in(address="198.51.100.1")
    clock.now += 30 * DAY
    from_everywhere(30)
    assert wait("198.51.100.1") == 60 * MINUTE


def test_a_network_is_known_only_for_its_accounts(owner: User, editor: User) -> None:
    assert log_in(address="198.51.100.1", email="editor@example.org")
    from_everywhere(30)
    assert wait("198.51.100.1") == 60 * MINUTE


def test_a_known_network_is_locked_like_any_other_for_its_own_failures(owner: User) -> None:
    assert log_in()
    from_everywhere(27)
    fail(3)
    assert wait() == 300


# --- Accounts that do not exist ---------------------------------------------------------------------------


def test_an_unknown_account_is_locked_like_any_other(owner: User, clock: Clock) -> None:
    fail(3, email=NOBODY)
    assert wait(email=NOBODY) == 300
    clock.now += 300
    from_everywhere(27, NOBODY)
    assert wait("198.51.100.1", NOBODY) == 55 * MINUTE


def test_a_hash_is_made_for_an_unknown_account(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(logins, "make_password", made.append)
    assert not log_in("guess", email=NOBODY)
    assert made == ["guess"]


def test_rows_of_unknown_accounts_are_bounded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "_UNKNOWN_DIGITS", 1)
    for number in range(60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logins, "network_of_request", lambda request: "one")
            try:
                log_in("guess", email=f"x{number}@example.org")
            except TooManyAttempts:
                continue
    assert Counter.objects.count() <= 16 + 16 + 1


def test_a_deactivated_account_is_counted(owner: User) -> None:
    User.objects.update(is_active=False)
    for _ in range(3):
        assert not log_in()
    assert wait() == 300


# --- Stored rows ------------------------------------------------------------------------------------------


def test_old_counters_are_deleted(owner: User, clock: Clock) -> None:
    from_everywhere(15)
    assert Counter.objects.count() == 15 + 15 + 1
    clock.now += 2 * 60 * MINUTE
    fail(1)
    fail(1, "10.0.1.1")
    assert Counter.objects.filter(expires_at__lte=clock.now).count() == 0
    assert Counter.objects.count() == 5


def test_known_networks_are_bounded(owner: User, editor: User, clock: Clock) -> None:
    assert log_in(email="editor@example.org")
    clock.now += 31 * DAY
    for number in range(logins.KNOWN_NETWORKS + 5):
        clock.now += MINUTE
        assert log_in(address=f"192.0.{number}.1")
    assert KnownNetwork.objects.filter(user=owner).count() == logins.KNOWN_NETWORKS
    assert not KnownNetwork.objects.filter(user=editor).exists()
    from_everywhere(5)
    assert logins.Attempt(owner, EMAIL, "192.0.24.0/24")._is_known()
    assert not logins.Attempt(owner, EMAIL, "192.0.4.0/24")._is_known()


def test_stored_rows_do_not_identify_anybody(owner: User) -> None:
    log_in()
    kept = [str(row) for model in (Counter, KnownNetwork) for row in model.objects.all()]
    assert len(kept) == 4
    assert all(len(text) == 32 and set(text) <= set("0123456789abcdef") for text in kept)


def writes(captured: CaptureQueriesContext) -> list[str]:
    return [row["sql"].split()[0] for row in captured if row["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_good_log_in_writes_twice_and_a_locked_one_never(
    owner: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    assert log_in()
    with django_assert_max_num_queries(20) as captured:
        assert log_in()
    assert [sql for sql in writes(captured) if sql != "DELETE"] == ["INSERT", "UPDATE"]
    fail(3)
    with django_assert_max_num_queries(20) as captured:
        wait()
    assert writes(captured) == []


# --- Interfaces -------------------------------------------------------------------------------------------


def form(password: str, address: str = HERE) -> Any:
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": EMAIL, "password": password})


def test_the_form_counts_together_with_rest(owner: User) -> None:
    User.objects.update(is_staff=True)
    assert form("wrong").status_code == 200
    answer = APIClient(REMOTE_ADDR=HERE).post("/api/auth/token", {"email": EMAIL, "password": "wrong"})
    assert answer.status_code == 401
    assert form("wrong").status_code == 200
    page = form(PASSWORD)
    assert (page.status_code, page["Retry-After"]) == (429, "300")
    assert "Too many failed log-ins: try again in 300 seconds." in page.content.decode()
    answer = APIClient(REMOTE_ADDR=HERE).post("/api/auth/token", {"email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "300", "throttled")


@pytest.mark.parametrize("door", ["form", "rest"])
def test_a_right_log_in_by_one_interface_resets_the_other(owner: User, door: str) -> None:
    User.objects.update(is_staff=True)
    fail(2)
    if door == "form":
        assert form(PASSWORD).status_code == 302
    else:
        body = {"email": EMAIL, "password": PASSWORD}
        assert APIClient(REMOTE_ADDR=HERE).post("/api/auth/token", body).status_code == 200
    fail(2)
    assert log_in()


def test_all_interfaces_share_one_rate(owner: User, settings: Any, clock: Clock) -> None:
    settings.PORTAL_LOGINS_PER_MINUTE = 4
    client = APIClient(REMOTE_ADDR=HERE)
    assert client.post("/api/auth/register", {}).status_code == 400
    assert client.post("/api/auth/token/refresh", {}).status_code == 400
    assert form(PASSWORD).status_code == 200
    assert client.post("/api/auth/token", {"email": EMAIL, "password": PASSWORD}).status_code == 200
    clock.now += 20
    for path in ("/api/auth/register", "/api/auth/token/refresh", "/api/auth/token"):
        answer = client.post(path, {"email": EMAIL, "password": PASSWORD})
        assert (answer.status_code, answer["Retry-After"]) == (429, "40")
    page = form(PASSWORD)
    assert (page.status_code, page["Retry-After"]) == (429, "40")
    assert client.post("/api/auth/register", {}, REMOTE_ADDR="10.0.1.1").status_code == 400
    clock.now += 40
    assert form(PASSWORD).status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_the_asynchronous_method_is_limited_too(settings: Any) -> None:
    settings.PORTAL_LOGIN_ATTEMPTS = 1
    assert await aauthenticate(request_from(HERE), email=EMAIL, password="wrong") is None
    with pytest.raises(TooManyAttempts):
        await aauthenticate(request_from(HERE), email=EMAIL, password="wrong")


def test_a_log_in_without_a_request_or_a_password(owner: User) -> None:
    assert authenticate(None, email=EMAIL, password=PASSWORD) == owner
    assert authenticate(None, email=EMAIL) is None
    assert authenticate(None, password=PASSWORD) is None


def test_an_untested_password_does_not_count(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def busy(user: User, password: str) -> bool:
            raise passwords.TooBusy

        patch.setattr(User, "check_password", busy)
        for _ in range(5):
            with pytest.raises(passwords.TooBusy):
                log_in()
    fail(2)
    assert log_in()


# --- Logs -------------------------------------------------------------------------------------------------


def noted(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The log entries of the module."""
    return [vars(record)["msg"] for record in caplog.records if record.name == "libraries.services.logins"]


def test_a_lock_is_logged_once_and_without_the_address(owner: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "libraries.services.logins"):
        fail(3)
        wait()
        fail(3, email=NOBODY, address="10.1.0.1")
    events = noted(caplog)
    assert [(event["event"], event["limit"], event["account"], event["network"]) for event in events] == [
        ("logins_limited", "network", str(owner.pk), "10.0.0.0/24"),
        ("logins_limited", "network", None, "10.1.0.0/24"),
    ]
    assert "example.org" not in str(events)


def test_other_limits_are_logged_once(owner: User, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "libraries.services.logins"):
        from_everywhere(30)
        wait("198.51.100.1")
        settings.PORTAL_LOGINS_PER_MINUTE = 2
        for _ in range(4):
            APIClient(REMOTE_ADDR=HERE).post("/api/auth/register", {})
    assert [event["limit"] for event in noted(caplog)] == ["account", "rate"]


def test_disabled_limits_are_not_counted(db: None) -> None:
    off = counters.Limit("off", 0, 60)
    assert counters.add([off], 0) == counters.read([off], 0) == {}
    counters.take_back(once=[off])
    assert not off.is_over(counters.Count(5, 60))
