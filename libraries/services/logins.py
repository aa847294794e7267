"""Rate limits on attempts to log in. Attempts are counted in the database, for all processes and all kinds of log-in.

An attempt is counted before its password is tested, and taken back if the password is right. So many guesses at once
are tested no more often than one after the other. The caller decides how a refusal is answered. Password hashing is in
`libraries.passwords`, the counting statements are in `libraries.counters`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from libraries.cleaning import KNOWN_SECONDS
from libraries.counters import Count, Limit, add, drop_some, key_of, read, take_back
from libraries.events import login_failed
from libraries.models import KnownNetwork, User
from libraries.rules.emails import canonical
from libraries.rules.errors import TooManyAttempts, Unavailable
from libraries.rules.networks import network_of

LOCK_SECONDS = 5 * 60
"""How long a network is locked for an account. Failures count until there was none for this time."""
ACCOUNT_SECONDS = 60 * 60
ACCOUNT_FACTOR = 10
"""This multiple of `PORTAL_LOGIN_ATTEMPTS` failures within `ACCOUNT_SECONDS`, over all networks, locks an account."""
RATE_SECONDS = 60
KNOWN_NETWORKS = 20
"""The most networks known for an account: the latest ones."""
_SEEN_AGAIN_SECONDS = 86_400
_UNKNOWN_DIGITS = 4
"""The hexadecimal digits of the counters of accounts that do not exist: there are 65,536 of each kind."""

log = structlog.get_logger(__name__)


class LimitedBackend(ModelBackend):
    """Django's password log-in for the REST API and the admin's form, with limits."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The person, or None if the address or the password is wrong.

        TooManyAttempts if a limit is reached, and Unavailable if too many log in at once: no password was tested.
        """
        email = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if email is None or password is None:
            return None
        user = User.objects.filter(email=canonical(email)).first()
        attempt = Attempt(user, canonical(email), network_of_request(request))
        return user if attempt.is_right(password) and user is not None else None

    async def aauthenticate(self, request: Any, **credentials: Any) -> User | None:  # type: ignore[override]
        """As `authenticate`."""
        return await sync_to_async(self.authenticate)(request, **credentials)


class Attempt:
    """One attempt to log in, counted from the moment it is made; TooManyAttempts if there were too many before."""

    def __init__(self, user: User | None, email: str, network: str) -> None:
        self._user = user
        self._network = network
        attempts = settings.PORTAL_LOGIN_ATTEMPTS
        self._here = Limit(_key_of("here", user, email, network), attempts, LOCK_SECONDS, extends=True)
        self._anywhere = Limit(_key_of("anywhere", user, email), attempts * ACCOUNT_FACTOR, ACCOUNT_SECONDS)
        try:
            self._counts = _count((self._here, self._anywhere, _rate(network)), network, self._check)
        except TooManyAttempts:
            login_failed.send_robust(sender=Attempt, is_limited=True)
            raise

    def _check(self, counts: Mapping[str, Count]) -> None:
        here, anywhere = counts.get(self._here.key), counts.get(self._anywhere.key)
        if here and self._here.is_over(here):
            raise _refusal("Too many failed log-ins: try again in {wait} seconds.", here)
        if anywhere and self._anywhere.is_over(anywhere) and not self._is_known():
            raise _refusal("Too many failed log-ins: try again in {wait} seconds.", anywhere)

    def _is_known(self) -> bool:
        if self._user is None:
            return False
        known = KnownNetwork.objects.filter(user=self._user, network=_known_key(self._user, self._network))
        return known.filter(seen_at__gt=_now() - KNOWN_SECONDS).exists()

    def is_right(self, password: str) -> bool:
        """Test the password, and record the result; Unavailable if it cannot be tested now."""
        try:
            if self._user is None:
                make_password(password)  # takes as long as for an existing account
            elif self._user.check_password(password) and self._user.is_active:
                self.succeeded(self._user)
                return True
        except Unavailable:
            self.not_made()
            raise
        self.failed()
        return False

    def succeeded(self, user: User) -> None:
        """Record a right password: the network's failures are forgotten, and the network is known from now on."""
        take_back(reset=[self._here], once=[self._anywhere])
        _remember(user, self._network)

    def failed(self) -> None:
        """Record a wrong address or password. If this starts a lock, that is logged."""
        login_failed.send_robust(sender=Attempt, is_limited=False)
        for name, limit in (("network", self._here), ("account", self._anywhere)):
            if limit.just_reached(self._counts.get(limit.key)):
                account = str(self._user.pk) if self._user else None
                log.warning("logins_limited", limit=name, account=account, network=self._network, seconds=limit.seconds)

    def not_made(self) -> None:
        """Record that the password could not be tested."""
        take_back(once=[self._here, self._anywhere])


