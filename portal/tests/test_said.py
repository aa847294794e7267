"""Refusals on pages: every code and every sentence that a page can get has words in German, too."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from conftest import PASSWORD
from libraries.api.errors import STATUSES
from libraries.models import User
from libraries.rules.errors import AlreadyApplied, Gone, InvalidPayload, NotFound, QuotaExceeded
from libraries.validators import validate_lines, validate_name
from portal.pages.refusal_words import ABOUT_MESSAGES, CODES, OWN_CODES, SENTENCES
from portal.pages.said import BEGINNING, NAME, detail_said, in_words, said, words_of_refusals
from realtime.protocol.closing import ERRORS, RECONNECT

ROOT = Path(settings.BASE_DIR)
CLIENT = ROOT / "realtime" / "client" / "js"
SERVICES = (
    *sorted((ROOT / "libraries" / "services").glob("*.py")),
    *(ROOT / "libraries" / name for name in ("uploads.py", "imaging/faults.py", "rules/names.py", "rules/emails.py")),
)
ALL = (*(ROOT / "libraries").rglob("*.py"), *(ROOT / "portal").glob("*.py"), *(ROOT / "realtime").rglob("*.py"))
GAP = "{}"
SAID_BY_REST_ALONE = {
    "If this is the verified address of an account, a mail with a link is on its way; the link is good for an hour."
    " To an address that was never verified, none is sent.",
}


def shape_of(node: ast.expr) -> str:
    """The text of a string with a gap for each value in it; empty for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(GAP if isinstance(part, ast.FormattedValue) else shape_of(part) for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[\w:,]+\}", GAP, node.value)
    return ""


def sentences_of(path: Path) -> Iterator[str]:
    """The sentences in a module, without docstrings, and without what stands before a sentence."""
    tree = ast.parse(path.read_text())
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inner |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and node not in inner:
            shape = re.sub(r"^\{\}: ", "", BEGINNING.sub("", shape_of(node), count=1))
            if shape.endswith(".") and "\n" not in shape:
                yield shape


def shape_of_words(sentence: str) -> str:
    return re.sub(NAME, GAP, sentence)


KNOWN = {shape_of_words(sentence) for sentence in SENTENCES}


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_every_sentence_of_a_service_has_words(path: Path) -> None:
    assert set(sentences_of(path)) - KNOWN - SAID_BY_REST_ALONE == set()


def test_no_words_are_left_of_a_sentence_that_is_gone() -> None:
    there = {shape for path in ALL if "tests" not in path.parts for shape in sentences_of(path)}
    assert KNOWN - there == set()
    assert len(KNOWN) == len(SENTENCES)


def test_every_code_has_words() -> None:
    errors = (ROOT / "libraries" / "rules" / "errors.py").read_text()
    of_errors = set(re.findall(r'^    code = "([\w-]+)"', errors, re.MULTILINE))
    assert AlreadyApplied.code in of_errors
    assert set(CODES) == set(STATUSES) | set(ERRORS) | set(RECONNECT) | of_errors


def test_every_code_of_the_client_has_words() -> None:
    texts = [path.read_text() for path in (CLIENT / "portal-client.js", *(CLIENT / "src").glob("*.js"))]
    made = {code for text in texts for code in re.findall(r'PortalError\((?:why \|\| )?"([\w-]+)"', text)}
    assert "queue-full" in made
    assert set(OWN_CODES) == made - set(CODES)


def test_each_is_said_in_german() -> None:
    with translation.override("de"):
        words = json.loads(words_of_refusals())
    assert [english for english, german in words["sentences"] if english == german] == []
    assert [code for code, german in words["codes"].items() if german == (CODES | OWN_CODES)[code]] == []


def test_in_english_the_server_speaks_for_itself() -> None:
    with translation.override("en"):
        about_messages = {code: CODES[code] for code in ABOUT_MESSAGES}
        assert json.loads(words_of_refusals()) == {"sentences": [], "codes": about_messages | OWN_CODES}
        assert said(NotFound("Nobody knows that.")) == "Nobody knows that."
        assert said(Gone("PUT the role of a member instead.")) == "This page is too old: load it again."


def test_numbers_and_names_are_kept() -> None:
    with translation.override("de"):
        quota = QuotaExceeded(
            "The library has 1,000 pictures, and 1,000 are possible: delete some first, such as unused ones."
        )
        assert said(quota).startswith("Die Bibliothek hat 1.000 Bilder, und 1.000 sind möglich")
        assert detail_said("a{b}.c@example.org is a member already; change the role instead.").startswith(
            "a{b}.c@example"
        )
        assert said(InvalidPayload("name: A name may have at most 50 characters.")).startswith(
            "Ein Name darf höchstens 50"
        )
        assert (
            said(InvalidPayload("items[3].x: Nobody foresaw this."))
            == "Etwas daran ist nicht möglich: Sieh es dir noch einmal an."
        )


@pytest.mark.parametrize("validate", [validate_name, validate_lines])
def test_forms_say_what_a_text_lacks(validate: Callable[[str], None]) -> None:
    with translation.override("de"), pytest.raises(ValidationError, match="Steuerzeichen"):
        in_words(validate)("\u202ereversed")
    in_words(validate)("as it is")


@pytest.mark.django_db
class TestOnPages:
    """Django's own sentences, a service's about a field, a service's about the whole, and a page that there is not."""

    def test_registration(self, client: Client, owner: User) -> None:
        german = {"Accept-Language": "de"}
        answer = client.post("/register", {"email": "o'neil@exämple.org", "password": "12345678"}, headers=german)
        assert "Nimm nur die Buchstaben" in answer.content.decode()
        answer = client.post("/register", {"email": owner.email, "password": "a-long-one-17-b"}, headers=german)
        assert "There is an account" not in answer.content.decode()
        answer = client.post("/register", {"email": "new@example.org", "password": "12345"}, headers=german)
        assert "Dieses Passwort ist zu kurz" in answer.content.decode()

    def test_a_library(self, client: Client, owner: User) -> None:
        User.objects.update(language="de")
        client.login(email=owner.email, password=PASSWORD)
        answer = client.get("/libraries/0190a1de-0000-7000-8000-000000000000")
        assert (answer.status_code, "Diese Bibliothek gibt es nicht." in answer.content.decode()) == (404, True)
        answer = client.post("/libraries", {"name": "\u2800"})
        assert "Etwas davon muss zu sehen sein." in answer.content.decode()
