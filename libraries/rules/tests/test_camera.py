"""The camera: which values are accepted, and how they are stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.camera import LIMITS, check_camera, normal_camera
from libraries.rules.errors import BadValue, check_below
from libraries.rules.places import told

WHOLE = {"x": 0.5, "y": 0.5, "zoom": 1, "rotation": 0}


def place_of(value: object) -> tuple[str, str]:
    with pytest.raises(BadValue) as refused:
        check_below("camera", check_camera, value)
    return refused.value.path.removeprefix("camera"), refused.value.sentence


@pytest.mark.parametrize("value", [None, WHOLE, {key: WHOLE[key] for key in ("x", "y", "zoom")}])
def test_null_and_a_camera_are_accepted(value: Any) -> None:
    check_camera(value)


@pytest.mark.parametrize("value", [[], "x", 1, True, [WHOLE]])
def test_anything_else_is_refused(value: object) -> None:
    assert place_of(value) == ("", told("Must be null or an object with x, y, zoom and rotation.", value))


@pytest.mark.parametrize(("key", "least", "most"), [(key, *limits) for key, limits in LIMITS.items()])
def test_each_key_has_its_limits(key: str, least: float, most: float) -> None:
    for number in (least, most, (least + most) / 2):
        check_camera({**WHOLE, key: number})
    bads: tuple[object, ...] = (
        least - 0.001,
        most + 0.001,
        float("nan"),
        float("inf"),
        True,
        False,
        None,
        "1",
        [1],
        {},
    )
    for bad in bads:
        assert place_of({**WHOLE, key: bad}) == (f".{key}", told(f"Must be a number from {least} to {most}.", bad))


@pytest.mark.parametrize("key", ["x", "y", "zoom"])
def test_all_but_the_rotation_are_required(key: str) -> None:
    assert place_of({name: value for name, value in WHOLE.items() if name != key})[0] == f".{key}"


def test_another_key_is_refused() -> None:
    assert place_of({**WHOLE, "z": 1}) == (".z", "There is no such key; there are x, y, zoom, rotation.")
    place, _ = place_of({**WHOLE, "n" * 1_000: 1})
    assert len(place) < 100


cameras = st.fixed_dictionaries(
    {key: st.floats(*LIMITS[key]) for key in ("x", "y", "zoom")}, optional={"rotation": st.integers(-360, 360)}
)


@given(cameras)
def test_a_camera_is_stored_with_all_keys(camera: dict[str, Any]) -> None:
    check_camera(camera)
    normal = normal_camera(camera)
    assert normal == {"rotation": 0, **camera}
    assert normal_camera(normal) is normal
    check_camera(normal)


def test_no_camera_is_stored_as_it_is() -> None:
    assert normal_camera(None) is None
