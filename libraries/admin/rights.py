"""Who of the staff may change whom: nobody gives what they do not have, or changes an account above their own.

A right is a permission of Django, and whether somebody is a superuser. What an account that is switched off would have
once it is on again counts as what it has.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from libraries.models import User


def asker_of(request: HttpRequest) -> User:
    """Who asks; the admin lets nobody in who is not logged in."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def grantable(asker: User) -> QuerySet[Permission]:
    """The permissions that somebody has, and so may give."""
    permissions = Permission.objects.select_related("content_type")
    return permissions if asker.is_superuser else permissions.filter(Q(user=asker) | Q(group__user=asker)).distinct()


def may_change(asker: User, person: User) -> bool:
    """Whether a person has no right that the asker has not; so everybody may change themselves."""
    if asker.is_superuser or asker == person:
        return True
    return not person.is_superuser and not _beyond(asker, Permission.objects.filter(_held_by([person])))


def may_change_group(asker: User, group: Group) -> bool:
    """Whether the asker has all that a group gives, and all that any of its members has."""
    if asker.is_superuser:
        return True
    members = group.user_set.all()
    if members.filter(is_superuser=True).exists() or _beyond(asker, group.permissions.all()):
        return False
    return not _beyond(asker, Permission.objects.filter(_held_by(members.values("pk"))))


def _held_by(people: object) -> Q:
    return Q(user__in=people) | Q(group__user__in=people)


def _beyond(asker: User, permissions: QuerySet[Permission]) -> bool:
    """Whether one of the permissions is not the asker's."""
    return permissions.exclude(pk__in=grantable(asker).order_by().values("pk")).exists()
