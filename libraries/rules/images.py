"""The addresses of pictures that the site keeps, and which of them items name. Pure.

Only the exact address counts: in any other spelling a picture is not served to viewers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from libraries.rules.keys import is_url_key, is_word_key


class Size(StrEnum):
    """A file of a picture: all of it, or a thumbnail, by the pixels of its longest side."""

    FULL = "full"
    SMALL = "256"
    MEDIUM = "512"
    LARGE = "1024"


THUMBNAILS = (Size.SMALL, Size.MEDIUM, Size.LARGE)

_ADDRESS = re.compile(
    r"(?:https?://[^/?#\s\\]+)?"  # pages are copied with their host, too
    r"(?:/[^/?#\s\\]+)*?/images/"  # the site may be below a path
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rf"(?:\?size=(?:{'|'.join(THUMBNAILS)}))?"
)
_LONGEST = 512


def image_id_of(text: str) -> UUID | None:
    """The id of the picture that an address leads to; None if the text is not the address of one."""
    found = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST else None
    return None if found is None else UUID(found[1])


def shown_images(items: Iterable[Mapping[str, Any]]) -> frozenset[UUID]:
    """The pictures that items show, which are as viewers see them: only keys of addresses count."""
    found = (image_id_of(text) for item in items for text in _addresses(item))
    return frozenset(image_id for image_id in found if image_id is not None)


def named_images(items: Iterable[Mapping[str, Any]]) -> dict[UUID, tuple[str, ...]]:
    """The ids of the stored items that name each picture, under whatever key."""
    found: dict[UUID, dict[str, None]] = {}
    for item in items:
        for text in _texts(item):
            if (image_id := image_id_of(text)) is not None:
                found.setdefault(image_id, {})[str(item.get("id", ""))] = None
    return {image_id: tuple(item_ids) for image_id, item_ids in found.items()}


def _addresses(value: Mapping[str, Any]) -> Iterator[str]:
    """The texts under a key of an address, also in lists and objects below it."""
    for key, inner in value.items():
        if is_url_key(key):
            yield from _below_address(inner)
        else:
            yield from _search(inner)


def _search(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _addresses(value)
    elif isinstance(value, list):
        for inner in value:
            yield from _search(inner)


def _below_address(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _below_address(inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not is_word_key(key):
                yield from _below_address(inner)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
