"""Share links and tickets over REST: the shapes, and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session as PageSession
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from libraries.api.errors import STATUSES
from libraries.grants import link_of_token
from libraries.models import PortalView, ShareLink, Ticket, User
from libraries.services.sessions import SID, open_session
from libraries.services.tickets import take_ticket
from libraries.sharing import MAX_GUESTS
from libraries.tests.rest import CAST, CODES, as_, cast, refused
from libraries.tokens import verify

pytestmark = pytest.mark.django_db

KEYS = {"id", "label", "maxGuests", "expiresAt", "isScreen", "createdAt", "createdBy", "withdrawnAt"}


@pytest.fixture
def links(portal_view: PortalView) -> str:
    return f"/api/portal-views/{portal_view.id}/share-links"


def test_a_link_is_shown_once(links: str, owner: User) -> None:
    ends_at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    body = {"label": "Table", "maxGuests": 5, "expiresAt": ends_at.isoformat()}
    answer = as_(owner).post(links, body)
    made = answer.json()
    assert answer.status_code == 201
    assert made.keys() == KEYS | {"link", "token"}
    assert made["link"] == f"http://testserver/view/{made['token']}"
    assert "no-store" in answer["Cache-Control"]
    assert (made["label"], made["maxGuests"], made["createdBy"]) == ("Table", 5, owner.get_full_name())
    assert made["expiresAt"] == ends_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert str(link_of_token(made["token"])) == made["id"]
    assert answer["Location"] == f"{links}/{made['id']}"
    [listed] = as_(owner).get(links).json()["results"]
    assert listed == {key: made[key] for key in KEYS}


def test_a_link_needs_nothing(links: str, owner: User) -> None:
    made = as_(owner).post(links, {}).json()
    assert [made[key] for key in ("label", "maxGuests", "expiresAt", "isScreen", "withdrawnAt")] == [
        "",
        None,
        None,
        False,
        None,
    ]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"label": "a" * 101}, "label"),
        ({"label": 5}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"maxGuests": 0}, "maxGuests"),
        ({"maxGuests": MAX_GUESTS + 1}, "maxGuests"),
        ({"expiresAt": "tomorrow"}, "expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"token": "mine"}, "token"),
    ],
)
def test_a_bad_value_is_named(links: str, owner: User, body: dict[str, Any], key: str) -> None:
    refused(as_(owner).post(links, body), "invalid-payload", key)
    assert not ShareLink.objects.exists()


def test_a_link_is_changed_and_withdrawn(links: str, owner: User) -> None:
    made = as_(owner).post(links, {"label": "Table"}).json()
    one = f"{links}/{made['id']}"
    changed = as_(owner).patch(one, {"maxGuests": 3}).json()
    assert (changed["label"], changed["maxGuests"]) == ("Table", 3)
    refused(as_(owner).patch(one, {"expiresAt": None}), "invalid-payload", "expiresAt")
    assert [as_(owner).delete(one).status_code for _ in range(2)] == [204, 204]
    assert as_(owner).get(links).json()["results"][0]["withdrawnAt"] is not None
    refused(as_(owner).patch(one, {"label": "x"}), "link-withdrawn")


@pytest.mark.parametrize("who", CAST)
def test_who_may(request: pytest.FixtureRequest, links: str, owner: User, who: str) -> None:
    made = as_(owner).post(links, {}).json()
    client, one = cast(request, who), f"{links}/{made['id']}"
    status = {"owner": None, "editor": None, "viewer": 403, "stranger": 404, "nobody": 401}[who]
    for answer in (client.get(links), client.post(links, {}), client.patch(one, {}), client.delete(one)):
        if status is None:
            assert answer.status_code in {200, 201, 204}
        else:
            refused(answer, CODES[status])
            assert STATUSES[answer.json()["code"]] == status


# --- Tickets ---------------------------------------------------------------------------------------------------


def ticket_for(client: Any, portal_view_id: object, **more: Any) -> Any:
    """The answer to a request for a ticket."""
    return client.post("/api/auth/ws-ticket", {"portalViewId": str(portal_view_id)}, **more)


def test_a_tickets_socket_ends_with_the_token(portal_view: PortalView, viewer: User) -> None:
    tokens = open_session(user=viewer)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    answer = ticket_for(client, portal_view.id)
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    taken = take_ticket(answer.json()["ticket"], portal_view.id)
    credential = verify(tokens.access)
    assert taken is not None
    assert (taken.grant, taken.expires_at) == (credential.grant, credential.expires_at)


def test_a_page_gets_a_ticket_of_its_session(portal_view: PortalView, viewer: User) -> None:
    page = Client(enforce_csrf_checks=True)
    page.force_login(viewer, "libraries.services.logins.LimitedBackend")
    page.cookies["csrftoken"] = "x" * 32
    tomorrow = timezone.now() + timedelta(days=1)
    PageSession.objects.update(expire_date=tomorrow)  # as if the log-in was thirteen days ago
    json: dict[str, Any] = {"content_type": "application/json"}
    assert ticket_for(page, portal_view.id, **json).status_code == 403
    answer = ticket_for(page, portal_view.id, headers={"X-CSRFToken": "x" * 32}, **json)
    taken = take_ticket(answer.json()["ticket"], portal_view.id)
    assert taken is not None
    assert str(taken.grant.session_id) == page.session[SID]
    assert taken.expires_at == tomorrow.timestamp()


def test_tickets_for_what_one_does_not_see(portal_view: PortalView, stranger: User, viewer: User) -> None:
    refused(ticket_for(as_(stranger), portal_view.id), "not-found")
    refused(ticket_for(as_(viewer), uuid4()), "not-found")
    refused(ticket_for(as_(viewer), "x"), "invalid-payload", "portalViewId")
    refused(ticket_for(as_(None), portal_view.id), "not-authenticated")
    assert not Ticket.objects.exists()
