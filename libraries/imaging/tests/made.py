"""Files for the tests of pictures, made here, and what became of them."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image

from libraries.imaging.limits import LIMITS, Limits
from libraries.imaging.process import Conversion
from libraries.imaging.results import Picture
from libraries.rules.errors import ImageInvalid
from libraries.rules.images import Size

pillow_heif.register_heif_opener()

SAMPLES = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "PDF")


@dataclass
class Result:
    """The pictures, the bytes of each of their files, and what was told meanwhile."""

    pictures: list[Picture]
    files: list[dict[Size, bytes]]
    told: list[tuple[int, int]] = field(default_factory=list)

    def image(self, number: int = 0, size: Size = Size.FULL) -> Image.Image:
        """A file of a picture, decoded."""
        return opened(self.files[number][size])

    def everything(self) -> bytes:
        """The bytes of all files."""
        return b"".join(data for files in self.files for data in files.values())


def converted(data: bytes, limits: Limits = LIMITS) -> Result:
    """What the worker makes of a file."""
    with tempfile.TemporaryDirectory() as place:
        source, folder = Path(place, "source"), Path(place, "made")
        source.write_bytes(data)
        folder.mkdir()
        told: list[tuple[int, int]] = []
        pictures = Conversion(source, folder, limits).run(lambda done, of: told.append((done, of)))
        files = [{size: path.read_bytes() for size, path in picture.files.items()} for picture in pictures]
        return Result(pictures, files, told)


def refusal(data: bytes, limits: Limits = LIMITS) -> str:
    """The sentence with which a file is refused as invalid; fails if it is not."""
    try:
        converted(data, limits)
    except ImageInvalid as error:
        return error.message
    raise AssertionError("It was not refused.")


def outcome(data: bytes) -> Result | ImageInvalid:
    """A result whose files can all be decoded, or a refusal; other errors are raised."""
    try:
        result = converted(data)
    except ImageInvalid as error:
        return error
    for files in result.files:
        for made in files.values():
            opened(made)
    return result


def outcomes(files: Iterable[bytes]) -> list[Result | ImageInvalid]:
    """`outcome` of each, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(outcome, files))


def opened(data: bytes) -> Image.Image:
    """A picture that was made, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def scene(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture with a different colour in each quarter, in a mode."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 180, 40), (width // 2, 0, width, height // 2))
    image.paste((40, 60, 210), (0, height // 2, width // 2, height))
    image.paste((240, 230, 220), (width // 2, height // 2, width, height))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((width, height)))
    return image.convert(mode)


def noise(width: int, height: int) -> Image.Image:
    """A picture that no format makes small."""
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    """The picture as a file of a format of Pillow's."""
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def sample(kind: str) -> bytes:
    """A good file of a format: a GIF is animated, a PDF has two pages."""
    if kind == "PDF":
        return saved(scene(), kind, save_all=True, append_images=[scene(40, 40)])
    if kind == "GIF":
        frames = [scene().rotate(angle) for angle in (0, 30, 60)]
        return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=[50, 70, 90], loop=2)
    return saved(scene(), kind)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, *others: bytes) -> bytes:
    """A PNG of 8 bits RGB that says it has this size, with compressed data, and other chunks before them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(others) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF that says it has this size, and so many frames of one pixel."""
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b";"


def pdf(
    pages: int = 1, box: str = "0 0 200 100", content: bytes = b"", more: tuple[bytes, ...] = (), **keys: str
) -> bytes:
    """A PDF; `content` is drawn on every page. `more` are objects from 5 on; `keys` go to `page` and `trailer`."""
    kids = " ".join(f"{5 + len(more) + page} 0 R" for page in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + keys.get("catalog", "").encode() + b" >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *more,
    ]
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 3 0 R {keys.get('page', '')} >>".encode()
    objects += [page] * pages
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = f"<< /Size {len(objects) + 1} /Root 1 0 R {keys.get('trailer', '')} >>".encode()
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        rows,
        head,
        len(out),
    )
