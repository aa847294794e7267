"""The rules of `libraries.rules.names` as validators for Django's models and forms and the REST API's serializers."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from libraries.rules import names


def validate_name(text: str) -> None:
    """ValidationError unless the text is allowed as a name, which is one line."""
    _check(text, lines=False)


def validate_lines(text: str) -> None:
    """ValidationError unless the text is allowed as a text of several lines."""
    _check(text, lines=True)


def _check(text: str, *, lines: bool) -> None:
    try:
        names.check_name(text, lines=lines)
    except ValueError as error:
        raise ValidationError(str(error)) from None
