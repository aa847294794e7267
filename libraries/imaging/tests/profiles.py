"""ICC profiles, made by hand (ICC.1:2010): three matrices with a curve, and a small table for CMYK."""

from __future__ import annotations

import struct

Triple = tuple[float, float, float]

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
"""The columns for red, green and blue, adapted to D50."""
_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
_WHITE = (0.9642, 1.0, 0.8249)


def of_matrix(columns: tuple[Triple, Triple, Triple], gamma: float, space: bytes = b"RGB ") -> bytes:
    """A profile of a screen."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(gamma * 256))
    tags = {b"wtpt": _xyz(_WHITE), b"desc": _text(b"desc"), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[name + b"XYZ"], tags[name + b"TRC"] = _xyz(column), curve
    return _profile(b"mntr", space, b"XYZ ", tags)


def of_ink(cyan: tuple[int, int, int]) -> bytes:
    """A profile of a press on which cyan alone has this Lab (each 0 to 255), and every other mixture is black."""
    white, black = (255, 128, 128), (0, 128, 128)
    corners = [white if n == 0 else cyan if n == 0b1000 else black for n in range(16)]
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if n % 4 == 0 else 0 for n in range(9)))
    table = b"mft1\0\0\0\0\x04\x03\x02\0" + matrix + ramp * 4 + b"".join(bytes(c) for c in corners) + ramp * 3
    tags = {b"A2B0": table, b"wtpt": _xyz(_WHITE), b"desc": _text(b"desc"), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    return _profile(b"prtr", b"CMYK", b"Lab ", tags)


def in_srgb(colour: tuple[int, int, int], columns: tuple[Triple, Triple, Triple], gamma: float) -> Triple:
    """A colour of a screen in sRGB, worked out without any library."""
    light = [(value / 255) ** gamma for value in colour]
    xyz = [sum(light[c] * columns[c][row] for c in range(3)) for row in range(3)]
    return _encoded([sum(line[n] * xyz[n] for n in range(3)) for line in _TO_SRGB])


def of_lab(lightness: float, a: float, b: float) -> Triple:
    """A colour of CIELAB (D50) in sRGB."""
    y = (lightness + 16) / 116

    def light(value: float) -> float:
        return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)

    xyz = [light(f) * white for f, white in zip((y + a / 500, y, y - b / 200), _WHITE, strict=True)]
    return _encoded([sum(line[n] * xyz[n] for n in range(3)) for line in _TO_SRGB])


def _encoded(light: list[float]) -> Triple:
    inside = [min(max(value, 0.0), 1.0) for value in light]
    red, green, blue = (255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055) for v in inside)
    return red, green, blue


def _xyz(values: Triple) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _text(kind: bytes) -> bytes:
    return kind + b"\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78 + b"\0"


def _profile(use: bytes, space: bytes, between: bytes, tags: dict[bytes, bytes]) -> bytes:
    at, rows, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        rows += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, use, space, between)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    return head + struct.pack(">3i", 63190, 65536, 54061) + b"\0" * 48 + struct.pack(">I", len(tags)) + rows + body
