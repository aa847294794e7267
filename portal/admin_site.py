"""The admin site: the limits of all its pages, also of the pages of other packages' models.

An invalid request is answered with a message or 404, never with a server error. The pages of our own models, and the
permissions to open them, are in `libraries.admin`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.views.main import SEARCH_VAR, ChangeListSearchForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, ProgrammingError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from portal.presence_admin import presence

# unfold has no types; its classes are restyled classes of Django
if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as BaseSite
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin.views.main import ChangeList as BaseChangeList

    ModelAdmin = _ModelAdmin[Any]
else:
    from django.contrib.admin import ModelAdmin
    from unfold.sites import UnfoldAdminSite as BaseSite
    from unfold.views import ChangeList as BaseChangeList

MAX_SEARCH_CHARS = 200
MAX_SEARCH_WORDS = 10
"""Each word is one more condition on each searched column."""


def check_search(text: str) -> None:
    """Raise ValidationError, with a sentence, for a search that is too long."""
    if len(text) > MAX_SEARCH_CHARS or len(text.split()) > MAX_SEARCH_WORDS:
        raise ValidationError(
            f"Search for at most {MAX_SEARCH_CHARS} characters and {MAX_SEARCH_WORDS} words; all rows are shown."
        )


class SearchForm(ChangeListSearchForm):
    """The search above a list."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields[SEARCH_VAR] = forms.CharField(required=False, strip=False, validators=[check_search])


class BoundedChangeList(BaseChangeList):
    """A list whose address may contain anything: invalid conditions lead back to the list without conditions."""

    search_form_class = SearchForm

    def get_results(self, request: HttpRequest) -> None:
        """Read the page's rows.

        IncorrectLookupParameters if the database cannot compare with a value in the address.
        """
        try:
            super().get_results(request)
        except (ValueError, OverflowError, DataError, ProgrammingError) as error:
            raise IncorrectLookupParameters(error) from error


class Bounded(ModelAdmin):
    """The additions of `Site` to every ModelAdmin."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[BoundedChangeList]:
        """The class of the list."""
        return BoundedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether a list's address may filter like this: not by regular expressions, which may take for ever."""
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
        return allowed and not lookup.endswith("regex")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows found by the search of a list or an autocomplete field; none for an invalid search."""
        try:
            check_search(search_term)
        except ValidationError:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))


class Completion(AutocompleteJsonView):
    """The checked input of an autocomplete field for another model."""

    def process_request(self, request: HttpRequest) -> tuple[Any, ...]:
        """The requested field; PermissionDenied for a field without a relation, as Django answers for others."""
        term, model_admin, field, to_field = super().process_request(request)
        if not field.concrete:
            raise PermissionDenied
        return term, model_admin, field, to_field


class Site(BaseSite):
    """The site; `settings.INSTALLED_APPS` names it by `portal.apps.PortalAdminConfig`."""

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        """Register models, with limits on their pages."""
        given = admin_class or ModelAdmin
        bounded = type(given.__name__, (Bounded, given), {"__module__": __name__})
        super().register(model_or_iterable, bounded, **options)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """The addresses. No model has a page outside of the admin."""
        on_site = path("r/<path:content_type_id>/<path:object_id>/", self.admin_view(nothing_there))
        live = self.admin_view(partial(presence, site=self))
        here = path("libraries/portalview/<path:object_id>/presence/", live, name="libraries_portalview_presence")
        return [on_site, here, *super().get_urls()]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]  # as Django's does
        """Answer the input of an autocomplete field."""
        return Completion.as_view(admin_site=self)(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The results of the search beside each page; 404 for an impossible page, or a search that is too long."""
        page = request.GET.get("page", "1")
        try:
            check_search(request.GET.get("s", ""))
        except ValidationError as error:
            raise Http404(error.message) from None
        if page != "1":  # all names of models fit on one page
            raise Http404("There is no such page.")
        answer: HttpResponse = super().search(request, extra_context)  # type: ignore[misc]  # unfold's
        return answer


def nothing_there(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponse:
    """Answer 404. Django would redirect to an object's own page, and no object has one."""
    raise Http404("This has no page outside of the admin.")
