"""Pictures by the services: stored once, within quotas, with files that always belong to a row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from libraries import image_files
from libraries.events import Event, PortalViewChanged
from libraries.imaging.results import Picture
from libraries.models import Image, Library, PortalView, User
from libraries.rules.edits import Seen, Updated
from libraries.rules.errors import (
    Forbidden,
    ImageInUse,
    ImageInvalid,
    NotFound,
    QuotaExceeded,
    StorageFull,
    Unavailable,
)
from libraries.rules.images import Size
from libraries.rules.state import MAX_NAME_CHARS
from libraries.services.images import (
    add_images,
    check_upload,
    delete_image,
    delete_unused_images,
    get_image,
    images_of,
    is_stored,
    rename_image,
    replace_image,
    uses_of,
)
from libraries.services.libraries import delete_library
from libraries.services.replacing import tell_replaced
from libraries.uploads import Upload

pytestmark = pytest.mark.django_db(transaction=True)  # files are deleted once a transaction is committed

FULL_BYTES, THUMBNAIL_BYTES = 1_000, 100
STORED_BYTES = FULL_BYTES + 3 * THUMBNAIL_BYTES


class Desk:
    """Makes uploads, and says which files are stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def upload(self, digest: str = "a", pages: int | None = None) -> Upload:
        numbers: list[int | None] = [None] if pages is None else list(range(1, pages + 1))
        return Upload(digest * 64, tuple(self._picture(page) for page in numbers))

    def _picture(self, page: int | None) -> Picture:
        files = {}
        for size in Size:
            file = files[size] = self._folder / f"{uuid4()}"
            file.write_bytes(bytes(FULL_BYTES if size is Size.FULL else THUMBNAIL_BYTES))
        return Picture(page, "image/png", 20, 10, False, files)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def keys() -> set[str]:
    return {key for key, _ in image_files.stored()}


@pytest.fixture(autouse=True)
def _only_files_with_rows() -> Any:
    before = keys()
    yield
    assert keys() - before == set(Image.objects.values_list("key", flat=True))


def add(owner: User, library: Library, upload: Upload, name: str = "Mill") -> list[Image]:
    return add_images(actor_id=owner.id, library_id=library.id, name=name, upload=upload)[0]


def test_a_picture_is_stored(owner: User, library: Library, desk: Desk) -> None:
    images, is_new = add_images(actor_id=owner.id, library_id=library.id, name="Mill", upload=desk.upload())
    [image] = images
    assert is_new
    assert (image.name, image.created_by, image.media_type, image.page) == ("Mill", owner, "image/png", None)
    assert (image.width, image.height, image.byte_count, image.stored_bytes) == (20, 10, FULL_BYTES, STORED_BYTES)
    assert image.url_of(Size.FULL) == image.url == f"/images/{image.id}"
    assert image.url_of(Size.MEDIUM) == f"/images/{image.id}?size=512"
    assert image_files.read(image.key, Size.FULL) == bytes(FULL_BYTES)
    assert str(image) == "Mill"


def test_the_same_file_is_stored_once(owner: User, editor: User, library: Library, desk: Desk) -> None:
    [first] = add(owner, library, desk.upload())
    images, is_new = add_images(actor_id=editor.id, library_id=library.id, name="Other", upload=desk.upload())
    assert (images, is_new) == ([first], False)
    assert add(owner, library, Upload("a" * 64, ())) == [first]
    other = Library.objects.create(name="Other")
    assert add_images(actor_id=None, library_id=other.id, name="Mill", upload=desk.upload())[1]


def test_a_known_file_whose_pictures_are_gone(owner: User, library: Library) -> None:
    with pytest.raises(Unavailable):
        add(owner, library, Upload("a" * 64, ()))


def test_pages_have_their_numbers(owner: User, library: Library, desk: Desk) -> None:
    images = add(owner, library, desk.upload(pages=3), "x" * MAX_NAME_CHARS)
    assert [(image.page, image.page_count) for image in images] == [(1, 3), (2, 3), (3, 3)]
    assert all(len(image.name) <= MAX_NAME_CHARS and image.name.endswith(f" {image.page}") for image in images)
    assert is_stored(library_id=library.id, source_digest="a" * 64)
    delete_image(actor_id=owner.id, library_id=library.id, image_id=images[1].id)
    assert not is_stored(library_id=library.id, source_digest="a" * 64)
    again, is_new = add_images(actor_id=owner.id, library_id=library.id, name="New", upload=desk.upload(pages=3))
    assert is_new
    assert [image.name for image in again] == [images[0].name, "New 2", images[2].name]


def test_what_is_stored_already(owner: User, library: Library, desk: Desk) -> None:
    [image] = add(owner, library, desk.upload())
    assert is_stored(library_id=library.id, source_digest="a" * 64)
    assert is_stored(library_id=library.id, source_digest="a" * 64, image_id=image.id)
    assert not is_stored(library_id=library.id, source_digest="a" * 64, image_id=uuid4())
    assert not is_stored(library_id=library.id, source_digest="b" * 64)
    assert not is_stored(library_id=uuid4(), source_digest="a" * 64)


