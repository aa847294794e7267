"""A file becomes pictures: decoded, turned, in sRGB, small enough, and encoded without metadata.

It runs in the process of `libraries.imaging.worker`, which limits it. A fault is `Refused`, with a sentence for people.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pillow_heif
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from libraries.imaging import limits
from libraries.imaging.colours import in_srgb
from libraries.imaging.kinds import HEAD_BYTES, Kind, Refused, kind_of
from libraries.rules.images import THUMBNAILS, Size

Made = dict[str, Any]
"""A picture as `libraries.imaging.process` reads it, with the keys of `Picture`; `files` are names by size."""

Image.MAX_IMAGE_PIXELS = None  # ours is checked first, and says the number
pillow_heif.options.DECODE_THREADS = 1
pillow_heif.options.THUMBNAILS = False
pillow_heif.register_heif_opener()  # type: ignore[no-untyped-call]

BROKEN = "The file is broken, or not complete."
_JPEG = {"quality": 85, "progressive": True, "optimize": True, "subsampling": 2}
_WEBP = {"quality": 90, "method": 4}
_THUMBNAIL = {"quality": 80, "method": 4}
_ANIMATION = {"quality": 80, "method": 2}


def convert(source: BinaryIO, folder: Path, say: Callable[[Made], None]) -> None:
    """Write the pictures of a file to the folder; `say` gets first the number of them, and then each."""
    kind = kind_of(source.read(HEAD_BYTES))
    length = source.seek(0, os.SEEK_END)
    source.seek(0)
    if kind is Kind.PDF:
        _pages(source.read(), folder, say)
        return
    say({"of": 1})
    _grant(limits.PICTURE_SECONDS)
    with _opened(source, kind) as image:
        _check_pixels(*image.size)
        if kind in (Kind.GIF, Kind.WEBP) and getattr(image, "is_animated", False):
            say(_animation(image, folder))
        else:
            say(_still(_upright(image, kind), _form_of(kind, length), None, folder))


def _opened(source: BinaryIO, kind: Kind) -> Image.Image:
    try:
        return Image.open(source, formats=[kind.value])
    except UnidentifiedImageError:
        raise Refused(BROKEN) from None


def _check_pixels(width: int, height: int) -> None:
    if width * height > limits.MAX_PIXELS:
        raise Refused(
            f"The picture has {width:,} × {height:,} pixels, and {limits.MAX_PIXELS:,} in all are possible: make it"
            " smaller."
        )


def _grant(seconds: int) -> None:
    """Give the next step so much processor time; beyond it, the kernel ends the process (setrlimit(2))."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


# --- One picture ------------------------------------------------------------------------------------------


