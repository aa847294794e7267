"""What any JSON value from outside must keep to before it is stored or relayed. Pure.

Which keys a portal view has is not said here but in `libraries.state`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

MAX_DEPTH = 16
MAX_SAFE_INTEGER = 2**53 - 1
"""RFC 7493 (I-JSON), section 2.2: beyond it a receiver may read another number than was sent."""
MAX_DATA_URL_CHARS = 16 * 1024
_CACHED_CHARS = 40

_ADDRESSES = ("avatar", "href", "image", "img", "link", "portrait", "src", "thumbnail", "uri", "url")
_PICTURES = ("artwork", "icon", "logo", "photo", "picture", "poster")
URL_KEYS = frozenset({*_ADDRESSES, *_PICTURES})
_URL_ENDINGS = ("href", "image", "src", "uri", "url")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_SMALL_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/]*={0,2}", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x20]")
_NOT_ALNUM = re.compile(r"[\W_]+")


def _gappy(word: str) -> str:
    # The URL standard drops tabs and line breaks wherever they stand in an address.
    return r"[\t\n\r]*".join(map(re.escape, word))


_SCRIPT = re.compile(
    rf"[\x00-\x20]*(?:{_gappy('javascript:')}|{_gappy('vbscript:')}|"
    rf"{_gappy('data:')}\s*(?:text|image|application|audio|video|font|model|multipart|message)\s*/)",
    re.IGNORECASE,
)
"""What is refused under any key: a page could take it for an address, and it would run."""


def plain_key(key: str) -> str:
    """A key without case, `_`, `-` and other marks: `max_HP`, `Max-Hp` and `maxHp` are all `maxhp`.

    So are the wide, accented and joined forms of Unicode's compatibility decomposition (NFKD, UAX 15); letters of
    another alphabet that only look alike are not.
    """
    # Long keys are rare, and not worth the memory.
    return _plain_key(key) if len(key) <= _CACHED_CHARS else _plain_key.__wrapped__(key)


@lru_cache(maxsize=4096)
def _plain_key(key: str) -> str:
    # Marks go first, too: to put a long row of them in order takes quadratic time.
    letters = unicodedata.normalize("NFKD", _NOT_ALNUM.sub("", key))
    return _NOT_ALNUM.sub("", unicodedata.normalize("NFKD", letters.casefold())).casefold()


def check_value(value: object, depth: int = 1, key: str = "") -> None:
    """Raise ValueError, with a sentence, unless `value` at nesting level `depth` may be stored and relayed.

    `key` is the key it stands under; it decides whether a string is an address.
    """
    if isinstance(value, str):
        _check_text(value, key)
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
            _check_text(name, "")
            check_value(inner, depth + 1, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_value(inner, depth + 1, key)
    else:
        raise ValueError("Only JSON values are possible here.")


def _check_text(text: str, key: str) -> None:
    if "\0" in text:
        raise ValueError("Text may not hold the character NUL.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("Text may not hold half of a surrogate pair.") from None
    if is_url_key(key) or _SCRIPT.match(text):
        _check_url(text)


def is_url_key(key: str) -> bool:
    """Whether the text under `key` is an address that a page may follow or show."""
    plain = plain_key(key).removesuffix("s")
    return plain in URL_KEYS or plain.endswith(_URL_ENDINGS)


def _check_url(text: str) -> None:
    if len(text) <= MAX_DATA_URL_CHARS and _SMALL_IMAGE.fullmatch(text):
        return
    # Browsers drop white space and control characters inside a scheme, and take a backslash for a slash.
    seen = _UNSEEN.sub("", text).replace("\\", "/")
    scheme = _SCHEME.match(seen)
    if scheme is None and not seen.startswith("//"):
        return
    if scheme is not None and scheme[1].lower() in {"http", "https"}:
        return
    raise ValueError(
        "An address must start with https:, http: or be a path of this site;"
        f" a data: address must be an image of at most {MAX_DATA_URL_CHARS} characters."
    )
