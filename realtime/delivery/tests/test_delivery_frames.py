"""Ready frames, compared with those of the `websockets` package."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from realtime.delivery.prepared import COMPRESS_FROM_BYTES, WINDOW_BITS, Form, Framing, Prepared, form
from realtime.protocol.encodings import Encoding, encode_state, translated
from realtime.protocol.events import SyncResponded

Event = dict[str, Any]

PLAIN, DEFLATED, NONE = form(Framing.PLAIN), form(Framing.DEFLATED), form(Framing.NONE)
SIZES = (0, 1, 125, 126, 127, COMPRESS_FROM_BYTES - 1, COMPRESS_FROM_BYTES, 65_535, 65_536, 200_000)


def expected(text: str) -> bytes:
    """The frame as the `websockets` package makes it."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def parsed(data: bytes, *, deflate: bool) -> str:
    """The text that a client of the `websockets` package reads in a frame."""
    client = Protocol(CLIENT)
    if deflate:
        client.extensions = [PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)]
    client.receive_data(data)
    [frame] = client.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    return bytes(frame.data).decode()


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_is_encoded_as_in_rfc_6455(size: int) -> None:
    prepared = Prepared("x" * size)
    assert prepared.in_form(PLAIN) == expected("x" * size)
    assert prepared.in_form(PLAIN) is prepared.in_form(PLAIN)


@given(text=st.text(st.characters(codec="utf-8")))
def test_a_frame_holds_the_text_in_utf_8(text: str) -> None:
    assert Prepared(text).in_form(PLAIN) == expected(text)
    assert parsed(Prepared(text).in_form(DEFLATED), deflate=True) == text


@pytest.mark.parametrize("size", SIZES)
def test_a_compressed_frame_is_read_by_a_client_with_permessage_deflate(size: int) -> None:
    text = ("portal view " * size)[:size]
    prepared = Prepared(text)
    deflated, plain = prepared.in_form(DEFLATED), prepared.in_form(PLAIN)
    assert parsed(deflated, deflate=True) == text
    assert prepared.in_form(DEFLATED) is deflated
    assert (deflated is plain) is (size < COMPRESS_FROM_BYTES)
    assert len(deflated) <= len(plain)


def test_compressed_frames_do_not_need_each_others_context() -> None:
    text = "the same again and again " * 100
    client = Protocol(CLIENT)
    client.extensions = [PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)]
    client.receive_data(Prepared(text).in_form(DEFLATED) + Prepared(text).in_form(DEFLATED))
    assert [bytes(frame.data).decode() for frame in client.events_received() if isinstance(frame, Frame)] == [text] * 2


def test_the_size_is_counted_in_bytes() -> None:
    text = "é" * (COMPRESS_FROM_BYTES // 2)
    prepared = Prepared(text)
    assert prepared.in_form(DEFLATED) != prepared.in_form(PLAIN)


@pytest.mark.parametrize("size", [10, COMPRESS_FROM_BYTES * 3])
def test_a_message_in_message_pack_is_a_binary_frame(size: int) -> None:
    prepared = Prepared(json.dumps({"type": "pong", "x": "portal " * size}))
    plain, deflated = (
        prepared.in_form(form(framing, Encoding.MSGPACK)) for framing in (Framing.PLAIN, Framing.DEFLATED)
    )
    for data, extensions in ((plain, []), (deflated, [PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)])):
        client = Protocol(CLIENT)
        client.extensions = list(extensions)
        client.receive_data(data)
        [read] = client.events_received()
        assert isinstance(read, Frame)
        assert (read.opcode, read.fin) == (Opcode.BINARY, True)
        assert msgpack.unpackb(bytes(read.data)) == json.loads(prepared.text)
    assert len(deflated) <= len(plain)


def test_a_message_is_encoded_once_for_each_encoding() -> None:
    made: list[Encoding] = []

    def encode(encoding: Encoding) -> bytes:
        made.append(encoding)
        return b"x" * 2 * COMPRESS_FROM_BYTES

    prepared = Prepared(encode)
    assert made == [], "nobody is there yet"
    for _ in range(3):
        for encoding in Encoding:
            for framing in Framing:
                prepared.in_form(form(framing, encoding))
            prepared.content(encoding)
    assert made == list(Encoding)


def test_each_form_is_the_one_that_its_outlets_write() -> None:
    prepared = Prepared(f'"{"x" * 2000}"')
    made: set[int] = {id(prepared.in_form(form(framing, encoding))) for framing in Framing for encoding in Encoding}
    assert len(made) == 1 + 2 * len(Encoding), "an outlet that frames by itself gets the message, whatever it speaks"
    assert prepared.in_form(NONE) is prepared


def test_there_is_one_form_of_each_kind() -> None:
    assert form(Framing.PLAIN) is form(Framing.PLAIN, Encoding.JSON)
    assert isinstance(form(Framing.PLAIN), Form)


def test_a_message_with_a_state_in_messagepack_has_its_kind_and_size() -> None:
    """Its state exists in that encoding alone, so nothing may ask for its text."""
    state = msgspec.Raw(translated(encode_state({"name": "é"})))
    message = Prepared.of(SyncResponded(payload=state, version=1, source="server"))
    assert message.kind == "sync-response"
    for framing in Framing:
        wanted = form(framing, Encoding.MSGPACK)
        made = message.in_form(wanted)
        content = message.content(Encoding.MSGPACK)
        assert message.size_in(wanted) == len(content if framing is Framing.NONE else made)
