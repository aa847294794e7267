"""The ids of items: text, and unique in a portal view. An item without one gets one. Pure.

Records from elsewhere have integer ids, or ids under other keys. The same record gets the same id each time, so that it
can be brought in again; and because the id is a keyed hash, it tells viewers nothing about the record.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections import Counter
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

from libraries.rules.keys import check_no_prototype

MAX_ITEM_ID_CHARS = 128
RECORD_IDS = ("_id", "Id", "slug", "key")
"""The keys that other programs identify a record by, in order of priority."""
_MADE_UP_BYTES = 15


def text_id(value: object) -> object:
    """An id in the form that is stored: an integer becomes text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def check_item_id(value: object) -> None:
    """Raise ValueError, with a sentence, unless the value can be the id of an item."""
    value = text_id(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ITEM_ID_CHARS:
        raise ValueError(f"Must be text of 1 to {MAX_ITEM_ID_CHARS} characters, or an integer.")
    check_no_prototype(value)


def made_up_id(record: Mapping[str, Any], taken: Collection[str], key: bytes, numbers: Counter[str]) -> str:
    """An id for an item without one, which is not among the `taken` ones.

    `key` is the secret of the hash. `numbers` has, for each id of a record, the least number that may be free; it is
    counted up here, so that many equal records cost no more than others.
    """
    found = (_record_id(record.get(name)) for name in RECORD_IDS)
    name = next((name for name in found if name is not None), None)
    while name is not None:
        made = _text(blake2b(f"{numbers[name]} {name}".encode(), key=key, digest_size=_MADE_UP_BYTES).digest())
        numbers[name] += 1
        if made not in taken:
            return made
    return _text(secrets.token_bytes(_MADE_UP_BYTES))


def with_ids(items: list[dict[str, Any]], key: bytes) -> list[dict[str, Any]]:
    """The items, each with an id; the same list if all of them have one."""
    taken = {item["id"] for item in items if "id" in item}
    if len(taken) == len(items):
        return items
    numbers: Counter[str] = Counter()
    filled = []
    for item in items:
        if "id" not in item:
            item = {"id": made_up_id(item, taken, key, numbers), **item}
            taken.add(item["id"])
        filled.append(item)
    return filled


def _record_id(value: object) -> str | None:
    value = text_id(value)
    return value if isinstance(value, str) and value else None


def _text(digest: bytes) -> str:
    return b32encode(digest).decode().lower()
