"""Libraries in the admin, with their members. A library keeps an owner, and open connections follow a new role."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from libraries.admin.base import PortalAdmin, TabularInline, as_json
from libraries.admin.forms import LibraryForm
from libraries.models import Library, Membership, User
from libraries.rules.errors import NotFound, QuotaExceeded
from libraries.rules.roles import Role
from libraries.services import quotas
from libraries.services.libraries import create_library, delete_library, update_library
from libraries.services.members import add_member, change_role, remove_member

if TYPE_CHECKING:
    InlineFormSet = forms.BaseInlineFormSet[Membership, Library, "MembershipForm"]
    MembershipModelForm = forms.ModelForm[Membership]
else:
    from unfold.forms import PaginationInlineFormSet as InlineFormSet

    MembershipModelForm = forms.ModelForm


NEW_ROWS = 50
"""How many members may be added at once."""


class MembershipForm(MembershipModelForm):
    """One member; the person cannot be changed, only the role."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding and "user" in self.fields:
            self.fields["user"].disabled = True

    def clean_user(self) -> User:
        """Require that a new member is able to log in."""
        user: User = self.cleaned_data["user"]
        if self.instance._state.adding and not user.is_active:
            raise ValidationError("This account is not active; activate it first.")
        return user


class MembershipFormSet(InlineFormSet):
    """All members of a library, saved through `libraries.services.members`."""

    def clean(self) -> None:
        """Refuse to leave the library without an owner."""
        super().clean()
        kept = [form for form in self.forms if form not in self.deleted_forms and not _is_blank(form)]
        if not any(form.cleaned_data.get("role", form.instance.role) == Role.OWNER for form in kept):
            raise ValidationError("A library needs an owner: make somebody an owner first.")
        try:
            quotas.check_members(self.instance.pk, sum(form.instance._state.adding for form in kept))
            for form in kept:
                if form.has_changed() and form.cleaned_data.get("role") == Role.OWNER and _rises(form):
                    quotas.check_libraries(form.cleaned_data["user"].pk)
        except QuotaExceeded as error:
            raise ValidationError(error.message) from error

    def save(self, commit: bool = True) -> list[Membership]:
        """Save the changes.

        New members and promotions come first, so that the last owner may leave once there is another.
        """
        library_id = self.instance.pk
        deleted = [form for form in self.deleted_forms if form.instance.pk]
        changed = [form for form in self.initial_forms if form.has_changed() and form not in deleted]
        changed.sort(key=lambda form: form.cleaned_data["role"] != Role.OWNER)
        self.new_objects = [
            add_member(actor_id=None, library_id=library_id, email=form.instance.user.email, role=_role(form))
            for form in self.extra_forms
            if not _is_blank(form) and form not in self.deleted_forms
        ]
        self.changed_objects = [
            (
                change_role(actor_id=None, library_id=library_id, user_id=form.instance.user_id, role=_role(form)),
                form.changed_data,
            )
            for form in changed
        ]
        for form in deleted:
            remove_member(actor_id=None, library_id=library_id, user_id=form.instance.user_id)
        self.deleted_objects = [form.instance for form in deleted]
        return [*(member for member, _ in self.changed_objects), *self.new_objects]


def _is_blank(form: MembershipForm) -> bool:
    """Whether it is an empty row for a new member."""
    return form.instance._state.adding and not form.has_changed()


def _rises(form: MembershipForm) -> bool:
    """Whether the row is new, or its role has changed."""
    return form.instance._state.adding or "role" in form.changed_data


def _role(form: MembershipForm) -> Role:
    return Role(form.cleaned_data["role"])


