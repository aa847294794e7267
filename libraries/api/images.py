"""The pictures of a library in the REST API. Permissions are checked in `libraries.services.images`.

An upload is asked about twice: before its body is received, and once there are pictures (`libraries.uploads`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from libraries.api.base import ApiView
from libraries.api.fields import Moment, Text
from libraries.api.filters import ImageFilters
from libraries.api.schema import FILE, documented
from libraries.api.serializers import Body
from libraries.models import Image
from libraries.rules.errors import InvalidPayload, PortalError
from libraries.rules.images import THUMBNAILS
from libraries.rules.state import MAX_NAME_CHARS
from libraries.services.images import (
    UNUSED_MINUTES,
    Use,
    add_images,
    check_upload,
    delete_image,
    delete_unused_images,
    get_image,
    images_of,
    rename_image,
    replace_image,
    uses_of,
)
from libraries.uploads import GO_ON, UPLOAD, Upload, received
from libraries.validators import validate_name

_PIECE_BYTES = 256 * 1024
_UNNAMED = "Picture"
_MOST_MINUTES = 525_600


class NotAFile(PortalError):
    """The body is a form."""

    code = "unsupported-media-type"


class ImageSerializer(Body):
    """A picture."""

    id = serializers.UUIDField(read_only=True)
    libraryId = serializers.UUIDField(source="library_id", read_only=True)
    name = Text(max_length=MAX_NAME_CHARS, validators=[validate_name])
    url = serializers.CharField(read_only=True, help_text="The address for the `image` of an item.")
    thumbnails = serializers.SerializerMethodField(help_text="Addresses by the pixels of the longest side.")
    mediaType = serializers.CharField(source="media_type", read_only=True)
    width = serializers.IntegerField(read_only=True)
    height = serializers.IntegerField(read_only=True)
    byteCount = serializers.IntegerField(source="byte_count", read_only=True)
    isAnimated = serializers.BooleanField(source="is_animated", read_only=True)
    page = serializers.IntegerField(read_only=True, allow_null=True, help_text="Of the PDF that it was in.")
    createdAt = Moment(source="created_at", read_only=True)
    updatedAt = Moment(source="updated_at", read_only=True)
    createdBy = serializers.CharField(
        source="created_by.get_full_name", read_only=True, allow_null=True, default=None, help_text="The name."
    )

    def get_thumbnails(self, image: Image) -> dict[str, str]:
        """The addresses."""
        return {size.value: image.url_of(size) for size in THUMBNAILS}


class UseSerializer(serializers.Serializer[Use]):
    """A portal view whose items name a picture."""

    portalViewId = serializers.UUIDField(source="portal_view_id")
    name = serializers.CharField()
    itemIds = serializers.ListField(source="item_ids", child=serializers.CharField())


class UsedImageSerializer(ImageSerializer):
    """A picture, and where it is used."""

    usedBy = UseSerializer(source="uses", many=True, read_only=True)


class UploadedSerializer(serializers.Serializer[Any]):
    """The pictures in a file: one, or the pages of a PDF."""

    images = ImageSerializer(many=True)


class _UploadQuery(serializers.Serializer[Any]):
    name = Text(max_length=MAX_NAME_CHARS, validators=[validate_name], default=_UNNAMED)


class _UnusedQuery(serializers.Serializer[Any]):
    unused = serializers.ChoiceField(["true"])
    olderThanMinutes = serializers.IntegerField(min_value=0, max_value=_MOST_MINUTES, default=UNUSED_MINUTES)


class _DeleteQuery(serializers.Serializer[Any]):
    used = serializers.ChoiceField(["delete"], required=False)


class DeletedSerializer(serializers.Serializer[Any]):
    """How many were deleted."""

    deleted = serializers.IntegerField()


NAME = OpenApiParameter("name", str, description=f"The name of the picture. Default: {_UNNAMED}.")
UNUSED = OpenApiParameter("unused", str, enum=["true"], required=True, description="Must be given.")
OLDER = OpenApiParameter(
    "olderThanMinutes", int, description=f"Only those that were stored so long ago. Default: {UNUSED_MINUTES}."
)
USED = OpenApiParameter("used", str, enum=["delete"], description="Delete it also if items name it.")


class _Images(ApiView):
    """What the views of pictures share."""

    def query(self, serializer_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The checked query; InvalidPayload for a parameter that does not belong here, or is there twice."""
        self.check_query()
        given = self.request.query_params.dict()
        if unknown := given.keys() - serializer_class().fields.keys():
            raise InvalidPayload(f"There is no such parameter: {', '.join(sorted(unknown))}.")
        serializer = serializer_class(data=given)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def with_upload(self, use: Callable[[Upload], Response]) -> Response:
        """What `use` makes of the file in the body; as long as there is none yet, the request to go on."""
        if (self.request.content_type or "").startswith("multipart/"):
            raise NotAFile("Send the file itself as the body, and not a form.")
        http = self.request._request
        scope = getattr(http, "scope", None)
        if scope is None or UPLOAD not in scope.get("extensions", {}):  # under a server that reads no files for us
            return received(iter(lambda: http.read(_PIECE_BYTES), b""), use)
        upload = scope["extensions"][UPLOAD]
        return Response(status=GO_ON) if upload is None else use(upload)


