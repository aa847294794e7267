"""Reads about credentials: what they give access to, and whether they have ended.

`libraries.tokens` verifies them; that needs no database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from libraries.digests import digest_of
from libraries.models import PortalView, Revocation, ShareLink, User
from libraries.rules.revocations import Reason
from libraries.rules.roles import Role
from libraries.rules.subjects import Grant
from libraries.selectors import chunks
from libraries.users import display_name


@dataclass(frozen=True, slots=True)
class Access:
    """The access of one credential to one portal view: `role` is None without access, or without such a portal view.

    `ended` says why the credential is not good any more, None if it is; `until` when it is good again. A guest's access
    ends at `ends_at`, and its link has places for `max_guests`; None is for ever, and no limit. `name` is the user's
    display name.
    """

    role: Role | None
    version: int
    access_version: int
    ended: Reason | None = None
    name: str = ""
    ends_at: datetime | None = None
    max_guests: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Something that ended: the person, the session or the link with the id `key`, and why.

    Of a person, only credentials with a lower `auth_version` have ended. With `portal_view_id` the person may not
    connect to that portal view `until` then.
    """

    key: UUID
    auth_version: int | None
    reason: Reason
    portal_view_id: UUID | None = None
    until: datetime | None = None


def accesses(asked: Collection[tuple[Grant, UUID]]) -> dict[tuple[Grant, UUID], Access]:
    """The access of credentials to portal views; without an entry for deleted people and links.

    For each `AT_ONCE` pairs one query reads all members who have access, one the other people, one the ended sessions
    if there are any, and one the links of guests.
    """
    found: dict[tuple[Grant, UUID], Access] = {}
    for pairs in chunks(asked):
        users = [pair for pair in pairs if not pair[0].subject.is_guest]
        guests = [pair for pair in pairs if pair[0].subject.is_guest]
        found |= _accesses_of_users(users) if users else {}
        found |= _accesses_of_guests(guests) if guests else {}
    return found


def _accesses_of_users(asked: Collection[tuple[Grant, UUID]]) -> dict[tuple[Grant, UUID], Access]:
    user_ids = {grant.subject.id for grant, _ in asked}
    sessions = _sessions_of(grant for grant, _ in asked)
    views = PortalView.objects.filter(
        id__in={portal_view_id for _, portal_view_id in asked}, library__memberships__user_id__in=user_ids
    )
    # Sessions that have ended, and people who were sent away, rarely come: whether there is one is asked along
    rows = views.annotate(some_ended=Exists(_endings(sessions, user_ids))).values_list(
        "id",
        "version",
        "library__access_version",
        "library__memberships__role",
        "some_ended",
        *(f"library__memberships__user__{column}" for column in _PERSON),
    )
    members = {(row[5], row[0]): (Role(row[3]), row[1], row[2], *row[6:]) for row in rows}
    others = {grant.subject.id for grant, view in asked if (grant.subject.id, view) not in members}
    people = {row[0]: (None, 0, 0, *row[1:]) for row in User.objects.filter(id__in=others).values_list(*_PERSON)}
    ended = _ended_sessions(sessions) if not rows or rows[0][4] else set()
    away = _sent_away(user_ids) if rows and rows[0][4] else {}
    found = {}
    for grant, portal_view_id in asked:
        row = members.get((grant.subject.id, portal_view_id)) or people.get(grant.subject.id)
        if row is not None:
            role, version, access_version, is_active, auth_version, name, email = row
            is_current = auth_version == grant.auth_version and grant.session_id not in ended
            ending = Reason.USER_UNAVAILABLE if not is_active else None if is_current else Reason.SESSION_ENDED
            access = Access(role, version, access_version, ending, display_name(name, email))
            found[grant, portal_view_id] = _unless_away(access, away.get((grant.subject.id, portal_view_id)))
    return found


_PERSON = ("id", "is_active", "auth_version", "name", "email")


def _sessions_of(grants: Iterable[Grant]) -> set[UUID]:
    return {grant.session_id for grant in grants if grant.session_id is not None}


def _endings(session_ids: Collection[UUID], subject_ids: Collection[UUID]) -> QuerySet[Revocation]:
    return Revocation.objects.filter(Q(key__in=session_ids) | Q(key__in=subject_ids, until__gt=Now()))


