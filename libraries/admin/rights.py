"""The rights of staff over each other: nobody grants a right they lack, or changes an account with more rights.

A right is one of Django's permissions, or being a superuser. An inactive account counts with the rights that it would
have if it were active.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from libraries.models import User


def asker_of(request: HttpRequest) -> User:
    """The person who sends the request, who is always logged in on admin pages."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def grantable(asker: User) -> QuerySet[Permission]:
    """The permissions that somebody has, and so may grant."""
    permissions = Permission.objects.select_related("content_type")
    return permissions if asker.is_superuser else permissions.filter(Q(user=asker) | Q(group__user=asker)).distinct()


def may_change(asker: User, person: User) -> bool:
    """Whether the asker has all rights of the person; so everybody may change themselves."""
    if asker.is_superuser or asker == person:
        return True
    return not person.is_superuser and not _beyond(asker, Permission.objects.filter(_held_by([person])))


def may_change_group(asker: User, group: Group) -> bool:
    """Whether the asker has all permissions of a group, and of each of its members."""
    if asker.is_superuser:
        return True
    members = group.user_set.all()
    if members.filter(is_superuser=True).exists() or _beyond(asker, group.permissions.all()):
        return False
    return not _beyond(asker, Permission.objects.filter(_held_by(members.values("pk"))))


def _held_by(people: object) -> Q:
    return Q(user__in=people) | Q(group__user__in=people)


def _beyond(asker: User, permissions: QuerySet[Permission]) -> bool:
    """Whether the asker lacks one of the permissions."""
    return permissions.exclude(pk__in=grantable(asker).order_by().values("pk")).exists()
