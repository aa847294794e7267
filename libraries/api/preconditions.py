"""Entity tags of portal views and items, and the conditions on them (RFC 9110, sections 8.8.3 and 13.1). Pure.

A controller's tag is `"<version>"`. A viewer's is `"<version>-viewer-<rules>"`, with the viewers' version and a digest
of the rules that the text was built by, because it names a different text. It must not validate a copy that a cache
kept from before a change of role or rules, and must not let a projected state overwrite the whole one.

A proxy that compresses an answer changes its tag: nginx makes it weak (`W/"3"`), Apache writes `"3-gzip"`, Jetty
`"3--gzip"`, others `"3;gzip"`. The client sends back what it got, so all of these mean `"3"` here, in If-Match too: our
tag names a version, which is the same in every encoding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from libraries.rules.errors import InvalidPayload
from libraries.rules.projection import digest
from libraries.rules.roles import PortalRole

_encode = msgspec.json.Encoder(order="deterministic").encode
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)
_OF_A_PROXY = re.compile(r'(?:-{1,2}|;)(?:gzip|deflate|br|zstd)"\Z')
_VERSION = re.compile(r'"([1-9][0-9]{0,18})"')


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags in a condition, in the form that we issued; `any` is `*`."""

    any: bool
    listed: tuple[str, ...]

    def has(self, tag: str) -> bool:
        """Whether the tag is listed."""
        return self.any or tag in self.listed

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions named by controllers' tags."""
        found = (_VERSION.fullmatch(tag) for tag in self.listed)
        return tuple(int(match[1]) for match in found if match)


def etag(version: int, role: PortalRole) -> str:
    """The tag of a portal view at a version, for a reader with that role."""
    return f'"{version}"' if role == PortalRole.CONTROLLER else f'"{version}-{role}-{digest()}"'


def item_etag(item: Mapping[str, Any]) -> str:
    """The tag of an item: a hash of the item as the reader sees it."""
    return f'"{blake2b(_encode(item), digest_size=16).hexdigest()}"'


def parse_tags(name: str, value: str | None) -> Tags | None:
    """The tags in the header, None if it is missing; InvalidPayload, with the header's name, if it is malformed."""
    if value is None:
        return None
    if value.strip(" \t") == "*":
        return Tags(any=True, listed=())
    if not _TAGS.fullmatch(value):
        sentence = f'{name} must be * or a list of entity tags in double quotes, as the ETag header gives them: "3".'
        raise InvalidPayload(sentence, {name: sentence})
    return Tags(any=False, listed=tuple(_as_given(tag) for tag in _EACH.findall(value)))


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has what the tag names, by its If-None-Match: then it is not answered again."""
    known = parse_tags("If-None-Match", if_none_match)
    return known is not None and known.has(tag)


def _as_given(tag: str) -> str:
    return _OF_A_PROXY.sub('"', tag.removeprefix("W/"))
