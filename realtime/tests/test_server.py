"""Ports, the spread of reconnects, and the supervisor with processes that fail; without a server."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from realtime.server.metrics.wire import Kind, Wire
from realtime.server.process import supervisor, worker
from realtime.server.process.drain import SPREAD_MILLISECONDS, spread
from realtime.server.process.reload import Watch, own_folders
from realtime.server.process.run import CannotListen, Place, config
from realtime.server.process.supervisor import Supervisor
from realtime.server.process.worker import Worker

HERE = Place("127.0.0.1", 0, 1)


# --- Where to listen ------------------------------------------------------------------------------------------


def test_all_addresses_of_a_host_are_bound() -> None:
    bound = Place("localhost", 0, 1).bind()
    hosts = {one.getsockname()[0] for one in bound}
    for one in bound:
        one.close()
    assert "127.0.0.1" in hosts
    assert hosts <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_with_a_listener_is_refused(shared: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place("127.0.0.1", taken.getsockname()[1], 1)
        with pytest.raises(CannotListen, match=f"cannot listen on {place}: Address already in use"):
            place.bind(shared=shared)


@pytest.mark.parametrize("host", ["203.0.113.1", "host.invalid"])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on {host}:0: "):
        Place(host, 0, 1).bind()


def test_processes_can_share_a_reserved_port() -> None:
    (reserved,) = HERE.bind()
    place = Place("127.0.0.1", reserved.getsockname()[1], 1)
    (one,), (two,) = place.bind(shared=True), place.bind(shared=True)
    with reserved, one, two:
        one.listen()
        two.listen()
        with pytest.raises(CannotListen):
            place.bind()


def test_an_ipv6_address_is_shown_in_brackets() -> None:
    assert str(Place("::1", 8000, 1)) == "[::1]:8000"


# --- Trust in proxies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [False, True])
def test_only_the_proxy_is_trusted(settings: Any, behind: bool) -> None:
    settings.PORTAL_BEHIND_PROXY = behind
    settings.PORTAL_PROXY_ADDRESSES = ["10.0.0.5"]
    made = config("127.0.0.1", 0)
    assert made.proxy_headers is behind
    assert made.forwarded_allow_ips == ["10.0.0.5"]


# --- When to reconnect ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 50, 1000, 12_000])
def test_each_client_reconnects_at_a_different_time(count: int) -> None:
    times = spread(count)
    assert len(set(times)) == len(times) == count
    assert all(0 <= milliseconds <= max(SPREAD_MILLISECONDS, count) for milliseconds in times)
    if count >= 100:
        assert max(times) - min(times) > 0.9 * SPREAD_MILLISECONDS
        assert times != sorted(times)


# --- Changed files --------------------------------------------------------------------------------------------


def test_changed_new_and_removed_files_are_detected_once(tmp_path: Path) -> None:
    for name in ("changed.py", "removed.html", "same.py", "other.css"):
        (tmp_path / name).touch()
    (tmp_path / "node_modules").mkdir()
    watch = Watch([tmp_path])
    assert watch.changed() == []
    for name in ("changed.py", "other.css"):
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "removed.html").unlink()
    (tmp_path / "new.py").touch()
    (tmp_path / "node_modules" / "new.py").touch()
    assert watch.changed() == [tmp_path / name for name in ("changed.py", "new.py", "removed.html")]
    assert watch.changed() == []


def test_only_our_own_apps_are_watched() -> None:
    assert set(own_folders()) == {django_settings.BASE_DIR / name for name in ("libraries", "portal", "realtime")}


# --- Processes that fail -------------------------------------------------------------------------------------- The
# replacement of `spawned.begin` runs in its own process.


def end(*place_and_lifeline: Any) -> None:
    os._exit(3)


def serve_and_end(*place_and_lifeline: Any) -> None:
    Wire(place_and_lifeline[-1]).send(Kind.ALIVE)
    os._exit(3)


def serve_and_hang(*place_and_lifeline: Any) -> None:
    Wire(place_and_lifeline[-1]).send(Kind.ALIVE)
    time.sleep(60)


def stay(*place_and_lifeline: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Wire(place_and_lifeline[-1]).send(Kind.ALIVE)
    time.sleep(60)


def stop_at(monkeypatch: pytest.MonkeyPatch, start: int) -> list[float]:
    """The times at which processes were started, until the start with the given number, which ends the supervisor."""
    times: list[float] = []
    start_one = Worker.start

    def start_and_count(one: Worker) -> None:
        start_one(one)
        times.append(time.monotonic())
        if len(times) == start:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Worker, "start", start_and_count)
    return times


def test_a_process_that_cannot_start_is_not_restarted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "begin", end)
    assert Supervisor(HERE, 2).run() == 1
    assert re.search("'status': 3, 'event': 'worker_did_not_start'", caplog.text)


def test_a_process_that_ends_again_and_again_is_restarted_after_growing_delays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "begin", serve_and_end)
    times = stop_at(monkeypatch, 3)
    assert Supervisor(HERE, 1).run() == 0
    assert times[2] - times[1] > 1
    pauses = re.findall(r"replacedIn\W+([0-9.]+)", caplog.text)
    assert pauses == ["0.0", "1.0"]


def test_a_process_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(worker, "begin", serve_and_hang)
    monkeypatch.setattr(worker, "HUNG_SECONDS", 0)
    stop_at(monkeypatch, 2)
    assert Supervisor(HERE, 1).run() == 0
    assert "worker_hung" in caplog.text


def test_a_process_that_does_not_end_is_killed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "begin", stay)
    monkeypatch.setattr(supervisor, "KILL_SECONDS", 0)
    look = Worker.look

    def look_and_end(one: Worker, longest: float) -> None:
        look(one, longest)
        if one.has_served:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Worker, "look", look_and_end)
    assert Supervisor(HERE, 1).run() == 1
    assert "workers_ended_badly" in caplog.text
