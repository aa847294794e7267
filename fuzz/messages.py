"""Messages for the protocol fuzzer: valid ones of every type, almost valid ones, and hostile ones. As frames.

The types and their keys are read from `realtime.protocol.requests`: a new message is tried without a change here.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC
from typing import Any

import msgpack
import msgspec
from hypothesis import strategies as st

from fuzz import fragments
from libraries.rules.items import SHOW_KEYS
from libraries.rules.state import FIELDS, READ_ONLY
from realtime.protocol.contents import MAX_REF_CHARS, MAX_REF_NUMBER
from realtime.protocol.requests import CLIENT_MESSAGES

LONG = 40_000
"""The maximum number of repetitions of a fragment in a long text."""
DEEP = 9_000
_WITH_PAYLOAD = sorted(kind for kind, message in CLIENT_MESSAGES.items() if "payload" in message.__struct_fields__)

_fragments = st.randoms(use_true_random=False).map(lambda rng: fragments.draw(rng))
_words = st.sampled_from(fragments.vocabulary())
_refs: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=MAX_REF_CHARS),
    st.integers(-MAX_REF_NUMBER, MAX_REF_NUMBER),
    st.sampled_from([None, True, 1.5, "x" * (MAX_REF_CHARS + 1), MAX_REF_NUMBER + 1, [], {}, "\x00", "\ud800"]),
)


@st.composite
def long_texts(draw: st.DrawFn) -> str:
    """One fragment, many times."""
    fragment = draw(_fragments)
    return fragment * (draw(st.integers(1, LONG)) // len(fragment))


texts = st.one_of(_fragments, _words, st.text(max_size=20), long_texts())
keys = st.one_of(_words, _fragments, st.text(max_size=20), long_texts())
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([2**53, -(2**53), 10**400, 1e308, -0.0]))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6), max_leaves=12
)
_many = st.tuples(keys, scalars, st.integers(1, 3_000)).map(lambda one: {one[0]: [one[1]] * one[2]})
_shown = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=20),
        "alias": st.text(max_size=20),
        "hidden": st.none() | st.booleans(),
        "isVisible": st.none() | st.booleans(),
        "show": st.dictionaries(st.sampled_from(SHOW_KEYS), st.booleans(), max_size=3),
        "hp": scalars | st.dictionaries(_words, scalars, max_size=3),
        "actions": st.lists(values, max_size=4),
        "public": values,
    },
)
_items = st.lists(_shown | st.dictionaries(_words, scalars, max_size=4), max_size=30).map(
    lambda items: [{**item, "id": str(place)} for place, item in enumerate(items)]
)
_cameras = st.fixed_dictionaries({"x": st.floats(0, 1), "y": st.sampled_from([0, 1, 2]), "zoom": st.integers(0, 3)})
_encounters = st.fixed_dictionaries(
    {
        "round": st.integers(-1, 3),
        "order": st.lists(st.sampled_from(["0", "1", 2]), max_size=3).map(lambda ids: [{"itemId": one} for one in ids]),
    },
    optional={"turn": st.sampled_from([None, "0", 1, "9"])},
)
_known = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(min_size=1, max_size=50),
        "items": _items,
        "currentItem": st.none() | st.integers(0, 3),
        "currentItemId": st.none() | st.sampled_from(["0", "1", 2, "9"]),
        "camera": st.none() | _cameras,
        "encounter": st.none() | _encounters,
        "blackout": st.booleans(),
        "showHealth": st.booleans(),
        "showConditions": st.booleans(),
        "healthDisplay": st.sampled_from(["numbers", "bar", "words"]),
    },
)
payloads: st.SearchStrategy[Any] = st.one_of(_known, _shown, _many, st.dictionaries(keys, values, max_size=6), values)


def _changes() -> st.SearchStrategy[Any]:
    """The changes of a batch; a batch can be one of them, which is refused."""
    inner = st.sampled_from(sorted(CLIENT_MESSAGES)).flatmap(_body)
    return st.lists(inner | values, max_size=5) | values


def _body(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A body of that type: each key usually has a valid value, or is omitted."""
    fitting: dict[str, st.SearchStrategy[Any]] = {
        "payload": payloads,
        "itemId": st.sampled_from(["a", "b", "0", 1, "nobody", ""]) | texts,
        "index": st.integers(-1, 3) | st.none() | scalars,
        "changes": st.deferred(_changes),
        "to": st.sampled_from(["HYTDsCZwjiG0", ""]) | texts,
        "state": st.sampled_from(["editing", "idle"]) | values,
        "target": st.sampled_from(["a", "b", 1, "nobody", ""]) | texts,
        "x": st.floats(0, 1) | numbers,
        "y": st.floats(0, 1) | numbers,
        "token": texts,
        "retry": st.booleans() | scalars,
        "connectionId": st.sampled_from(["HYTDsCZwjiG0"]) | texts,
        "ref": _refs,
    }
    names = [field.encode_name for field in msgspec.structs.fields(CLIENT_MESSAGES[kind])]
    return st.fixed_dictionaries({"type": st.just(kind)}, optional={name: fitting.get(name, values) for name in names})


