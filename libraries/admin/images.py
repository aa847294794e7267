"""Pictures in the admin: small ones to look at, upload, rename, replace, and which items name one."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from libraries import image_files
from libraries.admin.base import PortalAdmin
from libraries.images import THUMBNAIL_TYPE
from libraries.models import Image
from libraries.rules.errors import Unavailable
from libraries.rules.images import Size
from libraries.services.images import Use, add_images, delete_image, rename_image, replace_image, uses_of
from libraries.uploads import received

if TYPE_CHECKING:
    from django.forms import ClearableFileInput as FileWidget

    ImageModelForm = forms.ModelForm[Image]
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileWidget

    ImageModelForm = forms.ModelForm


class ImageForm(ImageModelForm):
    """A picture and, for a new one or to replace it, its file."""

    file = forms.FileField(required=False, widget=FileWidget)

    class Meta:
        model = Image
        fields = ("library", "name")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        is_new = self.instance._state.adding
        most = int(settings.PORTAL_MAX_BODY_BYTES)
        limit = f" At most {most:,} bytes here; longer files by the REST API." if most else ""
        what = "JPEG, PNG, WebP, GIF, AVIF, HEIC or PDF." if is_new else "Another picture at the same address."
        self.fields["file"].required = is_new
        self.fields["file"].help_text = what + limit


@admin.action(permissions=["delete"], description="Delete those that no item names")
def delete_unused(model_admin: ImageAdmin, request: HttpRequest, images: QuerySet[Image]) -> None:
    """Delete the unused ones among these."""
    uses: dict[UUID, dict[UUID, list[Use]]] = {}
    names = []
    for image in images:
        if image.id not in uses.setdefault(image.library_id, uses_of(image.library_id)):
            model_admin.log_deletions(request, images.filter(id=image.id))
            model_admin.delete_model(request, image)
            names.append(image.name)
    sentence = f"Deleted: {', '.join(names)}." if names else "Nothing was deleted: items name all of them."
    model_admin.message_user(request, sentence, messages.SUCCESS if names else messages.INFO)


class ImageAdmin(PortalAdmin):
    """Pictures. The page to delete one lists the items that name it."""

    form = ImageForm
    list_display = ("thumbnail", "name", "library", "media_type", "pixels", "byte_count", "uploaded_by", "created_at")
    list_display_links = ("thumbnail", "name")
    list_filter = ("library",)
    list_select_related = ("library", "created_by")
    list_per_page = 50
    search_fields = ("name", "library__name")
    autocomplete_fields = ("library",)
    actions = (delete_unused,)

    def get_fields(self, request: HttpRequest, obj: Image | None = None) -> Any:
        """The fields of the form, and what is stored."""
        stored = ("picture", "used_by", "address", "media_type", "pixels", "byte_count", "page", "uploaded_by")
        return ("library", "name", "file") if obj is None else ("library", "name", "file", *stored)

    def get_readonly_fields(self, request: HttpRequest, obj: Image | None = None) -> tuple[str, ...]:
        """All but the name and the file: a picture stays in its library."""
        return tuple(set(self.get_fields(request, obj)) - {"name", "file"}) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        """Store it through the services."""
        file = form.cleaned_data["file"]
        where: dict[str, Any] = {"actor_id": None, "library_id": obj.library_id}
        if change:
            if "name" in form.changed_data:
                rename_image(**where, image_id=obj.id, name=obj.name)
            if file:
                received(file.chunks(), lambda upload: replace_image(**where, image_id=obj.id, upload=upload))
            return
        images, are_new = received(file.chunks(), lambda upload: add_images(**where, name=obj.name, upload=upload))
        obj.pk, obj._state.adding = images[0].pk, False
        if not are_new:
            self.message_user(request, "The library has this picture already.", messages.INFO)
        elif len(images) > 1:
            self.message_user(request, f"The file has {len(images)} pages: each is a picture.", messages.INFO)

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        """Delete it, also if items name it: the page before has said so."""
        delete_image(actor_id=None, library_id=obj.library_id, image_id=obj.id, even_if_used=True)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        """Delete each of them."""
        for image in queryset:
            self.delete_model(request, image)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Called by Django: what is listed before the deletion, with the items that name a picture."""
        listed, *rest = super().get_deleted_objects(objs, request)
        shown = [f"“{image.name}” is shown by {_said(use)}" for image in objs for use in _uses(image)]
        return ([*listed, *shown], *rest)

    @admin.display(description="")
    def thumbnail(self, image: Image) -> SafeString | str:
        """The smallest one, within the page: whoever administers a site need not be a member of the library."""
        return _within_page(image, Size.SMALL, "portal-thumbnail")

    @admin.display(description="picture")
    def picture(self, image: Image) -> SafeString | str:
        """A larger one."""
        return _within_page(image, Size.MEDIUM, "portal-picture")

    @admin.display(description="pixels")
    def pixels(self, image: Image) -> str:
        """Width and height."""
        return f"{image.width} × {image.height}"

    @admin.display(description="uploaded by")
    def uploaded_by(self, image: Image) -> str:
        """The name, as not everybody here may see e-mail addresses."""
        return "–" if image.created_by is None else image.created_by.get_full_name()

    @admin.display(description="address")
    def address(self, image: Image) -> str:
        """What items name."""
        return image.url

    @admin.display(description="used by")
    def used_by(self, image: Image) -> SafeString | str:
        """The portal views and items that name it."""
        return format_html_join("", "<div>{}</div>", ((_said(use),) for use in _uses(image))) or "nothing"


def _uses(image: Image) -> list[Use]:
    return uses_of(image.library_id).get(image.id, [])


def _said(use: Use) -> str:
    return f"{use.name}: {', '.join(use.item_ids)}"


def _within_page(image: Image, size: Size, name: str) -> SafeString | str:
    try:
        data = b64encode(image_files.read(image.key, size)).decode()
    except (FileNotFoundError, Unavailable):
        return "–"
    return format_html('<img class="{}" alt="{}" src="data:{};base64,{}">', name, image.name, THUMBNAIL_TYPE, data)
