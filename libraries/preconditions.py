"""Entity tags of portal views, and the conditions on them (RFC 9110, sections 8.8.3 and 13.1). Pure.

A controller's tag is `"<version>"`. A viewer's is `"<version>-viewer"`: it names another text, and must neither
confirm what a cache kept of the time before a change of role, nor let a projected state be stored over the whole one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from libraries.errors import InvalidPayload
from libraries.roles import PortalRole

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(_TAG)
_VERSION = re.compile(r'"([1-9][0-9]{0,18})"')


@dataclass(frozen=True, slots=True)
class Tags:
    """What a condition lists, weak tags with their `W/`; `any` is `*`."""

    any: bool
    listed: tuple[str, ...]

    def has(self, tag: str) -> bool:
        """Whether the tag is listed, by weak comparison."""
        return self.any or any(listed.removeprefix("W/") == tag for listed in self.listed)

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that a controller's strong tags name: a weak tag never matches in If-Match."""
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
    return Tags(any=False, listed=tuple(_EACH.findall(value)))
