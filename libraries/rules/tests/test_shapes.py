"""The few shapes of a viewer's values."""

from __future__ import annotations

from typing import Any

import pytest

from libraries.rules.shapes import conditions, named_texts, number_or_text, text


@pytest.mark.parametrize("value", [None, 1, True, [], {}, ["a"], {"text": "a"}])
def test_what_is_no_text_is_none(value: object) -> None:
    assert text(value) is None
    assert text("") == ""


@pytest.mark.parametrize(
    ("value", "shaped"),
    [(15, 15), (1.5, 1.5), ("15", "15"), (" ", None), (True, None), (None, None), ([15], None), ({"a": 1}, None)],
)
def test_a_number_or_text(value: object, shaped: object) -> None:
    assert number_or_text(value) == shaped


@pytest.mark.parametrize(
    ("value", "shaped"),
    [
        ([{"name": "Bite", "text": "2d6"}], [{"name": "Bite", "text": "2d6"}]),
        ([{"Name": "Bite", "desc": "2d6", "dc": 15}], [{"name": "Bite", "text": "2d6"}]),
        ([{"name": "Bite", "entries": ["2d6", "and poison"]}], [{"name": "Bite", "text": "2d6\nand poison"}]),
        ([{"name": "Bite", "entries": ["2d6", {"a": 1}]}], [{"name": "Bite", "text": ""}]),
        ([{"text": "2d6"}, {"dc": 15}, 3, None, ["x"]], [{"name": "", "text": "2d6"}]),
        (["Bite"], [{"name": "Bite", "text": ""}]),
        ("Bite", [{"name": "Bite", "text": ""}]),
        ({"name": "Bite"}, [{"name": "Bite", "text": ""}]),
        ([{"name": 3, "title": "Bite", "text": {"a": "secret"}}], [{"name": "Bite", "text": ""}]),
        ([], []),
        ([[]], None),
        ({"bite": {"name": "Bite"}}, None),
        (15, None),
        (None, None),
        ([{3: "x"}], None),
    ],
)
def test_a_list_of_names_with_texts(value: Any, shaped: Any) -> None:
    assert named_texts(value) == shaped


@pytest.mark.parametrize(
    ("value", "shaped"),
    [
        (
            ["prone", {"name": "Blind", "icon": "/eye.svg", "until": "secret"}],
            ["prone", {"name": "Blind", "icon": "/eye.svg"}],
        ),
        ("prone", ["prone"]),
        ({"name": "Blind", "desc": "Sees nothing"}, [{"name": "Blind", "text": "Sees nothing"}]),
        ([{"text": "nameless"}, 3, None], None),
        # Two harmless addresses in a list could be one that runs.
        ([{"name": "Blind", "icon": ["java", "script:alert(1)"]}], [{"name": "Blind"}]),
        ({"prone": True}, None),
        ([], []),
        (True, None),
    ],
)
def test_conditions_are_texts_and_named_texts(value: Any, shaped: Any) -> None:
    assert conditions(value) == shaped
