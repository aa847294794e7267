"""What becomes of good files."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from libraries.imaging.limits import FULL_PX, PAGE_PX, PNG_BYTES
from libraries.imaging.tests import profiles
from libraries.imaging.tests.made import chunk, converted, noise, opened, outcomes, pdf, png, sample, saved, scene
from libraries.rules.images import Size


def near(image: Image.Image, place: tuple[int, int], colour: tuple[float, ...], tolerance: float = 4) -> bool:
    found = image.convert("RGB").getpixel(place)
    assert isinstance(found, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(found, colour, strict=True))


TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/jpeg", "AVIF": "image/jpeg", "HEIF": "image/jpeg"}


@pytest.mark.parametrize("kind", TYPES)
def test_a_picture_of_each_format(kind: str) -> None:
    result = converted(saved(scene(600, 400), kind))
    (picture,) = result.pictures
    assert (picture.media_type, picture.width, picture.height) == (TYPES[kind], 600, 400)
    assert (picture.page, picture.is_animated, result.told) == (None, False, [(1, 1)])
    sizes = {size: result.image(0, size).size for size in Size}
    assert sizes == {"full": (600, 400), "256": (256, 171), "512": (512, 341), "1024": (600, 400)}
    assert {result.image(0, size).format for size in Size} - {"WEBP"} == {picture.media_type[6:].upper()}
    assert near(result.image(), (100, 100), (200, 30, 30), 8)
    assert near(result.image(0, Size.SMALL), (200, 140), (240, 230, 220), 8)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIF", "PNG"])
def test_transparency_is_kept(kind: str) -> None:
    result = converted(saved(scene(mode="RGBA"), kind))
    assert result.pictures[0].media_type == ("image/png" if kind == "PNG" else "image/webp")
    for size in Size:
        alpha = result.image(0, size).getchannel("A").tobytes()
        assert min(alpha) < 20
        assert max(alpha) > 235


def test_a_picture_in_which_nothing_is_transparent_has_no_alpha() -> None:
    image = scene(mode="RGBA")
    image.putalpha(255)
    assert converted(saved(image, "WEBP")).pictures[0].media_type == "image/jpeg"


def test_a_long_png_becomes_a_webp() -> None:
    data = saved(noise(1000, 800), "PNG")
    assert len(data) > PNG_BYTES
    assert converted(data).pictures[0].media_type == "image/webp"


def test_a_large_picture_is_made_smaller() -> None:
    for kind in ("JPEG", "PNG"):
        result = converted(saved(scene(9000, 300), kind))
        assert (result.pictures[0].width, result.pictures[0].height) == (FULL_PX, 137)
        assert result.image(0, Size.SMALL).size == (256, 9)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "I;16", "CMYK"])
def test_modes(mode: str) -> None:
    image = scene(mode="L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.frombytes("I;16", image.size, bytes(b for v in image.tobytes() for b in (v, v)))
    result = converted(saved(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert result.image().size == (96, 64)
    expected = scene(mode="L" if mode == "I;16" else mode).convert("RGB")
    for place in ((10, 10), (80, 10), (10, 50), (80, 50)):
        colour = expected.getpixel(place)
        assert isinstance(colour, tuple)
        assert near(result.image(), place, colour, 1 if mode != "CMYK" else 6)


def test_a_palette_with_transparency() -> None:
    image = scene(mode="P")
    image.info["transparency"] = image.getpixel((1, 1))
    result = converted(saved(image, "PNG", transparency=image.getpixel((1, 1))))
    assert result.image().getpixel((1, 1))[3] == 0  # type: ignore[index]
    assert result.image().getpixel((90, 60))[3] == 255  # type: ignore[index]


# --- Animations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loop", "expected"), [(None, 1), (0, 0), (2, 3)])
def test_an_animated_gif_keeps_durations_and_loops(loop: int | None, expected: int) -> None:
    frames = [scene().rotate(angle) for angle in (0, 30, 60)]
    how = {} if loop is None else {"loop": loop}
    result = converted(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 70, 90], **how))
    assert (result.pictures[0].media_type, result.pictures[0].is_animated) == ("image/webp", True)
    image = result.image()
    assert (image.n_frames, image.info["loop"]) == (3, expected)  # type: ignore[attr-defined]
    durations = []
    for number in range(3):
        image.seek(number)
        image.load()
        durations.append(image.info["duration"])
        assert near(image, (36, 44), frames[number].getpixel((36, 44)), 40)  # type: ignore[arg-type]
    assert durations == [50, 70, 90]
    assert result.image(0, Size.SMALL).n_frames == 1  # type: ignore[attr-defined]


def test_an_animated_webp_stays_one() -> None:
    frames = [scene(mode="RGBA").rotate(angle) for angle in (0, 90, 180)]
    result = converted(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=80, loop=4))
    assert result.pictures[0].is_animated
    assert result.image().info["loop"] == 4
    assert result.image().n_frames == 3  # type: ignore[attr-defined]


def test_of_an_animated_png_and_of_a_gif_with_one_frame() -> None:
    frames = [scene(), scene().rotate(90)]
    result = converted(saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    assert (result.pictures[0].media_type, result.pictures[0].is_animated) == ("image/png", False)
    result = converted(saved(scene(), "GIF"))
    assert (result.pictures[0].media_type, result.pictures[0].is_animated) == ("image/png", False)


# --- PDF ---------------------------------------------------------------------------------------------------


def test_pages_of_a_pdf() -> None:
    draws = b"1 0 0 rg 0 0 100 100 re f"
    result = converted(pdf(3, content=draws))
    assert [picture.page for picture in result.pictures] == [1, 2, 3]
    assert result.told == [(1, 3), (2, 3), (3, 3)]
    first = result.pictures[0]
    assert (first.media_type, first.width, first.height) == ("image/png", 834, 417)
    assert near(result.image(2), (100, 200), (255, 0, 0))
    assert near(result.image(2), (700, 200), (255, 255, 255))


def test_a_large_page_has_a_limit_and_a_long_one_becomes_a_jpeg() -> None:
    result = converted(saved(noise(900, 900), "PDF", resolution=36))
    assert (result.pictures[0].width, result.pictures[0].media_type) == (PAGE_PX, "image/jpeg")


def test_what_was_filled_in_is_shown() -> None:
    look = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 50 50] /Length 23 >>\nstream\n0 0 1 rg 0 0 50 50 re f\nendstream"
    )
    box = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (x) /Rect [0 0 50 50] /F 4 /AP << /N 5 0 R >> >>"
    data = pdf(more=(look, box), catalog="/AcroForm << /Fields [6 0 R] >>", page="/Annots [6 0 R]")
    assert near(converted(data).image(), (100, 300), (0, 0, 255))


# --- Colours and turns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_orientations(kind: str) -> None:
    files = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        files.append(saved(scene(), kind, exif=exif, quality=95))
    turns = [None, 0, 3, 1, 5, 4, 6, 2]  # of Image.Transpose: the table of the specification, in other words
    for turn, result in zip(turns, outcomes(files), strict=True):
        expected = scene() if turn is None else scene().transpose(Image.Transpose(turn))
        assert not isinstance(result, Exception)
        image = result.image()
        assert image.size == expected.size
        for x in (0.2, 0.8):
            for y in (0.2, 0.8):
                place = int(image.width * x), int(image.height * y)
                assert near(image, place, expected.getpixel(place), 8)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["PNG", "HEIF"])
def test_orientations_of_other_formats(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    result = converted(saved(scene(), kind, exif=exif.tobytes()))
    assert result.image().size == (64, 96)
    assert near(result.image(), (50, 10), (200, 30, 30), 8)


@pytest.mark.parametrize("columns", [profiles.ADOBE_RGB, profiles.DISPLAY_P3], ids=["Adobe RGB", "Display P3"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF"])
def test_a_profile_is_applied(kind: str, columns: tuple[profiles.Triple, profiles.Triple, profiles.Triple]) -> None:
    colour = (110, 150, 120)
    data = saved(Image.new("RGB", (64, 64), colour), kind, icc_profile=profiles.of_matrix(columns, 2.2), quality=95)
    expected = profiles.in_srgb(colour, columns, 2.2)
    assert max(abs(a - b) for a, b in zip(colour, expected, strict=True)) > 8
    result = converted(data)
    for size in Size:
        assert near(result.image(0, size), (30, 30), expected, 5)


def test_a_profile_of_ink() -> None:
    lab = (60.0, -30.0, -40.0)
    profile = profiles.of_ink((round(lab[0] * 2.55), round(lab[1] + 128), round(lab[2] + 128)))
    data = saved(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", icc_profile=profile, quality=95)
    assert near(converted(data).image(), (30, 30), profiles.of_lab(*lab), 8)


@pytest.mark.parametrize(
    "profile", [b"rubbish", profiles.of_matrix(profiles.ADOBE_RGB, 2.2)[:300], profiles.of_ink((9, 9, 9))]
)
def test_a_profile_that_is_broken_or_does_not_fit_is_ignored(profile: bytes) -> None:
    data = saved(Image.new("RGB", (64, 64), (110, 150, 120)), "PNG", icc_profile=profile)
    assert near(converted(data).image(), (30, 30), (110, 150, 120), 1)


# --- What is not kept --------------------------------------------------------------------------------------

SECRET = b"Wilhelmstrasse-77"


def with_words(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 59.0)
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    profile = profiles.of_matrix(profiles.ADOBE_RGB, 2.2).replace(b"made\0", b"mine\0")
    how = {"exif": exif.tobytes(), "icc_profile": profile}
    if kind == "JPEG":
        return saved(scene(), kind, comment=SECRET, xmp=xmp, **how)
    if kind == "PNG":
        text = b"".join((chunk(b"tEXt", b"Comment\0" + SECRET), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)))
        data = saved(scene(), kind, **how)
        return data[:33] + text + data[33:]
    if kind == "GIF":
        return saved(scene(), kind, comment=SECRET)
    return saved(scene(), kind, xmp=xmp, **how)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF"])
def test_nothing_that_a_file_says_is_kept(kind: str) -> None:
    data = with_words(kind)
    assert SECRET in data
    result = converted(data)
    made = result.everything()
    for word in (SECRET, b"Exif", b"EXIF", b"xmp", b"XMP", b"ICC", b"iCCP", b"acsp", b"tEXt", b"iTXt", b"GPS", b"mine"):
        assert word not in made, word
    for size in Size:
        assert parts(result.files[0][size]) <= {"JFIF", "IHDR", "IDAT", "IEND", "VP8 ", "VP8L", "VP8X", "ALPH"}
        assert not opened(result.files[0][size]).getexif()


def parts(data: bytes) -> set[str]:
    """The chunks of a PNG or WebP; the segments of a JPEG that carry words."""
    found = set()
    if data.startswith(b"\xff\xd8"):
        at = 2
        while data[at + 1] != 0xDA:
            if 0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE:
                found.add(data[at + 4 : at + 8].decode("latin-1"))
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        return found
    is_png = data.startswith(b"\x89")
    file = io.BytesIO(data[8:] if is_png else data[12:])
    while head := file.read(8):
        size, name = struct.unpack(">I4s", head) if is_png else struct.unpack("<4sI", head)[::-1]
        found.add(name.decode())
        file.seek(size + 4 if is_png else size + size % 2, 1)
    return found


def test_the_samples_and_helpers_are_good() -> None:
    assert opened(sample("GIF")).n_frames == 3  # type: ignore[attr-defined]
    assert parts(with_words("PNG")) > {"tEXt", "iTXt", "eXIf", "iCCP"}
    assert png(1, 1, b"").startswith(b"\x89PNG")
