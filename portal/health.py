"""`/api/health` says that this process answers, and what is missing; `/api/health/ready` whether to send it requests.

The checks are django-health-check's. Frequent requests, or requests while the database does not answer, cost no more
than a single one: each check runs once at a time, in a thread that nobody has to wait for, and is abandoned after six
seconds. Its result is valid for one second.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import redis.asyncio
import structlog
from django import db
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from health_check.base import HealthCheck
from health_check.checks import Database
from health_check.contrib.redis import Redis
from health_check.exceptions import HealthCheckException, ServiceUnavailable
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.migrated import some_of, unapplied_migrations
from libraries.outages import writes_were_refused
from libraries.rules.errors import described
from realtime.server.process.condition import draining

ANSWER_SECONDS = 1.0
"""The timeout of a check; after it, the checked service counts as unavailable."""
TRY_SECONDS = 0.8
"""The timeout of a connection to a server, shorter so that there is time left to report the server."""
FRESH_SECONDS = 1.0

T = TypeVar("T")
HEALTH, READY = "/api/health", "/api/health/ready"
log = structlog.get_logger(__name__)


def _reason(error: object) -> str:
    """The error behind a failed check, which the check's own text omits."""
    if isinstance(error, BaseException):
        return described(error.__cause__ or error)
    return str(error)


class _Apart(Executor):
    """Runs each call in its own thread, which may be abandoned: a pool's thread would keep the process from ending."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()

        def run() -> None:
            try:
                done.set_result(fn(*args, **kwargs))
            except Exception as error:  # for the waiting caller
                done.set_exception(error)

        threading.Thread(target=run, name="health", daemon=True).start()
        return done


class Probe:
    """The checks of one service that may be unavailable."""

    def __init__(self, name: str, checks: Sequence[HealthCheck]) -> None:
        self.name = name
        self._checks = checks
        self._is_away = False
        self._lock = threading.Lock()
        self._outcome: Future[bool] | None = None
        self._good_until = 0.0

    def begin(self) -> Future[bool]:
        """The future result of a run that has just started or is in progress, or a fresh one."""
        with self._lock:
            outcome = self._outcome
            if outcome is None or (outcome.done() and time.monotonic() > self._good_until):
                outcome = self._outcome = Future()
                threading.Thread(target=self._run, args=(outcome,), name="health", daemon=True).start()
            return outcome

    def answer(self, outcome: Future[bool], seconds: float) -> bool:
        """The result of a run, or False if there is none within `seconds`."""
        try:
            return outcome.result(seconds)
        except TimeoutError:
            with self._lock:
                if not outcome.done():  # the answer is logged, too, even if the run succeeds after all
                    self._note(f"no answer within {ANSWER_SECONDS} s")
                    return False
            return outcome.result()

    def _run(self, outcome: Future[bool]) -> None:
        error: object = "the check itself failed"
        try:
            error = asyncio.run(self._check())
        finally:
            with self._lock:
                self._note(error)
                self._good_until = time.monotonic() + FRESH_SECONDS
                outcome.set_result(error is None)

    def _note(self, error: object) -> None:
        """Log that the service became unavailable or available again, once for each."""
        if (error is None) is self._is_away:
            self._is_away = error is not None
            if self._is_away:
                log.warning("check_failed", check=self.name, error=_reason(error))
            else:
                log.info("check_passed", check=self.name)

    async def _check(self) -> HealthCheckException | None:
        for check in self._checks:
            result = await check.get_result(_Apart())
            if result.error is not None:
                return result.error
        return None


def _ping(url: str) -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(url, socket_timeout=TRY_SECONDS, socket_connect_timeout=TRY_SECONDS)


def _channel_layer() -> list[HealthCheck]:
    hosts: list[str] = settings.CHANNEL_LAYERS["default"]["CONFIG"].get("hosts", [])
    return [Redis(client_factory=partial(_ping, url)) for url in hosts]


@dataclass(repr=False)
class Migrations(HealthCheck):  # type: ignore[misc]  # it has no types
    """The tables are those of this version; once they are, they stay so.

    Another check covers an unavailable database.
    """

    applied = False

    def run(self) -> None:
        """Called by the framework, in a thread."""
        if self.applied:
            return
        try:
            missing = unapplied_migrations()
        finally:
            connection.close()
        if missing:
            raise ServiceUnavailable(f"not applied: {some_of(missing)}")
        self.applied = True


class WritableDatabase(Database):  # type: ignore[misc]
    """The database answers and accepts writes: after a failover the former primary is read-only, and disks fill up."""

    def run(self) -> None:
        """Called by the framework, in a thread."""
        super().run()
        if writes_were_refused():
            raise ServiceUnavailable("it has refused to write")
        if connection.vendor != "postgresql":
            return
        try:
            with connection.temporary_connection() as cursor:
                cursor.execute("SHOW transaction_read_only")
                if cursor.fetchone() == ("on",):
                    connection.connection.close()  # really closed: the pool would hand it out again
                    raise ServiceUnavailable("read-only")
        except db.Error as error:
            raise ServiceUnavailable("no answer") from error


_PROBES = [
    Probe("database", [WritableDatabase()]),
    Probe("channelLayer", _channel_layer()),
    Probe("migrations", [Migrations()]),
]


def examine() -> dict[str, bool]:
    """The results of all checks; takes at most `ANSWER_SECONDS`."""
    outcomes = [(probe, probe.begin()) for probe in _PROBES]
    deadline = time.monotonic() + ANSWER_SECONDS
    return {probe.name: probe.answer(outcome, max(0.0, deadline - time.monotonic())) for probe, outcome in outcomes}


class Health(ApiView):
    """200 for as long as this process can answer, with the results of the checks.

    Without the database nothing works; without the channel layer stored changes are shown later.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    http_method_names = ["get", "head"]
    cache = {"no_store": True}
    schema = None

    def get(self, request: Request) -> Response:
        """The results of the checks."""
        found = examine()
        works = found["database"] and found["migrations"]
        status = "ok" if all(found.values()) else "degraded" if works else "unavailable"
        body = {
            "status": status,
            "draining": draining.is_set(),
            "checks": {name: "ok" if is_there else "unavailable" for name, is_there in found.items()},
        }
        return Response(body, self.status_code(works))

    def status_code(self, works: bool) -> int:
        """200 in any case: restarting a process does not make the database available."""
        return 200


class Ready(Health):
    """Whether to send requests here: not before the tables exist, nor after the process was told to end."""

    def status_code(self, works: bool) -> int:
        """503 if requests would fail, or would have to be repeated at another process."""
        return 200 if works and not draining.is_set() else 503


class HealthMiddleware(MiddlewareMixin):
    """Answers the two addresses for any Host header: load balancers use the address of a machine.

    Nothing after it in the chain sees those requests, so nothing logs them.
    """

    _views: ClassVar[dict[str, Callable[[HttpRequest], Any]]] = {HEALTH: Health.as_view(), READY: Ready.as_view()}

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """The answer, or None for any other address."""
        view = self._views.get(request.path_info.removesuffix("/"))
        return None if view is None else view(request).render()
