"""A message over the limit: what counts, and which of its keys is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET

from realtime.protocol.oversize import ref_of, size_over, too_big

MOST = 100


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("x" * 100, 0),
        ("x" * 101, 101),
        ("é" * 50, 0),
        ("é" * 50 + "x", 101),
        ("🐉" * 25, 0),
        ("🐉" * 26, 104),
        ("\ud800" * 34, 102),
    ],
)
def test_the_size_is_that_of_utf8(text: str, size: int) -> None:
    assert size_over(text, MOST) == size
    assert size_over(text, 0) == 0


@pytest.mark.parametrize("ref", ["a7", "é" * 64, 0, 2**53 - 1, -(2**53) + 1])
@pytest.mark.parametrize("form", ['{{"ref": {}, "type": 1, "payload": {}}}', '{{"payload": {1}, "ref": {0}}}'])
def test_the_ref_is_found_before_and_behind_the_payload(form: str, ref: Any) -> None:
    payload = json.dumps({"ref": "inner", "items": [[{"ref": "deeper"}], '\\"}, "ref": 1']})
    assert ref_of(form.format(json.dumps(ref), payload)) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "{",
        '{"type": "ping"}',
        '{"ref": 1.5}',
        '{"ref": true}',
        '{"ref": ["x"]}',
        '{"ref": 9007199254740992}',
        f'{{"ref": "{"x" * 65}"}}',
        '{"ref": "a"',
        '{"ref": "a", "payload": tru}',
        '{"ref": "a", "payload": ' + "[" * 100_000,
        '{"ref": ' + "9" * 100_000 + "}",
        '{"ref": "\ud800"}',
    ],
    ids=range(15),
)
def test_a_ref_that_cannot_be_read_is_none(text: str) -> None:
    assert ref_of(text) is UNSET


def test_the_last_ref_counts() -> None:
    assert ref_of('{"ref": 1, "ref": 2}') == 2


def test_the_answer_says_what_is_possible() -> None:
    error = too_big('{"ref": 5}', 101, MOST, "/api/portal-views/1")
    assert (error.code, error.ref) == ("message-too-big", 5)
    assert "101 bytes, and 100 are possible" in error.message
    assert error.message.endswith("PATCH /api/portal-views/1.")
