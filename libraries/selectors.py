"""Reads from the database. Only this module and `libraries.grants` read memberships; every other module calls them.

Each function that a person's request can reach takes that person's id, and returns nothing that they may not see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Case, Exists, F, Func, IntegerField, QuerySet, Value, When

from libraries.models import Library, Membership, PortalView, Revocation, User
from libraries.rules.disclosure import NOTHING, Disclosure
from libraries.rules.errors import NotFound
from libraries.rules.roles import Role
from libraries.rules.subjects import Grant

AT_ONCE = 10_000
"""The most ids in one query: a database limits the number of parameters."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pulse:
    """The current version of a portal view, which a process compares with what its connections have received."""

    library_id: UUID
    version: int
    epoch: str
    access_version: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored portal view: its whole state, the epoch of its versions, what its library discloses and its access.

    `show_audience` and `show_activity` are the library's: whether viewers see how many people are connected, and that a
    controller is preparing something.
    """

    state: dict[str, Any]
    epoch: str
    access_version: int
    disclosure: Disclosure = NOTHING
    show_audience: bool = False
    show_activity: bool = False

    @property
    def version(self) -> int:
        """The version of the state."""
        return int(self.state["version"])

    @property
    def viewers_version(self) -> int:
        """The version of the part that viewers see."""
        return int(self.state["viewersVersion"])


def load(portal_view_id: UUID) -> Stored | None:
    """A portal view's stored state, or None if it is deleted."""
    portal_view = PortalView.objects.filter(id=portal_view_id).select_related("library").first()
    if portal_view is None:
        return None
    library = portal_view.library
    return Stored(
        state=portal_view.state(),
        epoch=portal_view.epoch,
        access_version=library.access_version,
        disclosure=portal_view.rules,
        show_audience=library.show_audience,
        show_activity=library.show_activity,
    )


def pulses(portal_view_ids: Collection[UUID]) -> dict[UUID, Pulse]:
    """The pulse of each of these portal views that exists, in one query per `AT_ONCE` of them."""
    found: dict[UUID, Pulse] = {}
    for ids in chunks(portal_view_ids):
        rows = PortalView.objects.filter(id__in=ids)
        for row in rows.values_list("id", "library_id", "version", "epoch", "library__access_version"):
            found[row[0]] = Pulse(library_id=row[1], version=row[2], epoch=row[3], access_version=row[4])
    return found


def roles_on(*, portal_view_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Role]:
    """The role of each of these people who has one on the portal view."""
    found: dict[UUID, Role] = {}
    for ids in chunks(user_ids):
        members = Membership.objects.filter(library__portal_views=portal_view_id, user_id__in=ids, user__is_active=True)
        found |= {user_id: Role(role) for user_id, role in members.values_list("user_id", "role")}
    return found


def roles_in(asked: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Role]:
    """The role of people in libraries, for pairs of library id and person id; without an entry if there is none.

    One query per `AT_ONCE` pairs.
    """
    found: dict[tuple[UUID, UUID], Role] = {}
    for pairs in chunks(asked):
        members = Membership.objects.filter(
            library_id__in={library_id for library_id, _ in pairs},
            user_id__in={user_id for _, user_id in pairs},
            user__is_active=True,
        )
        found |= {row[:2]: Role(row[2]) for row in members.values_list("library_id", "user_id", "role")}
    return found


def chunks(asked: Collection[T]) -> Iterator[list[T]]:
    """The values in lists of at most `AT_ONCE`."""
    listed = list(asked)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]


def libraries_of(user_id: UUID) -> QuerySet[Library]:
    """The person's libraries, each with their `role` in it."""
    mine = Library.objects.filter(memberships__user_id=user_id, memberships__user__is_active=True)
    return mine.annotate(role=F("memberships__role"))  # type: ignore[no-redef]  # declared there


def portal_views_of(user_id: UUID) -> QuerySet[PortalView]:
    """The portal views in the person's libraries, each with their `role`."""
    mine = PortalView.objects.filter(library__memberships__user_id=user_id, library__memberships__user__is_active=True)
    return mine.annotate(role=F("library__memberships__role"))  # type: ignore[no-redef]


def get_user_of(grant: Grant) -> User | None:
    """The person of a credential, or None if they are deleted or deactivated, or the credential has ended."""
    person = User.objects.filter(id=grant.subject.id, is_active=True, auth_version=grant.auth_version)
    if grant.subject.is_guest or grant.session_id is None:
        return None
    return person.filter(~Exists(Revocation.objects.filter(key=grant.session_id))).first()


def get_library(*, user_id: UUID, library_id: UUID) -> Library:
    """One of the person's libraries, with their `role`; NotFound."""
    library = libraries_of(user_id).filter(id=library_id).first()
    if library is None:
        raise NotFound("There is no such library.")
    return library


def get_portal_view(*, user_id: UUID, portal_view_id: UUID) -> PortalView:
    """A portal view in one of the person's libraries, with their `role`; NotFound."""
    portal_view = portal_views_of(user_id).filter(id=portal_view_id).first()
    if portal_view is None:
        raise NotFound("There is no such portal view.")
    return portal_view


class _Length(Func):
    """The number of entries of a JSON list."""

    function = "JSONB_ARRAY_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_ARRAY_LENGTH", **context)


def portal_views_in(*, user_id: UUID, library_id: UUID, as_viewer: bool = False) -> QuerySet[PortalView]:
    """A library's portal views without their items, which may be long: each with `item_count` and the `role`.

    `seen_at` is the date of the last change that the role sees. With `as_viewer` a controller gets what viewers get.
    """
    portal_views = portal_views_of(user_id).filter(library_id=library_id).defer("items", "disclosure")
    if as_viewer:
        portal_views = portal_views.annotate(role=Value(Role.VIEWER.value))  # type: ignore[no-redef]
    seen_at = Case(When(role=Role.VIEWER.value, then=F("viewers_updated_at")), default=F("updated_at"))
    return portal_views.annotate(item_count=_Length("items"), seen_at=seen_at)  # type: ignore[no-redef]


def memberships_of(library_id: UUID) -> QuerySet[Membership]:
    """A library's memberships with their users."""
    return Membership.objects.filter(library_id=library_id).select_related("user")
