"""`manage.py demo`: people, a library and a portal view for trying Portal.

Their content is in `libraries.demo_data`.
"""

from __future__ import annotations

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from libraries import demo_data
from libraries.demo_data import PEOPLE, DemoPerson
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.networks import is_loopback
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.services.libraries import create_library
from libraries.services.members import add_member, change_role, remove_member
from libraries.services.people import put_user
from libraries.services.portal_views import create_portal_view

_WARNING = (
    "Warning: on {host} others in your network reach this, without encryption: whoever listens in there can read"
    " passwords. So the demo's is a new one at each start, and is printed only here."
)
_ALONE = "This machine has no address that others reach: connect it to a network, and start again."
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Of a password that people read from a screen and type on a phone: none looks like another."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "*": "127.0.0.1"}  # noqa: S104  # it is only compared
"""Hosts that stand for all addresses of this machine, and the address to open on the machine itself."""


class Command(BaseCommand):
    """Creates the missing parts of the demo, and resets its log-ins to the printed ones.

    An existing library and portal view stay unchanged.
    """

    help = "Make a demo library with people who can log in; run it again to set their passwords and roles back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Called by Django."""
        parser.add_argument("--json", action="store_true", help="print ids and log-ins as one JSON object")
        parser.add_argument("--host", default="127.0.0.1", help="the host in the printed addresses")
        parser.add_argument("--port", default="8000", help="the port in the printed addresses")
        parser.add_argument("--force", action="store_true", help="also in production, although the passwords are known")

    def handle(self, *args: Any, **options: Any) -> None:
        """Called by Django; CommandError in production without --force."""
        if not (settings.DEBUG or options["force"]):
            raise CommandError(
                "The passwords of the demo are known to everybody, and PORTAL_DEBUG is false: this looks like"
                " production. Add --force to make the demo all the same."
            )
        host = options["host"]
        password = demo_data.PASSWORD if is_loopback(host) else _new_password()
        make_demo(password)
        if not is_loopback(host):
            self.stderr.write(_WARNING.format(host=host))
        if host in _EVERYWHERE and not settings.PORTAL_LAN_HOSTS:
            self.stderr.write(_ALONE)
        self.stdout.write(_as_json(password) if options["json"] else _as_text(password, host, options["port"]))


def make_demo(password: str) -> None:
    """Create the missing parts; reset the people's passwords, activity and roles."""
    password_hash = _password_hash(password)
    with transaction.atomic():
        users = _make_people(password_hash)
        library = _make_library()
        for person in PEOPLE:
            _put_role(library, users[person.key], person.role)
        _make_portal_view(library)


def _new_password() -> str:
    """A password of 12 letters and digits (59 bits), in groups."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def _password_hash(password: str) -> str:
    """The hash that all of them share. It takes time to compute, which no transaction should wait for."""
    stored = User.objects.filter(email=PEOPLE[0].email).values_list("password", flat=True).first()
    if stored is not None and check_password(password, stored):
        return stored
    return make_password(password)


def _make_people(password_hash: str) -> dict[str, User]:
    return {
        person.key: put_user(
            email=person.email, name=person.name, password_hash=password_hash, is_admin=person.is_admin
        )
        for person in PEOPLE
    }


def _make_library() -> Library:
    return Library.objects.filter(id=demo_data.LIBRARY_ID).first() or create_library(
        actor_id=None,
        library_id=demo_data.LIBRARY_ID,
        name=demo_data.LIBRARY_NAME,
        description=demo_data.LIBRARY_DESCRIPTION,
        disclosure=demo_data.DISCLOSURE,
    )


def _put_role(library: Library, user: User, role: Role | None) -> None:
    member = Membership.objects.filter(library=library, user=user).first()
    if member is None and role is not None:
        add_member(actor_id=None, library_id=library.id, email=user.email, role=role)
    elif member is not None and role is None:
        remove_member(actor_id=None, library_id=library.id, user_id=user.id)
    elif member is not None and role is not None and member.role != role:
        change_role(actor_id=None, library_id=library.id, user_id=user.id, role=role)


def _make_portal_view(library: Library) -> None:
    if PortalView.objects.filter(id=demo_data.PORTAL_VIEW_ID).exists():
        return
    patch = check_patch({**demo_data.PORTAL_VIEW, "items": _below(settings.PORTAL_BASE_PATH)})
    create_portal_view(actor_id=None, library_id=library.id, portal_view_id=demo_data.PORTAL_VIEW_ID, patch=patch)


def _below(base: str) -> list[dict[str, Any]]:
    """The items, with the addresses of their pictures below the site's base."""
    return [
        {**item, **{key: base + item[key] for key in ("image", "img_main") if key in item}} for item in demo_data.ITEMS
    ]


def _log_in(person: DemoPerson, password: str) -> dict[str, str]:
    return {"email": person.email, "password": password}


def _as_json(password: str) -> str:
    ids = {"portalViewId": str(demo_data.PORTAL_VIEW_ID), "libraryId": str(demo_data.LIBRARY_ID)}
    return json.dumps({**ids, **{person.key: _log_in(person, password) for person in PEOPLE}}, indent=2)


def _as_text(password: str, host: str, port: str) -> str:
    base = f":{port}{settings.PORTAL_BASE_PATH}"
    site = _EVERYWHERE.get(host, host) + base
    width = max(len(person.email) for person in PEOPLE)
    lines = [
        f"The demo library “{demo_data.LIBRARY_NAME}” is ready. Everybody's password is {password}",
        "",
        *(f"  {person.email:{width}}  {person.name} {person.does}" for person in PEOPLE),
        "",
        f"  Start here   http://{site}/",
        f"  Admin        http://{site}/admin/",
        f"  REST API     http://{site}/api/docs",
        f"  WebSocket    ws://{site}/ws/portal-view/{demo_data.PORTAL_VIEW_ID}?token=<access token>",
    ]
    if phones := [f"On phones: http://{lan_host}{base}" for lan_host in settings.PORTAL_LAN_HOSTS]:
        lines += ["", *phones]
    return "\n".join(lines)
