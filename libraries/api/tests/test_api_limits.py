"""The limits on a body of the REST API, and on the length of the answer to a bad one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from libraries.models import PortalView, User
from libraries.rules.keys import REFUSED_KEYS
from libraries.rules.values import MAX_BODY_VALUES
from libraries.tests.rest import as_, refused, send

LONG: list[tuple[str, str, Any]] = [
    ("PATCH", "portal-views/{id}", {f"{number}": 1 for number in range(20_000)}),
    ("PATCH", "portal-views/{id}", {f"{'k' * 300}{number}": 1 for number in range(1000)}),
    ("PATCH", "portal-views/{id}", {"items": [{"id": '"' * 128}] * 2}),
    ("PATCH", "portal-views/{id}", {"items": [{"id": "a", "constructor": 1}]}),
    ("PATCH", "portal-views/{id}", {"name": 1, "showAC": 1, "items": 1, "blackout": 1, "currentItem": "x"}),
    ("POST", "libraries", {f"{number}": 1 for number in range(20_000)}),
    ("POST", "libraries", {"name": ["x"] * 50_000}),
    ("POST", "auth/register", {f"\u0001{number}": 1 for number in range(20_000)}),
    ("POST", "libraries/{library}/invitations", {"email": "x" * 100_000, "role": "y" * 100_000}),
    ("POST", "libraries/{library}/invitations", {"email": "a@example.org", "role": [None] * 60_000}),
    ("POST", "invitations/accept", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), LONG, ids=range(len(LONG)))
def test_an_answer_is_not_far_longer_than_its_request(
    owner: User, portal_view: PortalView, method: str, path: str, body: Any
) -> None:
    # 20,000 unknown keys were answered with that many sentences, twice.
    asked = json.dumps(body, separators=(",", ":")).encode()
    address = path.format(id=portal_view.id, library=portal_view.library_id)
    answer = send(owner, method, f"/api/{address}", asked, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["details"]
    assert len(answer.content) <= 2 * len(asked) + 512
    assert len(answer.content) <= 2048


def test_the_values_of_a_body_are_counted(owner: User, portal_view: PortalView) -> None:
    for count, sentence in ((MAX_BODY_VALUES - 5, "items: Must be a list"), (MAX_BODY_VALUES, "too many values")):
        body = b'{"items":[%s]}' % b",".join([b"0"] * count)
        answer = send(owner, "PATCH", f"/api/portal-views/{portal_view.id}", body, content_type="application/json")
        assert sentence in answer.json()["message"]
        assert answer.status_code == 400


@pytest.mark.parametrize("key", ["__proto__", "constructor", "prototype", "k" * 129])
def test_forbidden_keys_are_refused(owner: User, portal_view: PortalView, key: str) -> None:
    for item in ({"id": "a", key: 1}, {"id": "a", "deep": [{key: {}}]}):
        answer = as_(owner).patch(f"/api/portal-views/{portal_view.id}", {"items": [item]})
        (place,) = answer.json()["details"]
        refused(answer, "invalid-payload", place)
        assert place.startswith(f"items[0].{key}" if key in REFUSED_KEYS and "deep" not in item else "items[0]")
    assert PortalView.objects.get().version == 1