def count_request(request: HttpRequest) -> None:
    """Count a registration or a token refresh with the log-ins of its network; TooManyAttempts if over the limit."""
    network = network_of_request(request)
    _count((_rate(network),), network)


def network_of_request(request: Any) -> str:
    """The network that a request comes from. A header set by the client cannot choose it."""
    return network_of(request.META.get("REMOTE_ADDR") if request is not None else None)


def _rate(network: str) -> Limit:
    return Limit(key_of(__name__, "rate", network), settings.PORTAL_LOGINS_PER_MINUTE, RATE_SECONDS)


def _count(
    limits: Sequence[Limit], network: str, check: Callable[[Mapping[str, Count]], None] | None = None
) -> dict[str, Count]:
    """Count one attempt for the limits, of which the last is the network's rate; `check` checks the others.

    They are checked before the write, so that a locked-out client only reads, and after it, for simultaneous attempts.
    """
    rate, now = limits[-1], _now()

    def look(counts: Mapping[str, Count]) -> None:
        count = counts.get(rate.key)
        if count and rate.is_over(count):
            raise _refusal("Too many log-ins from your network: try again in {wait} seconds.", count)
        if check is not None:
            check(counts)

    look({key: count.one_more() for key, count in read(limits, now).items()})
    counts = add(limits, now)
    if rate.just_reached(counts.get(rate.key)):
        log.warning("logins_limited", limit="rate", account=None, network=network, seconds=rate.seconds)
    look(counts)
    return counts


def _refusal(sentence: str, count: Count) -> TooManyAttempts:
    wait = count.wait(_now())  # the time now, as the statement may have waited for others
    return TooManyAttempts(sentence.format(wait=wait), wait)


def _now() -> int:
    return int(time.time())


def _remember(user: User, network: str) -> None:
    """Store that the user logged in from there: written at most once a day; old rows are deleted with it."""
    key, now = _known_key(user, network), _now()
    if KnownNetwork.objects.filter(user=user, network=key, seen_at__gt=now - _SEEN_AGAIN_SECONDS).exists():
        return
    KnownNetwork.objects.bulk_create(
        [KnownNetwork(user=user, network=key, seen_at=now)],
        update_conflicts=True,
        unique_fields=["user", "network"],
        update_fields=["seen_at"],
    )
    newest = KnownNetwork.objects.filter(user=user).order_by("-seen_at", "-pk").values_list("pk", flat=True)
    drop_some(KnownNetwork.objects.filter(user=user).exclude(pk__in=list(newest[:KNOWN_NETWORKS])))
    drop_some(KnownNetwork.objects.filter(seen_at__lte=now - KNOWN_SECONDS))


def _key_of(kind: str, user: User | None, email: str, *more: str) -> str:
    """The key of an account's counter. Accounts that do not exist share a limited number of keys, to bound the rows."""
    if user is not None:
        return key_of(__name__, kind, str(user.pk), *more)
    return key_of(__name__, kind, "unknown", key_of(__name__, email, *more)[:_UNKNOWN_DIGITS])


def _known_key(user: User, network: str) -> str:
    return key_of(__name__, "known", str(user.pk), network)
