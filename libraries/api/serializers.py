"""The shapes of REST bodies and answers, for checking and for OpenAPI.

The content of a portal view is checked in `libraries.rules.state`, and `libraries.rules.projection` decides what a
viewer may see. The classes for portal views only describe, and put the projected state into an answer.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from rest_framework import serializers

from libraries.api.fields import CameraField, DisclosureField, EncounterField, Moment, Text
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.errors import named
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS
from libraries.rules.projection import epoch_seen, own_versions, project
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.rules.state import FIELDS, HEALTH_DISPLAYS, MAX_DETAILS, MAX_ITEMS, MAX_NAME_CHARS
from libraries.rules.warnings import MAX_WARNINGS
from libraries.validators import validate_lines, validate_name

UNKNOWN_KEY = "There is no such key."
MAX_PASSWORD_CHARS = 1024
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
    name = Text(max_length=100, allow_blank=True, validators=[validate_name])


class RegistrationSerializer(Body):
    """Somebody new."""

    email = serializers.EmailField(max_length=254)
    password = Text(max_length=MAX_PASSWORD_CHARS, trim_whitespace=False, write_only=True)
    name = Text(max_length=100, allow_blank=True, default="", validators=[validate_name])

    def validate_email(self, email: str) -> str:
        """The canonical spelling of the address."""
        if not is_plain(canonical(email)):
            raise serializers.ValidationError(NOT_PLAIN)
        return canonical(email)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a password that is easy to guess, or similar to the person's address or name."""
        try:
            validate_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        except ValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs


class LogInSerializer(Body):
    """An e-mail address and a password."""

    email = Text(max_length=254)
    password = Text(max_length=MAX_PASSWORD_CHARS, trim_whitespace=False, write_only=True)


class TokensSerializer(serializers.Serializer[Any]):
    """Tokens: `access` goes with each request, `refresh` gets a new one."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshSerializer(Body):
    """A refresh token."""

    refresh = Text()


class AccessSerializer(serializers.Serializer[Any]):
    """A fresh access token."""

    access = serializers.CharField()


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


class NewMemberSerializer(Body):
    """Whom to add, by the e-mail address they registered with, and as what."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(_ROLES, default=Role.VIEWER.value)


class NewRoleSerializer(Body):
    """Another role for a member."""

    role = serializers.ChoiceField(_ROLES)


# --- Portal views -----------------------------------------------------------------------------------------


class ItemField(serializers.DictField):
    """One item; `libraries.api.schema` describes it."""


class ShownItemField(serializers.DictField):
    """One item as the asker may see it; `libraries.api.schema` describes it."""


class _PortalViewFields(serializers.Serializer[PortalView]):
    """The common keys of bodies, answers and lists; the defaults are those of a new portal view."""

    name = serializers.CharField(max_length=MAX_NAME_CHARS)
    showEncounter = serializers.BooleanField(required=False, help_text="Viewers see initiative. Default: false.")
    showHealth = serializers.BooleanField(required=False, help_text="Viewers see hit points. Default: false.")
    showAC = serializers.BooleanField(required=False, help_text="Viewers see armour classes. Default: false.")
    showActions = serializers.BooleanField(required=False, help_text="Viewers see actions. Default: false.")
    showConditions = serializers.BooleanField(required=False, help_text="Viewers see conditions. Default: true.")
    healthDisplay = serializers.ChoiceField(
        [(display, display) for display in HEALTH_DISPLAYS],
        required=False,
        help_text="How viewers see health: in numbers, as a fraction, or as a word. Default: numbers.",
    )
    autoResetImageState = serializers.BooleanField(
        required=False, help_text="A new image starts without zoom. Default: true."
    )
    blackout = serializers.BooleanField(required=False, help_text="Viewers see nothing at all. Default: false.")
    currentItem = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ITEMS - 1,
        allow_null=True,
        required=False,
        help_text="The item that is shown, as an index from 0 into the items that the asker sees. Default: null, none.",
    )


class _WholePortalViewFields(_PortalViewFields):
    """The common keys of bodies and of answers with the items."""

    currentItemId = serializers.CharField(
        max_length=MAX_ITEM_ID_CHARS,
        allow_null=True,
        required=False,
        help_text="The id of the item that is shown; null if the asker doesn't see it. Default: null.",
    )
    camera = CameraField(
        allow_null=True,
        required=False,
        help_text="Which part of the current picture the screens show: the point of the picture in the middle of the"
        " screen, as fractions of its width and height; zoom 1 fits the whole picture; rotation is in degrees,"
        " clockwise. Default: null, the whole picture.",
    )
    encounter = EncounterField(
        allow_null=True,
        required=False,
        help_text="Who acts in which order, and whose turn it is. Viewers see it if showEncounter is on. Default: null.",
    )


class PortalViewBody(_WholePortalViewFields):
    """What may be written to a portal view. Keys that are only answered are ignored, others refused."""

    items = serializers.ListField(
        child=ItemField(), max_length=MAX_ITEMS, required=False, help_text="Ids are unique. Default: none."
    )


class _AnsweredFields(serializers.Serializer[PortalView]):
    """The additional keys of every answer about a portal view."""

    id = serializers.UUIDField()
    libraryId = serializers.UUIDField()
    version = serializers.IntegerField(min_value=1, help_text="Rises by one with each stored change.")
    epoch = serializers.CharField(help_text="Versions of different epochs can't be compared.")
    role = serializers.ChoiceField(_PORTAL_ROLES, help_text="What the asker is to it.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        """The fields: an answer always has all of them."""
        fields = super().get_fields()
        for field in fields.values():
            field.required = True
        return fields


class PortalViewSerializer(_AnsweredFields, _WholePortalViewFields):
    """A portal view as the asker may see it."""

    items = serializers.ListField(child=ShownItemField(), max_length=MAX_ITEMS)

    def to_representation(self, instance: PortalView) -> dict[str, Any]:
        """A portal view with the asker's `role`, projected for it."""
        role = portal_role(instance.role)
        seen = project(instance.state(), role, instance.rules)
        return {**seen, "epoch": epoch_seen(instance.epoch, role), "role": str(role)}


class WrittenPortalViewSerializer(PortalViewSerializer):
    """A portal view as the person who wrote it sees it."""

    warnings = serializers.ListField(
        child=serializers.CharField(),
        max_length=MAX_WARNINGS,
        help_text="What looks secret in this write, and is shown.",
    )

    def to_representation(self, instance: PortalView) -> dict[str, Any]:
        """An object from a service, with its warnings."""
        return {**super().to_representation(instance), "warnings": list(instance.warnings)}


class PortalViewHeadSerializer(_AnsweredFields, _PortalViewFields):
    """A portal view as the asker may see it, without its items."""

    itemCount = serializers.IntegerField(min_value=0, help_text="How many items the asker may know of.")

    def to_representation(self, instance: PortalView) -> dict[str, Any]:
        """An object of `libraries.selectors.portal_views_in`, projected for its role."""
        role = portal_role(instance.role)
        head = own_versions(instance.head(), role)
        count = instance.item_count
        if role == PortalRole.VIEWER:
            head["currentItem"], count = instance.viewers_current_item, instance.viewers_item_count
        return {**head, "itemCount": count, "epoch": epoch_seen(instance.epoch, role), "role": str(role)}


class ErrorSerializer(serializers.Serializer[Any]):
    """Every refusal."""

    code = serializers.CharField(help_text="Stable; for programs.")
    message = serializers.CharField(help_text="A sentence for people.")
    details = serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text="What is wrong with each key, where it is known."
    )
