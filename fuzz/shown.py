"""Calls the functions that decide what viewers see, for the cost fuzzer; `fuzz.targets` has their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libraries.rules.disclosure import compiled
from libraries.rules.keys import plain_key

DISCLOSES = compiled(
    {
        "always": ["a.**", "b[].c", "d.*.e", 'f["g.h"]', "i[j=k].l", "m[0].*"],
        "maxHealth": ["a.b.*", "hp.max"],
        "actions": ["a[].**", "b.*"],
        "name": ["title", "a.name"],
        "image": ["img.src", "a.*.src"],
    }
)
"""What a library discloses: a path of each form."""


def own_keys(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Read the health of an item, from its values by plain key."""
    return function({plain_key(key): value for key, value in given.items()})


def found_by_path(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Find what paths of each form lead to."""
    return [list(function(path, given)) for paths in DISCLOSES.rows.values() for path in paths]


def disclosed_path(text: str) -> dict[str, list[str]]:
    """A disclosure with that path."""
    return {"always": [text]}
