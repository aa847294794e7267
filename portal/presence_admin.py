"""The admin's page of who is in a portal view, with a button that disconnects somebody. Its list follows by itself."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from libraries.models import PortalView
from libraries.rules.errors import PortalError, Unavailable
from libraries.services.disconnecting import MAX_MINUTES, USUAL_MINUTES
from realtime.presence.commands import find_people, send_person_away

MAX_SHOWN = 500
"""The most people on the page."""


class DisconnectForm(forms.Form):
    """Whom to disconnect, and for how long."""

    subject = forms.UUIDField()
    minutes = forms.IntegerField(min_value=1, max_value=MAX_MINUTES, initial=USUAL_MINUTES)
    withdraw_link = forms.BooleanField(required=False)


def presence(request: HttpRequest, object_id: str, *, site: AdminSite) -> HttpResponse:
    """The page; a form of it disconnects somebody. With `?list` only the list, for the script of the page."""
    if not request.user.has_perm("libraries.view_portalview"):
        raise PermissionDenied
    portal_view = _find(object_id)
    may_change = request.user.has_perm("libraries.change_portalview")
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        _disconnect(request, portal_view.id)
        return HttpResponseRedirect(request.path)
    try:
        crowd, error = find_people(portal_view.id), ""
    except Unavailable as away:
        crowd, error = None, away.message
    context = {
        **site.each_context(request),
        "title": "Who is here",
        "subtitle": portal_view.name,
        "original": portal_view,
        "opts": PortalView._meta,
        "counts": crowd and crowd.counts,
        "people": [(person, person.on_wire.since) for person in crowd.people[:MAX_SHOWN]] if crowd else [],
        "unlisted": max(0, len(crowd.people) - MAX_SHOWN) if crowd else 0,
        "error": error,
        "may_change": may_change,
        "minutes": USUAL_MINUTES,
        "max_minutes": MAX_MINUTES,
    }
    template = "portal/presence_list.html" if "list" in request.GET else "portal/presence.html"
    return TemplateResponse(request, template, context, headers={"Cache-Control": "no-store"})


def _find(object_id: str) -> PortalView:
    with suppress(ValueError):
        if (portal_view := PortalView.objects.filter(pk=UUID(object_id)).first()) is not None:
            return portal_view
    raise Http404("There is no such portal view.")


def _disconnect(request: HttpRequest, portal_view_id: UUID) -> None:
    form = DisconnectForm(request.POST)
    if not form.is_valid():
        messages.error(request, "; ".join(f"{key}: {errors.as_text()}" for key, errors in form.errors.items()))
        return
    values = form.cleaned_data
    try:
        sent = send_person_away(
            actor_id=None,
            portal_view_id=portal_view_id,
            subject_id=values["subject"],
            minutes=values["minutes"],
            withdraw_link=values["withdraw_link"],
        )
    except PortalError as error:
        messages.error(request, error.message)
        return
    told = f"Disconnected until {sent.until:%H:%M} UTC."
    if sent.withdrawn_link_id is not None:
        told += f" The link was withdrawn, which disconnects {sent.others} others."
    messages.success(request, told)