bodies = st.sampled_from(sorted(CLIENT_MESSAGES)).flatmap(_body)
valid_bodies = bodies.map(lambda body: {**body, **({"payload": {"zoom": 1}} if "payload" in body else {})})
_encoded = st.tuples(
    st.one_of(bodies, valid_bodies, st.dictionaries(st.sampled_from(["type", "ref", "payload"]), values), values),
    st.booleans(),
).map(lambda made: json.dumps(made[0], ensure_ascii=made[1]))


@st.composite
def _spoilt(draw: st.DrawFn) -> str:
    """A message with text removed or inserted."""
    text = draw(_encoded)
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(texts) + text[place + draw(st.integers(0, 9)) :]


@st.composite
def _nested(draw: st.DrawFn) -> str:
    """A message whose payload, or an unknown key of it, is nested deeply."""
    opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}")]))
    levels = draw(st.integers(1, 40) | st.integers(1, DEEP))
    deep = opening * levels + "1" + closing * levels
    kind = draw(st.sampled_from(_WITH_PAYLOAD))
    key = draw(st.sampled_from(sorted({*FIELDS, *READ_ONLY})) | _words)
    return f'{{"type":"{kind}","ref":1,"itemId":"a","payload":{{{json.dumps(key)}:{deep}}}}}'


# --- MessagePack: the same messages, with bytes and with all that JSON does not have ----------------------------

_not_json: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda data: {"$bytes": b64encode(data).decode()}),
    st.dictionaries(st.sampled_from(["$bytes", "more"]), scalars, max_size=2),
    st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    st.datetimes(timezones=st.just(UTC)),
    st.dictionaries(st.integers() | st.binary(max_size=5) | st.none() | st.floats(), scalars, max_size=3),
)
_more_bodies = st.tuples(bodies, keys, _not_json | st.lists(_not_json, max_size=3)).map(
    lambda made: {**made[0], "payload": {made[1]: made[2]}}
)
_HEADS = (
    *(bytes((code,)) for code in (0x81, 0x91, 0xC1, 0xC4, 0xC7, 0xCB, 0xD4, 0xD9)),
    b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff",
)


def pack(message: Any) -> bytes | None:
    """A message in MessagePack; None if it has no form there, as an integer beyond 64 bits."""
    try:
        return bytes(msgpack.packb(message, datetime=True, unicode_errors="surrogatepass"))
    except (OverflowError, TypeError, ValueError):
        return None


_packed = st.one_of(bodies, valid_bodies, _more_bodies, _more_bodies, values).map(pack).filter(bool)


@st.composite
def _spoilt_octets(draw: st.DrawFn) -> bytes:
    """A message with octets removed or inserted."""
    data = draw(_packed) or b""
    place = draw(st.integers(0, len(data)))
    return (
        data[:place] + draw(st.sampled_from(_HEADS) | st.binary(max_size=9)) + data[place + draw(st.integers(0, 9)) :]
    )


_deep_octets = st.tuples(st.sampled_from(_HEADS), st.integers(1, DEEP), st.booleans()).map(
    lambda made: (b"\x82\xa4type\xa4ping\xa1x" if made[2] else b"") + made[0] * made[1]
)
packed_frames: st.SearchStrategy[bytes | None] = st.one_of(
    _packed, _packed, _spoilt_octets(), _deep_octets, st.binary(max_size=60)
)
"""Allowed and forbidden contents of binary frames."""

frames: st.SearchStrategy[str] = st.one_of(_encoded, _encoded, _spoilt(), _nested(), texts)
"""Allowed and forbidden texts of text frames."""
