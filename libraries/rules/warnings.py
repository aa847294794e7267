"""Warnings for controllers: values of a write that look secret, and that viewers see. Pure.

They are a help and no protection: what viewers see is decided in `libraries.rules.items`. The words here are a guess.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from libraries.rules.changes import Change, ItemAddition, ItemPatch, ViewPatch
from libraries.rules.commands import project_command
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.errors import named
from libraries.rules.items import FREE, IMAGES, SWITCHED, TEXTS, alias_of, build
from libraries.rules.keys import plain_key
from libraries.rules.state import find_item

MAX_WARNINGS = 20
MAX_LOOKED_AT = 10_000
"""The most keys that are looked at for one write."""

_LOOKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(words))
    for what, words in (
        ("a secret", r"secret|private|hidden|spoiler|^gm|^dm(?!g)|gmonly|dmonly|password|token$|geheim"),
        ("notes", r"note|journal|comment|remark|notiz"),
        ("an answer", r"answer|solution|correct|explanation|loesung"),
        ("health", r"^hp|hp$|hitpoint|health|wounds?$|vitality|lebenspunkt|pointsdevie|puntosdegolpe"),
        ("an armour class", r"^ac$|armou?rclass"),
        ("actions", r"actions?$|abilities$|attacks?$|spells?$"),
        ("the turn order", r"^initiative|turnorder"),
    )
)


def warnings_of(change: Change, state: Mapping[str, Any], disclosure: Disclosure = NOTHING) -> Iterator[str]:
    """The warnings about a change of a portal view, whose state after it is `state`; take `MAX_WARNINGS` of them."""
    match change:
        case ViewPatch():
            yield from _of_patch(change.patch.known, change.patch.relayed, state, disclosure)
        case ItemPatch():
            if (index := find_item(state["items"], change.item_id)) is not None:
                yield from _of_item(change.patch, state["items"][index], state, disclosure, "")
        case ItemAddition():
            yield from _of_item(change.item, change.item, state, disclosure, "")


def warnings_of_command(shown: Mapping[str, Any]) -> list[str]:
    """The warnings about a command, which viewers get in this form."""
    return list(islice(_of_keys(shown, ""), MAX_WARNINGS))


def _of_patch(
    known: Mapping[str, Any], relayed: Mapping[str, Any], state: Mapping[str, Any], disclosure: Disclosure
) -> Iterator[str]:
    for index, item in enumerate(state["items"] if "items" in known else ()):
        yield from _of_item(item, item, state, disclosure, f"items[{index}].")
    yield from _of_keys(project_command(relayed, state, disclosure), "")


def _of_item(
    patch: Mapping[str, Any], item: Mapping[str, Any], state: Mapping[str, Any], disclosure: Disclosure, place: str
) -> Iterator[str]:
    # What is asked is what viewers will see once they see the item: a game master prepares it unseen.
    tells = alias_of(item) is not None and any(plain_key(key) in _TELLS for key in patch)
    if not tells and FREE not in patch and not disclosure.rows:
        return  # most writes: an item is not built once more for them
    built = build(item, state, disclosure)
    if FREE in patch:
        yield from _of_keys(built.get(FREE, {}), f"{place}{FREE}.")
    yield from _of_keys({key: built[key] for key in built if key in patch and key not in _OF_THE_TABLE}, place)
    if tells:
        yield from _of_alias(item, built, place)


_OF_THE_TABLE = frozenset({*TEXTS, FREE, "health", *SWITCHED})
_TELLS = frozenset({"name", "alias", "id", "alt", "image", *IMAGES})


def _of_alias(item: Mapping[str, Any], built: Mapping[str, Any], place: str) -> Iterator[str]:
    """Text that viewers get, and that holds the name which an alias hides."""
    name, alias = item.get("name"), alias_of(item)
    hidden = plain_key(name) if isinstance(name, str) and alias not in (None, name) else ""
    for key in ("id", "alt", "image") if hidden else ():
        if hidden in plain_key(built.get(key, "")):
            yield f"{place}{key} contains the name that the alias hides, and is shown."


def _of_keys(value: Any, place: str) -> Iterator[str]:
    waiting, looked_at = deque([(place, value)]), 0
    while waiting and looked_at < MAX_LOOKED_AT:
        place, value = waiting.popleft()
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            looked_at += 1
            here = f"{place}{named(str(key))}"
            if isinstance(key, str) and (what := _look(key)) is not None:
                yield f"{here} looks like {what} and is shown."
            elif isinstance(inner, Mapping | list):
                waiting.append((f"{here}.", inner))


def _look(key: str) -> str | None:
    plain = plain_key(key)
    return next((what for what, words in _LOOKS if words.search(plain)), None)
