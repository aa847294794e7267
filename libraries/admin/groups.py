"""Groups of permissions in the admin: nobody can grant or withdraw a permission that they do not have themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField
from django.http import HttpRequest

from libraries.admin.base import PortalAdmin
from libraries.admin.rights import asker_of, grantable, may_change_group

if TYPE_CHECKING:
    from django.contrib.auth.admin import GroupAdmin as _GroupAdmin

    DjangoGroupAdmin = _GroupAdmin
else:
    from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin


class GroupAdmin(DjangoGroupAdmin, PortalAdmin):
    """Groups. To change one, a person must have all of its permissions, and all permissions of each of its members."""

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **options: Any
    ) -> Any:
        """Offer only the permissions of the person who asks."""
        field = super().formfield_for_manytomany(db_field, request, **options)
        if field is not None and request is not None and db_field.related_model is Permission:
            field.queryset = grantable(asker_of(request))
        return field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Whether the person may change groups, or this one."""
        return super().has_change_permission(request, obj) and _may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Whether the person may delete groups, or this one."""
        return super().has_delete_permission(request, obj) and _may(request, obj)


def _may(request: HttpRequest, group: Group | None) -> bool:
    return group is None or may_change_group(asker_of(request), group)
