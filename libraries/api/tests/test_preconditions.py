"""Entity tags in the syntax of RFC 9110."""

from __future__ import annotations

import pytest

from libraries.api.preconditions import Tags, etag, parse_tags
from libraries.rules.errors import InvalidPayload
from libraries.rules.projection import digest
from libraries.rules.roles import PortalRole


def test_each_role_has_its_tag() -> None:
    assert etag(3, PortalRole.CONTROLLER) == '"3"'
    assert etag(3, PortalRole.VIEWER) == f'"3-viewer-{digest()}"'


@pytest.mark.parametrize(
    ("value", "listed", "versions"),
    [
        ('"3"', ['"3"'], (3,)),
        (' "3"\t', ['"3"'], (3,)),
        ('"3","4" , "5"', ['"3"', '"4"', '"5"'], (3, 4, 5)),
        (', "3",, ,"4",', ['"3"', '"4"'], (3, 4)),
        # As changed by proxies that compress an answer
        ('W/"3"', ['"3"'], (3,)),
        ('W/"3", "4"', ['"3"', '"4"'], (3, 4)),
        ('"3-gzip"', ['"3"'], (3,)),
        ('W/"3-br"', ['"3"'], (3,)),
        ('"3--gzip", "4;gzip", "5-zstd", "6-deflate"', ['"3"', '"4"', '"5"', '"6"'], (3, 4, 5, 6)),
        ('"3-viewer-gzip"', ['"3-viewer"'], ()),
        ('"3-gzip-x", "3gzip", "-gzip"', ['"3-gzip-x"', '"3gzip"', '""'], ()),
        ('"3-viewer"', ['"3-viewer"'], ()),
        ('""', ['""'], ()),
        ('"03", "0", "+3", "3.0", "-3"', ['"03"', '"0"', '"+3"', '"3.0"', '"-3"'], ()),
        ('"a,b"', ['"a,b"'], ()),
        ('"\xe9"', ['"\xe9"'], ()),
        (f'"{"9" * 40}"', [f'"{"9" * 40}"'], ()),
    ],
)
def test_lists_of_tags(value: str, listed: list[str], versions: tuple[int, ...]) -> None:
    tags = parse_tags("If-Match", value)
    assert tags == Tags(any=False, listed=tuple(listed))
    assert tags.versions == versions


@pytest.mark.parametrize("value", ["*", " * "])
def test_the_wildcard(value: str) -> None:
    tags = parse_tags("If-Match", value)
    assert tags is not None
    assert tags.any
    assert tags.has('"3"')


def test_a_missing_header() -> None:
    assert parse_tags("If-Match", None) is None


@pytest.mark.parametrize(
    "value",
    ["", " ", ",", "3", '"3', "'3'", '"3" "4"', '"3";', 'w/"3"', 'W/ "3"', '*, "3"', '"3", *', '"a b"', '"\x7f"']
    + ['"3", x', "*" * 2, '"3"' + ", " * 5_000 + "x"],
)
def test_malformed_headers(value: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        parse_tags("If-Match", value)
    assert set(refused.value.details or {}) == {"If-Match"}


@pytest.mark.parametrize(
    ("value", "tag", "has"),
    [
        ('"3"', '"3"', True),
        ('W/"3"', '"3"', True),
        ('"2", W/"3"', '"3"', True),
        ('"3-gzip"', '"3"', True),
        ('"3"', '"3-viewer"', False),
        ('"2"', '"3"', False),
    ],
)
def test_comparison_of_tags(value: str, tag: str, has: bool) -> None:
    tags = parse_tags("If-None-Match", value)
    assert tags is not None
    assert tags.has(tag) is has
