"""A refusal in the language of the page. REST and sockets say it in English, and their codes are the contract.

`said.js` does the same in the browser, with refusals of REST and of sockets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext

from libraries.rules.errors import PortalError
from portal.pages.refusal_words import ABOUT_MESSAGES, CODES, OWN_CODES, SENTENCES

BEGINNING = re.compile(r"(?:Nothing was \w+: )?(?:[\w.\[\]]+: )?", re.ASCII)
"""What a service may put before a sentence: that nothing is stored, and the name of a value."""
NAME = r"\{\w+\}"
_NUMBER = re.compile(r"0|[1-9]\d{0,14}|[1-9]\d{0,2}(?:,\d{3}){1,4}", re.ASCII)


def said(error: PortalError) -> str:
    """The refusal's sentence; in another language than English perhaps less exact, by its code."""
    if _is_english():
        return CODES[error.code] if error.code in ABOUT_MESSAGES else error.message
    return _translated(error.message) or gettext(CODES[error.code])


def detail_said(sentence: str) -> str:
    """The sentence about one value; as it is, if Django has said it, which translates its own."""
    return _translated(sentence) or sentence


def in_words(validate: Callable[[str], None]) -> Callable[[str], None]:
    """A validator of the models, for forms: it refuses in the language of the page."""

    def check(text: str) -> None:
        try:
            validate(text)
        except ValidationError as error:
            raise ValidationError([detail_said(sentence) for sentence in error.messages]) from None

    return check


def words_of_refusals() -> str:
    """As JSON what `said.js` needs: sentences with their translations, and a translation for each code.

    In English only codes about messages and the client's own ones have one: the server says the rest.
    """
    codes = CODES | OWN_CODES
    if _is_english():
        codes = {code: codes[code] for code in (*ABOUT_MESSAGES, *OWN_CODES)}
    sentences = [] if _is_english() else [(sentence, gettext(sentence)) for sentence in SENTENCES]
    return json.dumps({"sentences": sentences, "codes": {code: gettext(text) for code, text in codes.items()}})


def _is_english() -> bool:
    return get_language() == settings.LANGUAGE_CODE


def _translated(sentence: str) -> str | None:
    """The translation of a sentence that has one; numbers in it are written as the language does."""
    for text in (sentence, BEGINNING.sub("", sentence, count=1)):
        for template in SENTENCES:
            if found := _pattern(template).fullmatch(text):
                values = {name: _localized(value) for name, value in found.groupdict().items()}
                return gettext(template).format(**values)
    return None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(rf"({NAME})", template)
    return re.compile(
        "".join(f"(?P<{part[1:-1]}>.+)" if re.fullmatch(NAME, part) else re.escape(part) for part in parts),
        re.DOTALL,
    )


def _localized(value: str) -> str:
    return number_format(value.replace(",", ""), force_grouping=True) if _NUMBER.fullmatch(value) else value