def _sent_away(subject_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """Until when people may not connect to a portal view: by person and portal view. The latest word counts."""
    rows = Revocation.objects.filter(key__in=subject_ids, reason=Reason.DISCONNECTED.value, until__isnull=False)
    latest = {(key, view): until for key, view, until in rows.order_by("id").values_list(*_SENT_AWAY)}
    return {pair: until for pair, until in latest.items() if until > timezone.now()}


_SENT_AWAY = ("key", "portal_view_id", "until")


def _unless_away(access: Access, until: datetime | None) -> Access:
    if until is None or access.ended is not None:
        return access
    return replace(access, ended=Reason.DISCONNECTED, until=until)


def _ended_sessions(session_ids: Collection[UUID]) -> set[UUID]:
    return set(Revocation.objects.filter(key__in=session_ids).values_list("key", flat=True))


def _accesses_of_guests(asked: Collection[tuple[Grant, UUID]]) -> dict[tuple[Grant, UUID], Access]:
    guest_ids = {grant.subject.id for grant, _ in asked}
    links = ShareLink.objects.filter(id__in={grant.link_id for grant, _ in asked})
    rows = links.annotate(some_away=Exists(_endings((), guest_ids))).values_list(
        "id",
        "portal_view_id",
        "portal_view__version",
        "portal_view__library__access_version",
        "withdrawn_at",
        "expires_at",
        "max_guests",
        "some_away",
    )
    away = _sent_away(guest_ids) if rows and rows[0][-1] else {}
    found_links = {row[0]: row[1:-1] for row in rows}
    found = {}
    for grant, portal_view_id in asked:
        if grant.link_id in found_links:
            view_id, version, access_version, withdrawn_at, ends_at, max_guests = found_links[grant.link_id]
            role = Role.VIEWER if view_id == portal_view_id else None
            ended = ending(withdrawn_at, ends_at)
            access = Access(role, version, access_version, ended, ends_at=ends_at, max_guests=max_guests)
            found[grant, portal_view_id] = _unless_away(access, away.get((grant.subject.id, portal_view_id)))
    return found


def ending(withdrawn_at: datetime | None, ends_at: datetime | None) -> Reason | None:
    """Why a share link is not good any more; None if it is."""
    if withdrawn_at is not None:
        return Reason.LINK_WITHDRAWN
    return Reason.LINK_EXPIRED if ends_at is not None and ends_at <= timezone.now() else None


def link_of_token(token: str) -> UUID | None:
    """The id of the share link with that token, whether or not it is still good."""
    return ShareLink.objects.filter(digest=digest_of(token)).values_list("id", flat=True).first()


def portal_view_of_token(token: str) -> UUID | None:
    """The id of the portal view that a share link with that token shows, whether or not the link is still good."""
    return ShareLink.objects.filter(digest=digest_of(token)).values_list("portal_view_id", flat=True).first()


def revocations_within(seconds: float) -> list[Ended]:
    """The revocations of so many seconds, by the database's clock; of a person only the latest."""
    rows = Revocation.objects.filter(at__gte=Now() - timedelta(seconds=seconds)).order_by("id")
    found = {
        (row[0], row[3]): Ended(row[0], row[1], Reason(row[2]), *row[3:]) for row in rows.values_list(*_REVOCATION)
    }
    return list(found.values())


_REVOCATION = ("key", "auth_version", "reason", "portal_view_id", "until")


def ended_grants(grants: Collection[Grant]) -> dict[Grant, Reason]:
    """Those of the credentials that have ended, whatever ended them: also a statement on many rows."""
    found: dict[Grant, Reason] = {}
    for some in chunks(grants):
        users = [grant for grant in some if not grant.subject.is_guest]
        guests = [grant for grant in some if grant.subject.is_guest]
        found |= _ended_of_users(users) if users else {}
        found |= _ended_of_guests(guests) if guests else {}
    return found


def _ended_of_users(grants: Collection[Grant]) -> dict[Grant, Reason]:
    people = User.objects.filter(id__in={grant.subject.id for grant in grants}, is_active=True)
    versions = dict(people.values_list("id", "auth_version"))
    ended = _ended_sessions(_sessions_of(grants))
    found = {}
    for grant in grants:
        version = versions.get(grant.subject.id)
        if version is None:
            found[grant] = Reason.USER_UNAVAILABLE
        elif version != grant.auth_version or grant.session_id in ended:
            found[grant] = Reason.SESSION_ENDED
    return found


def _ended_of_guests(grants: Collection[Grant]) -> dict[Grant, Reason]:
    links = ShareLink.objects.filter(id__in={grant.link_id for grant in grants})
    rows = links.values_list("id", "withdrawn_at", "expires_at")
    reasons = {link_id: ending(withdrawn_at, ends_at) for link_id, withdrawn_at, ends_at in rows}
    found = {grant: reasons.get(grant.link_id or UUID(int=0), Reason.LINK_WITHDRAWN) for grant in grants}
    return {grant: reason for grant, reason in found.items() if reason is not None}
