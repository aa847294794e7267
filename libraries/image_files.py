"""The files of pictures, in the storage that the settings name."""

from __future__ import annotations


def delete(key: str) -> None:
    """Delete the files of a picture; missing ones are fine."""
    raise NotImplementedError
