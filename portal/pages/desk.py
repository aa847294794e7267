"""The desk: the page on which a controller decides what a portal view shows. Its module does all of it by a socket."""

from __future__ import annotations

import json
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.urls import reverse
from django.utils.decorators import method_decorator

from libraries.models import PortalView
from portal.pages.base import PlainPage
from portal.pages.desk_words import WORDS
from portal.pages.sharing import Sharing


# Controllers show pictures from elsewhere, too; the preview has the policy of what viewers look at
@method_decorator(csp_update({"img-src": settings.PORTAL_IMAGE_SOURCES}), name="dispatch")
class Desk(Sharing, PlainPage):
    """`/libraries/<libraryId>/views/<portalViewId>/desk`."""

    template_name = "pages/desk.html"

    def listed(self) -> dict[str, Any]:
        """The link that this browser has just made, and what the module needs."""
        return {
            **super().listed(),
            "words": json.dumps({key: str(word) for key, word in WORDS.items()}),
            "base": f"{settings.PORTAL_BASE_PATH}/",
            "tickets": reverse("ws-ticket"),
            "images": reverse("images", args=[self.library.id]),
            **_turns(self.view),
        }


def _turns(view: PortalView) -> dict[str, Any]:
    """The lines of the encounter before the module writes its names into them, so that nothing moves then."""
    if not view.encounter or not view.encounter["order"]:
        return {}
    return {
        "turns": [turn["itemId"] == view.encounter["turn"] for turn in view.encounter["order"]],
        "round": str(WORDS["round"]).format(n=view.encounter["round"]),
    }
