"""Writes to a library's pictures. The same rules as in `libraries.services.portal_views` apply; owners and editors may.

Files are written before the row that names them, and deleted after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from libraries import image_files
from libraries.images import new_key
from libraries.imaging.results import Picture
from libraries.models import Image, Library, PortalView
from libraries.outages import tried_again
from libraries.rules.errors import ImageInUse, ImageInvalid, NotFound, Unavailable
from libraries.rules.images import Size, named_images
from libraries.rules.state import MAX_NAME_CHARS
from libraries.selectors import get_library
from libraries.services import quotas
from libraries.services.members import lock_library
from libraries.services.replacing import tell_replaced
from libraries.services.storing import require_controller
from libraries.uploads import Upload

UNUSED_MINUTES = 60
"""The least age of a picture that is deleted because no item names it: it may be for the next one."""

_PAGE_CHARS = 8


class Use(NamedTuple):
    """A portal view whose items name a picture."""

    portal_view_id: UUID
    name: str
    item_ids: tuple[str, ...]


def images_of(*, user_id: UUID, library_id: UUID) -> QuerySet[Image]:
    """A library's pictures; NotFound, or Forbidden for viewers."""
    require_controller(get_library(user_id=user_id, library_id=library_id).role)
    return Image.objects.filter(library_id=library_id).select_related("created_by")


def get_image(*, user_id: UUID, library_id: UUID, image_id: UUID) -> Image:
    """One of them; NotFound or Forbidden."""
    image = images_of(user_id=user_id, library_id=library_id).filter(id=image_id).first()
    if image is None:
        raise NotFound("There is no such picture.")
    return image


def uses_of(library_id: UUID) -> dict[UUID, list[Use]]:
    """The portal views of a library that name each picture, in the order of their names."""
    found: dict[UUID, list[Use]] = {}
    for portal_view in PortalView.objects.filter(library_id=library_id).only("id", "name", "items").iterator(10):
        for image_id, item_ids in named_images(portal_view.items).items():
            found.setdefault(image_id, []).append(Use(portal_view.id, portal_view.name, item_ids))
    return found


# --- Uploads ----------------------------------------------------------------------------------------------


def check_upload(*, actor_id: UUID, library_id: UUID, image_id: UUID | None = None) -> None:
    """Raise, before a file is received, what `add_images` or `replace_image` would raise whatever is in it."""
    require_controller(get_library(user_id=actor_id, library_id=library_id).role)
    if image_id is None:
        quotas.check_images(library_id)
    else:
        get_image(user_id=actor_id, library_id=library_id, image_id=image_id)
    quotas.check_image_bytes(library_id, more=1)


def is_stored(*, library_id: UUID, source_digest: str, image_id: UUID | None = None) -> bool:
    """Whether the library has all pictures of that file already, or this picture is of that file."""
    same = Image.objects.filter(library_id=library_id, source_digest=source_digest)
    if image_id is not None:
        return same.filter(id=image_id, page=None).exists()
    pages = dict(same.values_list("page", "page_count"))
    return bool(pages) and all(count is None or count == len(pages) for count in pages.values())


def add_images(*, actor_id: UUID | None, library_id: UUID, name: str, upload: Upload) -> tuple[list[Image], bool]:
    """The pictures of a file, and whether any is new: the same one is stored once. QuotaExceeded or StorageFull.

    Those of a PDF have the number of their page in their name.
    """
    pictures = {new_key(): picture for picture in upload.pictures}
    with _written(pictures) as unused:
        images, added = _add(actor_id, library_id, name, upload, pictures)
        unused.extend(pictures.keys() - added)
    return images, bool(added)


@tried_again
def _add(
    actor_id: UUID | None, library_id: UUID, name: str, upload: Upload, pictures: Mapping[str, Picture]
) -> tuple[list[Image], set[str]]:
    """All pictures of the file in the order of their pages, and the keys of those that are new."""
    with transaction.atomic():
        library = _lock(actor_id, library_id)
        same = Image.objects.filter(library_id=library.id, source_digest=upload.source_digest).order_by("page", "id")
        known = set(same.values_list("page", flat=True))
        if not pictures and not known:
            raise Unavailable("The pictures of this file have just been deleted: upload it again.")
        missing = {key: picture for key, picture in pictures.items() if picture.page not in known}
        quotas.check_images(library_id, more=len(missing))
        quotas.check_image_bytes(library_id, more=sum(map(_stored_bytes, missing.values())))
        Image.objects.bulk_create(
            Image(library=library, name=_named(name, picture), created_by_id=actor_id, **_columns(upload, picture, key))
            for key, picture in missing.items()
        )
        return list(same.select_related("created_by")), set(missing)


