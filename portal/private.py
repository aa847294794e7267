"""The secrets of the installation: the data folder, and a secret key that cannot be guessed.

`portal.env` calls this; nothing here reads the environment.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from fnmatch import fnmatch
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWN_FILES = (
    *("db.sqlite3*", "secret-key", "static", "images", "uploads", "test-*.sqlite3*", "tmp*", "*.dump"),
    "portal-backup*",
)
"""The files that Portal, its documentation and its tests put into the data folder."""
DISTINCT = 8
"""The minimum number of different characters: 50 random digits have nearly all of the ten."""
_FILLERS = re.compile(
    "django-insecure|change-?_?me|change-?_?this|replace-?_?me|placeholder|insecure|example|secret-?_?key|"
    "your-?_?secret|password",
    re.IGNORECASE,
)


def make(path: Path) -> str | None:
    """Make the folder, and protect it from others (mode 0700); OSError if it cannot be made.

    Returns the end of a sentence if others could read it until now. If the folder also holds other people's files, it
    stays open, and only our files are protected. A folder that is not ours stays as it is.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    found = path.stat()
    if not found.st_mode & OTHERS or found.st_uid != os.geteuid():
        return None
    for file in path.glob("db.sqlite3*"):
        _close(file)
    if found.st_mode & stat.S_ISVTX or any(not _is_own(entry.name) for entry in path.iterdir()):
        return f"is {path}, which others may look into, and not all in it is Portal's: give Portal a folder of its own."
    path.chmod(0o700)
    return f"is {path}, which others could look into until now; only its owner can from now on."


def _is_own(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in OWN_FILES)


def _close(file: Path) -> None:
    found = file.stat()
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
        file.chmod(0o600)


def write_once(file: Path, content: str) -> None:
    """Create the file (mode 0600) with all of its content at once; if another process was first, keep its file."""
    handle, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    with os.fdopen(handle, "w") as out:
        out.write(content)
    try:
        os.link(name, file)
    except FileExistsError:
        return  # another process was first
    finally:
        os.unlink(name)


def weakness(key: str, length: int) -> str | None:
    """The weakness of a secret key, such as `is too short`; None if it may be random."""
    if not key:
        return "is not set"
    if len(key) < length:
        return "is too short"
    if _FILLERS.search(key):
        return "looks like a placeholder"
    if len(set(key)) < DISTINCT:
        return f"has fewer than {DISTINCT} different characters"
    if _repeats(key):
        return "repeats itself"
    if _counts(key):
        return "counts up or down"
    return None


def _repeats(key: str) -> bool:
    """Whether the key is one piece, at most half as long, repeated."""
    return any(key[length:] == key[:-length] for length in range(1, len(key) // 2 + 1))


def _counts(key: str) -> bool:
    """Whether most characters follow those before them in order, as in `abcdef` and `aaabbb`."""
    steps = [abs(ord(second) - ord(first)) for first, second in zip(key, key[1:], strict=False)]
    return sum(step <= 1 for step in steps) * 2 > len(steps)
