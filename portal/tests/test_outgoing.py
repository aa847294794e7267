"""Bodies and answers in memory: their total limits, and which client must make room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from portal.bodies import Body, BodyCut, Budget, NoRoom, TooLong, announced_length, longest_body
from portal.outgoing import Answer, Outgoing


def receiving(*events: Any) -> Any:
    """ASGI's `receive` for these events."""
    left = iter(events)

    async def receive() -> Any:
        return next(left)

    return receive


def part(data: bytes, more: bool = True) -> dict[str, Any]:
    """A part of a body."""
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_body_is_read_and_released() -> None:
    budget = Budget(100)
    body = Body(budget, "a")
    await body.read(receiving(part(b"ab"), part(b""), part(b"c", False)), 0, 3)
    assert (body.data, budget.held) == (b"abc", 3)
    body.close()
    body.close()
    assert budget.held == 0


async def test_a_body_with_a_too_large_announced_length_is_not_read() -> None:
    with pytest.raises(TooLong):
        await Body(Budget(0), "a").read(receiving(), 11, 10)


async def test_a_body_that_becomes_too_long() -> None:
    budget = Budget(100)
    body = Body(budget, "a")
    with pytest.raises(TooLong):
        await body.read(receiving(part(b"x" * 6), part(b"x" * 5)), 0, 10)
    body.close()
    assert budget.held == 0


async def test_a_client_that_leaves() -> None:
    with pytest.raises(BodyCut):
        await Body(Budget(0), "a").read(receiving(part(b"x"), {"type": "http.disconnect"}), 0, 10)


def test_bodies_of_one_network_leave_half_to_others(caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget(10)
    budget.take("a", 5)
    for _ in range(20):
        with pytest.raises(NoRoom):
            budget.take("a", 1)
    budget.take("b", 4)
    budget.take("c", 1)
    with pytest.raises(NoRoom):
        budget.take("d", 1)
    assert caplog.text.count("bodies_refused") == 1
    for network, size in (("a", 5), ("b", 4), ("c", 1)):
        budget.give_back(network, size)
    assert (budget.held, budget._held) == (0, {})


def test_no_limit() -> None:
    Budget(0).take("a", 10**12)


@pytest.mark.parametrize(("value", "length"), [(b"12", 12), (b"", 0), (b"-1", 0), (b"9" * 30, 0), (b"1e3", 0)])
def test_the_announced_length(value: bytes, length: int) -> None:
    assert announced_length({b"content-length": value}) == length


@pytest.mark.parametrize(
    ("headers", "logged_in", "is_long"),
    [
        ({}, True, False),
        ({b"authorization": b"Bearer x"}, True, True),
        ({b"authorization": b"Bearer x"}, False, False),
        ({b"cookie": b"csrftoken=1; sessionid=2"}, True, True),
        ({b"cookie": b"csrftoken=1"}, True, False),
    ],
)
def test_which_requests_may_have_a_longer_body(
    settings: Any, headers: dict[bytes, bytes], logged_in: bool, is_long: bool
) -> None:
    long, short = settings.PORTAL_MAX_BODY_BYTES, settings.PORTAL_MAX_ANONYMOUS_BODY_BYTES
    assert short < long
    assert longest_body(headers, logged_in) == (long if is_long else short)


# --- Answers ------------------------------------------------------------------------------------------------------


async def answer(size: int, cut: Any = None) -> Answer:
    """An answer of this many bytes."""
    made = Answer(cut)
    await made.keep({"type": "http.response.start", "status": 200, "headers": []})
    await made.keep({"type": "http.response.body", "body": b"x" * size, "more_body": False})
    return made


async def test_an_answer_ends_once_all_of_it_is_sent() -> None:
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    outgoing = Outgoing(100)
    await outgoing.send(await answer(10), send)
    assert [event.get("more_body") for event in sent] == [None, True, False]
    assert b"".join(event.get("body", b"") for event in sent) == b"x" * 10
    assert (outgoing.held, outgoing._answers) == (0, {})


async def test_the_slowest_client_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    cut: list[str] = []
    read = {name: asyncio.Event() for name in "abc"}

    def sending(name: str) -> Any:
        async def send(event: Any) -> None:
            if event.get("body"):
                await read[name].wait()

        return send

    def cutting(name: str) -> Any:
        def abort() -> None:
            cut.append(name)
            read[name].set()  # as the server does for a lost connection

        return abort

    outgoing = Outgoing(100)
    tasks = []
    for name in "abc":
        tasks.append(asyncio.create_task(outgoing.send(await answer(40, cutting(name)), sending(name))))
        await asyncio.sleep(0)
    assert cut == ["a"]
    assert outgoing.held == 80
    assert "slow_readers_cut" in caplog.text
    read["b"].set()
    read["c"].set()
    await asyncio.gather(*tasks)
    assert (outgoing.held, outgoing._answers) == (0, {})


async def test_without_a_way_to_cut_nobody_is_cut() -> None:
    outgoing = Outgoing(10)

    async def send(event: Any) -> None:
        return

    await outgoing.send(await answer(50), send)
    assert outgoing.held == 0
