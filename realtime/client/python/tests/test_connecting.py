"""How a client connects, comes back, and when it does not."""

from __future__ import annotations

import asyncio
import logging
import time
from random import Random
from typing import Any

import pytest

from realtime.client.python.portal_client import PortalClient, PortalError, client, line
from realtime.client.python.portal_client.backoff import Backoff, Ending
from realtime.client.python.portal_client.tables import RECONNECT
from realtime.client.python.tests.fake import ADA, STATE, Fake, fake_server, heard, joined, made, until


async def test_it_says_who_it_is_and_learns_what_there_is(fake: Fake) -> None:
    async with joined(fake, guest_name="Bo", as_viewer=True) as (portal, peer):
        assert (peer.path, peer.query) == ("/ws/portal-view/view", {"name": "Bo", "as": "viewer"})
        assert peer.offered == ["portal.v1.json", "bearer.t"]
        assert (portal.role, portal.subject, portal.version, portal.epoch) == ("controller", ADA, 5, "one")
        assert portal.confirmed == portal.state == STATE
        assert (portal.status.kind, portal.connection_id, portal.guest) == ("open", "c1", None)
        assert portal.status.last_message_at == pytest.approx(time.time(), abs=5)
    assert (portal.status.kind, portal.connection_id) == ("closed", "")
    await until(lambda: peer.socket.close_code == 1000)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://portal.example.org", "wss://portal.example.org/ws/portal-view/view"),
        ("http://127.0.0.1:8000/portal/", "ws://127.0.0.1:8000/portal/ws/portal-view/view"),
        ("wss://portal.example.org", "wss://portal.example.org/ws/portal-view/view"),
    ],
)
def test_the_address(url: str, address: str) -> None:
    assert client._address(url, "view") == address


