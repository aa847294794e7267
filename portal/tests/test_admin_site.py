"""Invalid requests to the admin: each is answered with a page, a message or 404, never with a 500."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client

from libraries.admin.libraries import NEW_ROWS
from libraries.models import Library, Membership, PortalView, User
from portal.admin_site import MAX_SEARCH_CHARS, MAX_SEARCH_WORDS, BoundedChangeList, Site

pytestmark = pytest.mark.django_db

NOT_FOUND = 404
HUGE = "9" * 30
BAD_KEYS = ["x", "%00", "%FF", HUGE, "inf", "_5F", "a/b", "9" * 3000]
TOO_LONG = ["word " * (MAX_SEARCH_WORDS + 1), "a" * (MAX_SEARCH_CHARS + 1), "1 " * 1200]

LISTS = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]


@pytest.fixture
def superuser(stranger: User) -> Client:
    """The browser of a person with all permissions."""
    stranger.is_staff = stranger.is_superuser = True
    stranger.save()
    client = Client()
    client.force_login(stranger, settings.AUTHENTICATION_BACKENDS[0])
    return client


def test_every_list_is_bounded() -> None:
    assert isinstance(admin.site, Site)
    assert LISTS
    for model_admin in admin.site._registry.values():
        assert model_admin.get_changelist(None) is BoundedChangeList  # type: ignore[arg-type]


@pytest.mark.parametrize("address", LISTS)
def test_a_long_search_is_refused_with_a_message(superuser: Client, address: str) -> None:
    for words in TOO_LONG:
        page = superuser.get(address, {"q": words})
        assert page.status_code == 200
        said = [str(message) for message in page.context["messages"]]
        assert said == [
            f"Search for at most {MAX_SEARCH_CHARS} characters and {MAX_SEARCH_WORDS} words; all rows are shown."
        ]


def test_a_search_at_the_limit_is_run(superuser: Client, viewer: User, editor: User) -> None:
    for words in ("viewer " * MAX_SEARCH_WORDS, "viewer".ljust(MAX_SEARCH_CHARS)):
        page = superuser.get("/admin/libraries/user/", {"q": words})
        assert [str(user) for user in page.context["cl"].result_list] == ["viewer@example.org"]
        assert not list(page.context["messages"])


def test_an_autocomplete_field_finds_nothing_for_a_long_search(superuser: Client, library: Library) -> None:
    field = {"app_label": "libraries", "model_name": "membership", "field_name": "user"}
    found = superuser.get("/admin/autocomplete/", {**field, "term": "viewer"}).json()["results"]
    assert [entry["text"] for entry in found] == ["viewer@example.org"]
    for words in TOO_LONG:
        assert superuser.get("/admin/autocomplete/", {**field, "term": words}).json()["results"] == []
    assert superuser.get("/admin/autocomplete/", {**field, "term": "vie\0wer"}).json()["results"] == found


@pytest.mark.parametrize("field", ["portal_views", "memberships", "id", "name", "nothing"])
def test_a_field_without_a_relation_completes_nothing(superuser: Client, field: str) -> None:
    query = {"app_label": "libraries", "model_name": "library", "field_name": field, "term": "a"}
    assert superuser.get("/admin/autocomplete/", query).status_code == 403


@pytest.mark.parametrize("page", ["x", "-1", "0", "2", HUGE, "\0"])
def test_the_search_beside_the_page_has_no_other_page(superuser: Client, page: str) -> None:
    assert superuser.get("/admin/search/", {"s": "port", "page": page}).status_code == NOT_FOUND


def test_the_search_beside_the_page(superuser: Client) -> None:
    assert b"Portal view" in superuser.get("/admin/search/", {"s": "port"}).content
    for words in TOO_LONG:
        assert superuser.get("/admin/search/", {"s": words}).status_code == NOT_FOUND


def test_no_object_has_a_page_outside_of_the_admin(superuser: Client, portal_view: PortalView) -> None:
    keys = ["1", "x", "%00", HUGE, str(portal_view.pk)]
    kinds = [*ContentType.objects.values_list("pk", flat=True), 0, HUGE, "x", "%00"]
    answers = {superuser.get(f"/admin/r/{kind}/{key}/").status_code for kind in kinds for key in keys}
    assert answers == {NOT_FOUND}


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("/admin/libraries/user/", {"last_login__range": ""}),
        ("/admin/libraries/user/", {"user_permissions": HUGE}),
        ("/admin/libraries/user/", {"date_joined__year": HUGE}),
        ("/admin/libraries/user/", {"name": "\0"}),
        ("/admin/libraries/user/", {"id": "x"}),
        ("/admin/libraries/user/", {"nothing": "x"}),
        ("/admin/libraries/portalview/", {"version__in": HUGE}),
        ("/admin/libraries/portalview/", {"version__range": HUGE}),
        ("/admin/libraries/portalview/", {"current_item": HUGE}),
        ("/admin/libraries/portalview/", {"library__id__exact": "x"}),
        ("/admin/libraries/library/", {"p": "x"}),
        ("/admin/libraries/library/", {"p": HUGE}),
        ("/admin/libraries/library/", {"o": "x.-.99"}),
        ("/admin/auth/group/", {"id__in": HUGE}),
    ],
)
def test_an_invalid_filter_leads_back_to_the_list(
    superuser: Client, portal_view: PortalView, address: str, query: dict[str, str]
) -> None:
    page = superuser.get(address, query)
    assert page.status_code in {200, 302}
    if page.status_code == 302:
        assert page["Location"] == f"{address}?e=1"


@pytest.mark.parametrize("lookup", ["email__regex", "name__iregex"])
def test_no_filter_is_a_regular_expression(superuser: Client, lookup: str) -> None:
    assert superuser.get("/admin/libraries/user/", {lookup: "(a+)+$"}).status_code == 400


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("model", [User, Library, PortalView])
def test_a_missing_object(superuser: Client, model: type[Model], key: str) -> None:
    pages = ["change", "delete", "history", *(["preview"] if model is PortalView else [])]
    for page in pages:
        answer = superuser.get(f"/admin/libraries/{model._meta.model_name}/{key}/{page}/")
        assert answer.status_code in {NOT_FOUND, 302}, page  # Django redirects from a deleted object to the index


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_password_form_without_a_person(superuser: Client, key: str) -> None:
    answer = superuser.get(f"/admin/libraries/user/{key}/password/")
    assert answer.status_code == (302 if "/" in key else NOT_FOUND)  # the form of `a/b/password` does not exist


COUNTS = [("1001", "0"), ("99999999", "0"), ("-1", "0"), ("x", "0"), ("9" * 5000, "0"), ("3", "99999999"), ("3", "-1")]


@pytest.mark.parametrize(("total", "initial"), COUNTS)
def test_a_form_with_a_wrong_row_count(superuser: Client, library: Library, total: str, initial: str) -> None:
    counts = {"memberships-TOTAL_FORMS": total, "memberships-INITIAL_FORMS": initial}
    address = f"/admin/libraries/library/{library.pk}/change/"
    page = superuser.post(address, {"name": "Other", "description": "", **counts})
    assert page.status_code == 200
    assert page.context["errors"]
    library.refresh_from_db()
    assert library.name == "Library"


def test_a_forged_row_count_is_limited(superuser: Client, library: Library) -> None:
    """A thousand rows took 12 s, and two thousand 20 s, for a request of a few bytes."""
    counts = {"memberships-TOTAL_FORMS": "99999999", "memberships-INITIAL_FORMS": "0"}
    page = superuser.post(f"/admin/libraries/library/{library.pk}/change/", {"name": "Other", **counts})
    (members,) = page.context["inline_admin_formsets"]
    assert len(members.formset.forms) == library.memberships.count() + NEW_ROWS
    assert "Please submit at most" in str(members.formset.non_form_errors())


def test_many_members_may_be_added_to_many(superuser: Client, library: Library) -> None:
    people = [User.objects.create(email=f"many-{number}@example.org", name="Many") for number in range(60)]
    for user in people[:10]:
        Membership.objects.create(library=library, user=user, role="VIEWER")
    there = list(library.memberships.order_by("created_at"))
    rows = {
        "memberships-TOTAL_FORMS": str(len(there) + NEW_ROWS),
        "memberships-INITIAL_FORMS": str(len(there)),
        **{f"memberships-{row}-id": str(member.pk) for row, member in enumerate(there)},
        **{f"memberships-{row}-library": str(library.pk) for row in range(len(there) + NEW_ROWS)},
        **{f"memberships-{row}-role": member.role for row, member in enumerate(there)},
        **{f"memberships-{row}-role": "VIEWER" for row in range(len(there), len(there) + NEW_ROWS)},
        **{f"memberships-{len(there) + row}-user": str(user.pk) for row, user in enumerate(people[10:])},
    }
    answer = superuser.post(f"/admin/libraries/library/{library.pk}/change/", {"name": "Other", **rows})
    assert answer.status_code == 302
    assert library.memberships.count() == len(there) + NEW_ROWS


BODIES = [
    (b"\xff\xfe\x00=\xff", "application/x-www-form-urlencoded", {200, 400}),
    (b"\xff\xfe\x00", "multipart/form-data; boundary=x", {200, 400}),
    (b"\xff\xfe\x00", "multipart/form-data", {400}),
    (b"name=1", "application/x-www-form-urlencoded; charset=nonsense", {200, 400, 415}),
    (b'{"name": 1}', "application/json", {200}),
    (urlencode({f"k{index}": 1 for index in range(7000)}).encode(), "application/x-www-form-urlencoded", {400}),
    (b"name=" + b"a" * 5_000_000, "application/x-www-form-urlencoded", {400, 413}),
]


@pytest.mark.parametrize(("body", "kind", "statuses"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_not_a_form(
    superuser: Client, library: Library, body: bytes, kind: str, statuses: set[int]
) -> None:
    answer = superuser.generic("POST", f"/admin/libraries/library/{library.pk}/change/", body, content_type=kind)
    assert answer.status_code in statuses
    library.refresh_from_db()
    assert library.name == "Library"
