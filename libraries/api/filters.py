"""Search (`?search=`) and order (`?ordering=name,-createdAt`) of lists."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]

from libraries.models import Image
from libraries.rules.errors import InvalidPayload
from libraries.services.images import uses_of

MAX_SEARCH_CHARS = 200


class Ordering(filters.OrderingFilter):  # type: ignore[misc]
    """Ordering by `fields` (the model's name -> the wire's name), then by id so that pages do not overlap."""

    def __init__(self, fields: dict[str, str]) -> None:
        names = ", ".join(fields.values())
        super().__init__(
            fields=fields,
            error_messages={
                "invalid_choice": f"There is no ordering “%(value)s”: choose from {names}, or -{names.split(',')[0]}"
                " and so on for the other way round."
            },
        )

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        """The rows in the requested order, or in the model's own; InvalidPayload for a name that is given twice."""
        named = [self.get_ordering_value(name) for name in value or () if name]
        if len({name.lstrip("-") for name in named}) < len(named):
            sentence = "Each name may be given once only."
            raise InvalidPayload(f"ordering: {sentence}", {"ordering": sentence})
        return qs.order_by(*named, "id") if named else qs


_NAMED = {"name": "name", "created_at": "createdAt", "updated_at": "updatedAt"}


class NamedFilters(filters.FilterSet):  # type: ignore[misc]
    """For libraries."""

    search = filters.CharFilter(
        "name", "icontains", max_length=MAX_SEARCH_CHARS, label="Part of the name, in any case."
    )
    ordering = Ordering(_NAMED)


class PortalViewFilters(NamedFilters):
    """For portal views: the date is that of the last change which the asker sees."""

    ordering = Ordering({"name": "name", "created_at": "createdAt", "seen_at": "updatedAt"})


class ImageFilters(NamedFilters):
    """For pictures."""

    unused = filters.ChoiceFilter(
        choices=[("true", "true"), ("false", "false")],
        method="only_unused",
        label="`true`: only those that no item of the library names; `false`: only the others.",
    )
    ordering = Ordering({**_NAMED, "byte_count": "byteCount"})

    def only_unused(self, images: QuerySet[Image], name: str, value: str) -> QuerySet[Image]:
        """The rows that are not named, or with false those that are; the rows are those of one library."""
        library_id = images.values_list("library_id", flat=True).first()
        used = uses_of(library_id).keys() if library_id is not None else ()
        return images.exclude(id__in=used) if value == "true" else images.filter(id__in=used)


class MemberFilters(filters.FilterSet):  # type: ignore[misc]
    """For a library's members."""

    search = filters.CharFilter(
        "user__name", "icontains", max_length=MAX_SEARCH_CHARS, label="Part of the name, in any case."
    )
    ordering = Ordering({"user__name": "name", "role": "role", "created_at": "createdAt"})
