"""What no viewer of the first evening may ever receive, in any form, and what they may only from a moment on."""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from libraries import demo_data
from portal.tests.evening_screen import Viewer

PRIVATE = ("gmNotes", "secret", "actions", "reactions", "speed", "hit_dice", "special_abilities")
"""Of the sample's items, what viewers get nothing of while all switches are off."""
KEYS = ("gmNotes", "secret", "hp", "maxHp", "tempHp", "hit_points", "alias", "visible", "show", "actions")
"""Names that are in no message to them."""
LEAST_CHARS = 6


def mark() -> str:
    """A word that is nowhere else."""
    return f"mark{secrets.token_hex(8)}"


def number() -> int:
    """A number of eleven digits that is nowhere else."""
    return 30_000_000_000 + secrets.randbelow(10_000_000_000)


def of_sample() -> set[str]:
    """A piece of each text of the sample evening that is for controllers alone."""
    texts: set[str] = set()
    for item in demo_data.ITEMS:
        hidden = item if item.get("visible") is False else {key: item[key] for key in PRIVATE if key in item}
        texts |= set(_texts({key: value for key, value in hidden.items() if key not in {"id", "type", "image"}}))
        texts |= {item["name"]} if "alias" in item else set()
    pieces = {max(re.findall(r"[A-Za-z0-9 ,.]+", text), key=len).strip() for text in texts}
    return {piece for piece in pieces if len(piece) >= LEAST_CHARS}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def forms(secret: str) -> list[bytes]:
    """The secret as it is, and in base64 wherever it begins there."""
    shifted = (b64encode(b"\0" * before + secret.encode()).rstrip(b"=") for before in range(3))
    return [secret.encode(), *(text[(0, 2, 3)[before] : -1] for before, text in enumerate(shifted))]


def found(secret: str, received: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where the secret is in what was received: (place, bytes)."""
    wanted = forms(secret)
    return [place for place, data in received if any(form in data for form in wanted)]


def frames_of(viewer: Viewer) -> Iterator[tuple[str, bytes]]:
    """The messages that a viewer has received until now."""
    viewer.ask("0")  # what has come to the browser has come to us
    return ((frame[:200], frame.encode()) for frame in viewer.frames)


def check_frames(viewers: Iterable[Viewer], *hidden: str) -> None:
    """Nothing of it is in any message until now."""
    for viewer in viewers:
        for secret in hidden:
            assert found(secret, frames_of(viewer)) == [], (viewer.name, secret)


def check_all(viewer: Viewer, hidden: Iterable[str], revealed: Iterable[str]) -> None:
    """In the end: messages held nothing hidden, and all that was revealed; answers by HTTP none of either."""
    assert len(viewer.frames) > LEAST_CHARS
    assert any(answer.body for answer in viewer.answers if "/images/" in answer.address)
    frames = [(frame[:200], frame.encode()) for frame in viewer.frames]
    received = [(answer.address, answer.headers.encode() + answer.body) for answer in viewer.answers]
    for secret in hidden:
        assert found(secret, [*frames, *received]) == [], (viewer.name, secret)
    for shown in revealed:
        assert found(shown, frames) != [], (viewer.name, shown)
        assert found(shown, received) == [], (viewer.name, shown)
    for frame in viewer.frames:
        assert keys_of(json.loads(frame)) & set(KEYS) == set(), (viewer.name, frame)


def keys_of(value: Any) -> set[str]:
    """All keys in it, in any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()
