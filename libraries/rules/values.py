"""The rules for any JSON value from outside before it is stored or relayed. Pure.

The keys of a portal view are in `libraries.rules.state`. The rules for keys and addresses are in `libraries.rules.keys`
and `libraries.rules.addresses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libraries.rules.addresses import MAX_MESSAGE_IMAGE_CHARS, check_harmless
from libraries.rules.errors import BadValue
from libraries.rules.keys import check_key, is_url_key, is_word_key
from libraries.rules.octets import Octets
from libraries.rules.places import told

MAX_DEPTH = 16
MAX_SAFE_INTEGER = 2**53 - 1
"""RFC 7493 (I-JSON), section 2.2: beyond it a receiver may read a different number than was sent."""
MAX_MESSAGE_VALUES = 10_000
MAX_BODY_VALUES = 200_000
"""The most values in a message or a REST body: each object, list, text, number, true, false or null counts as one."""


def has_too_many_values(value: object, length: int, most: int) -> bool:
    """Whether decoded JSON holds more than `most` values; `length` is its encoded length in bytes or characters.

    It stops counting as soon as there are more.
    """
    if length < 2 * most:  # a value takes at least one character, and every value but one has a comma or a bracket
        return False
    count, waiting = 1, [value]
    while waiting:
        inner = waiting.pop()
        entries = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        count += len(entries)
        if count > most:
            return True
        waiting.extend(entry for entry in entries if isinstance(entry, dict | list))
    return False


def check_value(
    value: object, depth: int = 1, key: str = "", most: int = MAX_MESSAGE_IMAGE_CHARS, *, is_stored: bool = True
) -> None:
    """Raise BadValue, with the place, unless `value` at nesting level `depth` may be stored and relayed.

    `key` is the key of the value; it decides whether text is an address. Each key is checked once, whatever its value
    contains. `most` is the number of characters that a `data:` image may have. Bytes are possible only in a value that
    is not stored.
    """
    _check_value(value, depth, is_url_key(key), most, is_stored)


def _check_value(value: object, depth: int, is_address: bool, most: int, is_stored: bool) -> None:
    if isinstance(value, str):
        _check_text(value)
        if is_address:
            check_harmless(value, most)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise BadValue(told("Numbers must lie between -(2^53-1) and 2^53-1.", value))
    elif isinstance(value, Octets):
        if is_stored:
            raise BadValue("Bytes are not stored: only a command and a sync-response may hold them.")
    elif depth > MAX_DEPTH:
        raise BadValue(told(f"Nesting is limited to {MAX_DEPTH} levels.", value))
    elif isinstance(value, Mapping):
        _check_object(value, depth, is_address, most, is_stored)
    elif isinstance(value, list | tuple):
        _check_list(value, depth, is_address, most, is_stored)
    else:
        raise BadValue("Only JSON values are possible here.")


def _check_object(value: Mapping[Any, object], depth: int, is_address: bool, most: int, is_stored: bool) -> None:
    name: object = ""
    try:
        for name, inner in value.items():
            if not isinstance(name, str):
                raise BadValue("Keys must be text.")
            check_key(name)
            _check_text(name)
            # An object under the key of an address holds addresses: {"images": {"front": …, "back": …}}.
            leads = is_url_key(name) or (is_address and not is_word_key(name))
            _check_value(inner, depth + 1, leads, most, is_stored)
    except BadValue as error:
        raise error.below(name) from None


def _check_list(
    value: list[object] | tuple[object, ...], depth: int, is_address: bool, most: int, is_stored: bool
) -> None:
    index = 0
    try:
        for index, inner in enumerate(value):  # noqa: B007
            _check_value(inner, depth + 1, is_address, most, is_stored)
    except BadValue as error:
        raise error.below(index) from None


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadValue(told("Text may not hold the character NUL.", text))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadValue(told("Text may not hold half of a surrogate pair.", text)) from None
