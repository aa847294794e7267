"""How presence is stored in Valkey or Redis: its keys, its entries, and the script that writes them. No connection.

A portal view has one hash. Its field `version` rises with each write; the other fields are `<process> <person's id>`.
Each process has one key that says that it is alive. The names of keys cannot be guessed, and an entry or a sign of life
that was not made with the site's secret is ignored, as news are (`realtime.news.seal`).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.core.signals import setting_changed

from realtime.news.seal import NotAuthentic, Sealer
from realtime.rooms.elsewhere import Entries
from realtime.rooms.presence import Person

ALIVE_SECONDS = 15
"""How long a silent process counts as alive."""
KEPT_SECONDS = 120
"""How long the entries of a portal view stay that no process looks after."""
VERSION = b"version"

WRITE = """
if ARGV[2] ~= '' then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, #ARGV[2]) == ARGV[2] then redis.call('HDEL', KEYS[1], field) end
  end
end
for i = 4, 3 + 2 * ARGV[3], 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = 4 + 2 * ARGV[3], #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
if version == 1 then
  local now = redis.call('TIME')
  version = now[1] * 1000000 + now[2]
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return version
"""
"""Writes entries of one process, and returns the version after that.

The arguments: the seconds that the hash is kept; a prefix of fields that are deleted first, or nothing; the number of
entries; their fields and values; the fields that are deleted. A new hash begins with a version that none had before.
"""

LOOK = """
local found = {}
for i, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[1])
  found[i] = redis.call('HGET', key, 'version') or '0'
end
return found
"""
"""The versions of portal views, which are kept for longer."""

SWEEP = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do
  for _, field in ipairs(redis.call('HKEYS', KEYS[i])) do
    if string.sub(field, 1, #ARGV[1]) == ARGV[1] then redis.call('HDEL', KEYS[i], field) end
  end
end
return 1
"""
"""Deletes the entries of a process, unless it is alive."""

log = structlog.get_logger(__name__)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Person)


class Records:
    """Makes and reads keys, fields and values with the site's secrets, of which the first makes."""

    def __init__(self, site_secrets: Iterable[str]) -> None:
        listed = list(site_secrets)
        self._sealer = Sealer([f"{secret} presence" for secret in listed])
        self._keys = [hmac.digest(secret.encode(), b"portal presence 1: entries\x01", "sha256") for secret in listed]

    def key(self, portal_view_id: UUID) -> str:
        """The key of a portal view's hash."""
        return f"portal.presence.{self._sealer.names(str(portal_view_id))[0]}"

    def life(self, process: str) -> str:
        """The key that says that a process is alive."""
        return f"portal.alive.{self._sealer.names(process)[0]}"

    def sign_of_life(self, process: str) -> bytes:
        """The value of that key, which is good for a minute."""
        return self._sealer.seal(process.encode())

    def is_alive(self, process: str, value: bytes | None) -> bool:
        """Whether a value is a fresh sign of life of the process."""
        try:
            return value is not None and self._sealer.open(value).body == process.encode()
        except NotAuthentic:
            return False

    def write(
        self, process: str, portal_view_id: UUID, came: Mapping[UUID, Person], gone: Iterable[UUID], *, whole: bool
    ) -> list[str | bytes | int]:
        """The arguments of `WRITE`; with `whole` the process has no other entries."""
        prefix = f"{process} " if whole else ""
        arguments: list[str | bytes | int] = [KEPT_SECONDS, prefix, len(came)]
        for one, person in came.items():
            body = _encoder.encode(person)
            arguments += [f"{process} {one}", self._tag(self._keys[0], process, portal_view_id, body) + body]
        return [*arguments, *(f"{process} {one}" for one in gone)]

    def read(self, portal_view_id: UUID, fields: Mapping[bytes, bytes]) -> tuple[int, Entries]:
        """The version and the entries in a hash; what is not authentic is left out."""
        found: Entries = {}
        version = fields.get(VERSION, b"0")
        refused = not version.isdigit()
        for field, value in fields.items():
            if field == VERSION:
                continue
            process = field.decode(errors="replace").partition(" ")[0]
            person = self._read(process, portal_view_id, value)
            if person is None:
                refused = True
            else:
                found.setdefault(process, {})[person.id] = person
        if refused:
            log.warning("presence_not_authentic", portalViewId=str(portal_view_id))
        return int(version) if version.isdigit() else 0, found

    def _read(self, process: str, portal_view_id: UUID, value: bytes) -> Person | None:
        tag, body = value[:_TAG_BYTES], value[_TAG_BYTES:]
        if not any(hmac.compare_digest(tag, self._tag(key, process, portal_view_id, body)) for key in self._keys):
            return None
        try:
            return _decoder.decode(body)
        except msgspec.MsgspecError:  # of another release
            return None

    @staticmethod
    def _tag(key: bytes, process: str, portal_view_id: UUID, body: bytes) -> bytes:
        where = portal_view_id.bytes + process.encode() + b" "
        return blake2b(where + body, key=key, digest_size=_TAG_BYTES).digest()


_TAG_BYTES = 16


@cache
def records() -> Records:
    """Those of the site."""
    return Records([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


def store_url() -> str | None:
    """The first Valkey or Redis of the channel layer, which has the presence; None without one."""
    hosts: list[str] = settings.CHANNEL_LAYERS["default"].get("CONFIG", {}).get("hosts", [])
    return hosts[0] if hosts else None


setting_changed.connect(lambda **_: records.cache_clear(), weak=False)
