"""Pictures in the admin: upload, rename, replace, and what is said before one is deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from libraries import image_files
from libraries.models import Image, Library, PortalView
from libraries.rules.images import Size
from libraries.tests.images import make_image
from testing.pictures import pdf, plain

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/libraries/image/"


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("any.name", data)


def add(admin: Client, library: Library, data: bytes) -> Any:
    return admin.post(f"{LIST}add/", {"library": library.pk, "name": "Mill", "file": file(data)}, follow=True)


def test_a_picture_is_added_shown_renamed_and_replaced(admin_client: Client, library: Library) -> None:
    add(admin_client, library, plain(30, 20, "PNG"))
    image = Image.objects.get()
    assert (image.name, image.width, image.created_by) == ("Mill", 30, None)
    assert image_files.read(image.key, Size.FULL)
    assert "data:image/webp;base64," in admin_client.get(LIST).content.decode()
    page = f"{LIST}{image.pk}/change/"
    assert image.url in admin_client.get(page).content.decode()
    admin_client.post(page, {"name": "New", "file": file(plain(9, 8))})
    changed = Image.objects.get()
    assert (changed.pk, changed.name, changed.width) == (image.pk, "New", 9)
    assert changed.key != image.key


def test_what_is_no_picture_is_refused_with_its_sentence(admin_client: Client, library: Library) -> None:
    assert "SVG" in add(admin_client, library, b"<svg xmlns='http://www.w3.org/2000/svg'/>").content.decode()
    assert not Image.objects.exists()


def test_a_form_without_a_file_is_shown_again(admin_client: Client, library: Library) -> None:
    page = admin_client.post(f"{LIST}add/", {"library": library.pk, "name": "Mill"})
    assert "This field is required" in page.content.decode()


def test_pages_and_known_files_are_mentioned(admin_client: Client, library: Library) -> None:
    document = pdf(2)
    assert "2 pages" in add(admin_client, library, document).content.decode()
    assert "already" in add(admin_client, library, document).content.decode()
    assert Image.objects.count() == 2


def test_before_a_deletion_the_items_are_listed(
    admin_client: Client, library: Library, portal_view: PortalView
) -> None:
    image = make_image(library, name="Mill")
    portal_view.items = [{"id": "the-map", "image": image.url}]
    portal_view.save()
    page = admin_client.get(f"{LIST}{image.pk}/delete/").content.decode()
    assert f"{portal_view.name}: the-map" in page
    assert "–" in admin_client.get(LIST).content.decode(), "its file is missing"
    admin_client.post(f"{LIST}{image.pk}/delete/", {"post": "yes"})
    assert not Image.objects.exists()


def test_only_unused_ones_are_deleted(admin_client: Client, library: Library, portal_view: PortalView) -> None:
    used, unused = make_image(library, name="Used"), make_image(library, name="Unused")
    portal_view.items = [{"id": "map", "image": used.url}]
    portal_view.save()
    action = {"action": "delete_unused", "_selected_action": [str(used.pk), str(unused.pk)]}
    assert "Deleted: Unused." in admin_client.post(LIST, action, follow=True).content.decode()
    assert "Nothing was deleted" in admin_client.post(LIST, action, follow=True).content.decode()
    assert list(Image.objects.all()) == [used]
