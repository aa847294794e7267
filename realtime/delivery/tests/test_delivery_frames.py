"""Ready frames, against those of the `websockets` package."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from realtime.delivery.outlet import COMPRESS_FROM_BYTES, WINDOW_BITS, Form, Prepared

Event = dict[str, Any]

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
def test_a_frame_is_that_of_rfc_6455(size: int) -> None:
    prepared = Prepared("x" * size)
    assert prepared.frame == expected("x" * size)
    assert prepared.frame is prepared.frame


@given(text=st.text(st.characters(codec="utf-8")))
def test_a_frame_holds_the_text_in_utf_8(text: str) -> None:
    assert Prepared(text).frame == expected(text)
    assert parsed(Prepared(text).compressed, deflate=True) == text


@pytest.mark.parametrize("size", SIZES)
def test_a_compressed_frame_is_read_by_a_client_with_permessage_deflate(size: int) -> None:
    text = ("portal view " * size)[:size]
    prepared = Prepared(text)
    assert parsed(prepared.compressed, deflate=True) == text
    assert prepared.compressed is prepared.compressed
    assert (prepared.compressed == prepared.frame) is (size < COMPRESS_FROM_BYTES)
    assert len(prepared.compressed) <= len(prepared.frame)


def test_compressed_frames_need_no_context_of_each_other() -> None:
    text = "the same again and again " * 100
    client = Protocol(CLIENT)
    client.extensions = [PerMessageDeflate(True, True, WINDOW_BITS, WINDOW_BITS)]
    client.receive_data(Prepared(text).compressed + Prepared(text).compressed)
    assert [bytes(frame.data).decode() for frame in client.events_received() if isinstance(frame, Frame)] == [text] * 2


def test_the_size_that_counts_is_that_of_the_bytes() -> None:
    text = "é" * (COMPRESS_FROM_BYTES // 2)
    assert Prepared(text).compressed != Prepared(text).frame


def test_each_form_is_what_its_outlets_write() -> None:
    prepared = Prepared("x" * 2000)
    assert prepared.in_form(Form.FRAME) is prepared.frame
    assert prepared.in_form(Form.COMPRESSED) is prepared.compressed
    assert prepared.in_form(Form.MESSAGE) is prepared
