"""The rules for any JSON value from outside before it is stored or relayed. Pure.

The keys of a portal view are in `libraries.rules.state`. The rules for keys and addresses are in `libraries.rules.keys`
and `libraries.rules.addresses`.
"""

from __future__ import annotations

from collections.abc import Mapping

from libraries.rules.addresses import check_address, could_run
from libraries.rules.keys import check_key, is_url_key

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


def check_value(value: object, depth: int = 1, key: str = "") -> None:
    """Raise ValueError, with a sentence, unless `value` at nesting level `depth` may be stored and relayed.

    `key` is the key of the value; it decides whether text is an address. Each key is checked once, whatever its value
    contains.
    """
    _check_value(value, depth, is_url_key(key))


def _check_value(value: object, depth: int, is_address: bool) -> None:
    if isinstance(value, str):
        _check_text(value, is_address)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise ValueError("Numbers must lie between -(2^53-1) and 2^53-1.")
    elif depth > MAX_DEPTH:
        raise ValueError(f"Nesting is limited to {MAX_DEPTH} levels.")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise ValueError("Keys must be text.")
            check_key(name)
            _check_text(name, False)
            _check_value(inner, depth + 1, is_url_key(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_value(inner, depth + 1, is_address)
    else:
        raise ValueError("Only JSON values are possible here.")


def _check_text(text: str, is_address: bool) -> None:
    if "\0" in text:
        raise ValueError("Text may not hold the character NUL.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Text may not hold half of a surrogate pair.") from None
    if is_address or could_run(text):
        check_address(text)
