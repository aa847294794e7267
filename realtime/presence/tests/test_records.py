"""The keys and entries of presence: what others have written is not taken for the site's own."""

from __future__ import annotations

import time
from uuid import UUID

import msgspec
import pytest

from libraries.rules.roles import PortalRole
from realtime.presence.records import KEPT_SECONDS, Records
from realtime.rooms.presence import Person

VIEW, OTHER_VIEW = UUID(int=1), UUID(int=2)
ANN = Person(UUID(int=7), "guest", None, PortalRole.VIEWER, 5, 5, UUID(int=9))


def fields(of: Records, process: str = "one", view: UUID = VIEW) -> dict[bytes, bytes]:
    *_, field, value = of.write(process, view, {ANN.id: ANN}, (), whole=False)
    return {str(field).encode(): bytes(value), b"version": b"12"}  # type: ignore[arg-type]  # bytes at that place


def test_what_was_written_is_read() -> None:
    records = Records(["secret"])
    assert records.read(VIEW, fields(records)) == (12, {"one": {ANN.id: ANN}})
    assert records.read(VIEW, {}) == (0, {})


def test_the_arguments_of_the_script() -> None:
    records = Records(["secret"])
    assert records.write("one", VIEW, {}, [ANN.id], whole=False) == [KEPT_SECONDS, "", 0, f"one {ANN.id}"]
    assert records.write("one", VIEW, {}, (), whole=True) == [KEPT_SECONDS, "one ", 0]


def test_an_older_secret_still_reads() -> None:
    assert Records(["new", "old"]).read(VIEW, fields(Records(["old"])))[1] == {"one": {ANN.id: ANN}}
    assert Records(["new"]).key(VIEW) == Records(["new", "old"]).key(VIEW) != Records(["old"]).key(VIEW)


def test_nothing_else_is_read(logged: list[dict[str, object]]) -> None:
    records, good = Records(["secret"]), fields(Records(["secret"]))
    (field, value), version = next(iter(good.items())), (b"version", b"12")
    forged = Records(["another"])
    for strange in (
        fields(forged),
        fields(records, view=OTHER_VIEW),
        dict([(b"two" + field[3:], value), version]),
        dict([(field, value[:-1] + b"x"), version]),
        dict([(field, b""), version]),
    ):
        assert records.read(VIEW, strange) == (12, {})
    assert records.read(VIEW, {b"version": b"many"}) == (0, {})
    assert [entry["event"] for entry in logged] == ["presence_not_authentic"] * 6


def test_an_entry_of_another_release_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(["secret"])
    field, _ = next(iter(fields(records).items()))
    body = msgspec.msgpack.encode(["not an entry"])
    tagged = records._tag(records._keys[0], "one", VIEW, body) + body
    assert records.read(VIEW, {field: tagged}) == (0, {})


def test_a_sign_of_life_is_good_for_its_process_and_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(["secret"])
    sign = records.sign_of_life("one")
    assert records.is_alive("one", sign)
    assert not records.is_alive("two", sign)
    assert not records.is_alive("one", None)
    assert not records.is_alive("one", Records(["another"]).sign_of_life("one"))
    now = time.time()
    monkeypatch.setattr("realtime.news.seal.time.time", lambda: now + 61)
    assert not records.is_alive("one", sign)
