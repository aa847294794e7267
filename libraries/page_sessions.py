"""The sessions of log-ins to pages, read many at once, and without a request. Nothing is written here.

Log-ins and log-outs are in `libraries.services.sessions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from libraries.models import User
from libraries.rules.subjects import Grant, Subject

SID = "sid"
"""The key of a page's session that has its id as text."""


def grants_of_pages(session_keys: Collection[str]) -> dict[str, Grant]:
    """What each session gives, by its key; without an entry for one that is not good. Two queries at most.

    The conditions are those of `django.contrib.auth.get_user`. Whether the `sid` was revoked is not looked up here.
    """
    if not session_keys:
        return {}
    rows = Session.objects.filter(session_key__in=session_keys, expire_date__gt=timezone.now())
    store = SessionStore()
    contents = {row.session_key: store.decode(row.session_data) for row in rows}
    ids = {key: _user_id(content) for key, content in contents.items()}
    people = User.objects.filter(is_active=True).in_bulk({user_id for user_id in ids.values() if user_id is not None})
    found = {}
    for key, content in contents.items():
        user = people.get(ids[key])
        if user is not None and _is_of(user, content):
            sid = content.get(SID)
            found[key] = Grant(Subject(user.id), None if sid is None else UUID(sid), user.auth_version)
    return found


def _user_id(content: Mapping[str, Any]) -> UUID | None:
    if content.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    try:
        return UUID(content[SESSION_KEY])
    except (KeyError, ValueError):  # nobody is logged in
        return None


def _is_of(user: User, content: Mapping[str, Any]) -> bool:
    """Whether the session was begun with the password that the person has now."""
    given = content.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(given, one) for one in hashes)
