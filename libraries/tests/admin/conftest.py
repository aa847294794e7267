"""The admin as its staff use it: a `Desk` opens pages, sends their forms, and records the news for open connections."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.forms import BaseForm
from django.test import Client
from django.urls import reverse

from libraries.models import User

OK = 200

News = list[dict[str, Any]]


@dataclass(frozen=True)
class Desk:
    """A person who is logged in to the admin. `news` is what the channel layer got, oldest first."""

    user: User
    client: Client
    news: News
    commit: Callable[..., Any]

    def get(self, address: str, status: int = OK) -> Any:
        """The page at an address."""
        page = self.client.get(address, follow=True)
        assert page.status_code == status
        return page

    def post(self, address: str, data: dict[str, Any], status: int = OK) -> Any:
        """The page after a form was sent, and its writes are committed."""
        with self.commit(execute=True):
            page = self.client.post(address, data, follow=True)
        assert page.status_code == status
        return page

    def save(self, address: str, **changes: Any) -> Any:
        """Open a form, change some of its fields (None empties one), and send it; returns the page after that."""
        return self.post(address, {**filled(self.get(address)), **_without_none(changes)})

    def act(self, name: str, *objects: Model, **more: str) -> Any:
        """Select objects of one model in their list and run an action on them; returns the page after that."""
        data = {"action": name, "_selected_action": [str(obj.pk) for obj in objects], **more}
        return self.post(list_of(type(objects[0])), data)

    def updates(self, audience: str) -> list[Any]:
        """The payloads of the messages that `controllers` or `viewers` got."""
        return [json.loads(news[audience])["payload"] for news in self.news if audience in news]


def change(obj: Model) -> str:
    """The address of an object's form."""
    return reverse(f"admin:libraries_{obj._meta.model_name}_change", args=[obj.pk])


def delete(obj: Model) -> str:
    """The address of an object's delete confirmation."""
    return reverse(f"admin:libraries_{obj._meta.model_name}_delete", args=[obj.pk])


def list_of(model: type[Model]) -> str:
    """The address of a model's list."""
    return reverse(f"admin:libraries_{model._meta.model_name}_changelist")


def add(model: type[Model]) -> str:
    """The address of the form for a new object."""
    return reverse(f"admin:libraries_{model._meta.model_name}_add")


def filled(page: Any) -> dict[str, Any]:
    """The values that a browser would send for the page's form, if nothing was changed."""
    data: dict[str, Any] = {}
    for form in _forms(page):
        for field in form:
            value = field.value()
            if value is not None and value is not False and not field.field.disabled:
                data[field.html_name] = "on" if value is True else value
    return data


def _forms(page: Any) -> Iterable[BaseForm]:
    yield page.context["adminform"].form
    for inline in page.context["inline_admin_formsets"]:
        yield inline.formset.management_form
        yield from inline.formset.forms


def _without_none(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in changes.items()}


def says(page: Any) -> str:
    """The page's messages, as one text."""
    return " ".join(str(message) for message in page.context["messages"])


def errors(page: Any) -> dict[str, list[str]]:
    """The errors of the page's form, by field."""
    form = page.context["adminform"].form
    return {name: list(sentences) for name, sentences in form.errors.items()}


def body(page: Any) -> str:
    """The page as text."""
    return str(page.content.decode())


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> News:
    """The messages that are sent through the channel layer."""
    sent: News = []

    async def group_send(layer: InMemoryChannelLayer, group: str, message: dict[str, Any]) -> None:
        assert group == (
            f"portal-view.{message['portalViewId']}" if "portalViewId" in message else "portal-revocations"
        )
        sent.append(message)

    monkeypatch.setattr(InMemoryChannelLayer, "group_send", group_send)
    return sent


@pytest.fixture
def desk_of(news: News, django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[[User], Desk]:
    """The desk of a user."""

    def desk_of(user: User) -> Desk:
        client = Client()
        client.force_login(user)
        return Desk(user, client, news, django_capture_on_commit_callbacks)

    return desk_of


@pytest.fixture
def desk(make_user: Callable[[str], User], desk_of: Callable[[User], Desk]) -> Desk:
    """The desk of a superuser."""
    admin = make_user("admin")
    admin.is_staff = admin.is_superuser = True
    admin.save()
    return desk_of(admin)


@pytest.fixture
def clerk(make_user: Callable[[str], User], desk_of: Callable[[User], Desk]) -> Callable[..., Desk]:
    """The desk of a member of staff with only these permissions, such as "view_portalview"."""

    def clerk(*permissions: str) -> Desk:
        user = make_user("clerk")
        user.is_staff = True
        user.save()
        found = Permission.objects.filter(content_type__app_label="libraries", codename__in=permissions)
        assert len(found) == len(permissions)
        user.user_permissions.set(found)
        return desk_of(user)

    return clerk
