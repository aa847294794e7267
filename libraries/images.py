"""Pictures of a library. Their bytes are files, named by `key` (`libraries.image_files`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.db.models.signals import post_delete
from django.utils import timezone

from libraries import image_files
from libraries.access import Library
from libraries.rules.images import Size
from libraries.rules.state import MAX_NAME_CHARS
from libraries.validators import validate_name

KEY_CHARS = 32
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
THUMBNAIL_TYPE = "image/webp"


def new_key() -> str:
    """A random name for the files of a picture."""
    return token_hex(KEY_CHARS // 2)


class Image(models.Model):
    """A picture and its thumbnails. Its address has its `id`; another picture in its place has another `key`.

    `byte_count` is of the whole picture, `stored_bytes` of all its files, `source_digest` the SHA-256 of the file that
    was uploaded; `page` is the page of a PDF with `page_count` of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="images")
    name = models.CharField(max_length=MAX_NAME_CHARS, validators=[validate_name])
    key = models.CharField(max_length=KEY_CHARS, unique=True, default=new_key, editable=False)
    media_type = models.CharField(max_length=16, choices=[(kind, kind) for kind in MEDIA_TYPES], editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    is_animated = models.BooleanField(default=False, editable=False)
    byte_count = models.PositiveIntegerField(editable=False)
    stored_bytes = models.PositiveIntegerField(editable=False)
    source_digest = models.CharField(max_length=64, editable=False)
    page = models.PositiveIntegerField(null=True, editable=False)
    page_count = models.PositiveIntegerField(null=True, editable=False)
    created_by = models.ForeignKey("libraries.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)

    uses: Sequence[Any] = ()
    """The portal views that name it, on an object from the REST API."""

    class Meta:
        ordering = ("-created_at", "page", "id")
        verbose_name = "picture"
        indexes = (
            models.Index(fields=("library", "source_digest"), name="image_by_source"),
            # As for portal views: a library's size is read from the index alone
            models.Index(fields=("library", "stored_bytes"), name="image_size"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str:
        """Its address on the site, which items name."""
        return f"{settings.PORTAL_BASE_PATH}/images/{self.id}"

    def url_of(self, size: Size) -> str:
        """The address of one of its files."""
        return self.url if size is Size.FULL else f"{self.url}?size={size.value}"


def _delete_files(instance: Image, **_: Any) -> None:
    # Once it is certain: a row that comes back by a rollback needs its files
    transaction.on_commit(partial(image_files.delete, instance.key), robust=True)


post_delete.connect(_delete_files, sender=Image, dispatch_uid="libraries.image-files")
