"""How a log shows a value: without credentials, long values cut, control and direction marks escaped. Pure.

Every function takes at most linear time: the patterns have possessive parts, which never give back what they took, and
no part can match the character that ends the part before it. The choice of events does not belong here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, MutableMapping
from itertools import islice
from typing import Any

STRUCK = "***"
MAX_CHARS = 1024
"""The limit of one value, and of one line of a traceback. Text beyond it is cut before any pattern is applied."""
MAX_KEY_CHARS = 128
MAX_TRACEBACK_CHARS = 32 * 1024
MAX_DEPTH = 6
MAX_ENTRIES = 64
"""The limit of the dicts and lists of one value together."""
TRACEBACKS = frozenset({"exception", "stack"})
"""The keys of an event that contain several lines."""

_TRACEBACK_HEAD = MAX_TRACEBACK_CHARS // 4
_PLAIN_INTEGER = 2**64

# --- Credentials ------------------------------------------------------------------------------------------

_NAME = (
    r"(?:token|ticket|share|claim|password|passwd|passphrase|secret|sessionid|api[_-]?key|credential)(?:s|\d|_?key)?"
)
_NAME_OR_HEADER = rf"(?:{_NAME}|authorization|cookie)"
# Text in quotes up to their end, or to the end of a line that was cut
_IN_QUOTES = (
    r"[bBuUrR]{0,2}(?:"
    r"\"(?:[^\"\\\n]++|\\.)++|"
    r"'(?:[^'\\\n]++|\\.)++|"
    # Quotes that are themselves escaped, as in JSON within JSON; backslashes before a quote are matched as one
    r"(?P<escape>\\{1,15}+)(?P<quote>[\"'])"
    r"(?:[^\\\"'\n]++|(?!(?P=escape)(?P=quote))\\++.|(?!(?P=quote))[\"'])++)"
)
_IN_BRACKETS = r"[\[({](?:\"(?:[^\"\\\n]++|\\.)*+\"?+|'(?:[^'\\\n]++|\\.)*+'?+|[^\])}\"'\n])++"
_QUOTE_OPENS = re.compile(r"[bBuUrR]{0,2}(?:\\*+[\"']|[\[({])")

# The end of a value that is too short to be recognised, because it was cut there
_CUT = r"(?=\Z| … \()"
_SLASH = r"(?:/|%2F|%252F)"
# Pages whose address ends with a secret; these words below such an address are none
_SECRET_PAGE = rf"{_SLASH}(?:view|verify|reset|invitation){_SLASH}"
_PLAIN_WORD = r"(?:guest|send|confirm)(?![\w.~-])"
# `code` names errors, too, which are words: a short code is six of its own characters (`libraries.digests`)
_SHORT_CODE = r"[2-9A-HJ-KM-NP-Z]{6}+(?![\w-])"

_HINT = re.compile(rf"(?i)eyJ|bearer|guest\.|code|{_SECRET_PAGE}|{_NAME_OR_HEADER}|://")
"""Matches every text that a pattern below can change: most texts do not match and are done."""

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # A JSON Web Token anywhere, also one that was cut
        r"(?P<lead>)(?P<value>eyJ[\w-]{10,}+(?:(?:\.|%2[eE])++[\w-]++)*+)",
        # In the list of WebSocket subprotocols: bearer.…, ticket.…, share.…, guest.…; the last three are also words
        # before a dot in a line of code, so what follows them is long, or was cut
        r"(?i)(?P<lead>bearer\.)(?P<value>[\w.~+/=-]++)",
        rf"(?i)(?P<lead>\b(?:ticket|share|guest)\.)(?P<value>[\w~+/=-]{{20,}}+[\w.~+/=-]*+|[\w.~+/=-]++{_CUT})",
        # In the path of a page: /view/…, /verify/…, /reset/…, /invitation/…
        rf"(?i)(?P<lead>{_SECRET_PAGE})(?P<value>(?!{_PLAIN_WORD})[^/?#&\s\"'<>\\]++)",
        # A short code in an address, and in JSON or the repr of a form
        r"(?i)(?P<lead>(?:[?&]|%3F|%26|%253F|%2526)code(?:=|%3D|%253D))(?P<value>[^&#\s\"'<>\\]++)",
        rf"(?i)(?P<lead>code\\{{0,15}}+[\"']\s*+[:,]\s*+\[?+[bu]?+\\{{0,15}}+[\"'])(?P<value>{_SHORT_CODE})",
        # In a header: Authorization: Digest …, Authorization: Bearer …, Cookie: …
        r"(?i)(?P<lead>authorization\s*+[:=]\s*+digest\s++)(?P<value>[^\r\n]++)",
        r"(?i)(?P<lead>authorization\s*+[:=]\s*+(?:(?:basic|bearer|token|negotiate)\s++)?+)(?P<value>[^\s\"'<>,;\\]++)",
        r"(?i)(?P<lead>\bbearer(?:\s|%20)++)(?P<value>[\w.~+/=-]{16,}+)",
        r"(?i)(?P<lead>cookie\s*+[:=]\s*+)(?P<value>[^\r\n\"'\\]++)",
        # In JSON, the repr of a dict or of a list of headers: "token": "…", 'token': ['…'], (b'cookie', b'…')
        rf"(?i)(?P<lead>{_NAME_OR_HEADER}\\{{0,15}}+[\"']\s*+[:,=]\s*+)"
        rf"(?P<value>{_IN_QUOTES}|{_IN_BRACKETS}|(?!none|null|true|false)[\w.+-]++)",
        rf"(?i)(?P<lead>{_NAME}(?:%2[27])(?:%20)*+%3A(?:%20)*+%2[27])(?P<value>(?:(?!%2[27])[^\s&#\"'])++)",
        # In the repr of an object or a line of code: token='…'
        rf"(?i)(?P<lead>{_NAME}\s*+=\s*+)(?P<value>{_IN_QUOTES})",
        # In a URL or a form: token=…, and longer names that end like it, such as access_token=…
        rf"(?i)(?P<lead>{_NAME}(?:=|%3D|%253D))(?P<value>[^&#\s\"'<>\\]++)",
        # In the URL of a store: postgres://user:password@host
        r"(?P<lead>://[^/\s:@\"'\[]*+:)(?P<value>(?!\d{1,5}(?:\Z|[/\s]))[^/\s@\"']++)(?=@|\Z)",
    )
)
_SECRET_NAME = re.compile(rf"(?i){_NAME_OR_HEADER}\Z")


def strike(text: str) -> str:
    """The text with every credential in it replaced by `***`; takes linear time."""
    if _HINT.search(text) is None:
        return text
    for pattern in _PATTERNS:
        text = pattern.sub(_struck, text)
    return text


def _struck(found: re.Match[str]) -> str:
    opening = _QUOTE_OPENS.match(found["value"])
    return f"{found['lead']}{opening[0] if opening else ''}{STRUCK}"


def is_secret(name: object) -> bool:
    """Whether a value with that name is a credential, whatever it looks like."""
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name) if isinstance(name, str) else ""
    return _SECRET_NAME.search(text[-MAX_KEY_CHARS:]) is not None


# --- Control and direction marks --------------------------------------------------------------------------

# Unicode's categories Cc, Cf, Cs, Zl and Zp, without the tab, the line feed and the carriage return: characters that
# control a terminal, reverse a line, or are invisible (UAX 9; UAX 44, section 5.7.1).
_MARKS = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_MARK = re.compile(f"[{_MARKS}]")
_MARK_OR_BREAK = re.compile(f"[{_MARKS}\t\n\r]")


def escape(text: str, *, one_line: bool = True) -> str:
    """The text with control and direction marks as `\x1b` or `\u202e`; tabs and line breaks too, if `one_line`."""
    if text.isascii() and text.isprintable():
        return text
    return (_MARK_OR_BREAK if one_line else _MARK).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


# --- Length -----------------------------------------------------------------------------------------------

_LONG_LINE = re.compile(rf"(?m)^([^\n]{{{MAX_CHARS}}})([^\n]++)")


def cut_traceback(text: str) -> str:
    """The traceback with each line cut to `MAX_CHARS`, and without its middle if it is longer than 32 KiB.

    The beginning of a line is kept, so that no second half of a credential remains alone.
    """
    text = _LONG_LINE.sub(lambda line: f"{line[1]} … ({len(line[2])} characters cut)", text)
    if len(text) <= MAX_TRACEBACK_CHARS:
        return text
    head = text[:_TRACEBACK_HEAD].rpartition("\n")[0]
    tail = text[_TRACEBACK_HEAD - MAX_TRACEBACK_CHARS :].partition("\n")[2]
    return f"{head}\n… ({len(text) - len(head) - len(tail)} characters cut)\n{tail}"


class Redactor:
    """The structlog processor that prepares an event for a log; it runs after exceptions became text.

    one_line: line breaks are escaped, too, and the lines of a traceback are indented, so that a client cannot forge a
    line of the log; JSON does this by itself.
    """

    def __init__(self, *, one_line: bool) -> None:
        self._one_line = one_line

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        """The event with each key and value cut, redacted and escaped."""
        return {
            self._text(name, MAX_KEY_CHARS): (
                self.traceback(value) if name in TRACEBACKS and isinstance(value, str) else self.named(name, value)
            )
            for name, value in event.items()
        }

    def named(self, name: object, value: Any) -> Any:
        """As `value`; replaced completely if the name says that it is a credential."""
        return self._named(name, value, MAX_DEPTH, _Room())

    def value(self, value: Any) -> Any:
        """The value for the log: text, a number, None, or lists and dicts of these; the repr of any other object."""
        return self._value(value, MAX_DEPTH, _Room())

    def traceback(self, text: str) -> str:
        """The lines of a traceback."""
        shown = escape(strike(cut_traceback(text)), one_line=False)
        if not self._one_line:
            return shown
        return "\n".join(f"  {escape(line)}" for line in shown.split("\n"))

    def _named(self, name: object, value: Any, depth: int, room: _Room) -> Any:
        return STRUCK if value and is_secret(name) else self._value(value, depth, room)

    def _value(self, value: Any, depth: int, room: _Room) -> Any:
        match value:
            case str():
                return self._text(value)
            case None | bool() | float():
                return value
            case int():
                return value if abs(value) < _PLAIN_INTEGER else f"an integer of {value.bit_length()} bits"
            case bytes() | bytearray():
                return self._text(repr(bytes(value[:MAX_CHARS])), whole=len(value))
            case dict() if depth:
                return self._dict(value, depth - 1, room)
            case list() | tuple() | set() | frozenset() | deque() if depth:
                return self._list(value, depth - 1, room)
            case dict() | list() | tuple() | set() | frozenset() | deque():
                return f"… ({len(value)} entries)"
            case _:
                return self._text(_repr(value))

    def _dict(self, value: Mapping[Any, Any], depth: int, room: _Room) -> dict[str, Any]:
        shown = {
            self._text(name if isinstance(name, str) else _repr(name), MAX_KEY_CHARS): self._named(
                name, entry, depth, room
            )
            for name, entry in islice(value.items(), room.take(len(value)))
        }
        return {**shown, "…": f"{len(value) - len(shown)} more"} if len(shown) < len(value) else shown

    def _list(self, value: Any, depth: int, room: _Room) -> list[Any]:
        taken = list(islice(value, room.take(len(value))))
        if len(taken) == len(value) == 2 and isinstance(taken[0], str | bytes):  # a header: its name, its value
            return [self._value(taken[0], depth, room), self._named(taken[0], taken[1], depth, room)]
        shown = [self._value(entry, depth, room) for entry in taken]
        return [*shown, f"… ({len(value) - len(taken)} more)"] if len(taken) < len(value) else shown

    def _text(self, text: str, most: int = MAX_CHARS, *, whole: int = 0) -> str:
        whole = max(whole, len(text))
        shown = escape(strike(text[:most]), one_line=self._one_line)
        return shown if whole <= most else f"{shown} … ({whole - most} characters cut)"


class _Room:
    """The number of entries that may still be shown."""

    def __init__(self) -> None:
        self._left = MAX_ENTRIES

    def take(self, count: int) -> int:
        """The part of `count` entries that there is room for."""
        taken = min(count, self._left)
        self._left -= taken
        return taken


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # an object whose repr fails must not lose the whole line
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