def replace_image(*, actor_id: UUID | None, library_id: UUID, image_id: UUID, upload: Upload) -> Image:
    """Another picture at the same address, which whoever shows it is told; ImageInvalid for a PDF of several pages."""
    if len(upload.pictures) > 1:
        raise ImageInvalid(f"The file has {len(upload.pictures)} pages, and one picture can take the place of another.")
    pictures = {new_key(): picture for picture in upload.pictures}
    with _written(pictures) as unused:
        image, old_key = _replace(actor_id, library_id, image_id, upload, pictures)
        unused.extend({old_key} - {image.key})
    if image.key != old_key:
        _tell_replaced_on_commit(image)
    return image


def _tell_replaced_on_commit(image: Image) -> None:
    def told() -> None:
        uses = uses_of(image.library_id).get(image.id, [])
        tell_replaced(image.id, [use.portal_view_id for use in uses])

    transaction.on_commit(told, robust=True)


@tried_again
def _replace(
    actor_id: UUID | None, library_id: UUID, image_id: UUID, upload: Upload, pictures: Mapping[str, Picture]
) -> tuple[Image, str]:
    with transaction.atomic():
        image = _locked_image(actor_id, library_id, image_id)
        old_key, before = image.key, image.stored_bytes
        if not pictures and image.source_digest != upload.source_digest:
            raise Unavailable("The picture has just been replaced by another: upload yours again.")
        for key, picture in pictures.items():
            quotas.check_image_bytes(library_id, more=_stored_bytes(picture) - before)
            for column, value in _columns(upload, picture, key).items():
                setattr(image, column, value)
            image.updated_at = timezone.now()
            image.save()
    return image, old_key


@contextmanager
def _written(pictures: Mapping[str, Picture]) -> Iterator[list[str]]:
    """Write the files, and delete them again after an exception; the keys in the list are deleted at the end."""
    done: list[str] = []
    unused: list[str] = []
    try:
        for key, picture in pictures.items():
            done.append(key)
            image_files.write(key, picture.files)
        yield unused
    except BaseException:
        unused.extend(done)
        raise
    finally:
        for key in unused:
            image_files.delete(key)


def _columns(upload: Upload, picture: Picture, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "is_animated": picture.is_animated,
        "byte_count": picture.files[Size.FULL].stat().st_size,
        "stored_bytes": _stored_bytes(picture),
        "source_digest": upload.source_digest,
        "page": picture.page,
        "page_count": None if picture.page is None else len(upload.pictures),
    }


def _stored_bytes(picture: Picture) -> int:
    return sum(file.stat().st_size for file in picture.files.values())


def _named(name: str, picture: Picture) -> str:
    return name if picture.page is None else f"{name[: MAX_NAME_CHARS - _PAGE_CHARS]} {picture.page}"


# --- Other writes -----------------------------------------------------------------------------------------


@tried_again
def rename_image(*, actor_id: UUID | None, library_id: UUID, image_id: UUID, name: str) -> Image:
    """The picture with another name; its address stays."""
    with transaction.atomic():
        image = _locked_image(actor_id, library_id, image_id)
        image.name, image.updated_at = name, timezone.now()
        image.save(update_fields=["name", "updated_at"])
    return image


@tried_again
def delete_image(*, actor_id: UUID | None, library_id: UUID, image_id: UUID, even_if_used: bool = False) -> None:
    """Delete a picture; ImageInUse, with the portal views, if items name it."""
    with transaction.atomic():
        image = _locked_image(actor_id, library_id, image_id)
        uses = [] if even_if_used else uses_of(library_id).get(image_id, [])
        if uses:
            raise ImageInUse(
                f"Items of {len(uses)} portal view(s) show “{image.name}”. Take it out of them, or delete it with"
                " ?used=delete: they then show nothing in its place.",
                {use.name: ", ".join(use.item_ids) for use in uses},
            )
        image.delete()


@tried_again
def delete_unused_images(*, actor_id: UUID | None, library_id: UUID, older_than_minutes: int = UNUSED_MINUTES) -> int:
    """Delete the pictures that no item names and that are so old; returns their number."""
    with transaction.atomic():
        library = _lock(actor_id, library_id)
        old = Image.objects.filter(
            library=library, updated_at__lte=timezone.now() - timedelta(minutes=older_than_minutes)
        )
        unused = old.exclude(id__in=uses_of(library_id).keys())
        return unused.delete()[1].get("libraries.Image", 0)


def _lock(actor_id: UUID | None, library_id: UUID) -> Library:
    """The library, locked: quotas and the search for the same file are exact. NotFound, or Forbidden for viewers."""
    library = lock_library(actor_id, library_id)
    if actor_id is not None:
        require_controller(library.role)
    return library


def _locked_image(actor_id: UUID | None, library_id: UUID, image_id: UUID) -> Image:
    _lock(actor_id, library_id)
    image = Image.objects.filter(id=image_id, library_id=library_id).select_related("created_by").first()
    if image is None:
        raise NotFound("There is no such picture.")
    return image
