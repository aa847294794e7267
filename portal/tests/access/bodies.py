"""The body for each row of the tables: valid in everything, except perhaps the sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework_simplejwt.tokens import RefreshToken

from conftest import PASSWORD
from libraries.models import Invitation, User
from libraries.rules.roles import PortalRole, Role
from libraries.services.codes import start_code
from libraries.services.guests import new_guest
from libraries.services.invitations import create_invitation
from libraries.services.mailed import RESETS, VERIFICATIONS, token_of
from libraries.services.screens import Waiting, new_screen
from portal.tests.access.people import World, email_of
from realtime.presence import memory
from realtime.rooms.presence import Person
from testing.pictures import plain

Body = Any
"""JSON, the fields of a form, or the bytes of a file."""
PICTURE = plain(20, 10, "PNG")
NEW_PASSWORD = "quite another password"  # noqa: S105


def _log_in(world: World, asker: User | None) -> Body:
    return {"email": asker.email if asker else email_of("unknown"), "password": PASSWORD}


def _refresh(world: World, asker: User | None) -> Body:
    return {"refresh": str(RefreshToken.for_user(asker)) if asker else "none"}


def _new_password_by_mail(world: World, asker: User | None) -> Body:
    return {"token": token_of(asker, RESETS) if asker else "none", "password": NEW_PASSWORD}


def _verify(world: World, asker: User | None) -> Body:
    return {"token": token_of(asker, VERIFICATIONS) if asker else "none"}


def _leaving(*, members: bool) -> Callable[[World, User | None], Body]:
    """The right password for members of the library, or for the others: what changes is not the same for both."""

    def body(world: World, asker: User | None) -> Body:
        is_member = world.library.memberships.filter(user=asker).exists()
        return {"password": PASSWORD if is_member == members else "wrong"}

    return body


def _with_link(world: World, asker: User | None) -> Body:
    made = create_invitation(
        inviter_id=world.owner.id, library_id=world.library.id, role=Role.VIEWER, link_of=lambda token: token
    )
    return {"token": made[1]}


def _invited(email: str = "") -> Callable[[World, User | None], Body]:
    """Nothing, but the asker is verified, and the invitation is to their address, or to another."""

    def body(world: World, asker: User | None) -> Body:
        if asker is not None:
            User.objects.filter(id=asker.id).update(email_verified_at=timezone.now())
            Invitation.objects.filter(id=world.invitation.id).update(email=email or asker.email)
        return {}

    return body


def _same(body: Body) -> Callable[[World, User | None], Body]:
    return lambda world, asker: body


def _screen() -> Waiting:
    return new_screen(network="of a screen")


def _join(world: World, asker: User | None) -> Body:
    code, _ = start_code(actor_id=None, portal_view_id=world.portal_view.id, link_id=world.link.id)
    return {"code": code}


def _present(body: Body) -> Callable[[World, User | None], Body]:
    """The body, while another viewer of the library is here."""

    def with_another(world: World, asker: User | None) -> Body:
        other = Person(world.other.id, "user", world.other.name, PortalRole.VIEWER, 1, 1)
        memory.put(world.portal_view.id, "test", {other.id: other})
        return {"subject": str(other.id), **body} if "withdraw_link" in body else body

    return with_another


REST: dict[str, Callable[[World, User | None], Body]] = {
    "POST /api/auth/register": _same({"email": email_of("new"), "password": PASSWORD}),
    "POST /api/auth/token": _log_in,
    "POST /api/auth/token/refresh": _refresh,
    "POST /api/auth/password": _same({"current": PASSWORD, "password": NEW_PASSWORD}),
    "POST /api/auth/password/reset": _same({"email": email_of("owner")}),
    "POST /api/auth/password/reset/confirm": _new_password_by_mail,
    "POST /api/auth/verify": _verify,
    "PATCH /api/auth/me": _same({"name": "Changed"}),
    "DELETE /api/auth/me": _leaving(members=True),
    "DELETE /api/auth/me?of=others": _leaving(members=False),
    "POST /api/libraries": _same({"name": "New"}),
    "PATCH /api/libraries/{library}": _same({"name": "Changed"}),
    "PUT /api/libraries/{library}": _same({"name": "Changed"}),
    "POST /api/libraries/{library}/members": _same({"email": email_of("new"), "role": "EDITOR"}),
    "PATCH /api/libraries/{library}/members/{other}": _same({"role": "EDITOR"}),
    "PATCH /api/libraries/{library}/members/{self}": _same({"role": "OWNER"}),
    "POST /api/libraries/{library}/invitations": _same({"email": email_of("new"), "role": "EDITOR"}),
    "POST /api/invitations/look": _with_link,
    "POST /api/invitations/accept": _with_link,
    "POST /api/invitations/{invitation}/accept?as=verified": _invited(),
    "POST /api/invitations/{invitation}/accept?as=other": _invited(email_of("unknown")),
    "POST /api/libraries/{library}/images": _same(PICTURE),
    "PATCH /api/libraries/{library}/images/{image}": _same({"name": "Changed"}),
    "PUT /api/libraries/{library}/images/{image}/file": _same(PICTURE),
    "POST /api/libraries/{library}/portal-views": _same({"name": "New"}),
    "PATCH /api/portal-views/{view}": _same({"name": "Changed"}),
    "PUT /api/portal-views/{view}": _same({"name": "Changed"}),
    "POST /api/portal-views/{view}/batch": _same({"changes": [{"type": "encounter-next"}]}),
    "POST /api/portal-views/{view}/preview": _same({"changes": [{"type": "encounter-next"}]}),
    "POST /api/portal-views/{view}/items": _same({"name": "New"}),
    "PATCH /api/portal-views/{view}/items/ogre": _same({"hp": 3}),
    "PUT /api/portal-views/{view}/items/ogre/position": _same({"index": 1}),
    "POST /api/portal-views/{view}/screens": lambda world, asker: {"code": _screen().code, "label": "TV"},
    "POST /api/join": _join,
    "POST /api/auth/guest-cookie": lambda world, asker: {"guest": new_guest(world.link, "Ann").credential},
    "POST /api/screens/claim": lambda world, asker: {"claim": _screen().claim},
    "POST /api/portal-views/{view}/presence/{other}/disconnect": _present({"minutes": 5}),
    "POST /api/auth/ws-ticket": lambda world, asker: {"portalViewId": str(world.portal_view.id)},
    "POST /api/portal-views/{view}/share-links": _same({"label": "New"}),
    "PATCH /api/portal-views/{view}/share-links/{link}": _same({"label": "Changed"}),
}
"""By method and address; a row that is not here has no body."""


def _passwords(first: str = "password1", second: str = "password2") -> Body:
    return {first: NEW_PASSWORD, second: NEW_PASSWORD}


def _user_form(world: World, asker: User | None) -> Body:
    return {"email": world.other.email, "name": "Changed", "is_active": "on"}


def _library_form(world: World, asker: User | None) -> Body:
    members = list(world.library.memberships.order_by("created_at"))
    body: Body = {"name": "Changed", "description": ""}
    body |= {"memberships-TOTAL_FORMS": len(members), "memberships-INITIAL_FORMS": len(members)}
    for index, member in enumerate(members):
        row = {"id": member.pk, "library": world.library.pk, "user": member.user_id}
        role = "EDITOR" if member.user_id == world.other.pk else member.role
        body |= {f"memberships-{index}-{key}": value for key, value in {**row, "role": role}.items()}
    return body


def _new_library_form(world: World, asker: User | None) -> Body:
    counts = {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0}
    return {"name": "New", "description": "", **counts, **_row(world)}


def _row(world: World) -> Body:
    return {"memberships-0-user": str(world.other.pk), "memberships-0-role": "OWNER"}


def _view_form(world: World, asker: User | None) -> Body:
    return {"name": "Changed", "health_display": "bar", "items": "[]", "loaded_version": 1}


def _new_view_form(world: World, asker: User | None) -> Body:
    return {"library": str(world.library.pk), "name": "New", "health_display": "bar", "items": "[]"}


def _new_invitation_form(world: World, asker: User | None) -> Body:
    return {"library": str(world.library.pk), "email": email_of("new"), "role": "EDITOR"}


def _new_image_form(world: World, asker: User | None) -> Body:
    return {"library": str(world.library.pk), "name": "New", "file": SimpleUploadedFile("new.png", PICTURE)}


_YES = _same({"post": "yes"})

ADMIN: dict[str, Callable[[World, User | None], Body]] = {
    "POST /admin/logout/": _same({}),
    "POST /admin/password_change/": _same({"old_password": PASSWORD, **_passwords("new_password1", "new_password2")}),
    "POST /admin/libraries/user/add/": _same({"email": email_of("new"), "name": "", **_passwords()}),
    "POST /admin/libraries/user/{other}/change/": _user_form,
    "POST /admin/libraries/user/{other}/delete/": _YES,
    "POST /admin/libraries/user/{other}/password/": _same({"usable_password": "true", **_passwords()}),
    "POST /admin/libraries/library/add/": _new_library_form,
    "POST /admin/libraries/library/{library}/change/": _library_form,
    "POST /admin/libraries/library/{library}/delete/": _YES,
    "POST /admin/libraries/portalview/add/": _new_view_form,
    "POST /admin/libraries/portalview/{view}/change/": _view_form,
    "POST /admin/libraries/portalview/{view}/delete/": _YES,
    "POST /admin/libraries/portalview/{view}/presence/": _present({"minutes": 5, "withdraw_link": ""}),
    "POST /admin/libraries/sharelink/add/": lambda world, asker: {"portal_view": str(world.portal_view.pk)},
    "POST /admin/libraries/sharelink/{link}/change/": _same({"label": "Changed"}),
    "POST /admin/libraries/sharelink/{link}/delete/": _YES,
    "POST /admin/libraries/invitation/add/": _new_invitation_form,
    "POST /admin/libraries/invitation/{invitation}/change/": _same({}),
    "POST /admin/libraries/invitation/{invitation}/delete/": _YES,
    "POST /admin/libraries/image/add/": _new_image_form,
    "POST /admin/libraries/image/{image}/change/": _same({"name": "Changed"}),
    "POST /admin/libraries/image/{image}/delete/": _YES,
    "POST /admin/auth/group/add/": _same({"name": "New"}),
    "POST /admin/auth/group/{group}/change/": _same({"name": "Changed"}),
    "POST /admin/auth/group/{group}/delete/": _YES,
}
"""The forms; the actions of lists are made of their rows."""


def action(world: World, address: str) -> Body:
    """The form of a list's action: the one object of this model that the test knows is selected."""
    listed, name = address.split("#")
    keys = {"user": world.other.pk, "library": world.library.pk, "portalview": world.portal_view.pk}
    keys |= {"invitation": world.invitation.pk, "sharelink": world.link.pk, "image": world.image.pk}
    selected = {**keys, "group": world.group.pk}.get(listed.rstrip("/").rpartition("/")[2], 1)
    return {"action": name, "_selected_action": [str(selected)], "post": "yes"}


MESSAGES: dict[str, Body] = {
    "ping": {},
    "portal-view-update": {"payload": {"blackout": True}},
    "item-update": {"payload": {"itemId": "goblin", "name": "Goblin King"}},
    "item-add": {"payload": {"name": "New"}},
    "item-remove": {"itemId": "goblin"},
    "item-move": {"itemId": "goblin", "index": 0},
    "encounter-next": {},
    "encounter-previous": {},
    "batch": {"changes": [{"type": "encounter-next"}]},
    "request-sync": {},
    "sync-response": {"payload": {"zoom": 2}},
    "activity": {"state": "editing", "target": "goblin"},
    "pointer": {"itemId": "goblin", "x": 0.5, "y": 0.25},
    "auth": {},
}
"""A message of each type; `auth` gets the sender's token."""
