"""The table of the pages: the answer to each person's browser, and what it takes with it.

A cell is a status; 302 to the log-in changes nothing, whatever the row says. `{share}` is the token of a share link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import PASSWORD
from libraries.models import User
from libraries.rules.roles import Role
from libraries.services.invitations import create_invitation
from libraries.services.mailed import RESETS, VERIFICATIONS, token_of
from portal.tests.access.bodies import NEW_PASSWORD
from portal.tests.access.people import World, email_of
from portal.tests.access.tables import rows

UNKNOWN = "0190a1de-0000-7000-8000-000000000000"
SECRET = "Zk3_x-9QpL0aVb7TnR2sWd8YcE5mUf1H"  # noqa: S105

PAGES = """
method | address                         | owner editor viewer stranger nobody former off staff all super | changes
GET    | /                               | 200   200    200    200      200    200    200 200   200 200   |
POST   | /language                       | 302   302    302    302      302    302    302 302   302 302   | User
POST   | /libraries                      | 302   302    302    302      302    302    302 302   302 302   | Library Membership
POST   | /sample                         | 302   302    302    302      302    302    302 302   302 302   | Library Membership PortalView Image ShareLink
GET    | /libraries/{library}            | 200   200    200    404      302    404    302 404   404 404   |
POST   | /libraries/{library}/views      | 302   302    403    404      302    404    302 404   404 404   | PortalView
POST   | /libraries/{library}/views/{view}/name | 302 302 403  404      302    404    302 404   404 404   | PortalView
GET    | /libraries/{library}/views/{view}/delete | 200 200 403 404     302    404    302 404   404 404   |
POST   | /libraries/{library}/views/{view}/delete | 302 302 403 404     302    404    302 404   404 404   | PortalView ShareLink
GET    | /libraries/{library}/views/{view}/desk | 200 200 403 404       302    404    302 404   404 404   |
GET    | /libraries/{library}/views/{view}/stage | 200 200 200 404      302    404    302 404   404 404   |
GET    | /libraries/{library}/views/{view}/share | 200 200 403 404      302    404    302 404   404 404   |
GET    | /libraries/{library}/views/{view}/share/watching | 200 200 403 404 302 404 302 404 404 404   |
POST   | /libraries/{library}/views/{view}/share | 302 302 403 404      302    404    302 404   404 404   | ShareLink
POST   | /libraries/{library}/views/{view}/share/{link}/code | 302 302 403 404 302 404 302 404   404 404   | ShareLink
GET    | /libraries/{library}/views/{view}/share/{link}/withdraw | 200 200 403 404 302 404 302 404 404 404 |
POST   | /libraries/{library}/views/{view}/share/{link}/withdraw | 302 302 403 404 302 404 302 404 404 404 | ShareLink Revocation
GET    | /libraries/{library}/pictures   | 200   200    403    404      302    404    302 404   404 404   |
POST   | /libraries/{library}/pictures/{image}/name | 302 302 403 404   302    404    302 404   404 404   | Image
GET    | /libraries/{library}/pictures/{image}/delete | 200 200 403 404 302    404    302 404   404 404   |
POST   | /libraries/{library}/pictures/{image}/delete | 302 302 403 404 302    404    302 404   404 404   | Image
GET    | /libraries/{library}/members    | 200   200    200    404      302    404    302 404   404 404   |
POST   | /libraries/{library}/members/{other}/role | 302 403 403 404    302    404    302 404   404 404   | Library Membership
GET    | /libraries/{library}/members/{other}/remove | 200 403 403 404  302    404    302 404   404 404   |
POST   | /libraries/{library}/members/{other}/remove | 302 403 403 404  302    404    302 404   404 404   | Library Membership
GET    | /libraries/{library}/members/{self}/remove | 200 200 200 404   302    404    302 404   404 404   |
POST   | /libraries/{library}/members/{self}/remove | 409 302 302 404   302    404    302 404   404 404   | Library Membership
POST   | /libraries/{library}/invitations | 302  403    403    404      302    404    302 404   404 404   | Invitation
GET    | /libraries/{library}/invitations/{invitation}/withdraw | 200 403 403 404 302 404 302 404 404 404  |
POST   | /libraries/{library}/invitations/{invitation}/withdraw | 302 403 403 404 302 404 302 404 404 404  | Invitation
GET    | /libraries/{library}/settings   | 200   200    403    404      302    404    302 404   404 404   |
POST   | /libraries/{library}/settings   | 302   302    403    404      302    404    302 404   404 404   | Library
GET    | /libraries/{library}/delete     | 200   403    403    404      302    404    302 404   404 404   |
POST   | /libraries/{library}/delete     | 302   403    403    404      302    404    302 404   404 404   | Library Membership Invitation PortalView ShareLink Image
GET    | /login                          | 302   302    302    302      200    302    200 302   302 302   |
POST   | /login                          | 302   302    302    302      400    302    400 302   302 302   |
GET    | /logout                         | 200   200    200    200      200    200    200 200   200 200   |
POST   | /logout                         | 302   302    302    302      302    302    302 302   302 302   | Revocation
GET    | /register                       | 200   200    200    200      200    200    200 200   200 200   |
POST   | /register                       | 302   302    302    302      302    302    302 302   302 302   | User
GET    | /verify                         | 200   200    200    200      200    200    200 200   200 200   |
POST   | /verify                         | 302   302    302    302      400    302    400 302   302 302   | User
GET    | /verify/{secret}                | 302   302    302    302      302    302    302 302   302 302   |
GET    | /reset                          | 200   200    200    200      200    200    200 200   200 200   |
POST   | /reset                          | 302   302    302    302      302    302    302 302   302 302   |
GET    | /reset/{secret}                 | 302   302    302    302      302    302    302 302   302 302   |
GET    | /new-password                   | 200   200    200    200      200    200    200 200   200 200   |
POST   | /new-password                   | 302   302    302    302      400    302    400 302   302 302   | User Revocation
GET    | /invitation                     | 200   200    200    200      200    200    200 200   200 200   |
POST   | /invitation                     | 409   409    409    302      302    302    302 302   302 302   | Library Membership Invitation
GET    | /invitation/{secret}            | 302   302    302    302      302    302    302 302   302 302   |
GET    | /account                        | 200   200    200    200      302    200    302 200   200 200   |
POST   | /account/name                   | 302   302    302    302      302    302    302 302   302 302   | User
POST   | /account/language               | 302   302    302    302      302    302    302 302   302 302   | User
POST   | /account/theme                  | 302   302    302    302      302    302    302 302   302 302   | User
POST   | /account/password               | 302   302    302    302      302    302    302 302   302 302   | User Revocation
POST   | /account/log-out-everywhere     | 302   302    302    302      302    302    302 302   302 302   | User Revocation
POST   | /account/verify                 | 302   302    302    302      302    302    302 302   302 302   |
POST   | /account/invitations/{unknown}  | 403   403    403    403      302    403    302 403   403 403   |
GET    | /account/delete                 | 200   200    200    200      302    200    302 200   200 200   |
POST   | /account/delete                 | 400   400    400    400      302    400    302 400   400 400   |
GET    | /join                           | 200   200    200    200      200    200    200 200   200 200   |
GET    | /tv                             | 200   200    200    200      200    200    200 200   200 200   |
GET    | /tv/qr.svg?code=ABC234          | 200   200    200    200      200    200    200 200   200 200   |
GET    | /add-screen                     | 200   200    200    200      302    200    302 200   200 200   |
POST   | /add-screen                     | 404   404    400    400      302    400    302 400   400 400   |
GET    | /view/{share}                   | 200   200    200    200      200    200    200 200   200 200   |
GET    | /view/guest/{view}              | 200   200    200    200      200    200    200 200   200 200   |
"""  # noqa: E501

Form = dict[str, Any]


def _log_in(world: World, asker: User | None) -> Form:
    return {"username": asker.email if asker else email_of("unknown"), "password": PASSWORD}


def _same(form: Form) -> Callable[[World, User | None], Form]:
    return lambda world, asker: form


FORMS: dict[str, Callable[[World, User | None], Form]] = {
    "/login": _log_in,
    "/register": _same({"email": email_of("new"), "name": "", "password": PASSWORD}),
    "/reset": _same({"email": email_of("owner")}),
    "/new-password": _same({"password": NEW_PASSWORD}),
    "/language": _same({"language": "de", "next": "/join"}),
    "/libraries": _same({"name": "New"}),
    "/libraries/{library}/views": _same({"name": "New"}),
    "/libraries/{library}/views/{view}/name": _same({"name": "Changed"}),
    "/libraries/{library}/views/{view}/share": _same({"label": "New", "life": ""}),
    "/libraries/{library}/pictures/{image}/name": _same({"name": "Changed"}),
    "/libraries/{library}/members/{other}/role": _same({"role": "EDITOR"}),
    "/libraries/{library}/invitations": _same({"role": "VIEWER", "email": ""}),
    "/libraries/{library}/settings": _same({"name": "Changed"}),
    "/account/language": _same({"language": "de"}),
    "/account/theme": _same({"theme": "dark"}),
    "/account/name": _same({"name": "Changed"}),
    "/account/password": _same({"current": PASSWORD, "password": NEW_PASSWORD}),
    "/account/delete": _same({"password": "wrong"}),
    "/add-screen": lambda world, asker: {"code": "ABC234", "label": "Hall", "portal_view": str(world.portal_view.id)},
}
"""By the address of a POST; the others have no fields."""


def _verification(world: World, asker: User | None) -> str:
    if asker is None:
        return SECRET
    User.objects.filter(pk=asker.pk).update(email_verified_at=None)
    asker.refresh_from_db()
    return token_of(asker, VERIFICATIONS)


def _invitation(world: World, asker: User | None) -> str:
    return create_invitation(
        inviter_id=world.owner.id, library_id=world.library.id, role=Role.VIEWER, link_of=lambda token: token
    )[1]


COOKIES: dict[str, tuple[str, Callable[[World, User | None], str]]] = {
    "/verify": ("verify-token", _verification),
    "/new-password": ("reset-token", lambda world, asker: token_of(asker, RESETS) if asker else SECRET),
    "/invitation": ("invitation-token", _invitation),
}
"""The secret that the browser carries to a page, as the address with the secret left it there."""

PAGE_ROWS = rows(PAGES)
