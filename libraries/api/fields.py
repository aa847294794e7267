"""The fields that the serializers share: a time, text, and the disclosure of a library."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from libraries.models import iso
from libraries.rules.disclosure import check_disclosure
from libraries.rules.errors import InvalidPayload


class Moment(serializers.DateTimeField):
    """A time in the one format of the wire: ISO 8601 in UTC with milliseconds."""

    def to_representation(self, value: datetime) -> str:
        """The text."""
        return iso(value)


class Text(serializers.CharField):
    """Text only: a number is refused, although it could be written as text."""

    def to_internal_value(self, data: object) -> str:
        """The text without white space around it, unless `trim_whitespace` is off."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class DisclosureField(serializers.DictField):
    """Lists of paths by row; `libraries.api.schema` describes it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """The checked rows; each bad path is named."""
        try:
            return dict(check_disclosure(data))
        except InvalidPayload as error:
            places = {place: [sentence] for place, sentence in (error.details or {}).items()}
            whole = places.pop("disclosure", None)
            raise serializers.ValidationError(whole if whole and not places else places) from None


class CameraField(serializers.DictField):
    """The camera; `libraries.api.schema` describes it."""


class EncounterField(serializers.DictField):
    """The encounter; `libraries.api.schema` describes it."""


class ItemField(serializers.DictField):
    """One item; `libraries.api.schema` describes it."""


class ShownItemField(serializers.DictField):
    """One item as the asker may see it; `libraries.api.schema` describes it."""


class ChangeField(serializers.DictField):
    """A change in a batch; `libraries.api.schema` describes it."""
