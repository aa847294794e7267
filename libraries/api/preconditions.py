"""Entity tags of portal views, and the conditions on them (RFC 9110, sections 8.8.3 and 13.1). Pure.

A controller's tag is `"<version>"`. A viewer's is `"<version>-viewer"`: it names another text, and must neither
confirm what a cache kept of the time before a change of role, nor let a projected state be stored over the whole one.

A proxy that compresses an answer changes its tag: nginx makes it weak (`W/"3"`), Apache writes `"3-gzip"`, Jetty
`"3--gzip"`, others `"3;gzip"`. The client sends back what it got, so all of these mean `"3"` here, in If-Match too: a
tag of ours names a version, which is the same however it was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from libraries.rules.errors import InvalidPayload
from libraries.rules.roles import PortalRole

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)
_OF_A_PROXY = re.compile(r'(?:-{1,2}|;)(?:gzip|deflate|br|zstd)"\Z')
_VERSION = re.compile(r'"([1-9][0-9]{0,18})"')


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags that a condition lists, as we gave them out; `any` is `*`."""

    any: bool
    listed: tuple[str, ...]

    def has(self, tag: str) -> bool:
        """Whether the tag is listed."""
        return self.any or tag in self.listed

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that a controller's tags name."""
        found = (_VERSION.fullmatch(tag) for tag in self.listed)
        return tuple(int(match[1]) for match in found if match)


def etag(version: int, role: PortalRole) -> str:
    """The tag of a portal view at a version, as that role reads it."""
    return f'"{version}"' if role == PortalRole.CONTROLLER else f'"{version}-{role}"'


def parse_tags(name: str, value: str | None) -> Tags | None:
    """What the header lists, None if it is missing; InvalidPayload, with the header's name, if it is malformed."""
    if value is None:
        return None
    if value.strip(" \t") == "*":
        return Tags(any=True, listed=())
    if not _TAGS.fullmatch(value):
        sentence = f'{name} must be * or a list of entity tags in double quotes, as the ETag header gives them: "3".'
        raise InvalidPayload(sentence, {name: sentence})
    return Tags(any=False, listed=tuple(_as_given(tag) for tag in _EACH.findall(value)))


def _as_given(tag: str) -> str:
    return _OF_A_PROXY.sub('"', tag.removeprefix("W/"))
