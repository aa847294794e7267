"""A sample evening: a library of one's own with the content of the demo, to try everything with.

Its id follows from the person, so that a second request leads to the first one's library: what is missing there is made
anew, and what was changed stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.crypto import salted_hmac

from libraries import demo_data
from libraries.models import Library, User
from libraries.outages import tried_again
from libraries.rules.state import check_patch
from libraries.selectors import libraries_of, portal_views_in
from libraries.services.images import add_images
from libraries.services.libraries import create_library
from libraries.services.portal_views import create_portal_view
from libraries.uploads import received

_PICTURES = Path(__file__).parents[1] / "samples"
_KEYS = ("image", "img_main")
"""Of an item, whose value is the address of a picture."""


def make_sample(*, actor_id: UUID) -> Library:
    """The person's sample library, with its pictures and a portal view.

    QuotaExceeded if they own as many libraries as they may; StorageFull. What was made until then stays, and the next
    request goes on.
    """
    library = _library(actor_id)
    if not portal_views_in(user_id=actor_id, library_id=library.id).exists():
        patch = check_patch({**demo_data.PORTAL_VIEW, "items": _items(actor_id, library.id)})
        create_portal_view(actor_id=actor_id, library_id=library.id, patch=patch)
    return library


@tried_again
def _library(actor_id: UUID) -> Library:
    digest = salted_hmac("libraries.samples", str(actor_id), algorithm="sha256").digest()
    library_id = UUID(bytes=digest[:16], version=4)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).filter(id=actor_id).first()  # two requests at once make one library
        found = libraries_of(actor_id).filter(id=library_id).first()
        if found is not None:
            return found
        was_given_away = Library.objects.filter(id=library_id).exists()
        return create_library(
            actor_id=actor_id,
            library_id=None if was_given_away else library_id,
            name=demo_data.LIBRARY_NAME,
            description=demo_data.LIBRARY_DESCRIPTION,
            disclosure=demo_data.DISCLOSURE,
        )


def _items(actor_id: UUID, library_id: UUID) -> list[dict[str, Any]]:
    """The demo's items, with pictures of the library."""
    urls: dict[str, str] = {}
    for item in demo_data.ITEMS:
        for key in _KEYS:
            if key in item:
                urls[item[key]] = _add(actor_id, library_id, Path(item[key]).stem, item["name"])
    return [{**item, **{key: urls[item[key]] for key in _KEYS if key in item}} for item in demo_data.ITEMS]


def _add(actor_id: UUID, library_id: UUID, stem: str, name: str) -> str:
    """The address of the picture; the same file is stored once."""
    file = (_PICTURES / f"{stem}.webp").read_bytes()
    images, _ = received(
        (file,), lambda upload: add_images(actor_id=actor_id, library_id=library_id, name=name, upload=upload)
    )
    return images[0].url
