"""Calls the functions that decide what viewers see, for the cost fuzzer; `fuzz.targets` has their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fuzz.readers import BLANK
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


def patch_seen(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Compute both roles' parts of a patch that replaced the items."""
    return function({**BLANK, "items": [{"id": "0"}]}, given, set(given), DISCLOSES)


def item_patch_seen(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Compute both roles' parts of a patch of one item."""
    before, after = ({**BLANK, "items": [one]} for one in ({"id": "a"}, {"id": "a", **given}))
    return function(before, after, 0, given, DISCLOSES)


def own_keys(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Read the health of an item, from its values by plain key."""
    return function({plain_key(key): value for key, value in given.items()})


def command_warned_of(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Look for what seems secret in a command."""
    return function({}, given, BLANK)


def items_warned_of(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Look for what seems secret in new items."""
    return function({"items": given["items"]}, {}, given, DISCLOSES)


def item_warned_of(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Look for what seems secret in a patch of an item."""
    return function(given, given, BLANK, DISCLOSES)


def found_by_path(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Find what paths of each form lead to."""
    return [list(function(path, given)) for paths in DISCLOSES.rows.values() for path in paths]


def disclosed_path(text: str) -> dict[str, list[str]]:
    """A disclosure with that path."""
    return {"always": [text]}
