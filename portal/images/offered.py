"""The credentials of a request for a picture: a token in its header, and cookies. All that are good count.

An `<img>` sends no header. So pages of guests keep the guest's credential in a cookie of the link, too
(`libraries.api.guest_cookies`).
"""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from django.conf import settings
from django.http.cookie import parse_cookie

from libraries import tokens
from libraries.api.guest_cookies import guest_cookies
from libraries.rules.subjects import Grant
from libraries.shown import Offered
from libraries.signing import KEYS
from libraries.tokens import Credential, KeyNotRead, TokenExpired, TokenInvalid
from realtime.database import in_database

KNOWN_CREDENTIALS = 4_096
"""How many a process remembers, each some 1,000 bytes: a page asks with the same ones each time that it shows a
picture, and at a reveal all pages ask at once (docs/decisions/026-the-event-loop-comes-first.md)."""
_SESSION_KEY = re.compile("[a-z0-9]{8,40}")
_ACCESS, _GUEST = tokens.verify, tokens.verify_guest
_Claim = tuple[Callable[[str], Credential], str]


async def offered_by(headers: Mapping[bytes, bytes]) -> Offered:
    """The credentials in the headers. A signing key that is not known yet is read, which may raise Unavailable."""
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    claims = [*_in_header(headers), *((_GUEST, text) for text in guest_cookies(cookies).values())]
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    session_key = key if _SESSION_KEY.fullmatch(key) else None
    try:
        grants = frozenset(_grants(claims))
    except KeyNotRead:
        await in_database(KEYS.read)
        grants = frozenset(_grants(claims, is_last=True))
    return Offered(grants, session_key)


def _in_header(headers: Mapping[bytes, bytes]) -> list[_Claim]:
    """A person's access token, or the credential of a guest."""
    scheme, _, text = headers.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() != b"bearer":
        return []
    token = text.strip().decode("latin-1")
    return [(_GUEST if _names_a_guest(token) else _ACCESS, token)]


def _names_a_guest(token: str) -> bool:
    """Whether it would be a guest's if it were good: trying both kinds costs twice as much."""
    content = token.partition(".")[2].partition(".")[0]
    try:
        return b'"guest_id"' in urlsafe_b64decode(f"{content}==")
    except ValueError:  # it is no token at all
        return False


def _grants(claims: Iterable[_Claim], *, is_last: bool = False) -> Iterable[Grant]:
    for verify, text in claims:
        try:
            yield _verified(verify, text).grant
        except (TokenExpired, TokenInvalid):
            continue  # it gives nothing, and whatever else is offered counts
        except KeyNotRead:
            if not is_last:
                raise


def _verified(verify: Callable[[str], Credential], text: str) -> Credential:
    credential = _known(verify, text, KEYS.changes)
    return credential if credential.expires_at > time.time() else verify(text)


@lru_cache(KNOWN_CREDENTIALS)
def _known(verify: Callable[[str], Credential], text: str, _: int) -> Credential:
    """Good credentials only: what raises is not remembered."""
    return verify(text)
