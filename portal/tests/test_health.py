"""`/api/health` and `/api/health/ready`: their answers while the database or the channel layer is unavailable."""

from __future__ import annotations

import re
import resource
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable
from rest_framework.test import APIClient
from structlog.testing import capture_logs

from portal import health
from portal.health import Probe
from realtime.server.process.condition import draining
from testing.installation import Server, StoreKind, installation
from testing.people import Client
from testing.stacks import STACK_ENV
from testing.stores import postgres, valkey

DEADLINE_SECONDS = 10.0
PATHS = ["/api/health", "/api/health/", "/api/health/ready", "/api/health/ready/"]


class Check(HealthCheck):  # type: ignore[misc]  # it has no types
    """Counts its runs; waits for `gate`, then fails with `error`, if it has one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.runs = 0
        self.gate = threading.Event()
        self.gate.set()

    def run(self) -> None:
        self.runs += 1
        self.gate.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Check]]:
    """Replacements of the real checks, which use a real database."""
    found = {"database": Check(), "channelLayer": Check(), "migrations": Check()}
    monkeypatch.setattr(health, "_PROBES", [Probe(name, [check]) for name, check in found.items()])
    yield found
    for check in found.values():
        check.gate.set()


def ask(path: str) -> tuple[int, dict[str, Any]]:
    answer = APIClient().get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("away", "status", "code"),
    [
        ("", "ok", 200),
        ("channelLayer", "degraded", 200),
        ("database", "unavailable", 503),
        ("migrations", "unavailable", 503),
    ],
)
def test_unavailable_services_decide_the_status(
    checks: dict[str, Check], path: str, away: str, status: str, code: int
) -> None:
    """A process that can answer is alive: restarting it does not make the database available."""
    if "ready" not in path:
        code = 200
    if away:
        checks[away].error = ServiceUnavailable("It is away")
    outcomes = {name: "unavailable" if name == away else "ok" for name in checks}
    assert ask(path) == (code, {"status": status, "draining": False, "checks": outcomes})


def test_a_process_that_ends_is_not_ready_but_healthy(checks: dict[str, Check]) -> None:
    draining.set()
    try:
        assert ask("/api/health") == (200, {"status": "ok", "draining": True, "checks": dict.fromkeys(checks, "ok")})
        code, answer = ask("/api/health/ready")
    finally:
        draining.clear()
    assert (code, answer["status"], answer["draining"]) == (503, "ok", True)


def test_an_unexpected_error_is_not_shown_to_strangers(checks: dict[str, Check]) -> None:
    checks["database"].error = RuntimeError("postgres://user:password@host")
    code, answer = ask("/api/health/ready")
    assert (code, answer["checks"]["database"]) == (503, "unavailable")
    assert "password" not in str(answer)


def test_a_check_that_hangs_delays_nobody_and_is_run_once(checks: dict[str, Check]) -> None:
    checks["database"].gate.clear()
    start = time.monotonic()
    answers = [ask("/api/health/ready")[0] for _ in range(2)]
    assert answers == [503, 503]
    assert time.monotonic() - start < 2 * health.ANSWER_SECONDS + 1
    assert checks["database"].runs == 1


def test_a_late_check_is_logged_though_it_succeeds() -> None:
    check = Check()
    check.gate.clear()
    probe = Probe("late", [check])
    with capture_logs() as logged:

        def events() -> list[str]:
            # Hung checks of other tests may end in the meantime
            return [one["event"] for one in logged if one.get("check") == "late"]

        outcome = probe.begin()
        assert [probe.answer(outcome, 0.01) for _ in range(2)] == [False, False]
        assert events() == ["check_failed"]
        check.gate.set()
        assert probe.answer(outcome, DEADLINE_SECONDS)
        assert events() == ["check_failed", "check_passed"]


def test_a_result_is_valid_for_a_while(checks: dict[str, Check], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 60)
    for _ in range(3):
        ask("/api/health")
    assert checks["database"].runs == 1


def test_a_result_expires(checks: dict[str, Check], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", -1)
    for _ in range(3):
        ask("/api/health")
    assert checks["database"].runs == 3


def test_other_methods_are_refused_in_the_shape_of_the_api(checks: dict[str, Check]) -> None:
    answer = APIClient().post("/api/health")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method-not-allowed"


def test_health_is_also_answered_over_plain_http(checks: dict[str, Check], settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert APIClient().get("/api/libraries").status_code == 301
    assert APIClient().get("/api/health/ready").status_code == 200


@pytest.mark.parametrize("host", ["10.0.0.5", "portal.example.org", "x" * 300, "bad host", "[::1]:8000", ""])
@pytest.mark.parametrize("path", PATHS)
def test_any_host_header_is_accepted(checks: dict[str, Check], settings: Any, path: str, host: str) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    with capture_logs() as logged:
        answer = APIClient().get(path, headers={"Host": host})
    assert answer.status_code == 200
    assert not logged


@pytest.mark.django_db
def test_the_real_checks_pass_on_sqlite_and_the_in_memory_layer() -> None:
    assert ask("/api/health")[1]["status"] == "ok"


# --- With a real Postgres and a real Valkey -----------------------------------------------------------------------


def until(server: Server, status: str, code: int) -> None:
    """Wait until both addresses report this, and the second one answers with that status."""

    def answers_so() -> bool:
        alive, ready = (httpx.get(server.http + path, timeout=5, trust_env=False) for path in PATHS[::2])
        seen = {answer.json()["status"] for answer in (alive, ready)}
        return seen == {status} and (alive.status_code, ready.status_code) == (200, code)

    server.process.wait_until(answers_so, 15)


@pytest.mark.server
@pytest.mark.postgres
@pytest.mark.valkey
def test_health_reports_services_that_go_and_come_back() -> None:
    with (
        postgres() as database,
        valkey() as layer,
        installation(StoreKind.SQLITE, DATABASE_URL=database.url(), REDIS_URL=layer.url, **STACK_ENV) as made,
        made.server() as server,
    ):
        until(server, "unavailable", 503)
        made.manage("migrate", "--verbosity", "0")
        until(server, "ok", 200)
        layer.process.kill()
        until(server, "degraded", 200)
        layer.start()
        until(server, "ok", 200)
        database.process.kill()
        until(server, "unavailable", 503)
        database.start()
        until(server, "ok", 200)
        database.process.suspend()
        until(server, "unavailable", 503)
        database.process.resume()
        until(server, "ok", 200)
        written = server.process.log.read_text()
        for name in ("channelLayer", "database"):
            assert re.search(rf"check_failed\W.*check={name}", written)
            assert re.search(rf"check_passed\W.*check={name}", written)
        assert "Traceback" not in written


@pytest.mark.server
def test_a_full_disk_is_an_outage_though_reads_work() -> None:
    """A limit on the size of files stands for the disk (setrlimit(2), RLIMIT_FSIZE): SQLite cannot write."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made:
        cast = made.prepare()
        with made.server() as server, Client(server.http, cast.controller) as client:
            path = f"/api/portal-views/{cast.portal_view_id}"
            limit(server, FULL_BYTES)
            tries = (client._http.patch(path, json={"items": items(number)}) for number in range(50))
            refused = next(answer for answer in tries if answer.status_code != 200)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert client.get(path)["id"] == cast.portal_view_id
            until(server, "unavailable", 503)
            limit(server, resource.RLIM_INFINITY)
            until(server, "ok", 200)
            client.patch(path, {"name": "There is room again"})
            assert "Traceback" not in server.process.log.read_text()


FULL_BYTES = 1024 * 1024


def items(number: int) -> list[dict[str, str]]:
    """About 100 KB of items, different for each number."""
    return [{"id": f"{place}", "name": f"{number} " * 300} for place in range(100)]


def limit(server: Server, size: int) -> None:
    """Let the server's files grow up to that size."""
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))
