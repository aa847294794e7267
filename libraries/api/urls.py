"""The addresses under /api/, each with and without a slash at its end."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import StringConverter
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.views import APIView

from libraries.api import accounts as api_accounts
from libraries.api import auth as api_auth
from libraries.api import batches as api_batches
from libraries.api import codes as api_codes
from libraries.api import document as api_document
from libraries.api import guest_cookies as api_guest_cookies
from libraries.api import images as api_images
from libraries.api import invitations as api_invitations
from libraries.api import items as api_items
from libraries.api import libraries as api_libraries
from libraries.api import portal_views as api
from libraries.api import share_links as api_share_links
from libraries.api import stats as api_stats
from libraries.api.base import NothingHere


def _at(route: str, view: type[APIView], name: str) -> list[URLPattern]:
    """The address without a slash, which is the documented one, and with one."""
    return [path(route, view.as_view(), name=name), path(f"{route}/", view.as_view(schema=None))]


class _ItemId(StringConverter):
    """The id of an item. It may have slashes, but not at its ends, where they could be the address's own."""

    regex = "[^/]+(?:/+[^/]+)*"


register_converter(_ItemId, "item_id")
_LIBRARY = "libraries/<uuid:library_id>"
_PORTAL_VIEW = "portal-views/<uuid:portal_view_id>"
_ITEM = f"{_PORTAL_VIEW}/items/<item_id:item_id>"

urlpatterns = [
    *_at("auth/register", api_auth.Register, "register"),
    *_at("auth/token", api_auth.Tokens, "token"),
    *_at("auth/token/refresh", api_auth.FreshToken, "token-refresh"),
    *_at("auth/logout", api_auth.LogOut, "logout"),
    *_at("auth/logout-everywhere", api_auth.LogOutEverywhere, "logout-everywhere"),
    *_at("auth/password", api_accounts.Password, "password"),
    *_at("auth/password/reset", api_accounts.PasswordReset, "password-reset"),
    *_at("auth/password/reset/confirm", api_accounts.PasswordResetConfirm, "password-reset-confirm"),
    *_at("auth/verify", api_accounts.Verify, "verify"),
    *_at("auth/verify/send", api_accounts.SendVerification, "verify-send"),
    *_at("auth/me", api_accounts.Me, "me"),
    *_at("auth/me/export", api_accounts.Export, "me-export"),
    *_at("auth/ws-ticket", api_share_links.SocketTickets, "ws-ticket"),
    *_at("auth/guest-cookie", api_guest_cookies.GuestCookie, "guest-cookie"),
    *_at("disclosure-presets", api_libraries.DisclosurePresets, "disclosure-presets"),
    *_at("libraries", api_libraries.Libraries, "libraries"),
    *_at(_LIBRARY, api_libraries.OneLibrary, "library"),
    *_at(f"{_LIBRARY}/members", api_libraries.Members, "members"),
    *_at(f"{_LIBRARY}/members/<uuid:user_id>", api_libraries.OneMember, "member"),
    *_at(f"{_LIBRARY}/invitations", api_invitations.LibraryInvitations, "library-invitations"),
    *_at(f"{_LIBRARY}/invitations/<uuid:invitation_id>", api_invitations.OneInvitation, "invitation"),
    *_at(f"{_LIBRARY}/images", api_images.LibraryImages, "images"),
    *_at(f"{_LIBRARY}/images/<uuid:image_id>", api_images.OneImage, "image"),
    *_at(f"{_LIBRARY}/images/<uuid:image_id>/file", api_images.ImageFile, "image-file"),
    *_at("invitations", api_invitations.MyInvitations, "invitations"),
    *_at("invitations/look", api_invitations.Look, "invitation-look"),
    *_at("invitations/accept", api_invitations.Accept, "invitation-accept"),
    *_at("invitations/<uuid:invitation_id>/accept", api_invitations.AcceptMine, "my-invitation-accept"),
    *_at(f"{_LIBRARY}/portal-views", api.LibraryPortalViews, "portal-views"),
    *_at(_PORTAL_VIEW, api.OnePortalView, "portal-view"),
    *_at(f"{_PORTAL_VIEW}/batch", api_batches.Batch, "batch"),
    *_at(f"{_PORTAL_VIEW}/preview", api_batches.Preview, "preview"),
    *_at(f"{_PORTAL_VIEW}/stats", api_stats.Stats, "stats"),
    *_at(f"{_PORTAL_VIEW}/items", api_items.Items, "items"),
    *_at(f"{_ITEM}/position", api_items.ItemPosition, "item-position"),
    *_at(_ITEM, api_items.OneItem, "item"),
    *_at(f"{_PORTAL_VIEW}/share-links", api_share_links.ShareLinks, "share-links"),
    *_at(f"{_PORTAL_VIEW}/share-links/<uuid:link_id>", api_share_links.OneShareLink, "share-link"),
    *_at(f"{_PORTAL_VIEW}/share-links/<uuid:link_id>/code", api_codes.LinkCode, "share-link-code"),
    *_at(f"{_PORTAL_VIEW}/screens", api_codes.ViewScreens, "view-screens"),
    *_at("join", api_codes.Join, "join"),
    *_at("screens", api_codes.Screens, "screens"),
    *_at("screens/claim", api_codes.ScreenClaims, "screen-claims"),
    *_at("schema", api_document.Schema, "schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema")),
    re_path(r"", NothingHere.as_view()),
]
