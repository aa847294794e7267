"""The content of a token, for REST and sockets alike: whose it is, what it ends with, and its expiry.

`verify` needs no database, except to read a signing key that this process does not know yet. Whether the session or
the link still exists is a question for `libraries.grants`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

import jwt
from django.conf import settings
from jwt import ImmatureSignatureError, InvalidTokenError
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from libraries.models import User
from libraries.rules.errors import PortalError
from libraries.rules.subjects import Grant, Subject
from libraries.signing import KEYS, Key, is_ours

AnyToken = TypeVar("AnyToken", bound=Token)
T = TypeVar("T")

AUDIENCE = "portal"
GUEST_DAYS = 90
"""The life of a guest's credential; each connection gives a new one."""


class TokenExpired(PortalError):
    """It was valid before."""

    code = "token-expired"


class TokenInvalid(PortalError):
    """It is not from this server, or of another kind."""

    code = "token-invalid"


class TokenOfTheFuture(TokenInvalid):
    """It was issued, or becomes valid, in the future (RFC 7519, sections 4.1.5 and 4.1.6)."""


class KeyNotRead(PortalError):
    """This process has not read the key yet that signed the token: `KEYS.read`, and try again."""

    code = "token-invalid"


@dataclass(frozen=True, slots=True)
class Credential:
    """A verified credential. `expires_at` is in seconds since the epoch, with the clocks' leeway.

    A guest may have a name in it.
    """

    grant: Grant
    expires_at: float
    name: str = ""

    @property
    def subject(self) -> Subject:
        """Whose it is."""
        return self.grant.subject


# --- The signature ----------------------------------------------------------------------------------------


class KeyedBackend(TokenBackend):
    """Signs with the newest of `libraries.signing.KEYS`, and verifies with the key that the token names.

    A token that names none is from a release without signing keys: it was signed with the secret key, and has neither
    issuer nor audience.
    """

    def encode(self, payload: dict[str, Any]) -> str:
        """The signed token."""
        key = KEYS.newest()
        content = {**payload, "iss": settings.PORTAL_ISSUER, "aud": AUDIENCE}
        return jwt.encode(content, key.secret, algorithm=self.algorithm, headers={"kid": key.id})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The content of a token with a valid signature; TokenBackendError, or KeyNotRead."""
        key = _key_of(token)
        if key is None:
            return super().decode(token, verify)
        return _verifier(self.algorithm, key.secret, settings.PORTAL_ISSUER, self.leeway).decode(token, verify)


@lru_cache(maxsize=16)
def _verifier(algorithm: str, secret: bytes, issuer: str, leeway: Any) -> TokenBackend:
    key: Any = secret  # the stubs ask for text; PyJWT takes both
    return TokenBackend(algorithm, key, audience=AUDIENCE, issuer=issuer, leeway=leeway)


def _key_of(token: Any) -> Key | None:
    """The key that a token names, None if it names none."""
    key_id = _kid_in(str(token).partition(".")[0])
    if key_id is None:
        return None
    if (key := KEYS.find(key_id)) is not None:
        return key
    if is_ours(key_id) or not KEYS.are_read:  # a secret key that is forgotten by now may have made the id
        raise KeyNotRead("The token's key is not known yet.")
    raise TokenBackendError("Token is invalid")


@lru_cache(maxsize=64)
def _kid_in(header: str) -> str | None:
    """The `kid` in the encoded header of a token: the same for all tokens of a key. The rest is not looked at here."""
    try:
        key_id: str | None = jwt.get_unverified_header(f"{header}.e30.e30").get("kid")
    except InvalidTokenError as error:
        raise TokenBackendError("Token is invalid") from error
    return key_id


@lru_cache(maxsize=16)
def _backend(algorithm: str, secret: str, leeway: Any) -> KeyedBackend:
    return KeyedBackend(algorithm, secret, leeway=leeway)


class _Keyed:
    """Tokens that name their key."""

    @property
    def token_backend(self) -> TokenBackend:
        return _backend(api_settings.ALGORITHM, settings.SECRET_KEY, api_settings.LEEWAY)


class Access(_Keyed, AccessToken):
    """An access token."""


class Refresh(_Keyed, RefreshToken):  # type: ignore[misc]  # as in RefreshToken
    """A refresh token; `gen` is its number in its session."""

    access_token_class = Access


class Guest(_Keyed, Token):
    """A guest's credential."""

    token_type = "guest"  # noqa: S105  # a name
    lifetime = timedelta(days=GUEST_DAYS)


