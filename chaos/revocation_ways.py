"""The ways that access can end: by REST, in the admin, in a shell that saves objects, by statements on rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from chaos.revocations import Site
from libraries.digests import digest_of, new_token
from libraries.models import Library, Membership, PortalView, ShareLink, User
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.services.portal_views import create_portal_view, update_portal_view
from realtime.protocol.encodings import SUBPROTOCOL
from testing.admin import AdminClient
from testing.installation import Person
from testing.people import Client

PASSWORD = "ripe plums, seven of them"  # noqa: S105  # of people who exist for a minute


@dataclass
class Scene:
    """The people and the portal view of one way: the owner, the member or the guests whose access ends.

    `credentials` are the subprotocols of the sockets, in turn; `end` ends the access.
    """

    site: Site
    owner: Client
    member: Client
    user: User
    library: Library
    view: PortalView
    link: ShareLink
    share: str
    end: Callable[[], None] = field(default=lambda: None)
    credentials: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def portal_view_id(self) -> str:
        """Whose sockets are opened."""
        return str(self.view.id)

    def write(self, number: int) -> None:
        """Send everybody a frame; nothing once the portal view is gone."""
        try:
            patch = check_patch({"name": f"Evening {number}"})
            update_portal_view(actor_id=None, portal_view_id=self.view.id, patch=patch)
        except Exception:
            if PortalView.objects.filter(id=self.view.id).exists():
                raise
        finally:
            connections.close_all()

    def close(self) -> None:
        """Close the HTTP connections."""
        self.owner.close()
        self.member.close()


@dataclass(frozen=True)
class Way:
    """A way to end access, and what the sockets must be told; `guests` are ended by it, or the member."""

    name: str
    how: str
    end: Callable[[Scene], object]
    guests: bool = False

    def prepare(self, site: Site) -> Scene:
        """People and a library of their own."""
        scene = _scene(site)
        scene.end = lambda: _ended(self.end, scene)
        if self.guests:
            scene.credentials = [(SUBPROTOCOL, f"share.{scene.share}")]
        else:
            scene.credentials = [(SUBPROTOCOL, f"bearer.{scene.member.access}")]
        return scene


def _ended(end: Callable[[Scene], object], scene: Scene) -> None:
    try:
        end(scene)
    finally:
        connections.close_all()


def _scene(site: Site) -> Scene:
    owner, member = (_person(name) for name in ("owner", "member"))
    library = Library.objects.create(name="Of a way")
    Membership.objects.create(library=library, user=owner, role=Role.OWNER.value)
    Membership.objects.create(library=library, user=member, role=Role.EDITOR.value)
    view = create_portal_view(actor_id=None, library_id=library.id, patch=check_patch({"name": "Evening"}))
    share = new_token()
    link = ShareLink.objects.create(portal_view=view, label="Guests", digest=digest_of(share))
    logged_in = [Client(site.server.http, Person(user.email, PASSWORD)) for user in (owner, member)]
    connections.close_all()
    return Scene(site, logged_in[0], logged_in[1], member, library, view, link, share)


def _person(name: str) -> User:
    email = f"{name}-{secrets.token_hex(6)}@ways.example.org"
    return User.objects.create_user(email, PASSWORD, name=name, email_verified_at=timezone.now())


# --- The ways -------------------------------------------------------------------------------------------------


def _fresh(scene: Scene) -> User:
    return User.objects.get(id=scene.user.id)


def _membership(scene: Scene) -> Membership:
    return Membership.objects.get(library=scene.library, user=scene.user)


def _save_password(scene: Scene) -> None:
    user = _fresh(scene)
    user.set_password("other plums, eight of them")
    user.save()


def _save_inactive(scene: Scene) -> None:
    user = _fresh(scene)
    user.is_active = False
    user.save()


def _save_role(scene: Scene) -> None:
    membership = _membership(scene)
    membership.role = Role.VIEWER.value
    membership.save()


def _delete_user(scene: Scene) -> None:
    Membership.objects.filter(user=scene.user).delete()
    _fresh(scene).delete()


def _save_withdrawn(scene: Scene) -> None:
    link = ShareLink.objects.get(id=scene.link.id)
    link.withdrawn_at = timezone.now()
    link.save()


def _in_admin(path: str, **values: str | None) -> Callable[[Scene], None]:
    def end(scene: Scene) -> None:
        with AdminClient(scene.site.server.http, scene.site.cast.admin) as admin:
            admin.submit(path.format(user=scene.user.id), **values)

    return end


def _selected_in_admin(model: str, action: str, pk: Callable[[Scene], UUID], **more: str) -> Callable[[Scene], None]:
    def end(scene: Scene) -> None:
        with AdminClient(scene.site.server.http, scene.site.cast.admin) as admin:
            values = {"action": action, "_selected_action": str(pk(scene)), **more}
            admin.post(f"/admin/libraries/{model}/", values)

    return end


def _member(scene: Scene) -> str:
    return f"/api/libraries/{scene.library.id}/members/{scene.user.id}"


def _link(scene: Scene) -> str:
    return f"/api/portal-views/{scene.view.id}/share-links/{scene.link.id}"


def _patch_role(scene: Scene) -> None:
    scene.owner.patch(_member(scene), {"role": "VIEWER"})


def _delete_me(scene: Scene) -> None:
    scene.member.delete("/api/auth/me", {"password": PASSWORD})


_PASSWORDS = {"current": PASSWORD, "password": "other plums, eight of them"}
_IN_ADMIN = {"password1": "other plums, eight of them", "password2": "other plums, eight of them"}

WAYS: list[Any] = [
    Way("log-out, REST", "session-ended", lambda scene: scene.member.post("/api/auth/logout")),
    Way("log-out everywhere, REST", "session-ended", lambda scene: scene.member.post("/api/auth/logout-everywhere")),
    Way("new password, REST", "session-ended", lambda scene: scene.member.post("/api/auth/password", _PASSWORDS)),
    Way("new password, admin", "session-ended", _in_admin("/admin/libraries/user/{user}/password/", **_IN_ADMIN)),
    Way("new password, shell", "session-ended", _save_password),
    Way("editor made viewer, REST", "role-changed", _patch_role),
    Way("editor made viewer, shell", "role-changed", _save_role),
    Way("removed from the library, REST", "access-withdrawn", lambda scene: scene.owner.delete(_member(scene))),
    Way("removed from the library, shell", "access-withdrawn", lambda scene: _membership(scene).delete()),
    Way("deactivated, admin", "user-unavailable", _in_admin("/admin/libraries/user/{user}/change/", is_active=None)),
    Way("deactivated, shell", "user-unavailable", _save_inactive),
    Way("account deleted, REST", "user-unavailable", _delete_me),
    Way("account deleted, shell", "user-unavailable", _delete_user),
    Way("link withdrawn, REST", "link-withdrawn", lambda scene: scene.owner.delete(_link(scene)), guests=True),
    Way(
        "link withdrawn, admin",
        "link-withdrawn",
        _selected_in_admin("sharelink", "withdraw", lambda scene: scene.link.id),
        guests=True,
    ),
    Way("link withdrawn, shell", "link-withdrawn", _save_withdrawn, guests=True),
    Way(
        "library deleted, REST",
        "portal-view-deleted",
        lambda scene: scene.owner.delete(f"/api/libraries/{scene.library.id}"),
    ),
    Way(
        "library deleted, guests",
        "portal-view-deleted",
        lambda scene: scene.owner.delete(f"/api/libraries/{scene.library.id}"),
        guests=True,
    ),
]
"""The ways that tell at once: a service by REST or in the admin, or a saved or deleted object."""


def _users(scene: Scene) -> Any:
    return User.objects.filter(id=scene.user.id)


OF_MANY_ROWS: list[Any] = [
    Way("everywhere, by rows", "session-ended", lambda scene: _users(scene).update(auth_version=7)),
    Way("deactivated, by rows", "user-unavailable", lambda scene: _users(scene).update(is_active=False)),
    Way(
        "editor made viewer, by rows",
        "role-changed",
        lambda scene: Membership.objects.filter(user=scene.user).update(role=Role.VIEWER.value),
    ),
    Way(
        "removed, by rows",
        "access-withdrawn",
        lambda scene: Membership.objects.filter(user=scene.user).delete(),
    ),
    Way(
        "link withdrawn, by rows",
        "link-withdrawn",
        lambda scene: ShareLink.objects.filter(id=scene.link.id).update(withdrawn_at=timezone.now()),
        guests=True,
    ),
]
"""Statements that tell nothing: found in turn, within a minute."""
