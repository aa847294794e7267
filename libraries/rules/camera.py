"""The camera: which part of the current picture the screens show. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libraries.rules.errors import BadValue
from libraries.rules.places import told

LIMITS: dict[str, tuple[float, float]] = {"x": (0, 1), "y": (0, 1), "zoom": (0.01, 100), "rotation": (-360, 360)}
"""The least and the greatest value of each key.

`x` and `y` are the point of the picture at the middle of the screen, as fractions of its width and height from the top
left. With `zoom` 1 the whole picture fits. `rotation` is in degrees, clockwise.
"""
_OPTIONAL = {"rotation": 0}


def check_camera(value: object) -> None:
    """Raise ValueError, with the place, unless it is null or a camera."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise ValueError("Must be null or an object with x, y, zoom and rotation.")
    for key in value:
        if key not in LIMITS:
            raise BadValue(f"There is no such key; there are {', '.join(LIMITS)}.").below(key)
    for key, (least, most) in LIMITS.items():
        if key not in value and key in _OPTIONAL:
            continue
        number = value.get(key)
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
            raise BadValue(told(f"Must be a number from {least} to {most}.", number)).below(key)


def normal_camera(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A checked camera as it is stored: with all of its keys."""
    if value is None or len(value) == len(LIMITS):
        return value
    return {key: value.get(key, _OPTIONAL.get(key)) for key in LIMITS}
