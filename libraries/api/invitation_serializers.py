"""The shapes of invitations in REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from libraries.api.fields import Moment, Text
from libraries.api.serializers import Body
from libraries.models import Invitation
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.roles import Role

MAX_TOKEN_CHARS = 128
_ROLES = [(role.value, role.name) for role in Role]
INVITATION_STATES = ["open", "accepted", "expired"]


class InviterSerializer(serializers.Serializer[Any]):
    """Who invites."""

    userId = serializers.UUIDField(source="id")
    name = serializers.CharField(source="get_full_name")


class AccepterSerializer(InviterSerializer):
    """Who accepted, as owners see their members."""

    email = serializers.EmailField()


class NewInvitationSerializer(Body):
    """Whom to invite, as what."""

    email = serializers.EmailField(
        max_length=254, allow_blank=True, default="", help_text="Gets a mail, if the site sends mail. Default: nobody."
    )
    role = serializers.ChoiceField(_ROLES, default=Role.VIEWER.value)

    def validate_email(self, email: str) -> str:
        """The canonical spelling of the address."""
        address = canonical(email)
        if address and not is_plain(address):
            raise serializers.ValidationError(NOT_PLAIN)
        return address


class InvitationSerializer(serializers.Serializer[Invitation]):
    """An invitation, as owners see it."""

    id = serializers.UUIDField()
    email = serializers.CharField(help_text="Empty, or the address that it was made for.")
    role = serializers.ChoiceField(_ROLES)
    state = serializers.ChoiceField(INVITATION_STATES)
    createdAt = Moment(source="created_at")
    expiresAt = Moment(source="expires_at")
    invitedBy = InviterSerializer(source="invited_by", allow_null=True, help_text="Null: the account is deleted.")
    acceptedBy = AccepterSerializer(
        source="accepted_by", allow_null=True, help_text="Null: nobody yet, or the account is deleted."
    )
    acceptedAt = Moment(source="accepted_at", allow_null=True)


class MadeInvitationSerializer(InvitationSerializer):
    """A new invitation, with its link, which is in the context because it is not stored."""

    link = serializers.SerializerMethodField(
        help_text="To copy: it is shown only once, and makes whoever opens it first the member."
    )

    def get_link(self, invitation: Invitation) -> str:
        """The link."""
        return str(self.context["link"])


class MyInvitationSerializer(serializers.Serializer[Invitation]):
    """An invitation to my address."""

    id = serializers.UUIDField()
    libraryName = serializers.CharField(source="library.name")
    role = serializers.ChoiceField(_ROLES)
    createdAt = Moment(source="created_at")
    expiresAt = Moment(source="expires_at")
    invitedBy = InviterSerializer(source="invited_by", allow_null=True, help_text="Null: the account is deleted.")


class SeenInvitationSerializer(serializers.Serializer[Invitation]):
    """What somebody with its link may know of an invitation."""

    libraryName = serializers.CharField(source="library.name")
    role = serializers.ChoiceField(_ROLES)
    expiresAt = Moment(source="expires_at")


class InvitationTokenSerializer(Body):
    """The token at the end of an invitation's link, copied or mailed."""

    token = Text(max_length=MAX_TOKEN_CHARS)
