"""Disclosures for known formats of records: one data file each in the folder `presets`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "presets"


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A disclosure with its name in addresses, its title, and what viewers see with it."""

    name: str
    title: str
    description: str
    disclosure: dict[str, list[str]]


@cache
def presets() -> dict[str, Preset]:
    """All presets by name, in the order of their names."""
    files = sorted(_FOLDER.glob("*.json"))
    return {file.stem: msgspec.json.decode(file.read_bytes(), type=Preset) for file in files}