def test_another_picture_takes_the_place(owner: User, library: Library, desk: Desk) -> None:
    [image] = add(owner, library, desk.upload())
    where: dict[str, Any] = {"actor_id": owner.id, "library_id": library.id, "image_id": image.id}
    other = replace_image(**where, upload=desk.upload("b"))
    assert (other.id, other.name, other.url) == (image.id, image.name, image.url)
    assert other.key != image.key
    assert other.updated_at > image.updated_at
    assert replace_image(**where, upload=Upload("b" * 64, ())).key == other.key
    with pytest.raises(ImageInvalid, match="2 pages"):
        replace_image(**where, upload=desk.upload("c", pages=2))
    with pytest.raises(Unavailable):
        replace_image(**where, upload=Upload("d" * 64, ()))
    with pytest.raises(NotFound):
        replace_image(**{**where, "image_id": uuid4()}, upload=desk.upload("e"))
    assert Image.objects.get().key == other.key
    assert add_images(actor_id=owner.id, library_id=library.id, name="Mill", upload=desk.upload())[1]


def test_whoever_shows_a_picture_is_told_of_another_one(
    owner: User, library: Library, desk: Desk, heard: list[Event]
) -> None:
    [image] = add(owner, library, desk.upload())
    items: list[dict[str, Any]] = [
        {"id": "hidden", "name": "The cellar", "image": image.url, "visible": False},
        {"id": "mill", "name": "The mill", "image": image.url, "gmNotes": image.url, "text": "At night"},
        {"id": "coast", "name": "The coast", "image": "/coast.png"},
    ]
    view = PortalView.objects.create(library=library, name="Thursday", items=items, version=7, unseen_writes=2)
    secret = PortalView.objects.create(library=library, name="Friday", items=items[:1])
    PortalView.objects.create(library=library, name="Saturday", items=items[2:])
    replace_image(actor_id=owner.id, library_id=library.id, image_id=image.id, upload=desk.upload("b"))
    told = {event.portal_view_id: event for event in heard if isinstance(event, PortalViewChanged)}
    assert told.keys() == {view.id, secret.id}
    hidden, shown = (Updated(id_, {"image": image.url}, place) for id_, place in (("hidden", 0), ("mill", 1)))
    assert told[view.id] == PortalViewChanged(
        portal_view_id=view.id,
        version=7,
        viewers_version=5,
        controllers=Seen(edits=(hidden, shown)),
        viewers=Seen(edits=(Updated("mill", {"image": image.url}, 0),)),
        is_stored=False,
        viewers_changed=False,
    )
    assert told[secret.id].controllers == Seen(edits=(hidden,))
    assert told[secret.id].viewers == Seen()
    heard.clear()
    replace_image(actor_id=owner.id, library_id=library.id, image_id=image.id, upload=Upload("b" * 64, ()))
    assert heard == []


def test_a_portal_view_that_shows_the_picture_no_more_or_is_deleted_is_told_nothing(
    owner: User, library: Library, desk: Desk
) -> None:
    [image] = add(owner, library, desk.upload())
    view = PortalView.objects.create(library=library, name="Thursday", items=[{"id": "coast", "image": "/coast.png"}])
    heard: list[Event] = []
    tell_replaced(image.id, [uuid4(), view.id], tell=heard.append)
    assert heard == []


def test_quotas(owner: User, library: Library, desk: Desk, settings: Any) -> None:
    settings.PORTAL_IMAGES_PER_LIBRARY, settings.PORTAL_LIBRARY_IMAGE_BYTES = 2, 3 * STORED_BYTES
    with pytest.raises(QuotaExceeded, match="0 pictures, and 2 are possible"):
        add(owner, library, desk.upload(pages=3))
    [image] = add(owner, library, desk.upload("b"))
    add(owner, library, desk.upload("c"))
    with pytest.raises(QuotaExceeded, match="2 pictures"):
        check_upload(actor_id=owner.id, library_id=library.id)
    assert len(add(owner, library, desk.upload("c"))) == 1, "it is there already"
    settings.PORTAL_IMAGES_PER_LIBRARY, settings.PORTAL_LIBRARY_IMAGE_BYTES = 0, 2 * STORED_BYTES
    with pytest.raises(QuotaExceeded, match="3,900 bytes"):
        add(owner, library, desk.upload("d"))
    with pytest.raises(QuotaExceeded):
        check_upload(actor_id=owner.id, library_id=library.id)
    where: dict[str, Any] = {"actor_id": owner.id, "library_id": library.id, "image_id": image.id}
    replace_image(**where, upload=desk.upload("e"))
    settings.PORTAL_LIBRARY_IMAGE_BYTES = 0
    add(owner, library, desk.upload("f"))


