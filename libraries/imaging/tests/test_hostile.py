"""Files that are made to break a decoder, or to make it work without end: each is refused, or is only a picture."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libraries.imaging.limits import LIMITS, MIB
from libraries.imaging.tests.made import (
    SAMPLES,
    Result,
    chunk,
    converted,
    gif,
    outcome,
    outcomes,
    pdf,
    png,
    refusal,
    sample,
    saved,
    scene,
)
from libraries.rules.errors import ImageInvalid

SCRIPT = b"<script>alert(1)</script>"
GOOD = {kind: sample(kind) for kind in SAMPLES}


# --- What is not taken -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\xff", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG"),
        ("\ufeff<?xml version='1.0'?><!-- a --><svg:svg xmlns:svg='x'/>".encode("utf-16"), "SVG"),
        (b"<html>" + SCRIPT, "no picture"),
        (saved(scene(), "BMP"), "no picture"),
        (saved(scene(), "TIFF"), "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "no picture"),
        (b"\xff\xd8\xff", "broken"),
        (b"%PDF-1.7\n", "broken"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (b"\0\0\0\x14ftypheic\0\0\0\0heic", "broken"),
    ],
)
def test_what_is_no_picture(data: bytes, word: str) -> None:
    assert word in refusal(data)


# --- Bombs -------------------------------------------------------------------------------------------------


def webp(width: int, height: int) -> bytes:
    """A WebP that says it has this size."""
    head = (
        b"VP8X" + struct.pack("<IB3x", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    body = head + saved(scene(), "WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (png(65535, 65535, zlib.compress(b"\0" * 100_000)), "4,294,836,225 pixels, and at most 50,000,000"),
        (png(10_000, 5001, b""), "50,010,000 pixels"),
        (gif(65535, 65535, 1), "pixels"),
        (gif(65535, 65535, 2), "pixels"),
        (webp(16383, 16383), "268,402,689 pixels"),
        (gif(1, 1, 65000), "at most 500 are possible"),
        (gif(7000, 7000, 9), "441,000,000 pixels in all its frames"),
        (pdf(201), "201 pages, and at most 200"),
        (pdf(10_000), "10,000 pages"),
    ],
    ids=["png", "little over", "gif", "animated", "webp", "frames", "frames together", "pages", "many pages"],
)
def test_bombs_are_refused_by_number(data: bytes, word: str) -> None:
    assert word in refusal(data)


@pytest.mark.parametrize(("kind", "box"), [("AVIF", b"ispe"), ("HEIF", b"ispe")])
def test_a_box_that_says_a_huge_size(kind: str, box: bytes) -> None:
    data, huge = GOOD[kind], struct.pack(">II", 60_000, 60_000)
    at = data.index(box) + 8
    assert refusal(data[:at] + huge + data[at + 8 :])


def test_compressed_data_that_never_ends() -> None:
    endless = zlib.compress(b"\0" * (100 * MIB), 9)
    result = converted(png(10, 10, endless))
    assert (result.pictures[0].width, result.pictures[0].height) == (10, 10)
    profile = chunk(b"iCCP", b"a\0\0" + endless)
    text = chunk(b"zTXt", b"a\0\0" + endless)
    data = zlib.compress(b"\0" * 310)
    for kind in (profile, text):
        made = outcome(png(10, 10, data, kind))
        assert isinstance(made, ImageInvalid) or b"zTXt" not in made.everything()


def test_a_size_that_is_smaller_than_the_data() -> None:
    data = bytearray(saved(scene(500, 500), "PNG"))
    data[16:24] = struct.pack(">II", 5, 5)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert converted(bytes(data)).pictures[0].width == 5


def test_hostile_pdfs() -> None:
    laughs = [b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 10 >>\nstream\n0 0 9 9 re\nendstream"]
    nested = b"[" * 200_000
    for box in ("0 0 1e9 1e9", "0 0 0 0", "0 0 1 100000", "nan nan inf inf", "0 0 -5 -5", "9 9 8 8"):
        for picture in pictures_of(outcome(pdf(box=box))):
            assert max(picture) <= 2048
    made = outcomes(
        [
            pdf(content=nested),
            pdf(more=(nested,), page="/Resources 5 0 R"),
            pdf(more=(b"<< /Kids [5 0 R] /Type /Pages /Count 5 >>",), catalog="/Pages 5 0 R"),
            pdf(page="/Parent 5 0 R /Annots [5 0 R 5 0 R]"),
            pdf(more=tuple(laughs), page="/Resources << /XObject << /A 5 0 R >> >>", content=b"/A Do " * 1000),
            pdf(page="/AA << /O << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"),
            b"%PDF-1.7\n" + SCRIPT + GOOD["PDF"] + SCRIPT,
        ]
    )
    assert [pages for pages in map(pictures_of, made) if pages]
    assert not any(SCRIPT in result.everything() for result in made if isinstance(result, Result))


def test_an_encrypted_pdf() -> None:
    key = "<" + "41" * 32 + ">"
    words = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O {key} /U {key} >> /ID [<41> <41>]"
    assert "password" in refusal(pdf(trailer=words))


def test_a_pdf_that_takes_too_long() -> None:
    def form(uses: int) -> bytes:
        again = b"/A Do " * 10
        head = b"<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /A %d 0 R >> >>" % uses
        return head + b" /Length %d >>\nstream\n%s\nendstream" % (len(again), again)

    forms = tuple(form(number) for number in range(6, 13))
    end = b"<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] /Length 14 >>\nstream\n0 0 99 99 re f\nendstream"
    data = pdf(more=(*forms, end), page="/Resources << /XObject << /A 5 0 R >> >>", content=b"/A Do " * 10)
    assert "too long" in refusal(data, replace(LIMITS, cpu_seconds=1))


def pictures_of(made: Result | ImageInvalid) -> list[tuple[int, int]]:
    """The sizes of the pictures, if the file was not refused."""
    return [(picture.width, picture.height) for picture in made.pictures] if isinstance(made, Result) else []


# --- Limits ------------------------------------------------------------------------------------------------


def test_the_limit_on_memory() -> None:
    words = refusal(saved(scene(5000, 4000), "PNG"), replace(LIMITS, memory_bytes=150 * MIB))
    assert "memory" in words


def test_the_limit_on_the_time_of_an_animation() -> None:
    frames = [scene(900, 900).rotate(angle) for angle in range(0, 80, 2)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert "too long" in refusal(data, replace(LIMITS, animation_cpu_seconds=1))


# --- Broken files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_files_that_are_cut(kind: str) -> None:
    data = GOOD[kind]
    cuts = [len(data) * part // 5 for part in range(1, 5)]
    for cut, made in zip(cuts, outcomes(data[:cut] for cut in cuts), strict=True):
        assert isinstance(made, ImageInvalid) or kind in ("PDF", "GIF") or cut > len(data) * 0.8


@settings(max_examples=16, derandomize=True, deadline=None, database=None)
@given(kind=st.sampled_from(SAMPLES), seed=st.integers(0, 2**32))
def test_files_with_bytes_that_are_wrong(kind: str, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # no secret
    data = bytearray(GOOD[kind])
    for _ in range(chance.choice((1, 1, 3, 30))):
        data[chance.randrange(len(data))] = chance.choice((0, 0xFF, chance.randrange(256)))
    outcome(bytes(data))


# --- Two formats at once -----------------------------------------------------------------------------------


def polyglots() -> dict[str, bytes]:
    """Files that are a picture, and something else to another reader."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.js", SCRIPT)
    js = bytearray(GOOD["GIF"])
    js[6:8] = b"/*"  # the width: GIF89a/*...*/=1;
    return {
        "gif and script": bytes(js) + b"*/=1;" + SCRIPT,
        "gif and html": GOOD["GIF"] + SCRIPT,
        "jpeg and zip": GOOD["JPEG"] + archive.getvalue(),
        "png and html": GOOD["PNG"] + SCRIPT,
        "png with html": png(4, 4, zlib.compress(b"\0" * 52), chunk(b"tEXt", b"a\0" + SCRIPT), chunk(b"prVw", SCRIPT)),
        "webp and html": GOOD["WEBP"] + SCRIPT,
        "pdf and html": GOOD["PDF"] + SCRIPT,
        "jpeg with html": saved(scene(), "JPEG", comment=SCRIPT),
    }


@pytest.mark.parametrize("name", polyglots())
def test_of_two_formats_at_once_only_the_picture_is_kept(name: str) -> None:
    made = converted(polyglots()[name]).everything()
    for word in (b"script", b"PK\x03\x04", b"alert"):
        assert word not in made