def _upright(image: Image.Image, kind: Kind) -> Image.Image:
    """The decoded picture, not larger than it may be, turned as its EXIF data says, in sRGB, without metadata."""
    longest = (limits.LONGEST_SIDE, limits.LONGEST_SIDE)
    if kind is Kind.JPEG:
        image.draft(None, longest)  # decodes fewer pixels
    image.load()
    turned = ImageOps.exif_transpose(image)
    if max(turned.size) > limits.LONGEST_SIDE:
        if turned.mode == "P":
            turned = turned.convert("RGBA" if "transparency" in turned.info else "RGB")
        turned.thumbnail(longest, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return in_srgb(turned)


class _Form(Enum):
    """How a picture is encoded: `DRAWING` and `PAGE` without loss, if that is short enough."""

    PHOTOGRAPH = "JPEG"
    DRAWING = "PNG"
    LONG_DRAWING = "WEBP"
    PAGE = "PNG of a page"


def _form_of(kind: Kind, length: int) -> _Form:
    if kind not in (Kind.PNG, Kind.GIF):
        return _Form.PHOTOGRAPH
    # To write a long one as PNG first, only to see that it is too long, would take seconds
    return _Form.DRAWING if length <= 2 * limits.MAX_PNG_BYTES else _Form.LONG_DRAWING


def _still(image: Image.Image, form: _Form, page: int | None, folder: Path) -> Made:
    image.info = {}  # what encoders write by themselves: comments, profiles, resolutions
    media_type, data = _encoded(image, form)
    width, height = image.size
    name = str(page or 0)
    files = {Size.FULL.value: _write(folder, f"{name}-full", data)}
    for size in reversed(THUMBNAILS):  # each of the one before, which is much less work
        image = _smaller(image, int(size))
        files[size.value] = _write(folder, f"{name}-{size.value}", _saved(image, "WEBP", _THUMBNAIL))
    return _made(page, media_type, (width, height), files, is_animated=False)


def _encoded(image: Image.Image, form: _Form) -> tuple[str, bytes]:
    """The media type and the bytes."""
    if form in (_Form.DRAWING, _Form.PAGE):
        data = _saved(image, "PNG", {})
        if len(data) <= (limits.MAX_PNG_BYTES if form is _Form.DRAWING else limits.MAX_PAGE_PNG_BYTES):
            return "image/png", data
    if form in (_Form.DRAWING, _Form.LONG_DRAWING) or image.mode == "RGBA":
        return "image/webp", _saved(image, "WEBP", _WEBP)
    return "image/jpeg", _saved(image, "JPEG", _JPEG)


def _smaller(image: Image.Image, longest: int) -> Image.Image:
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return small


def _saved(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    written = BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def _write(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return name


def _made(
    page: int | None, media_type: str, size: tuple[int, int], files: dict[str, str], *, is_animated: bool
) -> Made:
    width, height = size
    pixels = {"width": width, "height": height, "is_animated": is_animated}
    return {"page": page, "media_type": media_type, "files": files, **pixels}


# --- An animation -----------------------------------------------------------------------------------------


class _Frames(Image.Image):
    """The frames of another picture, one at a time and not larger than they may be: all at once would be too much."""

    def __init__(self, source: Image.Image) -> None:
        super().__init__()
        self._source = source
        self.n_frames: int = source.n_frames  # type: ignore[attr-defined]  # it is animated
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Show that frame."""
        self._source.seek(frame)
        shown = self._source.convert("RGBA")
        shown.thumbnail((limits.LONGEST_SIDE, limits.LONGEST_SIDE), Image.Resampling.LANCZOS)
        self.im, self._mode, self._size, self._at = shown.im, shown.mode, shown.size, frame

    def tell(self) -> int:
        """The number of the frame that is shown."""
        return self._at


def _animation(image: Image.Image, folder: Path) -> Made:
    _grant(limits.ANIMATION_SECONDS)
    durations = list(_durations(image))
    frames = _Frames(image)
    loop = int(image.info.get("loop", 1)) if image.format == "GIF" else int(image.info.get("loop", 0))
    data = _saved(frames, "WEBP", {**_ANIMATION, "save_all": True, "duration": durations, "loop": loop})
    frames.seek(0)
    still = _still(in_srgb(frames.copy()), _Form.PHOTOGRAPH, None, folder)
    _write(folder, still["files"][Size.FULL.value], data)
    return {**still, "media_type": "image/webp", "is_animated": True}


def _durations(image: Image.Image) -> Iterator[int]:
    """The milliseconds of each frame; Refused for too many."""
    width, height = image.size
    for place in range(limits.MAX_FRAMES + 1):
        try:
            image.seek(place)
        except EOFError:
            return
        if place == limits.MAX_FRAMES:
            raise Refused(f"The animation has too many frames: {limits.MAX_FRAMES} are possible.")
        if (place + 1) * width * height > limits.MAX_ANIMATION_PIXELS:
            raise Refused(
                f"The animation has too many pixels: {limits.MAX_ANIMATION_PIXELS:,} in all frames are possible. Make"
                " it smaller or shorter."
            )
        image.load()
        yield int(image.info.get("duration", 0)) or 100


# --- A document -------------------------------------------------------------------------------------------


def _pages(data: bytes, folder: Path, say: Callable[[Made], None]) -> None:
    _grant(limits.PICTURE_SECONDS)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_locked = "password" in str(error).lower()
        raise Refused("The PDF is protected by a password: save it without one." if is_locked else BROKEN) from None
    count = len(document)
    if count > limits.MAX_PAGES:
        raise Refused(f"The PDF has {count:,} pages, and {limits.MAX_PAGES} are possible: upload a part of it.")
    if not count:
        raise Refused("The PDF has no pages.")
    say({"of": count})
    for index in range(count):
        _grant(limits.PICTURE_SECONDS)
        say(_still(_page(document, index), _Form.PAGE, index + 1, folder))


def _page(document: Any, index: int) -> Image.Image:
    try:
        page = document[index]
        width, height = page.get_size()
        if not (0 < width < float("inf") and 0 < height < float("inf")):
            raise Refused(f"Page {index + 1} of the PDF has no size.")
        bitmap = page.render(scale=limits.PAGE_SIDE / max(width, height), may_draw_forms=False)
        image: Image.Image = bitmap.to_pil().convert("RGB")
        page.close()
    except pypdfium2.PdfiumError:
        raise Refused(f"Page {index + 1} of the PDF is broken.") from None
    return image
