"""Text that a page may use as an address: which addresses are allowed, and which text could run as code. Pure."""

from __future__ import annotations

import re

MAX_DATA_URL_CHARS = 16 * 1024

# Characters that browsers remove from an address (the URL standard: control characters and spaces around it, tabs and
# line breaks within), characters that JavaScript's trim() removes, and invisible ones: a page may remove any of them
# before it follows the address.
_SPACES = "\x20\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_SPACES}{_INVISIBLE}]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*+):", re.IGNORECASE)
_SMALL_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/]*+={0,2}", re.IGNORECASE)
_MEDIA_TYPES = ("text", "image", "application", "audio", "video", "font", "model", "multipart", "message")


def _gappy(word: str) -> str:
    # No spaces: "Java Script:" is text. Possessive, so that a long row of gaps is scanned once.
    return rf"[{_INVISIBLE}]*+".join(map(re.escape, word))


_SCRIPT = re.compile(
    rf"[{_SPACES}{_INVISIBLE}]*+(?:{_gappy('javascript:')}|{_gappy('vbscript:')}|{_gappy('data:')}"
    rf"[{_SPACES}{_INVISIBLE}]*+(?:{'|'.join(map(_gappy, _MEDIA_TYPES))})[{_SPACES}{_INVISIBLE}]*+/)",
    re.IGNORECASE,
)


def could_run(text: str) -> bool:
    """Whether a page that uses the text as an address, under any key, would run code in it."""
    return _SCRIPT.match(text) is not None


def check_address(text: str) -> None:
    """Raise ValueError, with a sentence, unless the text is a web address, a path of the site, or a small image."""
    if len(text) <= MAX_DATA_URL_CHARS and _SMALL_IMAGE.fullmatch(text):
        return
    # Browsers treat a backslash as a slash.
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
