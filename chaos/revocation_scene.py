"""The people, the library and the sockets' credentials of one way to end access."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.utils import timezone

from chaos.revocations import SOCKETS, Site
from libraries.digests import digest_of, new_token
from libraries.models import Library, Membership, PortalView, ShareLink, Ticket, User
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.services.portal_views import create_portal_view, update_portal_view
from realtime.protocol.encodings import SUBPROTOCOL
from testing.admin import AdminClient
from testing.installation import Person
from testing.people import Client

PASSWORD = "ripe plums, seven of them"  # noqa: S105  # of people who exist for a minute


@dataclass
class Scene:
    """The people and the portal view of one way: the owner, the member or the guests whose access ends.

    `page` is the member at our pages.
    `credentials` are the subprotocols of the sockets, in turn; `end` ends the access.
    """

    site: Site
    owner: Client
    member: Client
    user: User
    library: Library
    view: PortalView
    link: ShareLink
    share: str
    page: AdminClient
    end: Callable[[], None] = field(default=lambda: None)
    credentials: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def portal_view_id(self) -> str:
        """Whose sockets are opened."""
        return str(self.view.id)

    def write(self, number: int) -> None:
        """Send everybody a frame; nothing once the portal view is gone."""
        try:
            patch = check_patch({"name": f"Evening {number}"})
            update_portal_view(actor_id=None, portal_view_id=self.view.id, patch=patch)
        except Exception:
            if PortalView.objects.filter(id=self.view.id).exists():
                raise
        finally:
            connections.close_all()

    def close(self) -> None:
        """Close the HTTP connections."""
        self.owner.close()
        self.member.close()
        self.page.close()


@dataclass(frozen=True)
class Way:
    """A way to end access, and what the sockets must be told; `guests` are ended by it, or the member.

    With `by_ticket` the member's sockets were opened by the page, with tickets.
    """

    name: str
    how: str
    end: Callable[[Scene], object]
    guests: bool = False
    by_ticket: bool = False

    def prepare(self, site: Site) -> Scene:
        """People and a library of their own."""
        scene = new_scene(site)
        scene.end = lambda: _ended(self.end, scene)
        if self.guests:
            scene.credentials = [(SUBPROTOCOL, f"share.{scene.share}")]
        elif self.by_ticket:
            scene.credentials = [(SUBPROTOCOL, f"ticket.{ticket}") for ticket in _tickets(scene)]
        else:
            scene.credentials = [(SUBPROTOCOL, f"bearer.{scene.member.access}")]
        return scene


def _ended(end: Callable[[Scene], object], scene: Scene) -> None:
    try:
        end(scene)
    finally:
        connections.close_all()


def new_scene(site: Site) -> Scene:
    owner, member = (_person(name) for name in ("owner", "member"))
    library = Library.objects.create(name="Of a way")
    Membership.objects.create(library=library, user=owner, role=Role.OWNER.value)
    Membership.objects.create(library=library, user=member, role=Role.EDITOR.value)
    view = create_portal_view(actor_id=None, library_id=library.id, patch=check_patch({"name": "Evening"}))
    share = new_token()
    link = ShareLink.objects.create(portal_view=view, label="Guests", digest=digest_of(share))
    logged_in = [Client(site.server.http, Person(user.email, PASSWORD)) for user in (owner, member)]
    page = AdminClient(site.server.http, Person(member.email, PASSWORD), "/login")
    connections.close_all()
    return Scene(site, logged_in[0], logged_in[1], member, library, view, link, share, page)


def _tickets(scene: Scene) -> list[str]:
    """A ticket for each socket, as the page would get them over REST, one by one."""
    session = SessionStore(scene.page.session_key)
    now = timezone.now()
    made = [new_token() for _ in range(SOCKETS)]
    Ticket.objects.bulk_create(
        Ticket(
            digest=digest_of(ticket),
            user=scene.user,
            portal_view=scene.view,
            session_id=UUID(session["sid"]),
            auth_version=scene.user.auth_version,
            ends_at=now + timedelta(hours=1),
            expires_at=now + timedelta(minutes=1),
        )
        for ticket in made
    )
    return made


def _person(name: str) -> User:
    email = f"{name}-{secrets.token_hex(6)}@ways.example.org"
    return User.objects.create_user(email, PASSWORD, name=name, email_verified_at=timezone.now())
