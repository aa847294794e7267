"""The rules of `libraries.rules.names`, as Django's models and forms and the REST API's serializers take them."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from libraries.rules import names


def validate_name(text: str) -> None:
    """ValidationError unless it may be a name, which is one line."""
    _check(text, lines=False)


def validate_lines(text: str) -> None:
    """ValidationError unless it may be a text of several lines."""
    _check(text, lines=True)


def _check(text: str, *, lines: bool) -> None:
    try:
        names.check_name(text, lines=lines)
    except ValueError as error:
        raise ValidationError(str(error)) from None
