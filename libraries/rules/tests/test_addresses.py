"""Addresses: which are allowed, and which text could run as code."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libraries.rules.addresses import MAX_DATA_URL_CHARS, could_run
from libraries.rules.values import check_value

PNG = "data:image/png;base64,iVBORw0KGgo="


def refused(value: object, key: str = "note") -> bool:
    try:
        check_value({key: value})
    except ValueError:
        return True
    return False


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
        "data:image/webp;base64," + "A" * (MAX_DATA_URL_CHARS - len("data:image/webp;base64,")),
    ],
)
def test_web_addresses_own_paths_and_small_images_are_allowed(address: str) -> None:
    for key in ("image", "mapUrl", "note"):
        assert not refused(address, key)
        assert not refused([{"a": [address]}], key)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/map.png",
        "file:///etc/passwd",
        "blob:https://example.org/1",
        "view-source:https://example.org",
        "C:\\map.png",
        "//example.org/map.png",
        "\\\\example.org/map.png",
        "/\\example.org/map.png",
        "/\t/example.org",
        "\u00a0//example.org/map.png",
        "\u3000ftp://example.org/map.png",
        "f\u200btp://example.org",
        "data:,hello",
        "data:;base64,aaaa",
    ],
)
def test_other_addresses_are_refused_under_the_keys_of_addresses(address: str) -> None:
    for key in ("image", "images", "map_URL", "SRC"):
        with pytest.raises(ValueError, match="must start with https:, http: or be a path of this site"):
            check_value({"items": [{key: [address]}]})
    assert not refused(address, "note")


@pytest.mark.parametrize(
    "script",
    [
        "javascript:alert(1)",
        "javascript: alert(1)",
        "JavaScript:alert(1)",
        " \x01\n javascript:alert(1)",
        "java\nscript:alert(1)",
        "j\ta\rv\na\tscript\n:alert(1)",
        "vbscript:msgbox(1)",
        "data:text/html,<script>alert(1)</script>",
        "data: text/html;base64,PHNjcmlwdD4=",
        "da\nta:text/html,x",
        "data:te\txt/html,<script>alert(1)</script>",
        "data:text\n/\rhtml,x",
        "data:\u00a0te\u200bxt/html,x",
        "\u00a0javascript:alert(1)",
        "\ufeffjavascript:alert(1)",
        "\u200b\u2028\u3000\x85\x9bjavascript:alert(1)",
        "java\u200bscript:alert(1)",
        "java\x01\xad\u034fscript:alert(1)",
        "\u3164\U000e0061\ufe0fvbscript:x",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "data:application/xhtml+xml,x",
        "data:image/png,notbase64",
        "data:image/png;charset=utf-8;base64,aaaa",
        PNG + "\n",
        "data:image/png;base64," + "A" * MAX_DATA_URL_CHARS,
    ],
)
def test_text_that_could_run_is_refused_under_any_key(script: str) -> None:
    for key in ("image", "note", "name", "onclick"):
        assert refused(script, key)
        assert refused([[{"a": {"b": [script]}}]], key)


@pytest.mark.parametrize(
    "text",
    [
        "Data: five rooms, two doors",
        "data:",
        "The word javascript: in a text",
        "a javascript:b",
        "Java Script:x",
        "Java\u00a0script:x",
    ]
    + ["data:\u00a0five / six", "\u00a0The javascript: protocol", "Texte\u00a0: data: texte/html"],
)
def test_text_that_only_mentions_schemes_is_allowed(text: str) -> None:
    assert not refused(text)


@given(st.text(alphabet="\x00\t\n\r j", max_size=3), st.lists(st.sampled_from(["\t", "\n", "\r", ""]), min_size=10))
@example("", [""] * 10)
def test_no_white_space_smuggles_a_script_in(lead: str, gaps: list[str]) -> None:
    # The URL standard's treatment of an address: white space around it, tabs and line breaks in it are removed.
    word = "".join(letter + gap for letter, gap in zip("javascript", gaps, strict=False))
    address = f"{lead}{word}:alert(1)"
    read = address.strip("".join(map(chr, range(0x21)))).translate({9: None, 10: None, 13: None})
    if read.startswith("javascript:"):
        assert refused(address)
        assert refused(address, "image")


WHITE_SPACE = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
UNSEEN = [
    chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
]
DROPPED = set("\t\n\r")


@given(
    st.text(st.sampled_from([*WHITE_SPACE, *UNSEEN, "\ufeff", "\u115f", "\u3164", "\u2800"]), max_size=4),
    st.sampled_from(["javascript:", "vbscript:", "data:text/html", "data:image/svg+xml", "data:application/xml"]),
    st.data(),
)
def test_no_removable_character_smuggles_a_script_in(lead: str, word: str, data: st.DataObject) -> None:
    gaps = st.text(st.sampled_from([mark for mark in UNSEEN if not mark.isspace() or mark in DROPPED]), max_size=1)
    address = lead + "".join(data.draw(st.sampled_from([letter, letter.upper()])) + data.draw(gaps) for letter in word)
    assert could_run(f"{address},x")
    for key in ("note", "image"):
        assert refused(f"{address},x", key)


@pytest.mark.parametrize("start", [" ", "Read ", "(", "“", "1. ", "é"])
def test_a_scheme_after_other_text_is_only_text(start: str) -> None:
    assert could_run(f"{start}javascript:x") == (not start.strip())