@pytest.mark.parametrize("url", ["portal.example.org", "ftp://portal.example.org", "https://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        PortalClient(url, "view", get_credential=lambda: {"token": "t"})


async def test_it_comes_back_with_what_it_knows(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        statuses = heard(portal, "status")
        await peer.send(type="portal-view-updated", payload={"blackout": True}, version=6)
        await portal.until(lambda portal: portal.version == 6)
        peer.cut()
        again = await fake.arrival()
        assert again.query == {"version": "6", "epoch": "one"}
        await again.greet(recovered=True, version=6, state=STATE)
        await portal.until(lambda portal: portal.connection_id == "c2")
        assert [status.kind for status in statuses] == ["waiting", "connecting", "open"]
        assert statuses[0].next_attempt_at == pytest.approx(time.time(), abs=5)
        assert statuses[0].ending == Ending(1006, "", "The server closed the connection: 1006.")


async def test_it_asks_for_the_whole_state_if_its_own_may_be_amid_a_version(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        first, second = portal.update(name="A"), portal.update(blackout=True)
        await peer.ack(await peer.receive(), 6)
        await first
        peer.cut()
        again = await fake.arrival()
        assert again.query == {}
        second.cancel()


async def test_it_is_closed_for_good_by_a_final_close(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        sent = portal.update_item("ogre", hp=1)
        await peer.receive()
        await peer.refuse("access-withdrawn", 1008)
        with pytest.raises(PortalError) as caught:
            await sent
        assert caught.value.code == "unknown-outcome"
        await until(lambda: portal.status.kind == "closed")
        assert portal.state == STATE
        with pytest.raises(PortalError, match="access-withdrawn"):
            await portal.update_item("ogre", hp=2)
        with pytest.raises(PortalError, match="access-withdrawn"):
            await portal.until(lambda portal: False)
    assert fake.count == 1


async def test_connecting_fails_if_the_server_refuses_for_good(fake: Fake) -> None:
    beginning = asyncio.create_task(made(fake).connect())
    await (await fake.arrival()).refuse("no-access", 1008)
    with pytest.raises(PortalError) as caught:
        await beginning
    assert (caught.value.code, caught.value.message) == ("no-access", "Because of no-access.")


async def test_it_waits_as_long_as_the_server_says(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        began = time.monotonic()
        await peer.send(type="going-away", retryAfter=400)
        await peer.socket.close(1012, "going-away")
        await fake.next()
        assert 0.35 < time.monotonic() - began < 3
        await portal.until(lambda portal: portal.status.kind == "open")


async def test_hurry_makes_the_attempt_at_once(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        await peer.refuse("too-many-connections", 1013, retryAfter=60_000)
        await until(lambda: portal.status.kind == "waiting")
        portal.hurry()
        await fake.next()
        await portal.until(lambda portal: portal.status.kind == "open")


async def test_it_waits_for_a_server_that_is_not_there_yet() -> None:
    async with fake_server() as gone:
        port = int(gone.url.rpartition(":")[2])
    portal = made(gone)
    beginning = asyncio.create_task(portal.connect())
    await until(lambda: portal.status.kind == "waiting")
    async with fake_server(port) as fake:
        portal.hurry()
        await fake.next()
        await beginning
        await portal.close()


async def test_it_gives_up_after_the_time_for_connecting() -> None:
    async with fake_server() as gone:
        pass
    portal = made(gone, open_timeout=0.2)
    with pytest.raises(TimeoutError, match=r"Not connected within 0\.2 s\. .+"):
        await portal.connect()
    assert portal.status.kind == "closed"


# --- Waiting times -------------------------------------------------------------------------------------------


def seeded(seed: int) -> Backoff:
    return Backoff(Random(seed))  # noqa: S311  # chance, not secrets


def test_attempts_are_spread_over_the_time_of_the_server_and_then_over_as_long_as_the_loss_lasts() -> None:
    moments = [100.0, 101.0, 104.0, 109.0, 118.0, 125.0, 300.0]
    waits = []
    for seed in range(400):
        backoff = seeded(seed)
        backoff.within = 3.0
        waits.append([backoff.after(Ending(), now) for now in moments])
    for attempt, most in enumerate([3, 5.4, 5.4, 9, 18, 20, 20]):
        found = [wait[attempt] for wait in waits]
        assert 0 <= min(found) < most / 10, attempt
        assert most * 0.9 < max(found) <= most, attempt


def test_a_steady_connection_ends_the_loss_and_a_short_one_does_not() -> None:
    longest = {True: 0.0, False: 0.0}
    for seed in range(200):
        for is_steady in longest:
            backoff = seeded(seed)
            backoff.after(Ending(), 100.0)
            backoff.succeeded(115.0)
            found = backoff.after(Ending(), 121.0 if is_steady else 116.0)
            longest[is_steady] = max(longest[is_steady], found)
    assert longest[True] <= 1.0
    assert 14.0 < longest[False] <= 16.0


def test_the_server_s_time_is_kept_and_spread_unless_it_is_spread_already() -> None:
    backoff = seeded(1)
    assert backoff.after(Ending(1012, "going-away", retry_after=7.5), 100.0) == 7.5
    assert 7.5 < backoff.after(Ending(1013, "portal-view-full", retry_after=7.5), 108.0) <= 15.5


@pytest.mark.parametrize("reason", sorted(RECONNECT))
def test_each_reason_is_obeyed(reason: str) -> None:
    ending = Ending(1008, reason)
    assert ending.is_final == (RECONNECT[reason] == "no")
    assert ending.needs_new_credential == (RECONNECT[reason] == "with a new credential")


@pytest.mark.parametrize(("code", "is_final"), [(1000, True), (1003, True), (1009, True), (1006, False), (1011, False)])
def test_without_a_reason_the_code_counts(code: int, is_final: bool) -> None:
    assert Ending(code).is_final == is_final


async def test_an_answer_of_http_has_the_time_in_its_header() -> None:
    async def too_many(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(too_many, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        portal = PortalClient(f"http://127.0.0.1:{port}", "view", get_credential=lambda: {"token": "t"})
        beginning = asyncio.create_task(portal.connect())
        await until(lambda: portal.status.kind == "waiting")
        assert portal.status.next_attempt_at is not None
        assert 25 < portal.status.next_attempt_at - time.time() < 35
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)


# --- A line that is dead --------------------------------------------------------------------------------------


async def test_a_silent_line_is_given_up(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PING_SECONDS", 0.1)
    monkeypatch.setattr(line, "PONG_SECONDS", 0.05)
    async with joined(fake) as (portal, peer):
        assert await peer.receive() == {"type": "ping"}
        await peer.send(type="pong", timestamp=1)
        assert await peer.receive() == {"type": "ping"}
        await fake.next()
        await portal.until(lambda portal: portal.connection_id == "c2")


async def test_a_late_timer_pings_again_before_it_judges(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "PING_SECONDS", 0.1)
    monkeypatch.setattr(line, "PONG_SECONDS", 0.05)
    monkeypatch.setattr(line, "LATE_SECONDS", 0.2)
    async with joined(fake) as (_, peer):
        await peer.receive("ping")
        time.sleep(0.5)  # noqa: ASYNC251  # the process sleeps, with its timers
        assert await peer.receive() == {"type": "ping"}
        await peer.send(type="pong", timestamp=1)
        assert await peer.receive() == {"type": "ping"}
        assert fake.count == 1


async def test_a_server_that_says_nothing_is_left(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "CONNECTED_SECONDS", 0.05)
    portal = made(fake)
    beginning = asyncio.create_task(portal.connect())
    await fake.arrival()
    await fake.next()
    await beginning
    await portal.close()


# --- Credentials ----------------------------------------------------------------------------------------------


async def test_a_refused_credential_is_not_used_again(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        await peer.refuse("token-expired", 1008)
        with pytest.raises(PortalError, match="token-expired"):
            await portal.until(lambda portal: False)
    assert fake.count == 1


async def test_a_new_credential_is_asked_for(fake: Fake) -> None:
    tokens = iter(["old", "new"])

    async def get_credential() -> Any:
        return {"token": next(tokens)}

    async with joined(fake, get_credential=get_credential) as (portal, peer):
        assert peer.offered[1] == "bearer.old"
        await peer.refuse("session-ended", 1008)
        again = await fake.next()
        assert again.offered[1] == "bearer.new"
        await portal.until(lambda portal: portal.status.kind == "open")


async def test_a_guest_comes_back_as_the_same_guest_or_by_the_link(fake: Fake) -> None:
    async with joined(fake, {"guest": "g1", "role": "viewer"}, get_credential=lambda: {"share": "s"}) as (portal, peer):
        assert (peer.offered[1], portal.guest) == ("share.s", "g1")
        peer.cut()
        again = await fake.next(guest="g2", role="viewer")
        assert again.offered[1] == "guest.g1"
        await portal.until(lambda portal: portal.guest == "g2")
        again.cut()
        third = await fake.arrival()
        assert third.offered[1] == "guest.g2"
        await third.refuse("token-invalid", 1008)
        assert (await fake.next(guest="g3")).offered[1] == "share.s"
        await portal.until(lambda portal: portal.guest == "g3")


async def test_a_guest_who_was_here_before(fake: Fake) -> None:
    async with joined(fake, get_credential=lambda: {"share": "s", "guest": "kept"}) as (_, peer):
        assert peer.offered[1] == "guest.kept"


async def test_a_ticket(fake: Fake) -> None:
    async with joined(fake, get_credential=lambda: {"ticket": "once"}) as (_, peer):
        assert peer.offered[1] == "ticket.once"


async def test_an_error_before_the_first_connection_is_raised(fake: Fake) -> None:
    with pytest.raises(ValueError, match="a token, a ticket, or a share"):
        await made(fake, get_credential=lambda: {}).connect()
    with pytest.raises(ZeroDivisionError):
        await made(fake, get_credential=lambda: 1 / 0).connect()


async def test_a_later_error_is_logged_and_asked_again(fake: Fake, caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [{"token": "t"}, OSError("no network"), {"token": "u"}]

    def get_credential() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async with joined(fake, get_credential=get_credential) as (portal, peer):
        with caplog.at_level(logging.ERROR, "portal_client"):
            peer.cut()
            await fake.next()
        assert "no network" in caplog.text
        await portal.until(lambda portal: portal.status.kind == "open")


async def test_an_expiring_token_is_renewed_on_the_open_line(fake: Fake) -> None:
    tokens = iter(["old", "new", "new"])
    async with joined(fake, get_credential=lambda: {"token": next(tokens)}) as (portal, peer):
        await peer.send(type="token-expiring", expiresIn=60)
        auth = await peer.receive("auth")
        assert auth["token"] == "new"
        await peer.ack(auth, 5)
        await peer.send(type="token-expiring", expiresIn=60)
        assert await peer.is_quiet()  # it is the token that the server has
        assert portal.status.kind == "open"


async def test_a_guest_does_not_renew(fake: Fake) -> None:
    async with joined(fake, get_credential=lambda: {"share": "s"}) as (_, peer):
        await peer.send(type="token-expiring", expiresIn=60)
        assert await peer.is_quiet()


async def test_a_refused_renewal_is_logged_and_made_again(
    fake: Fake, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RENEW_SECONDS", 0.05)
    tokens = iter(["old", "bad", "new"])
    async with joined(fake, get_credential=lambda: {"token": next(tokens)}) as (portal, peer):
        await peer.send(type="token-expiring", expiresIn=60)
        auth = await peer.receive("auth")
        await peer.send(type="error", ref=auth["ref"], code="token-invalid", message="It is no token.")
        again = await peer.receive("auth")
        assert "It is no token." in caplog.text
        assert again["token"] == "new"
        await peer.ack(again, 5)
        assert portal.status.kind == "open"


async def test_a_close_without_a_reason_has_that_of_its_code(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        statuses = heard(portal, "status")
        await peer.socket.close(1011)
        await until(lambda: statuses)
        assert (statuses[0].ending.code, statuses[0].ending.reason) == (1011, "internal-error")