class MembershipInline(TabularInline):
    """The members of a library."""

    model = Membership
    form = MembershipForm
    formset = MembershipFormSet  # type: ignore[assignment]  # the stubs know no formset of one form
    fields = ("user", "role", "created_at")
    readonly_fields = ("created_at",)
    autocomplete_fields = ("user",)
    ordering = ("created_at",)
    verbose_name = "member"
    verbose_name_plural = "members"

    def get_formset(self, request: HttpRequest, obj: Library | None = None, **options: Any) -> Any:
        """As many rows as there are members, and some new ones: a form with a larger forged count would cost 20 s."""
        rows = NEW_ROWS + (obj.memberships.count() if obj else 0)
        return super().get_formset(request, obj, **{"max_num": rows, "absolute_max": rows, **options})

    def get_extra(self, request: HttpRequest, obj: Library | None = None, **options: Any) -> int:
        """Offer a row for the first member of a new library."""
        return 0 if obj else 1


class LibraryAdmin(PortalAdmin):
    """Libraries. People connected to their portal views are notified of the changes that concern them."""

    form = LibraryForm
    list_display = ("name", "member_count", "portal_view_count", "updated_at")
    search_fields = ("name", "description")
    readonly_fields = ("id", "created_at", "updated_at", "disclosure_as_json")
    inlines = (MembershipInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Library | None = None) -> Any:
        """The fieldsets; a new library has no dates yet, and a person who may only look no preset to choose."""
        writes = self.has_change_permission(request, obj) if obj else True
        disclosed = {"fields": ("preset", "disclosure") if writes else ("disclosure_as_json",)}
        stored = [("Stored", {"fields": ("id", ("created_at", "updated_at"))})] if obj else []
        return [
            (None, {"fields": ("name", "description")}),
            ("What viewers see of people", {"fields": ("show_audience", "show_activity")}),
            ("What viewers see of foreign records", disclosed),
            *stored,
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Library]:
        """The libraries with their counts."""
        counts = {
            "members_in_all": Count("memberships", distinct=True),
            "portal_views_in_all": Count("portal_views", distinct=True),
        }
        libraries: QuerySet[Library] = super().get_queryset(request).annotate(**counts)
        return libraries

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may add a library, which requires the right to give it an owner."""
        return super().has_add_permission(request) and request.user.has_perm("libraries.add_membership")

    def get_formset_kwargs(self, request: HttpRequest, obj: Library, inline: Any, prefix: str) -> dict[str, Any]:
        """Make the first member of a new library its owner by default."""
        options: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if obj._state.adding:
            options["initial"] = [{"role": Role.OWNER.value}]
        return options

    def save_model(self, request: HttpRequest, obj: Library, form: Any, change: bool) -> None:
        """Save the editable columns through the services; the library's other numbers change by themselves."""
        if change:
            update_library(
                actor_id=None,
                library_id=obj.pk,
                name=obj.name,
                description=obj.description,
                disclosure=obj.disclosure,
                show_audience=obj.show_audience,
                show_activity=obj.show_activity,
            )
        else:
            obj.pk = create_library(
                actor_id=None,
                name=obj.name,
                description=obj.description,
                disclosure=obj.disclosure,
                show_audience=obj.show_audience,
                show_activity=obj.show_activity,
            ).pk
            obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Library) -> None:
        """Delete it with its portal views; open connections are notified."""
        delete_library(actor_id=None, library_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Library]) -> None:
        """Delete each of them with its portal views; open connections are notified."""
        for library_id in list(queryset.values_list("pk", flat=True)):
            with suppress(NotFound):  # somebody else deleted it a moment ago: the result is the same
                delete_library(actor_id=None, library_id=library_id)

    @admin.display(description="disclosure")
    def disclosure_as_json(self, library: Library) -> SafeString:
        """What it discloses as text, for a person who may only look."""
        return as_json(library.disclosure)

    @admin.display(description="members", ordering="members_in_all")
    def member_count(self, library: Any) -> int:
        """The number of its members."""
        return int(library.members_in_all)

    @admin.display(description="portal views", ordering="portal_views_in_all")
    def portal_view_count(self, library: Any) -> int:
        """The number of its portal views."""
        return int(library.portal_views_in_all)
