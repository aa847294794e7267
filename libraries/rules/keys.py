"""The keys of JSON objects: which are allowed, which spellings are equal, which hold an address. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from string import ascii_lowercase

from libraries.rules.errors import BadValue
from libraries.rules.octets import BYTES_KEY, RESERVED

MAX_KEY_CHARS = 128
REFUSED_KEYS = frozenset({"__proto__", "constructor", "prototype"})
"""Names that every JavaScript object has: a page that copies such a key would change its own code's objects."""

_SHORT_CHARS = 40

_ADDRESSES = ("avatar", "href", "image", "img", "link", "portrait", "src", "thumbnail", "uri", "url")
_PICTURES = ("artwork", "icon", "logo", "photo", "picture", "poster")
URL_KEYS = frozenset({*_ADDRESSES, *_PICTURES})
WORDS = frozenset({"alt", "caption", "description", "label", "name", "text", "title"})
"""The plain keys whose text is never an address, also below the key of one."""
_URL_ENDINGS = ("href", "image", "src", "uri", "url")

# Characters that are neither letters nor digits, and the letters that are drawn as nothing: the fillers of Hangul (two
# more become these by decomposition) and the blanks of hieroglyphs. All other invisible characters are no letters.
_DROPPED = re.compile("[\\W_\u115f\u1160\U00013441\U00013442]+")
# White letters on black circles and squares, and those of flags: Unicode decomposes only the other framed letters.
_FRAMED = {
    first + place: letter for first in (0x1F150, 0x1F170, 0x1F1E6) for place, letter in enumerate(ascii_lowercase)
}


def check_no_prototype(name: str) -> None:
    """Raise BadValue for one of `REFUSED_KEYS`: as a key, or as an id that pages use as a key."""
    if name in REFUSED_KEYS:
        raise BadValue(f"The name {name} is not possible: pages could take it for a part of their own objects.")


def check_key(key: str) -> None:
    """Raise BadValue for a key that is too long, for one of `REFUSED_KEYS`, and for the one that means bytes."""
    if len(key) > MAX_KEY_CHARS:
        raise BadValue(f"A key may have at most {MAX_KEY_CHARS} characters; it has {len(key)}.")
    if key == BYTES_KEY:
        raise BadValue(RESERVED)
    check_no_prototype(key)


def plain_key(key: str) -> str:
    """A key without case, `_`, `-` and other marks: `max_HP`, `Max-Hp` and `maxHp` are all `maxhp`.

    The wide, accented, joined, raised and framed forms of Unicode's compatibility decomposition (NFKD, UAX 15) are also
    reduced, and invisible characters are removed. Letters of another alphabet that only look alike are kept.
    """
    # Long keys are rare, and worth less memory: enough for the keys of one message, which are looked up several times.
    if len(key) <= _SHORT_CHARS:
        return _plain_short(key)
    if len(key) <= MAX_KEY_CHARS:
        return _plain_long(key)
    # Such a key was stored before there was a limit. Ordering a long row of marks takes quadratic time; ordering its
    # pieces does not, and no letter depends on its neighbours.
    return "".join(_plain(key[start : start + MAX_KEY_CHARS]) for start in range(0, len(key), MAX_KEY_CHARS))


def _plain(key: str) -> str:
    if not key.isascii():
        parts = unicodedata.normalize("NFKD", key.translate(_FRAMED)).replace(" ", "")  # saves the pattern much work
        # Marks are removed before case: lower-casing turns one of them, U+0345, into a letter.
        key = unicodedata.normalize("NFKD", _DROPPED.sub("", parts).casefold())
    return _DROPPED.sub("", key).casefold()


_plain_short = lru_cache(maxsize=4096)(_plain)
_plain_long = lru_cache(maxsize=512)(_plain)


def is_url_key(key: str) -> bool:
    """Whether the text under `key` is an address that a page may follow or show."""
    plain = plain_key(key).removesuffix("s")
    return plain in URL_KEYS or plain.endswith(_URL_ENDINGS)


def is_word_key(key: str) -> bool:
    """Whether the text under `key` is for people, also in an object under the key of an address."""
    return plain_key(key) in WORDS
