"""Pictures over REST: the shapes, lists, queries, and uploads under a server that reads no files for us."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from libraries.models import Image, Library, PortalView, User
from libraries.tests.images import make_image
from libraries.tests.rest import as_, refused, send
from testing.pictures import pdf, picture, plain

pytestmark = pytest.mark.django_db

KEYS = {
    *("id", "libraryId", "name", "url", "thumbnails", "mediaType", "width", "height", "byteCount", "isAnimated"),
    *("page", "createdAt", "updatedAt", "createdBy"),
}


@pytest.fixture
def images(library: Library) -> str:
    return f"/api/libraries/{library.id}/images"


def test_a_picture(images: str, owner: User, editor: User, library: Library, portal_view: PortalView) -> None:
    image = make_image(library, name="Mill", created_by=editor, page=3)
    portal_view.items = [{"id": "map", "image": image.url}, {"id": "spy", "notes": image.url}]
    portal_view.save()
    shown = as_(owner).get(f"{images}/{image.id}").json()
    assert shown.keys() == KEYS | {"usedBy"}
    assert shown["usedBy"] == [
        {"portalViewId": str(portal_view.id), "name": portal_view.name, "itemIds": ["map", "spy"]}
    ]
    assert (shown["name"], shown["createdBy"], shown["page"]) == ("Mill", editor.get_full_name(), 3)
    assert shown["thumbnails"] == {size: f"/images/{image.id}?size={size}" for size in ("256", "512", "1024")}
    [listed] = as_(owner).get(images).json()["results"]
    assert listed == {key: shown[key] for key in KEYS}


def test_lists(images: str, owner: User, library: Library, portal_view: PortalView) -> None:
    made = [make_image(library, name=name, byte_count=size) for name, size in (("Mill", 3), ("Ogre", 1), ("Map", 2))]
    make_image(Library.objects.create(name="Other"), name="Mill of others")
    portal_view.items = [{"id": "map", "image": made[2].url}]
    portal_view.save()

    def names(query: str) -> list[str]:
        return [image["name"] for image in as_(owner).get(f"{images}?{query}").json()["results"]]

    assert sorted(names("")) == ["Map", "Mill", "Ogre"]
    assert names("search=mI") == ["Mill"]
    assert names("ordering=byteCount") == ["Ogre", "Map", "Mill"]
    assert names("ordering=-name&unused=true") == ["Ogre", "Mill"]
    assert names("unused=false") == ["Map"]
    assert names("pageSize=1&ordering=name&page=2") == ["Mill"]
    refused(as_(owner).get(f"{images}?unused=perhaps"), "invalid-payload", "unused")
    library.images.all().delete()
    assert names("unused=true") == []


def test_renaming(images: str, owner: User, library: Library) -> None:
    image = make_image(library)
    changed = as_(owner).patch(f"{images}/{image.id}", {"name": "New"})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    refused(as_(owner).patch(f"{images}/{image.id}", {"name": ""}), "invalid-payload", "name")
    refused(as_(owner).patch(f"{images}/{image.id}", {"name": "x", "size": 3}), "invalid-payload", "size")
    refused(as_(owner).patch(f"{images}/{image.id}", {}), "invalid-payload", "name")


def test_deleting_asks_while_items_name_it(images: str, owner: User, library: Library, portal_view: PortalView) -> None:
    image = make_image(library)
    portal_view.items = [{"id": "map", "image": image.url}]
    portal_view.save()
    said = refused(as_(owner).delete(f"{images}/{image.id}"), "image-in-use", portal_view.name)
    assert "1 portal view" in said
    refused(as_(owner).delete(f"{images}/{image.id}?used=keep"), "invalid-payload", "used")
    refused(as_(owner).delete(f"{images}/{image.id}?usd=delete"), "invalid-payload")
    refused(as_(owner).delete(f"{images}/{image.id}?used=delete&used=delete"), "invalid-payload", "used")
    assert as_(owner).delete(f"{images}/{image.id}?used=delete").status_code == 204
    assert not Image.objects.exists()


def test_deleting_the_unused_ones(images: str, owner: User, library: Library) -> None:
    make_image(library)
    refused(as_(owner).delete(images), "invalid-payload", "unused")
    refused(as_(owner).delete(f"{images}?unused=false"), "invalid-payload", "unused")
    refused(as_(owner).delete(f"{images}?unused=true&olderThanMinutes=-1"), "invalid-payload", "olderThanMinutes")
    assert as_(owner).delete(f"{images}?unused=true").json() == {"deleted": 0}
    assert as_(owner).delete(f"{images}?unused=true&olderThanMinutes=0").json() == {"deleted": 1}


def test_an_upload(images: str, owner: User) -> None:
    answer = send(owner, "POST", f"{images}?name=Mill", picture(), "image/jpeg")
    [image] = answer.json()["images"]
    assert (answer.status_code, image.keys(), image["name"]) == (201, KEYS, "Mill")
    assert answer["Location"] == f"{images}/{image['id']}"
    assert send(owner, "POST", images, picture(), "text/plain").status_code == 200
    answer = send(owner, "PUT", f"{images}/{image['id']}/file", plain(9, 8, "PNG"), "image/png")
    assert [(new["id"], new["width"]) for new in answer.json()["images"]] == [(image["id"], 9)]
    refused(send(owner, "PUT", f"{images}/{image['id']}/file", pdf(2), "x/y"), "image-invalid")


@pytest.mark.parametrize("query", ["nam=x", "name=a&name=b", "name=%00", f"name={'x' * 201}", "name="])
def test_a_bad_query_of_an_upload(images: str, owner: User, query: str) -> None:
    keys = () if query == "nam=x" else ("name",)
    refused(send(owner, "POST", f"{images}?{query}", picture(), "image/jpeg"), "invalid-payload", *keys)
    assert not Image.objects.exists()


def test_a_form_is_no_file(images: str, owner: User) -> None:
    refused(send(owner, "POST", images, b"--x--", "multipart/form-data; boundary=x"), "unsupported-media-type")


def test_what_is_not_there(images: str, owner: User) -> None:
    for method, path in (("get", ""), ("patch", ""), ("delete", ""), ("put", "/file")):
        refused(getattr(as_(owner), method)(f"{images}/{uuid4()}{path}", {"name": "x"}), "not-found")


def test_a_page_session_needs_its_token(images: str, owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, "libraries.services.logins.LimitedBackend")
    answer: Any = browser.post(images, picture(), content_type="image/jpeg")
    refused(answer, "forbidden")
