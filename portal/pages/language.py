"""The language of the pages: the account's choice, else this browser's. REST, the admin and mail are in English."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from libraries.models import User
from libraries.rules.roles import Role
from libraries.services.people import choose_language
from portal.pages import forms
from portal.pages.base import FormPage

ROLE_NAMES = {Role.OWNER.value: _("Owner"), Role.EDITOR.value: _("Editor"), Role.VIEWER.value: _("Viewer")}


class ChooseLanguage(FormPage):
    """`/language`: for this browser and, if somebody is logged in, for the account."""

    http_method_names = ["post", "options"]
    form_class = forms.Language
    template_name = "pages/refused.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Called by Django for a code that no page offers."""
        return super().get_context_data(**given, sentence=_("There is no such language."))

    def act(self, form: forms.Language) -> HttpResponse:
        """Keep it, and show the page again that it was chosen on."""
        code, user = form.cleaned_data["language"], self.request.user
        if isinstance(user, User):
            choose_language(user_id=user.id, language=code)
        target = self.request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(target, {self.request.get_host()}, self.request.is_secure())
        return remember(redirect(target if is_ours else "pages:home"), code)


def remember(answer: HttpResponse, code: str) -> HttpResponse:
    """The answer, after which this browser gets pages in the language; none: in that of its own settings."""
    if not code:
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME, path=settings.LANGUAGE_COOKIE_PATH, samesite="Lax")
        return answer
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer
