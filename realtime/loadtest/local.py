"""A portal view of a load test's own, in the database of this installation, while a `with` block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import make_password

from libraries.models import User
from libraries.rules.state import check_patch
from libraries.services.libraries import create_library, delete_library
from libraries.services.people import put_user
from libraries.services.portal_views import create_portal_view
from libraries.services.sessions import open_session, session_of_refresh
from libraries.services.share_links import create_share_link
from libraries.tokens import access_token
from realtime.client.python.portal_client import Credential
from realtime.loadtest.run import Target

NAME = "Load test"


@contextmanager
def portal_view(url: str, pid: int | None) -> Iterator[Target]:
    """A library with one portal view, its owner, who cannot log in, and a share link; all are deleted at the end."""
    user = put_user(email=f"loadtest-{token_hex(8)}@portal.invalid", name=NAME, password_hash=make_password(None))
    try:
        library = create_library(actor_id=user.id, name=NAME)
        try:
            view = create_portal_view(actor_id=user.id, library_id=library.id, patch=check_patch({"name": NAME}))
            _, share = create_share_link(actor_id=user.id, portal_view_id=view.id, label=NAME)
            session_id = session_of_refresh(open_session(user=user).refresh)

            async def controller() -> Credential:
                return {"token": await sync_to_async(access_token)(user, session_id)}

            yield Target(url, str(view.id), controller, lambda: {"share": share}, pid)
        finally:
            delete_library(actor_id=user.id, library_id=library.id)
    finally:
        User.objects.filter(id=user.id).delete()
