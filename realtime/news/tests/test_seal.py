"""Seals: which messages are opened, which are refused, and that each is processed once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.news import seal
from realtime.news.seal import MAX_AGE_SECONDS, WINDOW, Heard, NotAuthentic, Opened, Sealer

GROUP = "portal-view.0195d5a0-0000-7000-8000-000000000001"


class Clock:
    """Both clocks, which move on demand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.now

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(seal, "time", clock)
    return clock


def reason(act: Callable[[], object]) -> str:
    """The reason why something is not authentic."""
    with pytest.raises(NotAuthentic) as caught:
        act()
    return caught.value.reason


def opened(number: int, publisher: bytes = b"somebody") -> Opened:
    return Opened(publisher, number, b"")


@given(st.binary(max_size=2000))
def test_a_sealed_message_can_be_opened(body: bytes) -> None:
    assert Sealer(["secret"]).open(Sealer(["secret"]).seal(body)).body == body


def test_names_cannot_be_guessed_and_fit_channel_layers() -> None:
    [name] = Sealer(["secret"]).names(GROUP)
    assert Sealer(["secret"]).names(GROUP) == [name]
    assert Sealer(["another site's"]).names(GROUP) != [name]
    assert Sealer(["secret"]).names(GROUP + "0") != [name]
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")


def test_during_a_change_of_the_secret_both_are_read_and_the_new_one_is_written() -> None:
    old, both, new = Sealer(["old"]), Sealer(["new", "old"]), Sealer(["new"])
    assert both.names(GROUP) == [*new.names(GROUP), *old.names(GROUP)]
    assert both.open(old.seal(b"news")).body == b"news"
    assert new.open(both.seal(b"news")).body == b"news"
    assert reason(lambda: old.open(both.seal(b"news"))) == "tag"


def test_a_message_with_a_changed_bit_is_refused() -> None:
    sealer = Sealer(["secret"])
    sealed = sealer.seal(b"news")
    for at in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[at] ^= bit
            assert reason(lambda text=bytes(changed): sealer.open(text)) == "tag"  # type: ignore[misc]


@pytest.mark.parametrize(
    "bad", [b"", b"x", b"x" * 31, b"x" * 32, b"x" * 55, b"x" * 56, b"\x81\xa4type\xa1x", b"x" * 9999]
)
def test_bytes_without_a_seal_are_refused(bad: bytes) -> None:
    assert reason(lambda: Sealer(["secret"]).open(bad)) == "tag"


def test_a_truncated_message_is_refused() -> None:
    sealer = Sealer(["secret"])
    sealed = sealer.seal(b"news")
    for length in range(len(sealed)):
        assert reason(lambda text=sealed[:length]: sealer.open(text)) == "tag"  # type: ignore[misc]
    assert reason(lambda: sealer.open(sealed + b"x")) == "tag"


@pytest.mark.parametrize("sign", [1, -1])
def test_old_and_future_messages_are_refused(clock: Clock, sign: int) -> None:
    sealer = Sealer(["secret"])
    sealed = sealer.seal(b"news")
    clock.now += sign * (MAX_AGE_SECONDS - 1)
    assert sealer.open(sealed).body == b"news"
    clock.now += sign * 2
    assert reason(lambda: sealer.open(sealed)) == "age"


def test_a_publisher_counts_and_its_fork_is_another_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    sealer = Sealer(["secret"])
    first, second = (sealer.open(sealer.seal(b"")) for _ in range(2))
    assert (second.publisher, second.number) == (first.publisher, first.number + 1)
    monkeypatch.setattr("os.getpid", lambda: -1)
    fork = sealer.open(sealer.seal(b""))
    assert fork.publisher != first.publisher
    assert fork.number == 1


@given(st.permutations(range(1, 60)))
def test_each_message_is_accepted_once_in_any_order(numbers: list[int]) -> None:
    heard = Heard()
    for number in numbers:
        heard.note(opened(number))
    for number in numbers:
        assert reason(lambda at=number: heard.note(opened(at))) == "replay"  # type: ignore[misc]


@pytest.mark.parametrize("ahead", [1, WINDOW - 1, WINDOW, WINDOW + 1, 2**63])
def test_a_message_far_behind_the_newest_is_a_replay(ahead: int) -> None:
    heard = Heard()
    heard.note(opened(5))
    heard.note(opened(5 + ahead))
    assert reason(lambda: heard.note(opened(5))) == "replay"
    assert reason(lambda: heard.note(opened(5 + ahead))) == "replay"
    heard.note(opened(6 + ahead))
    if ahead > 1:
        heard.note(opened(4 + ahead))
        assert reason(lambda: heard.note(opened(4 + ahead))) == "replay"
    if ahead >= WINDOW:
        assert reason(lambda: heard.note(opened(6 + ahead - WINDOW))) == "replay"


def test_each_publisher_has_its_own_count() -> None:
    heard = Heard()
    heard.note(opened(7, b"one"))
    heard.note(opened(7, b"other"))
    assert reason(lambda: heard.note(opened(7, b"one"))) == "replay"


def test_ended_publishers_are_forgotten(clock: Clock) -> None:
    heard = Heard()
    heard.note(opened(1, b"gone"))
    heard.note(opened(1, b"here"))
    clock.now += 1.5 * MAX_AGE_SECONDS
    heard.note(opened(2, b"here"))
    clock.now += MAX_AGE_SECONDS
    heard.note(opened(1, b"new"))
    assert set(heard._publishers) == {b"here", b"new"}
