"""The forms of the pages. What a service checks again is checked here only as far as the field can say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from libraries.api.account_serializers import MAX_PASSWORD_CHARS
from libraries.digests import CODE_CHARS, is_code, read_code
from libraries.models import User
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.errors import PortalError
from libraries.services.accounts import DELETE, Decision
from libraries.sharing import MAX_LABEL_CHARS
from libraries.validators import validate_name

CURRENT, NEW = "current-password", "new-password"
"""What browsers and password managers fill in (HTML standard, autofill)."""


def password_field(label: str, kind: str, **options: Any) -> forms.CharField:
    """A field for a password."""
    widget = forms.PasswordInput(attrs={"autocomplete": kind})
    return forms.CharField(label=label, strip=False, max_length=MAX_PASSWORD_CHARS, widget=widget, **options)


def email_field() -> forms.EmailField:
    """A field for an e-mail address."""
    return forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class LogIn(AuthenticationForm):
    """Django's log-in; `refusal` says why no password was tested."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The e-mail address or the password is wrong.",
    }
    refusal: PortalError | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "inputmode": "email"}
        self.fields["password"].max_length = MAX_PASSWORD_CHARS  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Called by Django: test the password, unless there were too many attempts."""
        try:
            return super().clean()
        except PortalError as error:
            self.refusal = error
            raise ValidationError(error.message) from None


class Register(forms.Form):
    """Somebody new."""

    email = email_field()
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=100,
        validators=[validate_name],
        help_text="What others see. Without one, the part of your address before the @.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = password_field("Password", NEW)

    def clean_email(self) -> str:
        """The canonical spelling of the address."""
        email = canonical(self.cleaned_data["email"])
        if not is_plain(email):
            raise ValidationError(NOT_PLAIN)
        return email


class Address(forms.Form):
    """The address of an account."""

    email = email_field()


class NewPassword(forms.Form):
    """A password from now on."""

    password = password_field("New password", NEW)


class ChangePassword(NewPassword):
    """The password that is valid now, and the one from now on."""

    current = password_field("Password until now", CURRENT)
    field_order = ("current", "password")


class Name(forms.Form):
    """What others see."""

    name = forms.CharField(
        label="Name",
        required=False,
        max_length=100,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class Leave(forms.Form):
    """The end of an account: the password, and what becomes of each library that has no other owner."""

    password = password_field("Password", CURRENT)

    def __init__(
        self, data: Any = None, *, libraries: Mapping[UUID, str], heirs: Mapping[UUID, Iterable[User]]
    ) -> None:
        super().__init__(data, auto_id="leave_%s")  # another form of the page has a password, too
        for library_id, name in libraries.items():
            choices = [(str(user.id), f"Hand it over to {user.get_full_name()}") for user in heirs.get(library_id, ())]
            self.fields[str(library_id)] = forms.ChoiceField(
                label=f"What becomes of “{name}”?",
                choices=[("", "Choose"), *choices, (DELETE, "Delete it, with all that is in it")],
            )
        self._libraries = tuple(libraries)
        self.order_fields([*map(str, libraries), "password"])

    @property
    def decisions(self) -> dict[UUID, Decision]:
        """The choice for each library."""
        chosen = {library_id: self.cleaned_data[str(library_id)] for library_id in self._libraries}
        return {library_id: DELETE if choice == DELETE else UUID(choice) for library_id, choice in chosen.items()}


class Join(forms.Form):
    """A code from somebody who shares, and a name. The page's module sends them to the REST API."""

    code = forms.CharField(
        label="Code",
        max_length=12,
        help_text="Six letters and digits, which somebody who shares shows you.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "code"}
        ),
    )
    name = forms.CharField(
        label="Your name",
        required=False,
        max_length=100,
        help_text="What the others see; you may leave it out.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )


class AddScreen(forms.Form):
    """A screen that shows a code, and what it is to show."""

    code = forms.CharField(
        label="Code on the screen",
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "class": "code"}),
    )
    label = forms.CharField(
        label="Name of the screen",
        max_length=MAX_LABEL_CHARS,
        validators=[validate_name],
        help_text="For example “Television in the hall”: by it you find the screen again, to withdraw it.",
    )
    portal_view = forms.ChoiceField(label="What it shows")

    def __init__(self, *args: Any, portal_views: Iterable[tuple[UUID, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(view_id), name) for view_id, name in portal_views]
        self.fields["portal_view"].choices = [("", "Choose"), *choices]  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        """The code that is meant."""
        code = read_code(self.cleaned_data["code"])
        if not is_code(code):
            raise ValidationError(f"A code has {CODE_CHARS} letters and digits, as the screen shows them.")
        return code
