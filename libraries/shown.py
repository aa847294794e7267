"""Who may see which pictures: reads for many requests at once. As `libraries.grants`, this module reads memberships.

A controller of the library sees all of its pictures. A viewer sees those that an item shows, as it is built for viewers
at this moment. A guest sees those of the one portal view of the link, if they belong to its library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists

from libraries.grants import ending
from libraries.models import Image, Membership, PortalView, Revocation, ShareLink
from libraries.page_sessions import grants_of_pages
from libraries.rules.images import shown_images
from libraries.rules.projection import shown_items
from libraries.rules.roles import PortalRole, Role, portal_role
from libraries.rules.subjects import Grant
from libraries.selectors import load


class Offered(NamedTuple):
    """All credentials that a request has: those of tokens, and the key of a page's session."""

    grants: frozenset[Grant] = frozenset()
    session_key: str | None = None


class Picture(NamedTuple):
    """What is sent: the name of the files, and the type of the whole picture."""

    library_id: UUID
    key: str
    media_type: str


class Glance(NamedTuple):
    """A portal view that somebody may look at, and what it was when that was asked."""

    id: UUID
    library_id: UUID
    version: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What credentials give for a picture: all of it, or what one of these portal views shows.

    The portal views of guests are here whether or not there is such a picture, so that both take the same time.
    """

    picture: Picture | None = None
    is_controlled: bool = False
    glances: tuple[Glance, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures that viewers of a portal view see in one of its versions."""

    version: int
    epoch: str
    images: frozenset[UUID]


Question = tuple[Offered, UUID]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database said about many requests at one moment; `sight` is what one of them may see."""

    pages: Mapping[str, Grant]
    pictures: Mapping[UUID, Picture]
    roles: Mapping[tuple[UUID, Grant], Role]
    of_libraries: Mapping[UUID, Sequence[Glance]]
    of_links: Mapping[UUID | None, Sequence[Glance]]

    def sight(self, question: Question) -> Sight:
        """What one of these requests may see, with its credentials and for the picture with that id."""
        offered, image_id = question
        grants = _with_page(offered, self.pages)
        picture = self.pictures.get(image_id)
        glances = {glance: None for grant in grants for glance in self.of_links.get(grant.link_id, ())}
        is_controlled = False
        for grant in grants:
            role = None if picture is None else self.roles.get((picture.library_id, grant))
            if role is None or picture is None:
                continue
            if portal_role(role) is PortalRole.CONTROLLER:
                is_controlled = True
            else:
                glances |= dict.fromkeys(self.of_libraries.get(picture.library_id, ()))
        return Sight(picture, is_controlled, tuple(glances))


def facts(asked: Collection[Question]) -> Facts:
    """What the database says about these requests, which should be some thousands at most.

    At most eight queries: for sessions, people, pictures, memberships, ended sessions, portal views and links. They
    depend on the number of people, links and pictures, so many guests of one link are as one.
    """
    offers = {offered for offered, _ in asked}
    pages = grants_of_pages({offered.session_key for offered in offers if offered.session_key is not None})
    everybody = frozenset(pages.values()).union(*(offered.grants for offered in offers))
    rows = Image.objects.filter(id__in={image_id for _, image_id in asked})
    pictures = {row[0]: Picture(*row[1:]) for row in rows.values_list("id", "library_id", "key", "media_type")}
    roles = _roles({picture.library_id for picture in pictures.values()}, everybody)
    watched = {library_id for (library_id, _), role in roles.items() if portal_role(role) is PortalRole.VIEWER}
    return Facts(pages, pictures, roles, _glances_of_libraries(watched), _glances_of_links(everybody))


def shown_by(portal_view_id: UUID) -> Shown | None:
    """What viewers of a portal view see now; None if it is deleted."""
    stored = load(portal_view_id)
    if stored is None:
        return None
    images = shown_images(shown_items(stored.state, stored.disclosure))
    return Shown(stored.version, stored.epoch, images)


def _with_page(offered: Offered, pages: Mapping[str, Grant]) -> frozenset[Grant]:
    grant = None if offered.session_key is None else pages.get(offered.session_key)
    return offered.grants if grant is None else offered.grants | {grant}


def _roles(library_ids: Collection[UUID], grants: Iterable[Grant]) -> dict[tuple[UUID, Grant], Role]:
    """The roles of people in libraries whose credentials are still good."""
    users = [grant for grant in grants if not grant.subject.is_guest]
    if not users or not library_ids:  # no row could match, and Django would build the query all the same
        return {}
    sessions = {grant.session_id for grant in users if grant.session_id is not None}
    members = Membership.objects.filter(
        library_id__in=library_ids, user_id__in={grant.subject.id for grant in users}, user__is_active=True
    )
    # As in `libraries.grants`: ended sessions rarely come
    some_ended = members.annotate(some_ended=Exists(Revocation.objects.filter(key__in=sessions)))
    rows = list(some_ended.values_list("user_id", "library_id", "role", "user__auth_version", "some_ended"))
    ended: set[UUID] = set()
    if rows and rows[0][4]:
        ended = set(Revocation.objects.filter(key__in=sessions).values_list("key", flat=True))
    by_user: dict[UUID, list[tuple[UUID, str, int]]] = defaultdict(list)
    for user_id, library_id, role, auth_version, _ in rows:
        by_user[user_id].append((library_id, role, auth_version))
    return {
        (library_id, grant): Role(role)
        for grant in users
        if grant.session_id not in ended
        for library_id, role, auth_version in by_user[grant.subject.id]
        if auth_version == grant.auth_version
    }


def _glances_of_libraries(library_ids: Collection[UUID]) -> dict[UUID, list[Glance]]:
    """The portal views of libraries; those that were changed last come first, because somebody looks at them."""
    found: dict[UUID, list[Glance]] = defaultdict(list)
    if not library_ids:
        return found
    rows = PortalView.objects.filter(library_id__in=library_ids).order_by("-updated_at")
    for row in rows.values_list("id", "library_id", "version", "epoch"):
        found[row[1]].append(Glance(*row))
    return found


def _glances_of_links(grants: Iterable[Grant]) -> dict[UUID | None, list[Glance]]:
    """The portal view of each share link that is still good."""
    link_ids = {grant.link_id for grant in grants if grant.link_id is not None}
    if not link_ids:
        return {}
    links = ShareLink.objects.filter(id__in=link_ids)
    view = ("portal_view_id", "portal_view__library_id", "portal_view__version", "portal_view__epoch")
    rows = links.values_list("id", "withdrawn_at", "expires_at", *view)
    return {row[0]: [Glance(*row[3:])] for row in rows if ending(row[1], row[2]) is None}