class LibraryImages(_Images):
    """`libraries/{libraryId}/images`."""

    queryset = Image.objects.none()
    filterset_class = ImageFilters

    @documented("List pictures", answer=ImageSerializer(many=True), errors=(400, 403, 404))
    def get(self, request: Request, library_id: UUID) -> Response:
        """One page of them, the newest first; owners and editors may."""
        return self.answer_page(images_of(user_id=self.actor_id, library_id=library_id), ImageSerializer)

    @documented(
        "Upload a picture",
        body=FILE,
        answer=UploadedSerializer,
        status=(201, 200),
        parameters=(NAME,),
        errors=(404, 409, 507),
    )
    def post(self, request: Request, library_id: UUID) -> Response:
        """The body is the file: JPEG, PNG, WebP, GIF, AVIF, HEIC, or a PDF, each page of which is a picture.

        It is made anew, without metadata. A file that is there already is answered with 200. With
        `Accept: application/x-ndjson` the answer is a line of JSON for each step (docs/images.md).
        """
        name = self.query(_UploadQuery)["name"]
        check_upload(actor_id=self.actor_id, library_id=library_id)

        def store(upload: Upload) -> Response:
            images, are_new = add_images(actor_id=self.actor_id, library_id=library_id, name=name, upload=upload)
            body = UploadedSerializer({"images": images}).data
            location = reverse("image", args=[library_id, images[0].id])
            return Response(body, status=201 if are_new else 200, headers={"Location": location})

        return self.with_upload(store)

    @documented(
        "Delete unused pictures",
        answer=DeletedSerializer,
        parameters=(UNUSED, OLDER),
        errors=(400, 404),
        operation_id="librariesImagesDestroyUnused",
    )
    def delete(self, request: Request, library_id: UUID) -> Response:
        """Those that no item of the library names; `unused=true` says that this is meant."""
        minutes = self.query(_UnusedQuery)["olderThanMinutes"]
        deleted = delete_unused_images(actor_id=self.actor_id, library_id=library_id, older_than_minutes=minutes)
        return Response({"deleted": deleted})


class OneImage(_Images):
    """`libraries/{libraryId}/images/{imageId}`."""

    @documented("Read about a picture", answer=UsedImageSerializer, errors=(403, 404))
    def get(self, request: Request, library_id: UUID, image_id: UUID) -> Response:
        """With the items that name it."""
        return self._answer(get_image(user_id=self.actor_id, library_id=library_id, image_id=image_id))

    @documented("Rename a picture", body=ImageSerializer, answer=UsedImageSerializer, errors=(404,))
    def patch(self, request: Request, library_id: UUID, image_id: UUID) -> Response:
        """Its address stays."""
        name = self.read(ImageSerializer)["name"]
        image = rename_image(actor_id=self.actor_id, library_id=library_id, image_id=image_id, name=name)
        return self._answer(image)

    @documented("Delete a picture", status=204, parameters=(USED,), errors=(400, 404, 409))
    def delete(self, request: Request, library_id: UUID, image_id: UUID) -> Response:
        """For good. If items name it, the answer is `image-in-use` with the portal views, unless `used=delete`."""
        even_if_used = "used" in self.query(_DeleteQuery)
        delete_image(actor_id=self.actor_id, library_id=library_id, image_id=image_id, even_if_used=even_if_used)
        return Response(status=204)

    def _answer(self, image: Image) -> Response:
        image.uses = uses_of(image.library_id).get(image.id, [])
        return Response(UsedImageSerializer(image).data)


class ImageFile(_Images):
    """`libraries/{libraryId}/images/{imageId}/file`."""

    @documented("Replace a picture", body=FILE, answer=UploadedSerializer, errors=(404, 409, 507))
    def put(self, request: Request, library_id: UUID, image_id: UUID) -> Response:
        """Another picture at the same address. The body is as for an upload, and one picture."""
        check_upload(actor_id=self.actor_id, library_id=library_id, image_id=image_id)

        def store(upload: Upload) -> Response:
            where = {"library_id": library_id, "image_id": image_id}
            image = replace_image(actor_id=self.actor_id, upload=upload, **where)
            return Response(UploadedSerializer({"images": [image]}).data)

        return self.with_upload(store)
