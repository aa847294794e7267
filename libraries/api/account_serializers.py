"""The shapes of log-ins and accounts in REST: tokens, passwords, and the links of mail."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from libraries.api.fields import Text
from libraries.api.serializers import Body
from libraries.models import User
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.services.accounts import checked_password
from libraries.validators import validate_name

MAX_PASSWORD_CHARS = 1024


class Password(Text):
    """A password, which is never answered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_PASSWORD_CHARS, trim_whitespace=False, write_only=True, **options)


class RegistrationSerializer(Body):
    """Somebody new."""

    email = serializers.EmailField(max_length=254)
    password = Password()
    name = Text(max_length=100, allow_blank=True, default="", validators=[validate_name])

    def validate_email(self, email: str) -> str:
        """The canonical spelling of the address."""
        if not is_plain(canonical(email)):
            raise serializers.ValidationError(NOT_PLAIN)
        return canonical(email)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a password that is easy to guess, or similar to the person's address or name."""
        checked_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        return attrs


class LogInSerializer(Body):
    """An e-mail address and a password."""

    email = Text(max_length=254)
    password = Password()


class TokensSerializer(serializers.Serializer[Any]):
    """Tokens: `access` goes with each request, `refresh` gets a new one."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshSerializer(Body):
    """A refresh token."""

    refresh = Text()


class LogOutSerializer(Body):
    """Nothing, or a refresh token, for a client without a valid access token."""

    refresh = Text(required=False)


class NewPasswordSerializer(Body):
    """The password that is valid now, and the one from now on."""

    current = Password()
    password = Password()


class ResetSerializer(Body):
    """The address of an account."""

    email = Text(max_length=254)


class MailTokenSerializer(Body):
    """The token at the end of a mailed link."""

    token = Text(max_length=128)


class NewPasswordByMailSerializer(MailTokenSerializer):
    """The token at the end of a mailed link, and the password from now on."""

    password = Password()


class SaidSerializer(serializers.Serializer[Any]):
    """A sentence for people."""

    message = serializers.CharField()


class LeavingSerializer(Body):
    """The password, to be sure."""

    password = Password()
