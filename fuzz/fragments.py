"""Pieces of text that are difficult for code, by class: the parts of strings. No string is put together here.

Unicode's classes are read from its own tables, and the words that the code looks for from its patterns and tables, so
that a new pattern is tried without a change here.
"""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from functools import cache

from libraries.rules import camera, encounter
from libraries.rules.disclosure import ROWS
from libraries.rules.item_ids import RECORD_IDS
from libraries.rules.items import IMAGES, REVEAL_ON_TURN, SHOW_KEYS, SWITCHED, TEXTS
from libraries.rules.net import HIDDEN
from libraries.rules.state import FIELDS, READ_ONLY
from realtime.protocol.requests import CLIENT_MESSAGES

PRODUCT = ("libraries", "portal", "realtime")
_MOST_EXPANDING = 60
_LITERALS = re.compile(r"(?<!\\)[A-Za-z]{2,}[.=:]?|(?<=\\)[^\w\s]")
"""The words in a pattern's source, and each escaped mark."""
OWN = 0.4
"""The share of fragments that are words of the module under test."""


def _in_unicode(measure: str) -> tuple[str, ...]:
    """The characters that grow the most when they are normalised or folded, or that combine."""
    characters = [chr(code) for code in range(0x80, 0x20000) if not 0xD800 <= code < 0xE000]
    if measure == "marks":
        return tuple(character for character in characters if unicodedata.combining(character))
    if measure == "folding":
        return tuple(character for character in characters if len(character.casefold()) > 1)
    longest = sorted(characters, key=lambda character: -len(unicodedata.normalize("NFKD", character)))
    return tuple(longest[:_MOST_EXPANDING])


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PRODUCT and ".tests" not in module


@cache
def _classes() -> dict[str, tuple[str, ...]]:
    return {
        "letters": ("a", "A", "z", "é", "Я", "字", "𝐀", "😀", "ㄱ"),
        "digits": ("0", "1", "9", "٣", "²", "①", "-1", "1e", "0x", "1."),
        "spaces": (" ", "\t", "\n", "\r\n", "\xa0", "\u2003", "\u3000"),
        "separators": tuple(",;:./\\&=#?@-_+*%|~!$^"),
        "brackets": tuple("()[]{}<>"),
        "quotes": ('"', "'", "`", '\\"', "“", '""', "\\"),
        "controls": ("\x01", "\x1b", "\x1f", "\x7f", "\x85", "\u2028"),
        "unseen": ("\u200b", "\u200d", "\ufeff", "\u202e", "\u2066", "\u115f", "\u3164", "\u00ad"),
        "surrogates": ("\ud800", "\udfff", "\udc00\ud800"),
        "symbols": ("㏋", "ⓗ", "ⓟ", "™", "½", "℡", "→"),
        "schemes": ("javascript:", "java\tscript:", "data:text/", "data:image/png;base64,", "http://", "//", "\\\\"),
        "headers": ("Bearer ", "W/", '"1"', "bytes=", "q=0.", "token=", "bearer.", "Basic ", "*", "; "),
        "escapes": ("%00", "%ff", "%2e", "\\u0041", "\\x41", "&#x41;", "xn--", "../", "${", "{{"),
        "addresses": ("a@", "@a.", ".com", "a.b", "@", "+"),
        "expanding": _in_unicode("expanding"),
        "folding": _in_unicode("folding"),
        "marks": _in_unicode("marks"),
        "literals": tuple(sorted({word for name in sys.modules if _is_ours(name) for word in literals(name)})),
    }


@cache
def literals(module: str) -> tuple[str, ...]:
    """The words and marks that the compiled patterns of a module look for."""
    patterns = _patterns(tuple(vars(sys.modules[module]).values()))
    return tuple(sorted({literal for pattern in patterns for literal in _LITERALS.findall(pattern)}))


def _patterns(value: object) -> list[str]:
    """The sources of patterns in the value, at any depth of tuples and lists."""
    if isinstance(value, re.Pattern):
        return [value.pattern] if isinstance(value.pattern, str) else []
    if isinstance(value, list | tuple):
        return [pattern for inner in value for pattern in _patterns(inner)]
    return []


@cache
def vocabulary() -> tuple[str, ...]:
    """The keys with a special meaning in the code, from its own tables."""
    hidden = {key for row in HIDDEN.values() for key in row}
    messages = {
        "type",
        "payload",
        "ref",
        "itemId",
        "index",
        "changes",
        "to",
        "retry",
        "connectionId",
        "token",
        *CLIENT_MESSAGES,
    }
    addresses = {"url", "src", "href", "image", "portrait", "avatars"}
    dangers = {"__proto__", "constructor", "id", "current", "max"}
    shown = {*TEXTS, *SWITCHED, *IMAGES, *SHOW_KEYS, *ROWS, "public", "alias", "show", "visible", "hidden"}
    shown |= {REVEAL_ON_TURN, *RECORD_IDS, *camera.LIMITS, *encounter.KEYS, *encounter.ENTRY_KEYS}
    return tuple(sorted({*hidden, *FIELDS, *READ_ONLY, *messages, *addresses, *dangers, *shown}))


def draw(rng: random.Random, home: str = "") -> str:
    """One fragment: all classes are equally likely, except the words of the module under test."""
    return draw_alike(rng, 1, home)[0]


def draw_alike(rng: random.Random, count: int, home: str = "") -> tuple[str, ...]:
    """Fragments of one class."""
    own = literals(home) if home else ()
    of_class = own if own and rng.random() < OWN else _classes()[rng.choice(list(_classes()))]
    return tuple(rng.choice(of_class) for _ in range(count))
