"""Secrets that are given out once, and the digests that are stored of them."""

from __future__ import annotations

import hashlib
import secrets

from django.utils.crypto import salted_hmac

TOKEN_BYTES = 24
"""192 bits: more than the 128 that OWASP asks of a session's id, so a plain hash needs no salt."""
CODE_CHARS = 6
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, O, 1, I and L, which look alike."""


def new_token() -> str:
    """A secret that cannot be guessed, for an address: 32 characters of base64url."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """What is stored of a secret that cannot be guessed: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_code() -> str:
    """A code that people can type: 6 characters, 29 bits."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))


def read_code(text: str) -> str:
    """What was typed, as the code that is meant: case, spaces and hyphens do not matter."""
    return "".join(text.split()).replace("-", "").upper()


def is_code(code: str) -> bool:
    """Whether it can be a code."""
    return len(code) == CODE_CHARS and set(code) <= set(CODE_ALPHABET)


def digest_of_code(code: str) -> str:
    """What is stored of a code: a keyed hash, because all codes can be tried in seconds."""
    return salted_hmac("libraries.codes", code, algorithm="sha256").hexdigest()
