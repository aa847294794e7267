"""A refusal has the same words whether the server writes them into a page, or `said.js` does."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.errors import PortalError
from portal.pages.refusal_words import CODES, SENTENCES
from portal.pages.said import NAME, said, words_of_refusals
from testing.setup import NODE_FOLDER

SAID_JS = settings.BASE_DIR / "portal" / "pages" / "static" / "pages" / "said.js"
WITH_NAMES = [sentence for sentence in SENTENCES if re.search(NAME, sentence)]
BEGINNINGS = ("", "Nothing was changed: ", "Nothing was stored: name: ", "items[3].x: ", "größe: ", "Nobody: says: ")
NUMBERS = st.integers(0, 10**16)
VALUES = (
    NUMBERS.map(str)
    | NUMBERS.map(lambda number: f"{number:,}")
    | st.from_regex(r"[\d,]{1,9}", fullmatch=True)  # of any script
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
    | st.sampled_from(("1,0000", "007", "{most}", "two\nlines", "a.b+c@example.org is a member already;", "$&", "\\1"))
)


@st.composite
def refusals(draw: st.DrawFn) -> tuple[str, str]:
    """A code, and a sentence that a service may say, or one that is nearly such a sentence."""
    template = draw(st.sampled_from(WITH_NAMES) | st.sampled_from(SENTENCES))
    sentence = re.sub(NAME, lambda _: draw(VALUES), template)
    end = draw(st.sampled_from(("", "", "", " ", "\n", "?")))
    return draw(st.sampled_from(sorted(CODES))), draw(st.sampled_from(BEGINNINGS)) + sentence + end


@pytest.fixture(scope="module", params=[code for code, _name in settings.LANGUAGES])
def both(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], tuple[str, str]]]:
    """What Python and what JavaScript says of a code and a sentence, in a language."""
    with translation.override(request.param):
        words = words_of_refusals()
    command = ["node", "said.mjs", str(SAID_JS), request.param, words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=NODE_FOLDER, stdin=pipe, stdout=pipe, text=True) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        asked, answered = node.stdin, node.stdout

        def ask(code: str, message: str) -> tuple[str, str]:
            error = PortalError(message)
            error.code = code
            with translation.override(request.param):
                ours = said(error)
            asked.write(json.dumps({"code": code, "message": error.message}) + "\n")
            asked.flush()
            return ours, json.loads(answered.readline())

        yield ask


@given(refusals())
def test_both_say_the_same(both: Callable[[str, str], tuple[str, str]], refusal: tuple[str, str]) -> None:
    ours, theirs = both(*refusal)
    assert ours == theirs


@pytest.mark.parametrize("sentence", SENTENCES)
def test_both_know_each_sentence(both: Callable[[str, str], tuple[str, str]], sentence: str) -> None:
    ours, theirs = both("unavailable", re.sub(NAME, "1,234", sentence))
    assert ours == theirs
    with translation.override("de"):
        assert ours != translation.gettext(CODES["unavailable"])
