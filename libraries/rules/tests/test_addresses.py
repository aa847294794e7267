"""Addresses: which are refused under the keys of addresses, and that the same text is only text elsewhere."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from libraries.rules.addresses import MAX_BODY_IMAGE_CHARS, MAX_MESSAGE_IMAGE_CHARS, check_address, check_harmless
from libraries.rules.errors import BadValue
from libraries.rules.keys import URL_KEYS, WORDS
from libraries.rules.places import excerpt
from libraries.rules.values import check_value
from libraries.tests.strategies import spellings

PNG = "data:image/png;base64,iVBORw0KGgo="
WEBP = "data:image/webp;base64,"


def sentence(value: object, key: str = "note", most: int = MAX_MESSAGE_IMAGE_CHARS) -> str:
    """Why the value is refused under this key; nothing if it is allowed."""
    try:
        check_value({key: value}, most=most)
    except BadValue as error:
        return error.sentence
    return ""


def leads(text: str) -> bool:
    """Whether viewers may get the text as an item's picture."""
    try:
        check_address(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/map.png",
        "HTTPS://example.org",
        "http://127.0.0.1:8000/x",
        "/static/demo/map.svg",
        "map.svg",
        "maps/a:b.png",
        "?size=2",
        "#door",
        "",
        PNG,
        "DATA:IMAGE/PNG;BASE64,aaaa",
        "data:image/jpg;base64,aaaa",
        "data:image/jpeg;base64,aaaa",
        WEBP + "A" * (MAX_MESSAGE_IMAGE_CHARS - len(WEBP)),
    ],
)
def test_web_addresses_own_paths_and_small_images_are_allowed(address: str) -> None:
    for key in ("image", "mapUrl", "note"):
        assert not sentence(address, key)
        assert not sentence([{"a": [address]}], key)
    assert leads(address)


@pytest.mark.parametrize(
    "text",
    [
        "mdi:sword",
        "Lost: one cat",
        "ftp://example.org/map.png",
        "C: the third door",
        "urn:isbn:0",
        "mailto:gm@example.org",
        "Javascripts: many",
        "f\u200btp://example.org",
    ],
)
def test_text_that_no_page_can_run_is_allowed_as_an_address(text: str) -> None:
    for key in ("icon", "url", "images"):
        assert not sentence(text, key)
    assert not leads(text)  # but it is no picture


@pytest.mark.parametrize("text", ["JavaScript: The Good Parts", "Data: five rooms, two doors", "C:/maps/x.png", "//x"])
@pytest.mark.parametrize("key", ["name", "text", "caption", "note", "public", "onclick", "zoom"])
def test_elsewhere_the_same_text_is_only_text(key: str, text: str) -> None:
    assert not sentence(text, key)
    assert not sentence([{"a": {key: [text]}}], key)
    assert sentence(text, "url")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("javascript:alert(1)", "Must be an address, and not code that a page could run"),
        ("javascript: alert(1)", "not code"),
        ("JavaScript:alert(1)", "not code"),
        (" \x01\n javascript:alert(1)", "not code"),
        ("java\nscript:alert(1)", "not code"),
        ("j\ta\rv\na\tscript\n:alert(1)", "not code"),
        ("Java Script:x", "not code"),
        ("vbscript:msgbox(1)", "not code"),
        ("\u00a0javascript:alert(1)", "not code"),
        ("\u200b\u2028\u3000\x85\x9bjavascript:alert(1)", "not code"),
        ("\u3164\U000e0061\ufe0fvbscript:x", "not code"),
        ("file:///etc/passwd", "A file on your disk cannot be seen by others: upload it to the library, or put it on"),
        ("FILE:map.png", "A file on your disk"),
        ("C:\\map.png", "A file on your disk"),
        ("c:/maps/x.png", "A file on your disk"),
        ("\\\\nas\\maps\\x.png", "A file on your disk"),
        ("blob:https://example.org/1", "A blob: address exists only in your own browser: upload it to the library, or"),
        ("//example.org/map.png", "An address must not begin with //: begin it with https://"),
        ("/\\example.org/map.png", "must not begin with //"),
        ("/\t/example.org", "must not begin with //"),
        ("\u00a0//example.org/map.png", "must not begin with //"),
        ("data:,hello", "must be a PNG, JPEG, GIF, WebP or AVIF image in base64, of at most 49,152 characters"),
        ("data:;base64,aaaa", "must be a PNG"),
        ("data:text/html,<script>alert(1)</script>", "must be a PNG"),
        ("data: text/html;base64,PHNjcmlwdD4=", "must be a PNG"),
        ("da\nta:te\txt/\rhtml,x", "must be a PNG"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "must be a PNG"),
        ("data:image/png,notbase64", "must be a PNG"),
        ("data:image/png;charset=utf-8;base64,aaaa", "must be a PNG"),
        (PNG + "\n", "must be a PNG"),
    ],
)
def test_dangerous_addresses_are_refused_with_a_reason(address: str, why: str) -> None:
    for key in ("image", "images", "map_URL", "SRC"):
        for value in (address, {"items": [address]}, [{"large": [[address]]}]):
            assert why in sentence(value, key)
            assert sentence(value, key).endswith(f"; it is {excerpt(address)}.")
    assert not sentence(address, "note")
    assert not leads(address)


