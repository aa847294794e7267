"""The addresses of pictures: the exact one counts, under keys of addresses, and no other spelling."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.images import THUMBNAILS, image_id_of, named_images, shown_images
from libraries.rules.items import build
from libraries.rules.keys import URL_KEYS, WORDS

ID = UUID("0190a1de-0c3b-4f2e-8a51-6a0f2f0d7c11")
OTHER = UUID("5f0c8f4e-3f0b-4a55-9a51-6a0f2f0d7c11")


@pytest.mark.parametrize(
    "text",
    [
        f"/images/{ID}",
        f"/portal/images/{ID}",
        f"/tools/portal/images/{ID}?size=256",
        f"https://portal.example.org/images/{ID}",
        f"http://127.0.0.1:8000/portal/images/{ID}?size=1024",
    ],
)
def test_addresses_of_pictures(text: str) -> None:
    assert image_id_of(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        *("", "/images/", f"images/{ID}", f"//images/{ID}", f"//example.org/images/{ID}", f"/images/{ID}/"),
        *(f"/images/{ID}\n", f" /images/{ID}", f"/images/{ID}#x", f"/images/{ID}?size=300", f"/images/{ID}?size=256&x"),
        *(f"/images/{str(ID).upper()}", f"/images/{ID.hex}", f"/images/{{{ID}}}", f"/images/{ID}x", f"/images//{ID}"),
        *(f"ftp://example.org/images/{ID}", f"javascript:/images/{ID}", f"\\images\\{ID}", f"/x y/images/{ID}"),
        *(f"/images/{ID}?size=full", f"/{'x' * 600}/images/{ID}", f"/images/{str(ID).replace('-', '')}"),
        *(f"/images/{'٠' * 8}-{'٠' * 4}-{'٠' * 4}-{'٠' * 4}-{'٠' * 12}", f"data:image/png,/images/{ID}"),
    ],
)
def test_what_is_no_address_of_a_picture(text: str) -> None:
    assert image_id_of(text) is None


@given(st.text(st.sampled_from("/images?size=256#:.\\x%09 ") | st.characters(), max_size=80))
def test_an_address_leads_a_browser_to_the_picture(text: str) -> None:
    """Whatever counts as the address of a picture leads to its path; so nothing counts that shows something else."""
    for candidate in (text, f"{text}/images/{ID}", f"/images/{ID}{text}"):
        if (found := image_id_of(candidate)) is not None:
            parts = urlsplit(urljoin("https://portal.example.org/view/x", candidate))
            assert parts.path.endswith(f"/images/{found}")
            assert not parts.fragment


def test_only_keys_of_addresses_show_a_picture() -> None:
    for key in URL_KEYS:
        assert shown_images([{key: f"/images/{ID}"}]) == {ID}
        assert shown_images([{"public": {"deep": [{key: [f"/images/{ID}"]}]}}]) == {ID}
    for key in (*WORDS, "id", "type", "color", "size"):
        assert shown_images([{key: f"/images/{ID}"}]) == frozenset()
    assert shown_images([{"image": {"text": f"/images/{ID}", "big": {"x": f"/images/{OTHER}"}, "n": 3}}]) == {OTHER}
    assert shown_images([{"image": 3, "list": [[f"/images/{ID}"]]}]) == frozenset()
    assert shown_images([]) == frozenset()


ITEM = st.recursive(
    st.none() | st.booleans() | st.sampled_from([f"/images/{ID}", f"/images/{OTHER}?size=512", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["image", "portraitUrl", "name", "gmNotes", "deep", "public"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["image", "thumbnail", "img", "public", "gmNotes", "text", "token"]), ITEM))
def test_what_viewers_are_shown_is_in_what_they_get(item: dict[str, Any]) -> None:
    seen = build({"id": "a", **item}, {})
    shown = shown_images([seen])
    assert all(str(image_id) in json.dumps(seen) for image_id in shown)
    assert shown <= named_images([item]).keys()
    for key in ("image", "thumbnail"):
        if isinstance(seen.get(key), str) and (image_id := image_id_of(seen[key])) is not None:
            assert image_id in shown


def test_the_items_that_name_a_picture() -> None:
    items: list[dict[str, Any]] = [
        {"id": "a", "gmNotes": f"/images/{ID}", "image": f"/images/{ID}?size={THUMBNAILS[0].value}"},
        {"id": "b", "x": [{"y": [f"/images/{ID}", f"/images/{OTHER}"]}], "n": 1},
        {"id": "c", "text": f"see /images/{ID}"},
    ]
    assert named_images(items) == {ID: ("a", "b"), OTHER: ("b",)}
