"""Who may see which pictures: the number of queries for many requests, and sessions that are read without a request."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from libraries.access import revoke
from libraries.models import Image, Library, PortalView, ShareLink, User
from libraries.page_sessions import grants_of_pages
from libraries.rules.revocations import Reason
from libraries.rules.subjects import Grant, Subject
from libraries.services.sessions import SID
from libraries.shown import Offered, Question, Sight, facts, shown_by
from libraries.tests.images import make_image
from libraries.tests.rest import as_

pytestmark = pytest.mark.django_db
AT_MOST = 8


@pytest.fixture
def image(library: Library) -> Image:
    return make_image(library)


def log_in(user: User) -> str:
    """The key of a new session of a page."""
    client = Client()
    client.force_login(user, django_settings.AUTHENTICATION_BACKENDS[0])
    return str(client.cookies[django_settings.SESSION_COOKIE_NAME].value)


def by_page(key: str) -> Offered:
    return Offered(session_key=key)


def by_token(user: User, session_id: UUID | None = None) -> Offered:
    return Offered(frozenset((Grant(Subject(user.id), session_id or uuid4(), user.auth_version),)))


def sight(offered: Offered, image_id: UUID) -> Sight:
    return facts([(offered, image_id)]).sight((offered, image_id))


@pytest.mark.parametrize("page", [True, False])
def test_the_roles_of_people(
    page: bool, image: Image, portal_view: PortalView, owner: User, editor: User, viewer: User, stranger: User
) -> None:
    def of(user: User) -> Sight:
        return sight(by_page(log_in(user)) if page else by_token(user), image.id)

    assert of(owner).is_controlled
    assert of(editor).is_controlled
    assert not of(viewer).is_controlled
    assert [glance.id for glance in of(viewer).glances] == [portal_view.id]
    assert (of(stranger).is_controlled, of(stranger).glances) == (False, ())
    superuser = User.objects.create_superuser("super@example.org", "x")
    assert (of(superuser).is_controlled, of(superuser).glances) == (False, ())


def test_many_requests_are_a_few_queries(
    image: Image, portal_view: PortalView, owner: User, viewer: User, django_assert_max_num_queries: object
) -> None:
    links = [ShareLink.objects.create(portal_view=portal_view, digest=str(number)) for number in range(3)]
    asked: list[Question] = [(by_page(log_in(user)), image.id) for user in (owner, viewer) for _ in range(5)]
    asked += [(Offered(frozenset((Grant.of_new_guest(link.id),))), image.id) for link in links for _ in range(70)]
    asked += [(by_token(user), uuid4()) for user in (owner, viewer)]
    ended = uuid4()
    revoke(ended, Reason.SESSION_ENDED)
    asked.append((by_token(owner, ended), image.id))
    with django_assert_max_num_queries(AT_MOST):  # type: ignore[operator]
        read = facts(asked)
    found = {question: read.sight(question) for question in asked}
    assert len(found) == len(asked)
    assert sum(one.is_controlled for one in found.values()) == 5
    assert sum(len(one.glances) == 1 for one in found.values()) == 5 + 210


def test_a_guest_has_the_same_queries_for_a_picture_that_is_not_there(
    image: Image, portal_view: PortalView, django_assert_num_queries: object
) -> None:
    link = ShareLink.objects.create(portal_view=portal_view, digest="x")
    for image_id in (image.id, uuid4()):
        with django_assert_num_queries(2):  # type: ignore[operator]
            guest = Offered(frozenset((Grant.of_new_guest(link.id),)))
            assert [glance.id for glance in sight(guest, image_id).glances] == [portal_view.id]


def test_links_that_have_ended_give_nothing(image: Image, portal_view: PortalView) -> None:
    past = timezone.now() - timedelta(seconds=1)
    for index, more in enumerate(({"withdrawn_at": past}, {"expires_at": past})):
        link = ShareLink.objects.create(portal_view=portal_view, digest=str(index), **more)
        assert sight(Offered(frozenset((Grant.of_new_guest(link.id),))), image.id).glances == ()


@pytest.mark.parametrize("how", ["everywhere", "password", "off", "revoked", "expired", "out", "backend", "broken"])
def test_what_ends_the_session_of_a_page(how: str, image: Image, owner: User) -> None:
    key = log_in(owner)
    assert sight(by_page(key), image.id).is_controlled
    session = Session.objects.get(session_key=key)
    match how:
        case "everywhere":
            owner.end_sessions()
        case "password":
            owner.set_password("another")
            owner.save()
        case "off":
            owner.is_active = False
            owner.save()
        case "revoked":
            revoke(UUID(session.get_decoded()[SID]), Reason.SESSION_ENDED)
        case "expired":
            Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        case "out":
            session.delete()
        case "backend":
            content = session.get_decoded() | {"_auth_user_backend": "another"}
            Session.objects.update(session_data=SessionStore().encode(content))
        case "broken":
            Session.objects.update(session_data="x")
    assert not sight(by_page(key), image.id).is_controlled


def test_reading_a_session_writes_nothing(owner: User) -> None:
    keys = [log_in(owner) for _ in range(3)]
    content = Session.objects.get(session_key=keys[0]).get_decoded()
    del content[SID]  # as of a release without
    Session.objects.filter(session_key=keys[0]).update(session_data=SessionStore().encode(content))
    before = list(Session.objects.values_list())
    found = grants_of_pages([*keys, "nobody"])
    assert list(found) == keys or set(found) == set(keys)
    assert found[keys[0]].session_id is None
    assert list(Session.objects.values_list()) == before


def test_a_session_from_before_the_secret_key_changed(owner: User, image: Image, settings: object) -> None:
    key = log_in(owner)
    old = django_settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [old]  # type: ignore[attr-defined]
    assert sight(by_page(key), image.id).is_controlled
    settings.SECRET_KEY_FALLBACKS = []  # type: ignore[attr-defined]
    assert not sight(by_page(key), image.id).is_controlled


def test_what_a_portal_view_shows(image: Image, portal_view: PortalView, owner: User, library: Library) -> None:
    hidden = make_image(library)
    items = [
        {"id": "a", "image": f"/images/{image.id}?size=256", "gmNotes": f"/images/{hidden.id}"},
        {"id": "b", "visible": False, "image": f"/images/{hidden.id}"},
    ]
    assert as_(owner).patch(f"/api/portal-views/{portal_view.id}", {"items": items}).status_code == 200
    shown = shown_by(portal_view.id)
    assert shown is not None
    assert shown.images == {image.id}
    portal_view.refresh_from_db()
    assert (shown.version, shown.epoch) == (portal_view.version, portal_view.epoch)
    assert shown_by(uuid4()) is None


def test_many_guests_of_a_link_are_read_as_one(
    image: Image, portal_view: PortalView, django_assert_num_queries: object
) -> None:
    link = ShareLink.objects.create(portal_view=portal_view, digest="x")
    guests = [Offered(frozenset((Grant.of_new_guest(link.id),))) for _ in range(200)]
    with django_assert_num_queries(2) as made:  # type: ignore[operator]
        read = facts([(guest, image.id) for guest in guests])
    assert all([glance.id for glance in read.sight((guest, image.id)).glances] == [portal_view.id] for guest in guests)
    assert sum(str(one["sql"]).count(link.id.hex) for one in made.captured_queries) == 1
