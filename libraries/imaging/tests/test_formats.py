"""Formats by their first bytes, and orientations by a few more."""

from __future__ import annotations

import struct

import pytest

from libraries.imaging.colours import orientation_of
from libraries.imaging.faults import Fault, Refused, error_of
from libraries.imaging.formats import format_of
from libraries.imaging.tests.made import SAMPLES, sample
from libraries.rules.errors import ImageInvalid, StorageFull, Unavailable


@pytest.mark.parametrize("kind", SAMPLES)
def test_formats(kind: str) -> None:
    assert format_of(sample(kind)[:4096]) == kind.lower()


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"mif1\0\0\0\0mif1heic", "heif"),
        (b"mif1\0\0\0\0mif1avifheic", "avif"),
        (b"msf1\0\0\0\0hevc", "heif"),
        (b"mif1\0\0\0\0", "heif"),
        (b"avis\0\0\0\0", "avif"),
    ],
)
def test_brands(brands: bytes, kind: str) -> None:
    assert format_of(struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands) == kind


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (b"", Fault.EMPTY),
        (b"a", Fault.UNKNOWN),
        (b"\0\0\0\x10ftypM4V \0\0\0\0", Fault.UNKNOWN),
        (b"RIFF\0\0\0\0WAVE", Fault.UNKNOWN),
        (b"  <SVG>", Fault.SVG),
        (b"<svgs>", Fault.UNKNOWN),
        (b"<html>%PDF-1.7", Fault.UNKNOWN),
    ],
)
def test_what_is_no_format(head: bytes, fault: Fault) -> None:
    with pytest.raises(Refused) as raised:
        format_of(head)
    assert raised.value.fault is fault


def test_every_fault_has_an_error() -> None:
    for fault in Fault:
        error = error_of(fault, (1234567, 5))
        kind = {Fault.FULL: StorageFull, Fault.START: Unavailable, Fault.KILLED: Unavailable}.get(fault, ImageInvalid)
        assert type(error) is kind
        assert error.message.endswith(".")
        assert "{" not in error.message
    assert "1,234,567 pixels" in error_of(Fault.PIXELS, (1234567, 5)).message


def exif(order: str, value: int, kind: int = 3) -> bytes:
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return b"Exif\0\0" + head + struct.pack(f"{order}IHHHIHxx", 8, 1, 0x0112, kind, 1, value)


def test_orientations_of_exif() -> None:
    for order in "<>":
        assert [orientation_of(exif(order, value)) for value in (0, 1, 6, 8, 9)] == [1, 1, 6, 8, 1]
    assert orientation_of(exif("<", 6)[6:]) == 6
    for broken in (
        b"",
        b"Exif\0\0",
        b"II*\0",
        exif("<", 6)[:-6],
        exif("<", 6, 4),
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*" * 9,
    ):
        assert orientation_of(broken) == 1
