"""The forms of the pages. What a service checks again is checked here only as far as the field can say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from libraries.api.account_serializers import MAX_PASSWORD_CHARS
from libraries.digests import CODE_CHARS, is_code, read_code
from libraries.models import User
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.errors import PortalError
from libraries.rules.names import MAX_GUEST_NAME_CHARS
from libraries.services.accounts import DELETE, Decision
from libraries.sharing import MAX_LABEL_CHARS
from libraries.validators import validate_name
from portal.pages.said import detail_said, in_words, said

CURRENT, NEW = "current-password", "new-password"
"""What browsers and password managers fill in (HTML standard, autofill)."""


def password_field(label: Any, kind: str, **options: Any) -> forms.CharField:
    """A field for a password."""
    widget = forms.PasswordInput(attrs={"autocomplete": kind})
    return forms.CharField(label=label, strip=False, max_length=MAX_PASSWORD_CHARS, widget=widget, **options)


def email_field() -> forms.EmailField:
    """A field for an e-mail address."""
    return forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class PageForm(forms.Form):
    """A form whose labels have no colon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class LogIn(PageForm, AuthenticationForm):
    """Django's log-in; `refusal` says why no password was tested."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("The e-mail address or the password is wrong."),
    }
    refusal: PortalError | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "inputmode": "email"}
        self.fields["password"].max_length = MAX_PASSWORD_CHARS  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Called by Django: test the password, unless there were too many attempts."""
        try:
            return super().clean()
        except PortalError as error:
            self.refusal = error
            raise ValidationError(said(error)) from None


class Register(PageForm):
    """Somebody new."""

    email = email_field()
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        validators=[in_words(validate_name)],
        help_text=_("What others see. Without one, the part of your address before the @."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = password_field(_("Password"), NEW)

    def clean_email(self) -> str:
        """The canonical spelling of the address."""
        email = canonical(self.cleaned_data["email"])
        if not is_plain(email):
            raise ValidationError(detail_said(NOT_PLAIN))
        return email


class Address(PageForm):
    """The address of an account."""

    email = email_field()


class NewPassword(PageForm):
    """A password from now on."""

    password = password_field(_("New password"), NEW)


class ChangePassword(NewPassword):
    """The password that is valid now, and the one from now on."""

    current = password_field(_("Password until now"), CURRENT)
    field_order = ("current", "password")


class Name(PageForm):
    """What others see."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        validators=[in_words(validate_name)],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class Leave(PageForm):
    """The end of an account: the password, and what becomes of each library that has no other owner."""

    password = password_field(_("Password"), CURRENT)

    def __init__(
        self, data: Any = None, *, libraries: Mapping[UUID, str], heirs: Mapping[UUID, Iterable[User]]
    ) -> None:
        super().__init__(data, auto_id="leave_%s")  # another form of the page has a password, too
        for library_id, name in libraries.items():
            choices = [
                (str(user.id), _("Hand it over to %(name)s") % {"name": user.get_full_name()})
                for user in heirs.get(library_id, ())
            ]
            self.fields[str(library_id)] = forms.ChoiceField(
                label=_("What becomes of “%(name)s”?") % {"name": name},
                choices=[("", _("Choose")), *choices, (DELETE, _("Delete it, with all that is in it"))],
            )
        self._libraries = tuple(libraries)
        self.order_fields([*map(str, libraries), "password"])

    @property
    def decisions(self) -> dict[UUID, Decision]:
        """The choice for each library."""
        chosen = {library_id: self.cleaned_data[str(library_id)] for library_id in self._libraries}
        return {library_id: DELETE if choice == DELETE else UUID(choice) for library_id, choice in chosen.items()}


class Language(PageForm):
    """A language of the pages; empty: the browser's."""

    language = forms.ChoiceField(label=_("Language of the pages"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["language"].choices = [("", _("As in this browser")), *settings.LANGUAGES]  # type: ignore[attr-defined]


class Theme(PageForm):
    """The colours of the pages, as `dark.css` has them or not; empty: as the system has them."""

    theme = forms.ChoiceField(
        label=_("Colours of the pages"),
        choices=[("", _("As on this device")), ("light", _("Light")), ("dark", _("Dark"))],
        required=False,
    )


class Join(PageForm):
    """A code from somebody who shares, and a name. The page's module sends them to the REST API."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        help_text=_("Six letters and digits, which somebody who shares shows you."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "code"}
        ),
    )
    name = forms.CharField(
        label=_("Your name"),
        required=False,
        max_length=MAX_GUEST_NAME_CHARS,
        help_text=_("What the others see; you may leave it out."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )


class AddScreen(PageForm):
    """A screen that shows a code, and what it is to show."""

    code = forms.CharField(
        label=_("Code on the screen"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "class": "code"}),
    )
    label = forms.CharField(
        label=_("Name of the screen"),
        max_length=MAX_LABEL_CHARS,
        validators=[in_words(validate_name)],
        help_text=_("For example “Television in the hall”: by it you find the screen again, to withdraw it."),
    )
    portal_view = forms.ChoiceField(label=_("What it shows"))

    def __init__(self, *args: Any, portal_views: Iterable[tuple[UUID, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(str(view_id), name) for view_id, name in portal_views]
        self.fields["portal_view"].choices = [("", _("Choose")), *choices]  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        """The code that is meant."""
        code = read_code(self.cleaned_data["code"])
        if not is_code(code):
            raise ValidationError(
                _("A code has %(count)s letters and digits, as the screen shows them.") % {"count": CODE_CHARS}
            )
        return code
