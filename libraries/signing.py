"""The keys that sign tokens: rows, encrypted with the site's secret key, and read once by each process.

A key's id ends with a keyed hash of its beginning, so that an id that somebody made up costs no query.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from dataclasses import dataclass, field

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction

from libraries.models import SigningKey

READ_SECONDS = 60.0
"""How long a process may sign with an old key after a new one was made."""
_RANDOM_CHARS = 8
_KEY_BYTES = 32
"""RFC 7518, section 3.2: at least as long as the hash's output."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its id, the `kid` of RFC 7515, section 4.1.4."""

    id: str
    secret: bytes


@dataclass(slots=True)
class Keys:
    """The keys that this process knows, the newest first."""

    _known: dict[str, Key] = field(default_factory=dict)
    _read_at: float = float("-inf")
    changes: int = 0
    """How often other keys were read than before. Whoever remembers what a token says forgets it then."""

    def find(self, key_id: str) -> Key | None:
        """The key with that id, if this process knows it; asks nobody."""
        return self._known.get(key_id)

    @property
    def are_read(self) -> bool:
        """Whether this process has read keys at all."""
        return self._read_at > float("-inf")

    def newest(self) -> Key:
        """The key that signs; the first one is made when it is needed."""
        if time.monotonic() - self._read_at >= READ_SECONDS:
            self.read()
        if not self._known:
            make_key()
            self.read()
        return next(iter(self._known.values()))

    def read(self) -> None:
        """Read all keys. A key that cannot be decrypted is logged, and its tokens are not valid."""
        opener = _sealer()
        known: dict[str, Key] = {}
        for row in SigningKey.objects.all():
            try:
                known[row.id] = Key(row.id, opener.decrypt(row.sealed.encode()))
            except InvalidToken:
                log.error("signing_key_not_opened", key=row.id)
        self.changes += known != self._known
        self._known, self._read_at = known, time.monotonic()


KEYS = Keys()
"""The keys of this process."""


def make_key() -> str:
    """Make the key that signs from now on; returns its id."""
    key_id = _new_id()
    sealed = _sealer().encrypt(secrets.token_bytes(_KEY_BYTES)).decode()
    SigningKey.objects.create(id=key_id, sealed=sealed)
    return key_id


def rotate_key(kept_seconds: float) -> tuple[str, int]:
    """Make a new key; returns its id, and the number of deleted keys.

    A key is deleted once a newer one has signed for `kept_seconds`, the longest life of a token. All others are
    encrypted again, with the site's newest secret key; one that cannot be decrypted is logged, and stays as it is.
    """
    with transaction.atomic():
        rows = list(SigningKey.objects.select_for_update())
        sealer = _sealer()
        now, deleted, newer_at = time.time(), 0, time.time()
        for row in rows:
            if now - newer_at > kept_seconds + READ_SECONDS:
                row.delete()
                deleted += 1
            else:
                _seal_again(row, sealer)
            newer_at = row.created_at.timestamp()
        key_id = make_key()
    KEYS.read()
    return key_id, deleted


def _seal_again(row: SigningKey, sealer: MultiFernet) -> None:
    try:
        row.sealed = sealer.rotate(row.sealed.encode()).decode()
    except InvalidToken:
        log.error("signing_key_not_opened", key=row.id)
    else:
        row.save(update_fields=["sealed"])


def is_ours(key_id: str) -> bool:
    """Whether this site made the id: one that somebody made up is not worth a query."""
    begin, tag = key_id[:_RANDOM_CHARS], key_id[_RANDOM_CHARS:].encode("utf-8", "replace")
    return any(hmac.compare_digest(_tag(secret, begin).encode(), tag) for secret in _secrets())


def _new_id() -> str:
    begin = secrets.token_hex(_RANDOM_CHARS // 2)
    return begin + _tag(settings.SECRET_KEY, begin)


def _tag(secret: str, begin: str) -> str:
    # A header may hold anything; no letter beyond ASCII is in an id of ours.
    return hmac.digest(_derived(secret, b"ids"), begin.encode("utf-8", "replace"), "sha256").hex()[:_RANDOM_CHARS]


def _sealer() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(secret, b"keys"))) for secret in _secrets()])


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _derived(secret: str, purpose: bytes) -> bytes:
    """A key for one purpose (HMAC-SHA256 as the function of RFC 5869, section 2.3)."""
    return hmac.digest(secret.encode(), b"portal signing 1: " + purpose + b"\x01", "sha256")
