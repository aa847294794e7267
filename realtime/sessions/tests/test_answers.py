"""An error is never longer than twice the message that it answers and a few hundred bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from libraries.rules.changes import CHECKS, check_change, check_changes
from libraries.rules.errors import PortalError
from libraries.rules.keys import MAX_KEY_CHARS
from libraries.rules.roles import PortalRole
from libraries.rules.state import check_patch
from realtime.protocol.contents import InvalidMessage
from realtime.protocol.encodings import encode
from realtime.protocol.events import Error
from realtime.protocol.policy import may_send, refusal
from realtime.protocol.requests import CLIENT_MESSAGES, Batch, decode

FIXED_BYTES = 512


def answer(text: str, role: PortalRole) -> str:
    """The error that answers a message of that role; empty if the message is valid."""
    try:
        message: Any = decode(text)
    except InvalidMessage as error:
        return encode(Error(message=error.message, code=error.code, ref=error.ref))
    kind = str(message.__struct_config__.tag)
    if not may_send(role, kind):
        return encode(Error(message=refusal(role, kind), code="forbidden", ref=message.ref))
    try:
        if isinstance(message, Batch):
            check_changes(message.changes)
        elif kind in CHECKS:
            check_change(kind, json.loads(text))
        elif hasattr(message, "payload"):
            check_patch(message.payload)
    except PortalError as error:
        details = error.details or UNSET
        return encode(Error(message=error.message, code=error.code, ref=message.ref, details=details))
    return ""


def is_bounded(text: str) -> bool:
    length = len(text.encode(errors="surrogatepass"))
    return all(len(answer(text, role).encode()) <= 2 * length + FIXED_BYTES for role in PortalRole)


letters = st.sampled_from(['"', "\\", "\x01", "\n", "k", "é", "ﷺ", "\U0001f409"])
long_texts = st.builds(lambda letter, size, end: letter * size + end, letters, st.integers(0, 300), st.text(max_size=3))
ADDRESSES = ["//", "javascript:x", "data:x", "blob:x", "C:/", "data:image/png;base64," + "A" * 50_000, "\u200b//\u200b"]
bad_values = st.sampled_from([2**60, *ADDRESSES, "\0", "x" * 40, [], {"__proto__": 1}, [{"k" * 200: 1}], -1])
payloads = st.dictionaries(
    long_texts | st.sampled_from(["src", "image", "items", "name", "blackout", "constructor", "__proto__", "visible"]),
    bad_values | st.builds(lambda some: [{"id": one} for one in some], st.lists(long_texts, max_size=5)),
    max_size=30,
)
kinds = st.sampled_from([*CLIENT_MESSAGES]) | long_texts
item_ids = long_texts | st.integers()
bodies = {"payload": payloads | long_texts, "itemId": item_ids, "index": st.integers() | long_texts}
changes = st.fixed_dictionaries({}, optional={"type": kinds, **bodies}) | long_texts
messages = st.fixed_dictionaries(
    {"type": kinds, **bodies},
    optional={"ref": item_ids, "to": long_texts, "token": long_texts, "changes": st.lists(changes, max_size=30)},
)


@given(messages)
def test_no_message_gets_a_long_answer(message: dict[str, Any]) -> None:
    assert is_bounded(json.dumps(message, ensure_ascii=False, separators=(",", ":")))


odd_letters = st.sampled_from(['"', "\\", "\x01", "\u200b", "\U000e0061", " ", "k", "é", "ﷺ"])
odd_keys = st.builds(lambda letter, size: letter * size, odd_letters, st.integers(0, 40))


@given(
    st.lists(odd_keys | st.just(0), max_size=14),
    st.sampled_from(["x", "image", "show", "visible"]),
    st.sampled_from([2**60, *ADDRESSES, "\0" * 9, '"' * 40, "\x01" * 40, "\u200b" * 40, None, [], {"hp": 1}, {"": 1}]),
    st.sampled_from(["portal-view-update", "item-update"]),
)
def test_no_odd_place_gets_a_long_answer(keys: list[Any], last: str, value: object, kind: str) -> None:
    inner: Any = {last: value}
    for key in keys:
        inner = {key: inner} if isinstance(key, str) else [inner]
    for payload in ({"": inner}, inner if isinstance(inner, dict) else {}, {"items": [{"id": "a", "": inner}]}):
        said = {"type": kind, "itemId": "a", "payload": payload}
        assert is_bounded(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize("key", ["items", "name", "blackout", "healthDisplay", "currentItem", "showHealth", "url", "x"])
@pytest.mark.parametrize(
    "value", [2**60, *ADDRESSES, "\0", None, [], {}, [None], [{"id": None}], [{"id": "a", "show": 1}]]
)
def test_one_bad_value_gets_a_short_answer(key: str, value: object) -> None:
    for kind in ("portal-view-update", "item-update"):
        said = {"type": kind, "itemId": "a", "payload": {key: value}}
        assert is_bounded(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


@given(st.text())
def test_no_text_gets_a_long_answer(text: str) -> None:
    assert is_bounded(text)


@pytest.mark.parametrize("kind", ["portal-view-update", "item-update", "sync-response"])
@pytest.mark.parametrize("key", ["{}", "{}src", "é" * (MAX_KEY_CHARS - 8) + "{}", "k" * MAX_KEY_CHARS + "{}"])
@pytest.mark.parametrize("value", [2**60, "//", "javascript:x", {"__proto__": 1}])
def test_many_bad_keys_get_a_short_answer(kind: str, key: str, value: object) -> None:
    for count in (1, 2, 5, 1000):
        payload = {key.format(index): value for index in range(count)}
        said = {"type": kind, "itemId": "a", "payload": payload}
        assert is_bounded(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize(
    "change", [{}, 0, "", {"type": "item-move"}, {"type": "portal-view-update", "payload": {"": 1}}]
)
def test_many_bad_changes_get_a_short_answer(change: object) -> None:
    for count in (1, 2, 5, 1000):
        assert is_bounded(json.dumps({"type": "batch", "changes": [change] * count}, separators=(",", ":")))
