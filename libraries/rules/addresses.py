"""Text that a page may use as an address: which addresses are refused, and which lead to something. Pure.

The keys whose text is an address are in `libraries.rules.keys`. Under all other keys, the same text is only text.
"""

from __future__ import annotations

import re

from libraries.rules.errors import BadValue
from libraries.rules.places import told

MAX_MESSAGE_IMAGE_CHARS = 48 * 1024
"""The longest `data:` image in a message of a socket."""
MAX_BODY_IMAGE_CHARS = 64 * 1024
"""The longest `data:` image in a REST body, in the admin, and so in a stored state."""

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
_DISK = re.compile(r"[a-z]:/", re.IGNORECASE)
_WEB = ("https://", "http://")
_SMALL_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif);base64,[A-Za-z0-9+/]*+={0,2}", re.IGNORECASE)

_INSTEAD = "upload it to the library, or put it on the web."
_DISK_FILE = f"A file on your disk cannot be seen by others: {_INSTEAD}"
_CODE = "Must be an address, and not code that a page could run."
_REFUSED = {
    "javascript": _CODE,
    "vbscript": _CODE,
    "file": _DISK_FILE,
    "blob": f"A blob: address exists only in your own browser: {_INSTEAD}",
    "data": "A data: address must be a PNG, JPEG, GIF, WebP or AVIF image in base64, of at most {most:,} characters.",
}
_OTHER_HOST = "An address must not begin with //: begin it with https://, or a path of this site with one slash."


def check_harmless(text: str, most: int) -> None:
    """Raise BadValue for an address that a page could run, or that nobody else can see; others may mean anything.

    A `data:` image may have `most` characters. Text that is no address, such as `mdi:sword`, is harmless.
    """
    if text.startswith(_WEB):
        return
    seen = _seen(text)
    if _DISK.match(seen) or text.startswith("\\\\"):
        raise BadValue(told(_DISK_FILE, text))
    if seen.startswith("//"):  # it looks like a path of the site, and leads elsewhere
        raise BadValue(told(_OTHER_HOST, text))
    scheme = _scheme(seen)
    if scheme not in _REFUSED:
        return
    if _SMALL_IMAGE.fullmatch(text) is None:
        raise BadValue(told(_REFUSED[scheme].format(most=most), text))
    if len(text) > most:
        raise BadValue(f"A data: image may have at most {most:,} characters; it has {len(text):,}.")


def check_address(text: str) -> None:
    """Raise BadValue unless the text leads to something: on the web, on this site, or a small image."""
    check_harmless(text, MAX_BODY_IMAGE_CHARS)
    if _scheme(_seen(text)) not in {"", "http", "https", "data"}:
        raise BadValue(told("Must be an address on the web or on this site, or a small data: image.", text))


def _seen(text: str) -> str:
    """What a browser reads: it drops what cannot be seen, and treats a backslash as a slash."""
    return _UNSEEN.sub("", text).replace("\\", "/")


def _scheme(seen: str) -> str:
    found = _SCHEME.match(seen)
    return "" if found is None else found[1].lower()
