"""The ways that access can end: by REST, in the admin, in a shell that saves objects, by statements on rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone

from chaos.revocation_scene import PASSWORD, Scene, Way
from libraries.models import Membership, ShareLink, User
from libraries.rules.roles import Role
from testing.admin import AdminClient


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


def _on_page(path: str, **values: str) -> Callable[[Scene], None]:
    return lambda scene: scene.page.post(path, values)


def _role_in_admin(scene: Scene, **values: str | None) -> None:
    with AdminClient(scene.site.server.http, scene.site.cast.admin) as admin:
        page = admin.page(f"/admin/libraries/library/{scene.library.id}/change/")
        place = re.search(rf'name="memberships-(\d+)-id" value="{_membership(scene).pk}"', page)
        assert place is not None, "the member is on the page"  # noqa: S101
        named = {f"memberships-{place[1]}-{key}": value for key, value in values.items()}
        admin.submit(f"/admin/libraries/library/{scene.library.id}/change/", **named)


_PASSWORDS = {"current": PASSWORD, "password": "other plums, eight of them"}
_IN_ADMIN = {"password1": "other plums, eight of them", "password2": "other plums, eight of them"}

WAYS: list[Any] = [
    Way("log-out, REST", "session-ended", lambda scene: scene.member.post("/api/auth/logout")),
    Way("log-out, page", "session-ended", _on_page("/logout"), by_ticket=True),
    Way("log-out everywhere, REST", "session-ended", lambda scene: scene.member.post("/api/auth/logout-everywhere")),
    Way("log-out everywhere, page", "session-ended", _on_page("/account/log-out-everywhere"), by_ticket=True),
    Way(
        "log-out everywhere, admin",
        "session-ended",
        _selected_in_admin("user", "end_sessions", lambda scene: scene.user.id),
    ),
    Way("new password, page", "session-ended", _on_page("/account/password", **_PASSWORDS)),
    Way("new password, REST", "session-ended", lambda scene: scene.member.post("/api/auth/password", _PASSWORDS)),
    Way("new password, admin", "session-ended", _in_admin("/admin/libraries/user/{user}/password/", **_IN_ADMIN)),
    Way("new password, shell", "session-ended", _save_password),
    Way("editor made viewer, REST", "role-changed", _patch_role),
    Way("editor made viewer, admin", "role-changed", lambda scene: _role_in_admin(scene, role="VIEWER")),
    Way("editor made viewer, shell", "role-changed", _save_role),
    Way("removed from the library, REST", "access-withdrawn", lambda scene: scene.owner.delete(_member(scene))),
    Way("removed from the library, admin", "access-withdrawn", lambda scene: _role_in_admin(scene, DELETE="on")),
    Way("removed from the library, shell", "access-withdrawn", lambda scene: _membership(scene).delete()),
    Way("deactivated, admin", "user-unavailable", _in_admin("/admin/libraries/user/{user}/change/", is_active=None)),
    Way("deactivated, shell", "user-unavailable", _save_inactive),
    Way("account deleted, REST", "user-unavailable", _delete_me),
    Way("account deleted, page", "user-unavailable", _on_page("/account/delete", password=PASSWORD)),
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
