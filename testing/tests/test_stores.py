"""The stores come back after a crash, and do not answer while they are frozen."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from testing.processes import Process, ProcessFailed
from testing.stores import postgres, valkey


@pytest.mark.valkey
def test_valkey_comes_back_on_the_same_port() -> None:
    with valkey() as server, Redis.from_url(server.url, socket_timeout=1) as client:
        client.set("key", "value")
        server.process.kill()
        assert server.process.status == -9
        server.start()
        assert client.get("key") is None


@pytest.mark.valkey
def test_a_frozen_valkey_answers_once_it_is_resumed() -> None:
    with valkey() as server, Redis.from_url(server.url, socket_timeout=0.3, retry=None) as client:
        server.process.suspend()
        with pytest.raises(RedisTimeoutError):
            client.ping()
        server.process.resume()
        assert client.ping()


@pytest.mark.postgres
def test_postgres_keeps_committed_data_after_a_crash() -> None:
    with postgres() as server:
        url = server.create_database("portal")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (number integer)")
            connection.execute("INSERT INTO kept VALUES (7)")
        server.process.kill()
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_a_process_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    process = Process("Shell", ["/bin/sh", "-c", "echo no such luck; exit 3"], tmp_path / "log")
    with pytest.raises(ProcessFailed, match=r"(?s)status 3.*no such luck"):
        process.start(lambda: False)


def test_a_process_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    process = Process("Sleeper", ["/bin/sh", "-c", "sleep 60 & wait"], tmp_path / "log")
    with pytest.raises(ProcessFailed, match="not ready within"):
        process.start(lambda: False, seconds=0.2)
    assert process.status == -9