# --- Reading ----------------------------------------------------------------------------------------------


def verify(text: str) -> Credential:
    """The credential in an access token; TokenExpired or TokenInvalid unless it is valid now. KeyNotRead."""
    token = read_token(Access, text)
    return Credential(grant_of(token), _ends_at(token))


def verify_guest(text: str) -> Credential:
    """The credential of a guest; TokenExpired or TokenInvalid unless it is valid now. KeyNotRead."""
    token = read_token(Guest, text)
    try:
        guest, link = UUID(str(token.get("guest_id"))), UUID(str(token.get("link_id")))
    except ValueError:
        raise _invalid(Guest) from None
    return Credential(Grant(Subject(guest, is_guest=True), link_id=link), _ends_at(token), str(token.get("name", "")))


def with_keys(read: Callable[[], T]) -> T:
    """Call `read`, and once more with fresh keys if it raised KeyNotRead; for code that may use the database."""
    try:
        return read()
    except KeyNotRead:
        KEYS.read()
    try:
        return read()
    except KeyNotRead:  # it was deleted
        raise TokenInvalid("This token is too old: log in again.") from None


def read_token(kind: type[AnyToken], text: str) -> AnyToken:
    """The token in the text; TokenExpired or TokenInvalid unless it is of that kind and valid now. KeyNotRead."""
    try:
        return kind(text)  # type: ignore[arg-type]  # the stubs ask for a Token; text is what is meant
    except ExpiredTokenError:
        raise TokenExpired("The token has expired: get a fresh one.") from None
    except TokenError as error:
        if _is_of_the_future(error):
            raise TokenOfTheFuture(
                "The token is of a time to come: compare the clock of the machine that made it with this server's."
            ) from None
        raise _invalid(kind) from None


def grant_of(token: Token) -> Grant:
    """What a user's token says; TokenInvalid if it names nobody.

    A token of a release without sessions is a session of its own, of a person whose `auth_version` never rose.
    """
    try:
        subject = Subject(UUID(str(token.get(api_settings.USER_ID_CLAIM))))
        session = token.get("sid")
        session_id = uuid5(NAMESPACE_OID, str(token["jti"])) if session is None else UUID(str(session))
        return Grant(subject, session_id, int(token.get("ver", 0)))
    except (ValueError, TypeError):
        raise _invalid(type(token)) from None


# --- Writing ----------------------------------------------------------------------------------------------


def access_token(user: User, session_id: UUID) -> str:
    """An access token of that session."""
    return str(_filled(Access.for_user(user), user, session_id))


def refresh_token(user: User, session_id: UUID, generation: int, issued_at: int) -> str:
    """The refresh token with that number; the same arguments give the same token."""
    token = _filled(Refresh.for_user(user), user, session_id)
    moment = datetime.fromtimestamp(issued_at, UTC)
    token["gen"], token["jti"] = generation, uuid5(session_id, str(generation)).hex
    token.set_iat(at_time=moment)
    token.set_exp(from_time=moment)
    return str(token)


def guest_credential(grant: Grant, name: str, ends_at: datetime | None) -> str:
    """The credential of a guest; it ends with the link."""
    token = Guest()
    token["guest_id"], token["link_id"], token["name"] = str(grant.subject), str(grant.link_id), name
    if ends_at is not None:
        token["exp"] = min(int(token["exp"]), int(ends_at.timestamp()))
    return str(token)


def longest_life() -> timedelta:
    """After this time, no credential that is signed now is good any more."""
    lives: tuple[timedelta, ...] = (
        api_settings.ACCESS_TOKEN_LIFETIME,
        api_settings.REFRESH_TOKEN_LIFETIME,
        Guest.lifetime,
    )
    return max(lives) + timedelta(seconds=settings.PORTAL_CLOCK_LEEWAY_SECONDS)


def _filled(token: AnyToken, user: User, session_id: UUID) -> AnyToken:
    token["sid"], token["ver"] = str(session_id), user.auth_version
    return token


def _ends_at(token: Token) -> float:
    return float(token["exp"]) + settings.PORTAL_CLOCK_LEEWAY_SECONDS


def _invalid(kind: type[Token]) -> TokenInvalid:
    return TokenInvalid(f"This is not a valid {kind.token_type} token of this server: log in again.")


def _is_of_the_future(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ImmatureSignatureError):
            return True
        error = error.__cause__
    return False
