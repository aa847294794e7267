"""Libraries and their members in the REST API. Permissions are checked in `libraries.services.members`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.filters import MemberFilters, NamedFilters
from libraries.api.schema import documented
from libraries.api.serializers import (
    DisclosurePresetSerializer,
    ErrorSerializer,
    LibrarySerializer,
    MemberSerializer,
    NewRoleSerializer,
)
from libraries.models import Library, Membership
from libraries.rules.errors import Gone
from libraries.rules.presets import presets
from libraries.rules.roles import Role
from libraries.selectors import get_library, libraries_of, memberships_of
from libraries.services.libraries import create_library, delete_library, update_library
from libraries.services.members import change_role, remove_member


class Libraries(ApiView):
    """`libraries`."""

    queryset = Library.objects.none()
    filterset_class = NamedFilters

    @documented("List my libraries", answer=LibrarySerializer(many=True), errors=(400, 404))
    def get(self, request: Request) -> Response:
        """One page of those that the asker is a member of."""
        return self.answer_page(libraries_of(self.actor_id), LibrarySerializer)

    @documented("Make a library", body=LibrarySerializer, answer=LibrarySerializer, status=201, errors=(409,))
    def post(self, request: Request) -> Response:
        """The asker is its owner."""
        library = create_library(actor_id=self.actor_id, **self.read(LibrarySerializer))
        location = reverse("library", args=[library.id])
        return Response(LibrarySerializer(library).data, status=201, headers={"Location": location})


class OneLibrary(ApiView):
    """`libraries/{libraryId}`."""

    @documented("Read a library", answer=LibrarySerializer, errors=(404,))
    def get(self, request: Request, library_id: UUID) -> Response:
        """With the asker's role in it."""
        return Response(LibrarySerializer(get_library(user_id=self.actor_id, library_id=library_id)).data)

    @documented("Change a library", body=LibrarySerializer, answer=LibrarySerializer, errors=(404,))
    def patch(self, request: Request, library_id: UUID) -> Response:
        """The keys that the body has; owners and editors may.

        Only owners change `disclosure`, `showAudience` and `showActivity`.
        """
        return self._store(library_id, self.read(LibrarySerializer, partial=True))

    @documented("Replace a library", body=LibrarySerializer, answer=LibrarySerializer, errors=(404,))
    def put(self, request: Request, library_id: UUID) -> Response:
        """Name and description; owners and editors may.

        `disclosure`, `showAudience` and `showActivity` stay unless the body has them.
        """
        return self._store(library_id, {"description": "", **self.read(LibrarySerializer)})

    @documented("Delete a library", status=204, errors=(404,))
    def delete(self, request: Request, library_id: UUID) -> Response:
        """With its portal views, for good; owners may."""
        delete_library(actor_id=self.actor_id, library_id=library_id)
        return Response(status=204)

    def _store(self, library_id: UUID, values: dict[str, Any]) -> Response:
        library = update_library(actor_id=self.actor_id, library_id=library_id, **values)
        return Response(LibrarySerializer(library).data)


class DisclosurePresets(ApiView):
    """`disclosure-presets`."""

    queryset = Library.objects.none()
    filter_backends = ()
    pagination_class = None

    @documented("List disclosures for known formats", answer=DisclosurePresetSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All of them: an owner writes one as the `disclosure` of a library, as it is or changed."""
        return Response(DisclosurePresetSerializer(list(presets().values()), many=True).data)


class Members(ApiView):
    """`libraries/{libraryId}/members`."""

    queryset = Membership.objects.none()
    filterset_class = MemberFilters

    @documented("List a library's members", answer=MemberSerializer(many=True), errors=(400, 404))
    def get(self, request: Request, library_id: UUID) -> Response:
        """One page of them; owners see e-mail addresses too."""
        library = get_library(user_id=self.actor_id, library_id=library_id)
        return self.answer_page(memberships_of(library_id), MemberSerializer, for_owner=library.role == Role.OWNER)

    @documented("Add a member (gone)", answer=ErrorSerializer, status=410, errors=(404,))
    def post(self, request: Request, library_id: UUID) -> Response:
        """Gone: invite people by `POST libraries/{libraryId}/invitations`, and they accept by the link."""
        raise Gone(f"Members are invited now: POST /api/libraries/{library_id}/invitations makes a link for them.")


class OneMember(ApiView):
    """`libraries/{libraryId}/members/{userId}`."""

    @documented("Change a member's role", body=NewRoleSerializer, answer=MemberSerializer, errors=(404, 409))
    def patch(self, request: Request, library_id: UUID, user_id: UUID) -> Response:
        """Open connections follow at once; owners may."""
        role = Role(self.read(NewRoleSerializer)["role"])
        member = change_role(actor_id=self.actor_id, library_id=library_id, user_id=user_id, role=role)
        return Response(_shown_to_owner(member))

    @documented("Remove a member", status=204, errors=(404, 409))
    def delete(self, request: Request, library_id: UUID, user_id: UUID) -> Response:
        """Open connections are closed at once; owners may, and everybody may leave."""
        remove_member(actor_id=self.actor_id, library_id=library_id, user_id=user_id)
        return Response(status=204)


def _shown_to_owner(member: Membership) -> Any:
    return MemberSerializer(member, context={"for_owner": True}).data
