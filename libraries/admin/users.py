"""People in the admin: they are added by e-mail address, and deactivation closes their connections at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from libraries.admin.base import PortalAdmin
from libraries.admin.rights import asker_of, may_change
from libraries.models import User
from libraries.services.people import set_user_active
from libraries.services.sessions import end_all_sessions

if TYPE_CHECKING:
    from django.contrib.auth.admin import UserAdmin as _UserAdmin
    from django.contrib.auth.forms import AdminPasswordChangeForm
    from django.contrib.auth.forms import AdminUserCreationForm as _UserCreationForm
    from django.contrib.auth.forms import UserChangeForm as _UserChangeForm

    DjangoUserAdmin = _UserAdmin[User]
    UserCreationForm = _UserCreationForm[User]
    UserChangeForm = _UserChangeForm[User]
else:
    from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

_HASH = "_password_hash"
"""The attribute of a request with the hash of the new person's password."""
_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class AddUserForm(UserCreationForm):
    """A new person with an e-mail address and a password."""

    usable_password: Any = None
    password_hash: ClassVar[str | None] = None

    class Meta:
        model = User
        fields = ("email", "name")
        field_classes: ClassVar[dict[str, Any]] = {}

    def set_password_and_save(self, user: User, *args: Any, commit: bool = True, **options: Any) -> User:
        """Set the person's password, hashed earlier, and save."""
        user.password = self.password_hash or make_password(self.cleaned_data["password1"])
        user.email_verified_at = timezone.now()
        if commit:
            user.save()
        return user


class ChangeUserForm(UserChangeForm):
    """A person; nobody can lock themselves out."""

    asker: ClassVar[User]

    class Meta:
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_is_active(self) -> bool:
        """Refuse to deactivate the account that asks."""
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and self.instance == self.asker:
            raise ValidationError("You can't switch off your own account.")
        return is_active


@admin.action(permissions=["change"], description="Activate")
def activate(model_admin: UserAdmin, request: HttpRequest, users: QuerySet[User]) -> None:
    """Let these people log in."""
    model_admin.set_active(request, users, True)


@admin.action(permissions=["change"], description="Deactivate and cut off")
def deactivate(model_admin: UserAdmin, request: HttpRequest, users: QuerySet[User]) -> None:
    """Deactivate these people, and close their open connections."""
    model_admin.set_active(request, users, False)


@admin.action(permissions=["change"], description="End all sessions")
def end_sessions(model_admin: UserAdmin, request: HttpRequest, users: QuerySet[User]) -> None:
    """Log these people out everywhere, and close their open connections."""
    model_admin.end_sessions(request, users)


class UserAdmin(DjangoUserAdmin, PortalAdmin):
    """People. Only a superuser grants rights. To change another person, one must have all of that person's rights."""

    form = ChangeUserForm
    add_form = AddUserForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "email_verified_at", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    readonly_fields = ("id", "last_login", "date_joined", "email_verified_at")
    filter_horizontal = ("groups", "user_permissions")
    actions = (activate, deactivate, end_sessions)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Stored", {"fields": ("id", "email_verified_at", ("date_joined", "last_login"))}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **options: Any) -> Any:
        """The form, which knows the person who asks."""
        form = super().get_form(request, obj, change=change, **options)
        form.asker = request.user  # type: ignore[attr-defined]
        form.password_hash = getattr(request, _HASH, None)  # type: ignore[attr-defined]
        return form

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's page to add a person. It is one transaction, so the password is hashed before it begins."""
        if request.method == "POST" and self.has_add_permission(request):
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                setattr(request, _HASH, make_password(form.cleaned_data["password1"]))
        return super().add_view(request, form_url, extra_context)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """The read-only fields: only a superuser grants rights."""
        return self.readonly_fields if asker_of(request).is_superuser else (*self.readonly_fields, *_RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whether the person may change people, or this one."""
        return super().has_change_permission(request, obj) and _may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whether the person may delete people, or this one; nobody deletes themselves."""
        return super().has_delete_permission(request, obj) and obj != request.user and _may(request, obj)

    def set_active(self, request: HttpRequest, users: QuerySet[User], is_active: bool) -> None:
        """Activate or deactivate those whom the asker may change, if that changes anything."""
        changed = []
        for user in users.filter(is_active=not is_active):
            if user != request.user and self.has_change_permission(request, user):
                set_user_active(user_id=user.pk, is_active=is_active)
                self.log_change(request, user, [{"changed": {"fields": ["active"]}}])
                changed.append(user.email)
        self._tell_changed(request, changed)

    def end_sessions(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """End all sessions of those whom the asker may change: also the asker's own, if they are among them."""
        changed = []
        for user in users:
            if self.has_change_permission(request, user):
                end_all_sessions(user_id=user.pk)
                self.log_change(request, user, [{"changed": {"fields": ["sessions"]}}])
                changed.append(user.email)
        self._tell_changed(request, changed)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Delete the selected people one by one, so that their open connections end at once."""
        with transaction.atomic():
            for user in queryset:
                user.delete()

    def _tell_changed(self, request: HttpRequest, changed: list[str]) -> None:
        sentence = f"Changed: {', '.join(changed)}." if changed else "Nobody was changed."
        self.message_user(request, sentence, messages.SUCCESS if changed else messages.INFO)


def _may(request: HttpRequest, person: User | None) -> bool:
    return person is None or may_change(asker_of(request), person)
