"""The shapes of REST bodies and answers about portal views.

The content of a portal view is checked in `libraries.rules`, and `libraries.rules.projection` decides what a viewer may
see. These classes only describe, and put the projected state into an answer.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from libraries.api.fields import CameraField, ChangeField, EncounterField, ItemField, ShownItemField
from libraries.api.serializers import Body
from libraries.models import PortalView
from libraries.rules.changes import MAX_CHANGES
from libraries.rules.item_ids import MAX_ITEM_ID_CHARS
from libraries.rules.projection import epoch_seen, own_versions, project
from libraries.rules.roles import PortalRole, portal_role
from libraries.rules.state import HEALTH_DISPLAYS, MAX_ITEMS, MAX_NAME_CHARS
from libraries.rules.warnings import MAX_WARNINGS

_PORTAL_ROLES = [(role.value, role.name) for role in PortalRole]


def _warnings() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(),
        max_length=MAX_WARNINGS,
        help_text="What looks secret in this write, and is shown.",
    )


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
    viewersMayPoint = serializers.BooleanField(
        required=False, help_text="Viewers may point at the picture, and all see where. Default: false."
    )
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
        help_text="Who acts in which order, and whose turn it is; viewers see it with showEncounter. Default: null.",
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

    warnings = _warnings()

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


# --- Items and batches ------------------------------------------------------------------------------------


class ItemsSerializer(serializers.Serializer[Any]):
    """The items of a portal view as the asker may see them."""

    items = serializers.ListField(child=ShownItemField(), max_length=MAX_ITEMS)


class WrittenItemSerializer(serializers.Serializer[Any]):
    """An item as it is stored, and its place."""

    item = ShownItemField()
    index = serializers.IntegerField(min_value=0, max_value=MAX_ITEMS - 1)
    version = serializers.IntegerField(min_value=1, help_text="The version of the portal view.")
    warnings = _warnings()


class PositionSerializer(Body):
    """A place among the items."""

    index = serializers.IntegerField(min_value=0, max_value=MAX_ITEMS - 1, help_text="From 0.")


class BatchSerializer(Body):
    """Changes to be applied one after the other: the messages of the socket, without their envelope."""

    changes = serializers.ListField(child=ChangeField(), min_length=1, max_length=MAX_CHANGES)


class AppliedBatchSerializer(serializers.Serializer[Any]):
    """What the sender of a batch does not know yet."""

    version = serializers.IntegerField(min_value=1, help_text="The version of the portal view.")
    itemIds = serializers.ListField(child=serializers.CharField(), help_text="Of the added items, in their order.")
    payload = serializers.DictField(help_text="What the server changed beyond what was sent.")
    warnings = _warnings()
