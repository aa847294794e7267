"""Permissions by REST: every route and method for every person. A refused request changes and sends nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from libraries.api.errors import STATUSES
from libraries.tests.rest import as_
from portal.tests.access import bodies
from portal.tests.access.people import HIDDEN_NUMBER, HIDDEN_TEXT, MAKERS, World, changed, make_world, stored
from portal.tests.access.routes import METHODS, is_page, methods_of, patterns, route_of
from portal.tests.access.tables import REST_ROWS, Row

pytestmark = pytest.mark.django_db

UNKNOWN = "0190a1de-0000-7000-8000-000000000000"
IDS = dict.fromkeys(("library", "view", "hidden", "other", "self", "group", "link", "invitation", "image"), UNKNOWN)
CONTROLLERS = {"owner", "editor"}
OPEN = (
    *("/api/auth/register", "/api/auth/token", "/api/auth/token/refresh", "/api/auth/logout", "/api/auth/verify"),
    *("/api/auth/password/reset", "/api/auth/password/reset/confirm", "/api/invitations/look"),
    *("/api/join", "/api/screens", "/api/screens/claim", "/api/auth/guest-cookie"),
)
"""These need no token."""


@pytest.fixture
def world() -> World:
    cache.clear()  # many log-ins from one address
    return make_world()


def site_routes() -> dict[str, set[str]]:
    """The methods of each route outside of the admin and the pages; one with a slash at its end is the same route."""
    found: dict[str, set[str]] = {}
    for route, pattern in patterns():
        if not route.startswith("admin/") and not is_page(pattern):
            key = route if "(" in route else route.rstrip("/")
            assert found.setdefault(key, methods_of(pattern)) == methods_of(pattern), route
    return found


def test_every_route_and_method_is_in_the_table() -> None:
    in_table: dict[str, set[str]] = {}
    for row in REST_ROWS:
        route = route_of(row.address.format(**IDS))
        in_table.setdefault(route if "(" in route else route.rstrip("/"), set()).add(row.method)
    assert in_table == site_routes()


def test_every_row_has_every_person_and_is_there_once() -> None:
    assert all(list(row.cells) == list(MAKERS) for row in REST_ROWS)
    names = [row.name for row in REST_ROWS]
    assert len(names) == len(set(names))
    assert bodies.REST.keys() <= set(names)


def _sent(body: Any) -> dict[str, Any]:
    if isinstance(body, bytes):
        return {"data": body, "content_type": "image/png"}
    return {"data": msgspec.json.encode(body), "content_type": "application/json"} if body is not None else {}


@pytest.mark.parametrize("who", MAKERS)
@pytest.mark.parametrize("row", REST_ROWS, ids=lambda row: row.name)
def test_every_person_gets_the_answer_of_the_table(row: Row, who: str, world: World) -> None:
    asker = MAKERS[who](world)
    body = bodies.REST[row.name](world, asker) if row.name in bodies.REST else None
    client, before = as_(asker), stored()
    answer = client.generic(row.method, row.address.format(**world.ids(asker)), **_sent(body))
    expected = int(row.cells[who])
    text = answer.content.decode() if not answer.streaming else ""
    assert answer.status_code == expected, text
    assert changed(before) == (row.changes if expected < 400 else set())
    if expected >= 400 and row.address.startswith("/api/"):
        said = answer.json()
        assert STATUSES[said["code"]] == expected
        if said["code"] != "last-owner":  # which names one's own libraries
            assert "Library" not in text
        assert "Evening" not in text
    if who not in CONTROLLERS:
        assert HIDDEN_TEXT not in text
        assert str(HIDDEN_NUMBER) not in text
    if who != "owner":
        assert world.other.email not in text


def test_controllers_get_the_hidden_values(world: World) -> None:
    for who in sorted(CONTROLLERS):
        text = as_(MAKERS[who](world)).get(f"/api/portal-views/{world.portal_view.id}").content.decode()
        assert HIDDEN_TEXT in text
        assert str(HIDDEN_NUMBER) in text
    assert world.other.email in as_(world.owner).get(f"/api/libraries/{world.library.id}/members").content.decode()


@pytest.mark.parametrize("who", MAKERS)
def test_a_head_request_gets_the_answer_to_get_without_its_body(who: str, world: World) -> None:
    client = as_(asker := MAKERS[who](world))
    for row in REST_ROWS:
        if row.method == "GET" and "socket.io" not in row.address:
            answer = client.head(row.address.format(**world.ids(asker)))
            assert (str(answer.status_code), answer.content) == (row.cells[who], b""), row.name


@pytest.mark.parametrize("who", MAKERS)
def test_a_method_that_a_route_has_not_changes_nothing(who: str, world: World) -> None:
    client, before = as_(asker := MAKERS[who](world)), stored()
    has_a_good_token = who not in {"nobody", "off"}
    for address in sorted({row.address for row in REST_ROWS if row.address.startswith("/api/")}):
        route = route_of(address.format(**IDS))
        had = {row.method for row in REST_ROWS if route_of(row.address.format(**IDS)) == route}
        if address in {"/api/health", "/api/health/ready", "/api/docs", "/api/schema", "/api/nothing"}:
            continue
        for method in {*METHODS, "OPTIONS", "TRACE"} - had:
            answer = client.generic(method, address.format(**world.ids(asker)), "{}", "application/json")
            expected = 405 if has_a_good_token or address in OPEN else 401
            assert answer.status_code == expected, (method, address)
    assert changed(before) == set()


@pytest.mark.parametrize("address", ["/api/health", "/api/health/ready", "/api/docs", "/api/schema", "/api/nothing"])
def test_public_pages_are_read_only(address: str, world: World) -> None:
    before = stored()
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        assert Client().generic(method, address).status_code in {403, 404, 405}, method
    assert changed(before) == set()


def test_a_log_in_to_pages_writes_only_with_the_token_of_a_page(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner, settings.AUTHENTICATION_BACKENDS[0])
    assert client.get("/api/auth/me").status_code == 200
    for row in REST_ROWS:
        if row.method != "GET" and row.address not in OPEN:
            body = bodies.REST[row.name](world, world.owner) if row.name in bodies.REST else None
            before = stored()
            answer = client.generic(row.method, row.address.format(**world.ids(world.owner)), **_sent(body))
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), row.name
            assert changed(before) == set()
    assert client.post("/api/auth/logout", {}, "application/json").status_code == 403
