"""One's own account: one page, with a form for each thing to do. Each form has an address of its own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _

from libraries.links import Page as Link
from libraries.links import link_to
from libraries.models import User
from libraries.selectors import libraries_of, memberships_of
from libraries.services import accounts, sessions
from libraries.services.invitations import accept_by_address, invitations_for
from libraries.services.logins import network_of_request
from libraries.services.mailed import send_verification
from libraries.services.people import choose_language, choose_theme, rename_user
from portal.pages import forms
from portal.pages.base import FormPage, ForPeople, PlainPage, log_in
from portal.pages.invitations import welcome
from portal.pages.language import remember


def _shown(user: User) -> dict[str, Any]:
    """What the page shows: the forms as nobody has filled them in yet."""
    return {
        "name_form": forms.Name(initial={"name": user.name}),
        "password_form": forms.ChangePassword(),
        "language_form": forms.Language(initial={"language": user.language}),
        "theme_form": forms.Theme(initial={"theme": user.theme}),
        "invitations": invitations_for(user_id=user.id) if user.is_verified else (),
    }


def _leave_form(user: User, data: Any) -> forms.Leave:
    libraries = accounts.libraries_left_alone(user.id)
    heirs = {
        library_id: [row.user for row in memberships_of(library_id).filter(user__is_active=True).exclude(user=user)]
        for library_id in libraries
    }
    return forms.Leave(data, libraries=libraries, heirs=heirs)


class Account(ForPeople, PlainPage):
    """`/account`."""

    template_name = "pages/account.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """All forms."""
        return super().get_context_data(**given, **_shown(self.user))


class _OneForm(ForPeople, FormPage):
    """One form of the page; if it is refused, the whole page is shown again. `shown_as` is its name in the template."""

    http_method_names = ["post", "options"]
    template_name = "pages/account.html"
    form_class: type[Form] = Form
    shown_as: str

    def handle_no_permission(self) -> HttpResponse:  # type: ignore[override]
        """Called by Django if nobody is logged in: come back to the page, as this address shows none."""
        return redirect_to_login(reverse("pages:account"))

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """All forms, and this one as it was filled in."""
        return super().get_context_data(**{**_shown(self.user), **given, self.shown_as: given["form"]})

    def done(self, sentence: str) -> HttpResponse:
        """Show the page again, and say that it is done."""
        messages.success(self.request, sentence)
        return redirect("pages:account")


class Rename(_OneForm):
    """`/account/name`."""

    form_class = forms.Name
    shown_as = "name_form"

    def act(self, form: forms.Name) -> HttpResponse:
        """Store the name."""
        rename_user(user_id=self.user.id, name=form.cleaned_data["name"])
        return self.done(_("Your name is changed."))


class ChangeLanguage(_OneForm):
    """`/account/language`."""

    form_class = forms.Language
    shown_as = "language_form"

    def act(self, form: forms.Language) -> HttpResponse:
        """Store it, and say so in it."""
        code = form.cleaned_data["language"]
        choose_language(user_id=self.user.id, language=code)
        self.request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)  # what it said does not count any more
        with override(code or get_language_from_request(self.request)):
            return remember(self.done(_("The language is changed.")), code)


class ChangeTheme(_OneForm):
    """`/account/theme`."""

    form_class = forms.Theme
    shown_as = "theme_form"

    def act(self, form: forms.Theme) -> HttpResponse:
        """Store it."""
        choose_theme(user_id=self.user.id, theme=form.cleaned_data["theme"])
        return self.done(_("The colours are changed."))


class ChangePassword(_OneForm):
    """`/account/password`."""

    form_class = forms.ChangePassword
    shown_as = "password_form"

    def act(self, form: forms.ChangePassword) -> HttpResponse:
        """Store the password, end all sessions, and begin a new one here."""
        user = accounts.change_password(
            user_id=self.user.id, **form.cleaned_data, network=network_of_request(self.request)
        )
        log_in(self.request, user)
        return self.done(_("Your password is changed, and you are logged out everywhere else."))


class LogOutEverywhere(_OneForm):
    """`/account/log-out-everywhere`."""

    shown_as = "devices_form"

    def act(self, form: Form) -> HttpResponse:
        """End all sessions, this one too."""
        sessions.end_all_sessions(user_id=self.user.id)
        logout(self.request)
        messages.success(self.request, _("You are logged out everywhere."))
        return redirect("pages:login")


class VerifyAgain(_OneForm):
    """`/account/verify`."""

    shown_as = "verify_form"

    def act(self, form: Form) -> HttpResponse:
        """Send the mail."""
        send_verification(
            user_id=self.user.id,
            network=network_of_request(self.request),
            link_of=lambda token: link_to(self.request, Link.VERIFY, token),
        )
        sentence = _("A mail with a link is on its way to %(email)s; the link is good for an hour.")
        return self.done(sentence % {"email": self.user.email})


class AcceptInvitation(_OneForm):
    """`/account/invitations/<invitationId>`."""

    shown_as = "invitation_form"

    def act(self, form: Form) -> HttpResponse:
        """Become a member, by an invitation to the verified address."""
        membership = accept_by_address(user_id=self.user.id, invitation_id=self.kwargs["invitation_id"])
        return welcome(self.request, membership)


class Leave(ForPeople, FormPage):
    """`/account/delete`: a question before the account is lost; with JavaScript it is a dialog of the page before."""

    template_name = "pages/leave.html"

    def get_form(self, form_class: type[Form] | None = None) -> Form:
        """Called by Django: the form asks about each library that would have no owner."""
        return _leave_form(self.user, self.request.POST if self.request.method == "POST" else None)

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The libraries in which the person has a place."""
        return super().get_context_data(**given, libraries=libraries_of(self.user.id))

    def act(self, form: forms.Leave) -> HttpResponse:
        """Delete the account, and do with each of these libraries what was chosen."""
        accounts.delete_account(
            user_id=self.user.id,
            password=form.cleaned_data["password"],
            network=network_of_request(self.request),
            decisions=form.decisions,
        )
        logout(self.request)
        messages.success(self.request, _("Your account is deleted."))
        return redirect("pages:login")
