"""How files are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import pytest

from libraries.imaging import output
from libraries.imaging.output import PIECE_BYTES, Output
from libraries.imaging.tests.made import noise
from libraries.rules.images import Size


class Recorded(BytesIO):
    """A file that records how much is written at once."""

    def __init__(self, pieces: list[int]) -> None:
        super().__init__()
        self._pieces = pieces

    def write(self, piece: Any) -> int:
        """As a file's."""
        self._pieces.append(len(piece))
        return super().write(piece)


@pytest.mark.parametrize("media_type", [output.JPEG, output.PNG, output.WEBP])
def test_a_large_picture_is_written_in_pieces(media_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[int] = []

    def recorded(handle: int, _: str) -> IO[bytes]:
        os.close(handle)
        return Recorded(pieces)

    monkeypatch.setattr(output, "open", recorded, raising=False)
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        Output(folder)._full(1, noise(600, 600), media_type)
    finally:
        os.close(folder)
    assert sum(pieces) > 3 * PIECE_BYTES
    assert max(pieces) <= PIECE_BYTES


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 1])
@pytest.mark.parametrize("of", [bytes, bytearray, memoryview])
def test_what_is_written_is_all_there(length: int, of: Callable[[bytes], bytes], tmp_path: Path) -> None:
    given = os.urandom(length)
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    said: list[int] = []
    try:
        Output(folder).write(1, Size.FULL, lambda file: said.append(file.write(of(given))))
    finally:
        os.close(folder)
    assert (tmp_path / "1-full").read_bytes() == given
    assert said == [length]