def test_an_object_under_the_key_of_an_address_holds_addresses_and_words() -> None:
    for word in WORDS:
        assert not sentence({word: "Data: five rooms", word.upper(): ["javascript:x"]}, "images")
    assert sentence({"front": "javascript:x"}, "images")
    assert sentence({"name": {"deep": {"href": "javascript:x"}}}, "images")
    assert not sentence({"name": {"deep": "javascript:x"}}, "images")


@pytest.mark.parametrize("most", [MAX_MESSAGE_IMAGE_CHARS, MAX_BODY_IMAGE_CHARS])
def test_an_image_may_have_that_many_characters(most: int) -> None:
    image = WEBP + "A" * (most - len(WEBP))
    check_harmless(image, most)
    assert sentence(image + "A", "image", most=most) == (
        f"A data: image may have at most {most:,} characters; it has {most + 1:,}."
    )
    assert f"of at most {most:,} characters; it is “data:x”." in sentence("data:x", "image", most=most)
    assert leads(image)


# --- Any spelling -------------------------------------------------------------------------------------------

WHITE_SPACE = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
UNSEEN = [
    chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
]
NUL = "\0"
gaps = st.text(st.sampled_from([*WHITE_SPACE, *UNSEEN, "\ufeff", "\u115f", "\u3164", "\u2800"]), max_size=3).filter(
    lambda gap: NUL not in gap
)
rests = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NUL), max_size=20)
types = st.from_regex(r"[a-z0-9.+-]{0,12}/[a-z0-9.+-]{0,12}", fullmatch=True) | st.just("")
dangerous = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(["javascript", "vbscript", "blob", "file"]), rests),
    st.builds("data:{}{},{}".format, types, st.sampled_from(["", ";base64", ";charset=utf-8;base64"]), rests),
    st.builds("{}:{}{}".format, st.sampled_from("CdZ"), st.sampled_from("/\\"), rests),
    st.builds("{}{}{}".format, st.sampled_from("/\\"), st.sampled_from("/\\"), rests),
)
IMAGES = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "jpg", "gif", "webp", "avif"))


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A dangerous address in any case, with characters that nobody sees before and within its scheme."""
    address = draw(dangerous)
    assume(not address.startswith(IMAGES))
    end = address.index(":") + 1 if ":" in address else 2
    scheme = "".join(draw(gaps) + draw(st.sampled_from([letter, letter.upper()])) for letter in address[:end])
    return scheme + draw(gaps) + address[end:]


@st.composite
def address_keys(draw: st.DrawFn) -> str:
    """A key of an address in any spelling: also in the plural, or at the end of a longer key."""
    key = draw(st.sampled_from(sorted(URL_KEYS)))
    if key in {"href", "image", "src", "uri", "url"}:
        key = draw(st.sampled_from(["", "map", "token", "big"])) + key
    return draw(spellings(key + draw(st.sampled_from(["", "s"]))))


@given(disguised(), address_keys(), st.integers(0, 3))
@example("javascript:x", "url", 0)
def test_no_dangerous_address_passes_under_the_key_of_an_address(address: str, key: str, lists: int) -> None:
    value: object = address
    for _ in range(lists):
        value = [value]
    for payload in ({key: value}, {"items": [{"a": [{key: value}]}]}, {key: [{"front": value}]}):
        with pytest.raises(BadValue):
            check_value(payload, most=MAX_BODY_IMAGE_CHARS)
    assert not leads(address)


@given(st.text(alphabet="\t\n\r j", max_size=3), st.lists(st.sampled_from(["\t", "\n", "\r", ""]), min_size=10))
@example("", [""] * 10)
def test_no_white_space_smuggles_a_script_in(lead: str, gaps: list[str]) -> None:
    # The URL standard's treatment of an address: white space around it, tabs and line breaks in it are removed.
    word = "".join(letter + gap for letter, gap in zip("javascript", gaps, strict=False))
    address = f"{lead}{word}:alert(1)"
    read = address.strip("".join(map(chr, range(0x21)))).translate({9: None, 10: None, 13: None})
    assert not read.startswith("javascript:") or sentence(address, "image")


PARTS_OF_ADDRESS_KEYS = (*URL_KEYS, "href", "image", "src", "uri", "url")
other_keys = st.one_of(
    st.sampled_from(["name", "text", "caption", "title", "notes", "body", "public", "mood", "Größe", "体力"]),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8),
)


@given(disguised() | dangerous | rests, st.lists(other_keys, min_size=1, max_size=5))
def test_the_same_text_passes_everywhere_else(text: str, keys: list[str]) -> None:
    plain = [unicodedata.normalize("NFKD", key).casefold() for key in keys]
    assume(not any(word in key for key in plain for word in PARTS_OF_ADDRESS_KEYS))
    assume(not {"constructor", "prototype"} & {*keys})
    value: object = text
    for key in keys:
        value = {key: [value, text]}
    check_value(value)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9+.-]{1,12}", fullmatch=True), rests, address_keys())
def test_every_other_scheme_is_harmless(scheme: str, rest: str, key: str) -> None:
    assume(scheme.lower() not in {"javascript", "vbscript", "data", "blob", "file"})
    assert not sentence(f"{scheme}:{rest}", key)


@given(rests, st.sampled_from([*IMAGES, "https://", "http://", "/", "maps/"]), address_keys())
def test_addresses_on_the_web_and_images_pass(rest: str, start: str, key: str) -> None:
    if start in IMAGES:
        rest = "".join(letter for letter in rest if letter.isascii() and letter.isalnum())
    assume(start not in {"/"} or rest[:1].isalnum())
    assert not sentence(start + rest, key)
    assert leads(start + rest)
