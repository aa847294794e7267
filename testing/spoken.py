"""The credentials that tests and runs have used: none of them may be in a log."""

from __future__ import annotations

from typing import Any

KEYS = frozenset({"access", "refresh", "token", "ticket", "share", "guest", "link", "claim", "code", "password"})
"""The keys of bodies, answers and addresses that hold a credential; also `code`, unless it is that of an error."""
MIN_CHARS = 6

spoken: set[str] = set()
"""All that were used by this process."""


def note(value: object) -> None:
    """Note a credential; of an address, what is behind its last slash."""
    text = str(value or "").rpartition("/")[2]
    if len(text) >= MIN_CHARS:
        spoken.add(text)


def note_all(body: Any) -> None:
    """Note every credential in a body or an answer."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key in KEYS and isinstance(value, str) and not _is_of_an_error(body):
                note(value)
            note_all(value)
    elif isinstance(body, list):
        for value in body:
            note_all(value)


def _is_of_an_error(body: dict[str, Any]) -> bool:
    return {"code", "message"} <= body.keys()


def found_in(log: str) -> list[str]:
    """The noted credentials in a log."""
    return [one for one in spoken if one in log]
