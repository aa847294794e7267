"""The kinds of people, each made by one function, and a library that most of them belong to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission

from conftest import PASSWORD
from libraries.digests import digest_of
from libraries.models import (
    Image,
    Invitation,
    Library,
    Membership,
    PortalView,
    Receipt,
    Revocation,
    Session,
    ShareLink,
    Ticket,
    User,
)
from libraries.rules.roles import Role
from libraries.services.invitations import create_invitation
from libraries.services.members import add_member, remove_member
from libraries.services.people import set_user_active
from libraries.tests.images import make_image

SHARE = "the-token-of-the-link-of-the-world"
HIDDEN_TEXT = "only-for-controllers"
HIDDEN_NUMBER = 714_253
ITEMS: list[dict[str, Any]] = [
    {"id": "ogre", "type": "stat-block", "name": "Ogre", "hp": HIDDEN_NUMBER, "gmNotes": HIDDEN_TEXT},
    {"id": f"spy-{HIDDEN_TEXT}", "type": "token", "name": HIDDEN_TEXT, "visible": False},
]
ENCOUNTER = {"round": 2, "turn": "ogre", "order": [{"itemId": item["id"]} for item in reversed(ITEMS)]}


@dataclass(frozen=True)
class World:
    """A library with a portal view, its owner, one more member and an invitation; and a group of permissions."""

    library: Library
    portal_view: PortalView
    owner: User
    other: User
    group: Group
    link: ShareLink
    invitation: Invitation
    image: Image

    def ids(self, asker: User | None) -> dict[str, str]:
        """The ids in the addresses of the tables; `self` is the asker."""
        return {
            "library": str(self.library.id),
            "hidden": ITEMS[1]["id"],
            "view": str(self.portal_view.id),
            "other": str(self.other.id),
            "self": str(asker.id if asker else self.other.id),
            "group": str(self.group.pk),
            "link": str(self.link.id),
            "invitation": str(self.invitation.id),
            "image": str(self.image.id),
        }


def email_of(name: str) -> str:
    """The e-mail address of a person by name; that of `other` appears only in members lists."""
    return f"{name}@example.org"


def make_user(name: str, **more: Any) -> User:
    """A new account."""
    return User.objects.create_user(email_of(name), PASSWORD, name=name.title(), **more)


def make_world() -> World:
    """The library, its owner, another viewer, and a share link."""
    library = Library.objects.create(name="Library")
    owner, other = make_user("owner"), make_user("other")
    for user, role in ((owner, Role.OWNER), (other, Role.VIEWER)):
        Membership.objects.create(library=library, user=user, role=role.value)
    portal_view = PortalView.objects.create(library=library, name="Evening", items=ITEMS, encounter=ENCOUNTER)
    link = ShareLink.objects.create(portal_view=portal_view, label="Table", digest=digest_of(SHARE))
    invitation, _ = create_invitation(inviter_id=owner.id, library_id=library.id, role=Role.VIEWER, link_of=str)
    image = make_image(library)
    return World(library, portal_view, owner, other, Group.objects.create(name="Group"), link, invitation, image)


def _member(name: str, role: Role) -> Callable[[World], User]:
    def make(world: World) -> User:
        user = make_user(name)
        add_member(actor_id=None, library_id=world.library.id, email=user.email, role=role)
        return user

    return make


def _former(world: World) -> User:
    user = _member("former", Role.EDITOR)(world)
    remove_member(actor_id=None, library_id=world.library.id, user_id=user.id)
    return user


def _switched_off(world: World) -> User:
    user = _member("off", Role.EDITOR)(world)
    set_user_active(user_id=user.id, is_active=False)
    user.refresh_from_db()
    return user


def _staff_with_all(world: World) -> User:
    user = make_user("all", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


MAKERS: dict[str, Callable[[World], User | None]] = {
    "owner": lambda world: world.owner,
    "editor": _member("editor", Role.EDITOR),
    "viewer": _member("viewer", Role.VIEWER),
    "stranger": lambda world: make_user("stranger"),
    "nobody": lambda world: None,
    "former": _former,
    "off": _switched_off,
    "staff": lambda world: make_user("staff", is_staff=True),
    "all": _staff_with_all,
    "super": lambda world: make_user("super", is_staff=True, is_superuser=True),
}
"""Each column of the tables. `nobody` has no token.

`former` was a member, `off` is a deactivated member; the tokens of both are still valid. `staff` has no permission in
the admin, `all` has every one.
"""

KEPT = (
    *(User, Library, Membership, PortalView, Receipt, Group),
    *(Session, Revocation, Invitation, ShareLink, Ticket, Image),
)


def stored() -> dict[str, str]:
    """All stored data, by model, for comparison; without the times of log-ins."""
    kept = {}
    for model in KEPT:
        rows = [
            {key: value for key, value in row.items() if key != "last_login"}
            for row in model.objects.order_by("pk").values()
        ]
        kept[model.__name__] = json.dumps(rows, default=str)
    gives = [*Group.permissions.through.objects.values(), *User.groups.through.objects.values()]
    kept["Group"] += json.dumps(gives, default=str)
    return kept


def changed(before: dict[str, str]) -> set[str]:
    """The names of the models whose stored data has changed."""
    after = stored()
    return {name for name in before if before[name] != after[name]}
