"""The languages of the pages: every sentence is translated, and whose choice counts."""

from __future__ import annotations

import gettext
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from conftest import PASSWORD
from libraries.models import User

ROOT: Path = settings.BASE_DIR
PAGES = ROOT / "portal" / "pages"
CODES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
GERMAN = "Anmelden"


def catalogue(file: Path) -> dict[str, str]:
    """The translations in a compiled file, by the English sentence; plurals have a number beside it."""
    with file.open("rb") as opened:
        translations = gettext.GNUTranslations(opened)
    return {str(key): value for key, value in translations._catalog.items() if key}  # type: ignore[attr-defined]


def compiled(po: Path, mo: Path) -> dict[str, str]:
    """The translations in a file of text, without those that are missing or uncertain."""
    subprocess.run(["msgfmt", "--check-format", "-o", mo, po], check=True)  # noqa: S607
    return catalogue(mo)


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_is_translated_and_compiled(code: str, tmp_path: Path) -> None:
    """If this fails: `manage.py makemessages -l de --no-location --no-wrap` and `compilemessages` in `portal/pages`."""
    copy = tmp_path / "pages"
    shutil.copytree(PAGES, copy)
    folder = copy / "locale" / code / "LC_MESSAGES"
    committed = catalogue(PAGES / "locale" / code / "LC_MESSAGES" / "django.mo")
    assert compiled(folder / "django.po", tmp_path / "as-committed.mo") == committed
    command = [sys.executable, str(ROOT / "manage.py"), "makemessages", "-l", code, "--no-location", "--no-wrap"]
    subprocess.run([*command, "--no-obsolete", "--verbosity", "0"], cwd=copy, check=True, timeout=60)
    attributes = ["msgattrib", "--untranslated", "--no-wrap", str(folder / "django.po")]
    missing = subprocess.run(attributes, check=True, capture_output=True, text=True).stdout
    assert "msgid" not in missing.partition("\n\n")[2], missing
    assert compiled(folder / "django.po", tmp_path / "anew.mo") == committed


@pytest.mark.django_db
class TestChoice:
    """Whose choice counts: the account's, then the cookie's, then `Accept-Language`."""

    def test_the_browser_asks_for_it(self, client: Client) -> None:
        for header, is_german in (("de-AT,de;q=0.9", True), ("fr", False), ("en,de", False), ("", False)):
            text = client.get("/login", headers={"Accept-Language": header}).content.decode()
            assert (GERMAN in text, '<html lang="de">' in text) == (is_german, is_german)

    def test_a_cookie_is_the_browsers_choice(self, client: Client) -> None:
        chosen = client.post("/language", {"language": "de", "next": "/login"})
        assert chosen.headers["Location"] == "/login"
        assert GERMAN in client.get("/login").content.decode()
        client.post("/language", {"language": "en", "next": "/login"}, headers={"Accept-Language": "de"})
        assert GERMAN not in client.get("/login", headers={"Accept-Language": "de"}).content.decode()

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", ""])
    def test_it_leads_to_no_other_site(self, client: Client, target: str) -> None:
        assert client.post("/language", {"language": "de", "next": target}).headers["Location"] == "/"

    def test_another_language_is_refused(self, client: Client) -> None:
        answer = client.post("/language", {"language": "tlh"})
        assert (answer.status_code, "There is no such language." in answer.content.decode()) == (400, True)
        assert settings.LANGUAGE_COOKIE_NAME not in client.cookies

    def test_the_account_keeps_it_for_every_browser(self, client: Client, owner: User) -> None:
        client.login(email=owner.email, password=PASSWORD)
        answer = client.post("/account/language", {"language": "de"}, follow=True)
        assert "Die Sprache ist geändert." in answer.content.decode()
        other = Client()
        other.login(email=owner.email, password=PASSWORD)
        assert "Meine Bibliotheken" in other.get("/").content.decode()
        answer = client.post("/account/language", {"language": ""}, follow=True)
        assert "The language is changed." in answer.content.decode()
        assert "My libraries" in other.get("/").content.decode()

    @pytest.mark.parametrize(("account", "browser", "is_german"), [("de", "en", 1), ("en", "de", 0), ("", "de", 1)])
    def test_who_logs_in_gets_the_pages_for_errors_in_it(
        self, client: Client, owner: User, account: str, browser: str, is_german: int
    ) -> None:
        User.objects.update(language=account)
        client.post("/login", {"username": owner.email, "password": PASSWORD})
        text = client.get("/nowhere", headers={"Accept-Language": browser}).content.decode()
        assert "Diese Seite gibt es nicht." in text if is_german else "There is no such page." in text

    def test_rest_and_the_admin_stay_english(self, client: Client, owner: User) -> None:
        User.objects.update(language="de")
        client.login(email=owner.email, password=PASSWORD)
        answer = client.get("/api/libraries/0190a1de-0000-7000-8000-000000000000", headers={"Accept-Language": "de"})
        assert answer.json()["message"] == "There is no such library."
        assert "Log in" in client.get("/admin/login/", headers={"Accept-Language": "de"}).content.decode()
