"""Share links of one portal view: make one, show it to scan, to type and to copy, and withdraw it.

Only digests are stored. A new link, and its code, are carried in a cookie to the page that shows them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from libraries.digests import digest_of
from libraries.links import Page as Link
from libraries.links import link_to, shared_host
from libraries.models import ShareLink
from libraries.rules.errors import NotFound
from libraries.services.codes import start_code
from libraries.services.share_links import create_share_link, live_links, share_links_of, withdraw_share_link
from portal.pages.base import FormPage, PlainPage, written
from portal.pages.carried import carried, carry
from portal.pages.library import Confirm, OneForm, OneView
from portal.pages.library_forms import Share
from realtime.presence.commands import find_people

_COOKIE = "shared"
_PARTS = "."


class Sharing(OneView):
    """A page that shows the links, and the one that this browser has just made."""

    template_name: str | None = "pages/share.html"

    def listed(self) -> dict[str, Any]:
        """The live links, and the one that this browser has just made."""
        links = list(live_links(share_links_of(user_id=self.user.id, portal_view_id=self.view.id)))
        watching = self.watching()
        return {
            "view": self.view,
            "links": [(link, _watching_in_words(watching[link.id])) for link in links],
            "shared": _carried(self.request, links),
            "site": settings.PORTAL_BASE_PATH,
        }

    def watching(self) -> Counter[UUID]:
        """How many people watch by each link."""
        return Counter(person.link_id for person in find_people(self.view.id).viewers if person.link_id is not None)

    def told(self) -> HttpResponse:
        """The page again, and that the link is good."""
        return self.done(_("Whoever has the link can watch now."), "pages:share", self.view.id)


def share(answer: HttpResponse, user_id: UUID, view_id: UUID, **values: Any) -> HttpResponse:
    """Make a link and a code for it, which the browser carries after the answer to the pages that show them."""
    link, token = create_share_link(actor_id=user_id, portal_view_id=view_id, **values)
    code, _until = start_code(actor_id=user_id, portal_view_id=view_id, link_id=link.id)
    return _carry(answer, token, code)


def _carry(answer: HttpResponse, token: str, code: str) -> HttpResponse:
    return carry(answer, _COOKIE, f"{token}{_PARTS}{code}")


def _watching_in_words(number: int) -> str:
    if number == 0:
        return _("Nobody is watching by this link")
    return ngettext("%(n)s watching by this link", "%(n)s watching by this link", number) % {"n": written(number)}


def _screen_or_link(is_screen: bool) -> str:
    if is_screen:
        return _("The screen shows “%(name)s” no more; to show it again, add it with a new code.")
    return _("Whoever watches “%(name)s” by it is disconnected at once, and it lets nobody in any more.")


def _carried(request: HttpRequest, links: list[ShareLink]) -> dict[str, Any] | None:
    token, _, code = carried(request, _COOKIE).partition(_PARTS)
    digest = digest_of(token)
    link = next((one for one in links if one.digest == digest), None)
    if link is None:
        return None
    address = link_to(request, Link.VIEW, token)
    is_good = link.code_expires_at is not None and link.code_expires_at > timezone.now()
    return {
        "id": link.id,
        "link": address,
        "join": shared_host(request) + reverse("pages:join"),
        "qr": segno.make_qr(address).svg_data_uri(border=3, light="#fff", omitsize=True),
        "code": code if is_good else "",
        "until": link.code_expires_at,
    }


class ShareView(Sharing, FormPage):
    """`/libraries/<libraryId>/views/<portalViewId>/share`."""

    form_class = Share

    def act(self, form: Share) -> HttpResponse:
        """Make a link, and a code for it."""
        return share(self.told(), self.user.id, self.view.id, **form.values)


class NewCode(Sharing, OneForm):
    """`/libraries/<libraryId>/views/<portalViewId>/share/<linkId>/code`."""

    def act(self, form: Form) -> HttpResponse:
        """Another code for the link; the one before ends."""
        code, _until = start_code(actor_id=self.user.id, portal_view_id=self.view.id, link_id=self.kwargs["link_id"])
        return _carry(self.told(), carried(self.request, _COOKIE).partition(_PARTS)[0], code)


class Watching(Sharing, PlainPage):
    """`/libraries/<libraryId>/views/<portalViewId>/share/watching`: the page asks again and again."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A sentence for each live link, by the id of the link."""
        watching = self.watching()
        links = live_links(share_links_of(user_id=self.user.id, portal_view_id=self.view.id))
        return JsonResponse({str(link.id): _watching_in_words(watching[link.id]) for link in links})


class Withdraw(Sharing, Confirm):
    """`/libraries/<libraryId>/views/<portalViewId>/share/<linkId>/withdraw`."""

    template_name = Confirm.template_name

    def asked(self) -> dict[str, Any]:
        """Who is disconnected."""
        view = self.view
        links = share_links_of(user_id=self.user.id, portal_view_id=view.id)
        link = live_links(links).filter(id=self.kwargs["link_id"]).first()
        if link is None:
            raise NotFound("There is no such share link.")
        number = self.watching()[link.id]
        closes = ngettext("%(n)s person watches by it now", "%(n)s people watch by it now", number) % {
            "n": written(number)
        }
        return {
            "question": _("Withdraw “%(name)s”?") % {"name": link.label} if link.label else _("Withdraw the link?"),
            "lost": [closes] if number else [],
            "consequence": _screen_or_link(link.is_screen) % {"name": view.name},
            "act": _("Withdraw the screen") if link.is_screen else _("Withdraw the link"),
            "back": reverse("pages:share", args=[self.library.id, view.id]),
        }

    def act(self, form: Form) -> HttpResponse:
        """End it."""
        link = withdraw_share_link(actor_id=self.user.id, portal_view_id=self.view.id, link_id=self.kwargs["link_id"])
        done = _("The screen is withdrawn.") if link.is_screen else _("The link is withdrawn.")
        return self.done(done, "pages:share", self.view.id)
