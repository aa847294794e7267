"""A library's pictures: the list, names and deletion. The page's module uploads and replaces them by the REST API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from libraries.models import Image
from libraries.rules.images import THUMBNAILS
from libraries.services.images import Use, delete_image, get_image, images_of, rename_image, uses_of
from portal.pages.base import PlainPage, page_of, written
from portal.pages.library import Confirm, InLibrary, OneForm
from portal.pages.library_forms import Named

WORDS = {
    "waiting": gettext_lazy("Waits"),
    "sending": gettext_lazy("Uploading"),
    "making": gettext_lazy("Being stored"),
    "stored": gettext_lazy("Stored"),
    "retry": gettext_lazy("Try again"),
    "remove": gettext_lazy("Remove"),
    "away": gettext_lazy("The server cannot be reached: try again in a moment."),
    "failed": gettext_lazy("That did not work: try again in a moment."),
}
"""What the module says, by its name there."""


class _Pictures(InLibrary):
    """The page; Forbidden for viewers."""

    template_name: str | None = "pages/pictures.html"
    tab = "pictures"

    def listed(self) -> dict[str, Any]:
        """The pictures, the newest first, and what shows them."""
        page = page_of(self.request, images_of(user_id=self.user.id, library_id=self.library.id))
        uses = uses_of(self.library.id)
        smallest = THUMBNAILS[0]
        return {
            "page": page,
            "pictures": [
                {"image": image, "small": image.url_of(smallest), "uses": uses.get(image.id, ())} for image in page
            ],
            "api": reverse("images", args=[self.library.id]),
            "words": WORDS,
        }


class Pictures(_Pictures, PlainPage):
    """`/libraries/<libraryId>/pictures`."""


class RenamePicture(_Pictures, OneForm):
    """`/libraries/<libraryId>/pictures/<imageId>/name`."""

    form_class = Named
    what, row = "rename", "image_id"

    def act(self, form: Named) -> HttpResponse:
        """Change the name; its address stays."""
        rename_image(
            actor_id=self.user.id,
            library_id=self.library.id,
            image_id=self.kwargs["image_id"],
            name=form.cleaned_data["name"],
        )
        return self.done(_("The name is changed."), "pages:pictures")


class DeletePicture(Confirm):
    """`/libraries/<libraryId>/pictures/<imageId>/delete`; also of one that items show: the page has named them."""

    @cached_property
    def image(self) -> Image:
        """The picture; NotFound or Forbidden."""
        ids = {"user_id": self.user.id, "library_id": self.library.id}
        return get_image(**ids, image_id=self.kwargs["image_id"])

    def asked(self) -> dict[str, Any]:
        """The portal views whose items show it."""
        image, used = self.image, uses_of(self.library.id).get(self.kwargs["image_id"], [])
        items = sum(len(use.item_ids) for use in used)
        shown = ngettext(
            "%(n)s item shows it, and then shows nothing. This cannot be undone.",
            "%(n)s items show it, and then show nothing. This cannot be undone.",
            items,
        )
        return {
            "question": _("Delete the picture “%(name)s”?") % {"name": image.name},
            "lost": _lines(used),
            "consequence": shown % {"n": written(items)} if used else _("No item shows it. This cannot be undone."),
            "act": _("Delete the picture"),
            "back": reverse("pages:pictures", args=[self.library.id]),
        }

    def act(self, form: Form) -> HttpResponse:
        """Delete it."""
        delete_image(actor_id=self.user.id, library_id=self.library.id, image_id=self.image.id, even_if_used=True)
        return self.done(_("The picture is deleted."), "pages:pictures")


def _lines(uses: Sequence[Use]) -> list[str]:
    return [
        ngettext("%(n)s item of “%(view)s”", "%(n)s items of “%(view)s”", len(use.item_ids))
        % {"n": written(len(use.item_ids)), "view": use.name}
        for use in uses
    ]
