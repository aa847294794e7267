"""Names of people, libraries and portal views. They must be visible, and be shown as they are. Pure.

The reasons for refusing marks: Unicode Technical Report 36, section 2 (visual security); Unicode Standard Annex 9,
section 3.
"""

from __future__ import annotations

import re
import unicodedata

CONTROLS = "Must not have control characters or marks that turn the direction of text."
NOTHING_SHOWS = "Must have something in it that can be seen."

MAX_GUEST_NAME_CHARS = 50

_LINES = "\t\n\r"
# C0, DEL and C1; line and paragraph separators; the marks, embeddings, overrides and isolates of the bidi algorithm
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Letters and symbols by category that are drawn as nothing: fillers of Hangul, and an empty pattern of Braille
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Separators, controls, formats (including zero-width ones), half surrogate pairs, and marks, which need a base
# character
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Me"})
_KEPT_FOR_UNSEEN = re.compile("[\ufff0-\ufff8\U000e0000-\U000e0fff]")


def check_name(text: str, *, lines: bool = False) -> None:
    """Raise ValueError, with a sentence, if a name has forbidden marks, or shows nothing at all.

    `lines` allows line breaks and tabs. An empty name is no name, and is not refused here.
    """
    given = text.translate(dict.fromkeys(map(ord, _LINES))) if lines else text
    if _CONTROLS.search(given):
        raise ValueError(CONTROLS)
    if text and not any(_shows(character) for character in text):
        raise ValueError(NOTHING_SHOWS)


def check_guest_name(text: str) -> None:
    """Raise ValueError, with a sentence, for what is no name of a guest; a guest may have none."""
    if len(text) > MAX_GUEST_NAME_CHARS:
        raise ValueError(f"A name may have at most {MAX_GUEST_NAME_CHARS} characters.")
    check_name(text)


def _shows(character: str) -> bool:
    if character in _BLANK or _KEPT_FOR_UNSEEN.match(character):
        return False
    return unicodedata.category(character) not in _UNSEEN
