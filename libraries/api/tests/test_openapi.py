"""The OpenAPI document: it is current, contains no secrets, and matches the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import ITEMS, PASSWORD
from libraries.api.errors import STATUSES
from libraries.api.portal_view_serializers import PortalViewBody, PortalViewHeadSerializer, PortalViewSerializer
from libraries.models import Invitation, Library, Membership, PortalView, ShareLink, User
from libraries.rules.keys import plain_key
from libraries.rules.net import HIDDEN
from libraries.rules.roles import Role
from libraries.rules.state import FIELDS, NOT_IN_HEAD, READ_ONLY
from libraries.tests.images import make_image

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"


def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


DOCUMENT = document()


def test_the_committed_document_is_current() -> None:
    text = OpenApiYamlRenderer().render(document(), renderer_context={})  # type: ignore[no-untyped-call]
    assert FILE.read_bytes() == text, "run `manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml`"


def test_the_document_is_valid_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    validate_schema(document())  # type: ignore[no-untyped-call]
    assert "arning" not in capsys.readouterr().err


OPEN = {
    "/api/auth/register",
    "/api/auth/password/reset",
    "/api/auth/password/reset/confirm",
    "/api/auth/verify",
    "/api/invitations/look",
    "/api/join",
    "/api/screens",
    "/api/screens/claim",
}
"""Those that need no log-in, and refuse none."""
FINDS = {
    "get /api/libraries",
    "get /api/invitations",
    "post /api/invitations/look",
    "post /api/invitations/accept",
    "post /api/auth/ws-ticket",
    "post /api/join",
    "post /api/screens/claim",
}
"""Those without an id in the path that may still find nothing."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_operations_have_descriptions_and_refusals() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) == 69
    for path, method, operation in operations():
        assert operation["summary"], path
        assert operation["description"], path
        assert not path.endswith("/")
        codes = set(operation["responses"])
        assert ("401" in codes) == (path not in OPEN), path
        assert ("404" in codes) == ("{" in path or f"{method} {path}" in FINDS), path
        if method != "get" and any("pageSession" in one for one in operation.get("security", ())):
            assert "403" in codes, path  # without the CSRF token
        # OpenAPI has no body for DELETE
        assert ("415" in codes) == ("requestBody" in operation or (path, method) == ("/api/auth/me", "delete")), path
        assert codes <= {"200", "201", "202", "204", "304", *map(str, STATUSES.values())}, path
        for code, response in operation["responses"].items():
            if code >= "400":
                assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_an_upload_of_what_is_there_already_has_its_own_status() -> None:
    responses = DOCUMENT["paths"]["/api/libraries/{libraryId}/images"]["post"]["responses"]
    assert {code for code in responses if code < "300"} == {"200", "201"}
    assert responses["200"] == responses["201"]


def test_the_schema_of_portal_views_matches_the_model() -> None:
    answered = {*FIELDS, *READ_ONLY, "role"}
    assert set(PortalViewBody().fields) == set(FIELDS)
    assert set(PortalViewSerializer().fields) == answered
    assert set(PortalViewHeadSerializer().fields) == (answered - NOT_IN_HEAD) | {"itemCount"}


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_examples_for_viewers_hide_the_hidden_keys() -> None:
    content = DOCUMENT["paths"]["/api/portal-views/{portalViewId}"]["get"]["responses"]["200"]["content"]
    examples = [example["value"] for example in content["application/json"]["examples"].values()]
    assert [example["role"] for example in examples] == ["controller", "viewer"]
    assert all(set(example) == {*FIELDS, *READ_ONLY, "role"} for example in examples)
    controller, viewer = ({plain_key(key) for key in keys(example["items"])} for example in examples)
    hidden = {key for row in HIDDEN.values() for key in row}
    assert controller & hidden
    assert viewer & hidden == {"health"}
    assert [item["id"] for item in examples[1]["items"]] == ["ogre"]
    assert [example["version"] for example in examples] == [3, 2]


@pytest.mark.django_db
def test_it_is_shown_with_the_pages_own_scripts() -> None:
    page = Client().get("/api/docs").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page
    assert Client().get("/api/docs/").status_code == 200
    for path in ("/api/schema", "/api/schema/"):
        assert yaml.safe_load(Client().get(path).content)["info"] == DOCUMENT["info"]


# --- The API matches its document -------------------------------------------------------------------------

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = get_wsgi_application()
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def person(email: str) -> User:
    return User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD)


def things() -> dict[str, str]:
    """A library with an owner, another member and a portal view, for path parameters; the owner sends the requests."""
    library = Library.objects.create(name="Library")
    Membership.objects.create(library=library, user=person("owner@example.org"), role=Role.OWNER)
    member = Membership.objects.create(library=library, user=person("viewer@example.org"), role=Role.VIEWER)
    portal_view = PortalView.objects.create(library=library, name="Evening", items=ITEMS)
    invitation = Invitation.objects.create(library=library, digest=uuid4().hex, expires_at=timezone.now())
    ids = {
        "libraryId": library.id,
        "portalViewId": portal_view.id,
        "userId": member.user_id,
        "subjectId": member.user_id,
    }
    ids |= {
        "imageId": make_image(library).id,
        "invitationId": invitation.id,
        "linkId": ShareLink.objects.create(portal_view=portal_view).id,
    }
    return {"itemId": str(ITEMS[0]["id"]), **{name: str(key) for name, key in ids.items()}}


@pytest.fixture
def _stay_connected(db: None) -> Iterator[None]:
    """Keep the database connection open: requests share the test's transaction.

    Django's own test client does the same.
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_stay_connected")
@SCHEMA.parametrize()
@examples(
    max_examples=25,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_matches_the_document(case: schemathesis.Case[Any]) -> None:
    real = things()
    if case.path_parameters:
        case.path_parameters = {name: real[name] for name in case.path_parameters}
    if case.path == "/api/auth/token/refresh" and isinstance(case.body, dict) and "refresh" in case.body:
        case.body["refresh"] = str(RefreshToken.for_user(person("owner@example.org")))
    token = AccessToken.for_user(person("owner@example.org"))
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
