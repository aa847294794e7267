"""The request errors that the sender can act on. Pure; REST and sockets each have their own format for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from libraries.rules.places import part, path, told

MAX_SENTENCE_CHARS = 512
MAX_DETAIL_CHARS = 256
"""The limit on the keys and sentences of all details together, unless the first alone is longer."""
MAX_NAMED_CHARS = 64
"""The most characters of a sender's key, or other word, that an answer repeats."""


def named(word: object) -> str:
    """A word of the sender as an answer repeats it: cut short, and without half of a surrogate pair."""
    return str(word)[:MAX_NAMED_CHARS].encode(errors="backslashreplace").decode()


def few_details(details: Mapping[str, str], room: int = MAX_DETAIL_CHARS) -> dict[str, str]:
    """The first of the details, by `named` keys: an answer should not be far longer than its request."""
    few: dict[str, str] = {}
    for key, sentence in details.items():
        shown, said = named(key), shortened(sentence)
        room -= len(shown) + len(said)
        if few and room < 0:
            break
        few[shown] = said
    return few


def shortened(sentence: str) -> str:
    """The sentence, cut if it is too long."""
    return sentence if len(sentence) <= MAX_SENTENCE_CHARS else f"{sentence[: MAX_SENTENCE_CHARS - 2]}…."


def described(error: BaseException | None) -> str:
    """An error for a log: its kind, its text, and its cause. The repr of some errors contains no words."""
    if error is None:
        return "no error"
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{words} (from {described(error.__cause__)})" if error.__cause__ is not None else words


class BadValue(ValueError):
    """A value that may not be stored or relayed: a sentence, and the value's place below the one that was checked.

    A place is text such as `.system.img`, `[3].x` or nothing. It is put together while the error travels up, so values
    that are good cost nothing.
    """

    def __init__(self, sentence: str, place: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.place = place

    def below(self, key: object) -> Self:
        """The same error, one level further up: the value is under this key, or at this index of a list."""
        self.place = f"{part(key)}{self.place}"
        return self

    @property
    def path(self) -> str:
        """The whole place, as an answer names it."""
        return path(self.place)


def check_below(key: str, check: Callable[[Any], None], value: object) -> None:
    """Check the value under a key; BadValue with its place, and with what was sent, for a ValueError."""
    try:
        check(value)
    except BadValue as error:
        raise error.below(key) from None
    except ValueError as error:
        raise BadValue(told(str(error), value)).below(key) from None


class PortalError(Exception):
    """A refusal with a stable `code`, a `message` that a person can act on, and optional `details` by key.

    Message and details are cut short, see `few_details`: they may contain the sender's own words. `room` is the number
    of characters for the details.
    """

    code: str = "error"

    def __init__(self, message: str, details: Mapping[str, str] | None = None, room: int = MAX_DETAIL_CHARS) -> None:
        super().__init__(message)
        self.message = shortened(message)
        self.details = few_details(details, room) if details else None


class InvalidPayload(PortalError):
    """A value that may not be stored or relayed; `details` names each key."""

    code = "invalid-payload"


class NoSuchItem(InvalidPayload):
    """The portal view has no item with the id that a change names."""


class NotFound(PortalError):
    """It does not exist, or the asker may not know that it does."""

    code = "not-found"


class Forbidden(PortalError):
    """The asker sees it but may not do this to it."""

    code = "forbidden"


class VersionConflict(PortalError):
    """The asker's version is not the stored one (RFC 9110, section 13.1.1: a failed If-Match)."""

    code = "version-conflict"


class Conflict(PortalError):
    """The change would break a rule of the stored data: a second membership, a library without an owner."""

    code = "conflict"


class Gone(PortalError):
    """There was such a request once; the message names what to use instead."""

    code = "gone"


class QuotaExceeded(PortalError):
    """The library or the person is at a quota; the message names the quota, and what to do."""

    code = "quota-exceeded"


class ImageInvalid(PortalError):
    """A file that is no picture we take, or that asks for too much; the message says which of the two, and why."""

    code = "image-invalid"


class ImageInUse(PortalError):
    """Items name the picture; `details` has the portal views by name."""

    code = "image-in-use"


class UploadTooLarge(PortalError):
    """The file is longer than the site allows."""

    code = "too-large"


NO_ROOM = "The server has no room left for pictures; nothing was stored. Tell whoever runs it."
"""The sentence of StorageFull, wherever the room is missing."""


class StorageFull(PortalError):
    """There is no room left where pictures are kept; nothing was stored."""

    code = "storage-full"


class AlreadyApplied(PortalError):
    """The message was stored before, by a connection that was cut before it got the answer."""

    code = "already-applied"

    def __init__(self, message: str = "This message was stored before.") -> None:
        super().__init__(message)


class Unavailable(PortalError):
    """Something the server needs is unavailable; the same request may succeed later."""

    code = "unavailable"


class TooManyAttempts(PortalError):
    """A limit on log-ins is reached; the same request may succeed after `wait` seconds."""

    code = "throttled"

    def __init__(self, message: str, wait: int) -> None:
        super().__init__(message)
        self.wait = wait