def test_a_full_disk(owner: User, library: Library, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = image_files.write, []

    def fill(key: str, files: Any) -> None:
        written.append(key)
        if len(written) == 2:
            raise StorageFull("There is no room left.")
        write(key, files)

    monkeypatch.setattr(image_files, "write", fill)
    with pytest.raises(StorageFull):
        add(owner, library, desk.upload(pages=3))
    assert len(written) == 2
    assert not Image.objects.exists()


def test_a_rollback_keeps_the_files(owner: User, library: Library, desk: Desk) -> None:
    [image] = add(owner, library, desk.upload())
    with transaction.atomic():
        delete_image(actor_id=owner.id, library_id=library.id, image_id=image.id)
        transaction.set_rollback(True)
    assert image_files.read(image.key, Size.SMALL)


def test_a_library_takes_its_pictures_along(owner: User, library: Library, desk: Desk) -> None:
    add(owner, library, desk.upload(pages=2))
    delete_library(actor_id=owner.id, library_id=library.id)
    assert not Image.objects.exists()


def test_renaming(owner: User, library: Library, desk: Desk) -> None:
    [image] = add(owner, library, desk.upload())
    rename_image(actor_id=owner.id, library_id=library.id, image_id=image.id, name="New")
    assert get_image(user_id=owner.id, library_id=library.id, image_id=image.id).name == "New"


def test_a_picture_that_items_name(owner: User, library: Library, portal_view: PortalView, desk: Desk) -> None:
    [used, unused] = [add(owner, library, desk.upload(digest))[0] for digest in "ab"]
    other = PortalView.objects.create(library=library, name="Another", items=[{"id": "x", "gmNotes": used.url}])
    portal_view.items = [
        {"id": "map", "image": used.url},
        {"id": "two", "art": {"big": [f"https://portal.example.org{used.url_of(Size.LARGE)}"]}, "visible": False},
        {"id": "three", "image": f"{unused.url}x"},
    ]
    portal_view.save()
    uses = uses_of(library.id)
    assert uses.keys() == {used.id}
    assert [(use.portal_view_id, use.item_ids) for use in uses[used.id]] == [
        (other.id, ("x",)),
        (portal_view.id, ("map", "two")),
    ]
    where: dict[str, Any] = {"actor_id": owner.id, "library_id": library.id}
    with pytest.raises(ImageInUse) as refusal:
        delete_image(**where, image_id=used.id)
    assert refusal.value.details == {"Another": "x", portal_view.name: "map, two"}
    assert delete_unused_images(**where) == 0, "they are new"
    Image.objects.update(updated_at=timezone.now() - timedelta(hours=2))
    assert delete_unused_images(**where) == 1
    assert list(images_of(user_id=owner.id, library_id=library.id)) == [used]
    delete_image(**where, image_id=used.id, even_if_used=True)
    with pytest.raises(NotFound):
        delete_image(**where, image_id=used.id)
    assert delete_unused_images(**where, older_than_minutes=0) == 0


CALLS: dict[str, Any] = {
    "list": lambda who, library, image, desk: images_of(user_id=who, library_id=library),
    "read": lambda who, library, image, desk: get_image(user_id=who, library_id=library, image_id=image),
    "check": lambda who, library, image, desk: check_upload(actor_id=who, library_id=library),
    "check a replacement": lambda who, library, image, desk: check_upload(
        actor_id=who, library_id=library, image_id=image
    ),
    "add": lambda who, library, image, desk: add_images(
        actor_id=who, library_id=library, name="New", upload=desk.upload("b")
    ),
    "replace": lambda who, library, image, desk: replace_image(
        actor_id=who, library_id=library, image_id=image, upload=desk.upload("c")
    ),
    "rename": lambda who, library, image, desk: rename_image(
        actor_id=who, library_id=library, image_id=image, name="New"
    ),
    "delete": lambda who, library, image, desk: delete_image(actor_id=who, library_id=library, image_id=image),
    "delete unused": lambda who, library, image, desk: delete_unused_images(actor_id=who, library_id=library),
}


@pytest.mark.parametrize("call", CALLS)
def test_who_may(
    call: str, owner: User, editor: User, viewer: User, stranger: User, library: Library, desk: Desk
) -> None:
    [image] = add(owner, library, desk.upload())
    for person, error in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            CALLS[call](person.id, library.id, image.id, desk)
    with pytest.raises(NotFound):
        CALLS[call](owner.id, uuid4(), image.id, desk)
    CALLS[call](editor.id, library.id, image.id, desk)


@pytest.mark.parametrize("call", ["read", "check a replacement", "replace", "rename", "delete"])
def test_a_picture_of_another_library_is_not_there(call: str, owner: User, library: Library, desk: Desk) -> None:
    other = Library.objects.create(name="Other")
    [image] = add_images(actor_id=None, library_id=other.id, name="Mill", upload=desk.upload())[0]
    with pytest.raises(NotFound):
        CALLS[call](owner.id, library.id, image.id, desk)
