"""The shapes of REST bodies and answers, for checking and for OpenAPI.

Those of portal views are in `libraries.api.portal_view_serializers`, those of log-ins and accounts in
`libraries.api.account_serializers`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from rest_framework import serializers

from libraries.api.fields import DisclosureField, Moment, Text
from libraries.models import Library, Membership
from libraries.rules.errors import named
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.rules.state import MAX_DETAILS, MAX_NAME_CHARS
from libraries.validators import validate_lines, validate_name

UNKNOWN_KEY = "There is no such key."
_ROLES = [(role.value, role.name) for role in Role]
_PORTAL_ROLES = [(role.value, role.name) for role in PortalRole]


class Body(serializers.Serializer[Any]):
    """A body that refuses unknown keys; keys that occur only in answers are ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """The checked values by field."""
        strangers = islice((key for key in data if key not in self.fields), MAX_DETAILS)
        unknown = {named(key): [UNKNOWN_KEY] for key in strangers}
        if unknown:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


# --- People -----------------------------------------------------------------------------------------------


class UserSerializer(Body):
    """The person who asks."""

    id = serializers.UUIDField(read_only=True)
    email = serializers.EmailField(read_only=True)
    emailVerified = serializers.BooleanField(source="is_verified", read_only=True)
    name = Text(max_length=100, allow_blank=True, validators=[validate_name])


# --- Libraries --------------------------------------------------------------------------------------------


class LibrarySerializer(Body):
    """A library, with the asker's role in it."""

    id = serializers.UUIDField(read_only=True)
    name = Text(max_length=MAX_NAME_CHARS, validators=[validate_name])
    description = Text(
        max_length=2000, allow_blank=True, required=False, validators=[validate_lines], help_text="Default: none."
    )
    disclosure = DisclosureField(
        required=False,
        help_text="What viewers see of foreign records: lists of paths by row. Owners change it, editors see it; null"
        " for viewers. Default: none.",
    )
    showAudience = serializers.BooleanField(
        source="show_audience",
        required=False,
        help_text="Viewers see how many people are connected. Owners change it. Default: false.",
    )
    showActivity = serializers.BooleanField(
        source="show_activity",
        required=False,
        help_text="Viewers see that a controller is preparing something. Owners change it. Default: false.",
    )
    role = serializers.ChoiceField(_ROLES, read_only=True)
    createdAt = Moment(source="created_at", read_only=True)
    updatedAt = Moment(source="updated_at", read_only=True)

    def to_representation(self, instance: Library) -> dict[str, Any]:
        """The library as the asker may see it: the paths tell viewers what else there is."""
        shown = super().to_representation(instance)
        if portal_role(instance.role) == PortalRole.VIEWER:
            shown["disclosure"] = None
        return shown


class DisclosurePresetSerializer(serializers.Serializer[Any]):
    """A disclosure for a known format of records."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(help_text="What viewers see with it, and what stays hidden.")
    disclosure = DisclosureField()


class MemberSerializer(serializers.Serializer[Membership]):
    """A member of a library."""

    userId = serializers.UUIDField(source="user_id")
    email = serializers.EmailField(source="user.email", required=False, help_text="Shown to owners only.")
    name = serializers.CharField(source="user.get_full_name")
    role = serializers.ChoiceField(_ROLES)

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        """The member as the asker may see them: `for_owner` in the context says whether the asker owns the library."""
        shown = super().to_representation(instance)
        if not self.context.get("for_owner"):
            del shown["email"]
        return shown


class NewRoleSerializer(Body):
    """Another role for a member."""

    role = serializers.ChoiceField(_ROLES)


class ErrorSerializer(serializers.Serializer[Any]):
    """Every refusal."""

    code = serializers.CharField(help_text="Stable; for programs.")
    message = serializers.CharField(help_text="A sentence for people.")
    details = serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text="What is wrong with each key, where it is known."
    )
