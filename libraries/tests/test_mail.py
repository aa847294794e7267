"""Mail over a real mail server, what becomes of it without one, and that its text is never in a log."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.mail.backends.smtp import EmailBackend
from structlog.testing import capture_logs

from libraries import mail
from libraries.mail import NO_SERVER, Post, is_configured, send_on_commit, wait_until_sent
from testing import letters
from testing.letters import Letterbox

SECRET = "a-secret-link-" + "x" * 120
LINK = f"https://portal.example.org/reset/{SECRET}"
TEXT = f"Grüße.\n\n{LINK}\n"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def letterbox(settings: Any) -> Iterator[Letterbox]:
    with letters.letterbox() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
        settings.DEFAULT_FROM_EMAIL = "Portal <portal@example.org>"
        yield made


def sent_with_logs(to: str | None = "ada@example.org") -> list[Any]:
    with capture_logs() as logs:
        send_on_commit(to, "Reset your password", TEXT)
        assert wait_until_sent(5)
    assert SECRET not in str(logs)
    assert "ada@example.org" not in str(logs)
    return [(line["event"], line["error"]) for line in logs]


def test_mail_arrives(letterbox: Letterbox) -> None:
    assert sent_with_logs() == []
    [(to, letter)] = letterbox.letters
    assert to == ["ada@example.org"]
    assert (letter["From"], letter["Subject"]) == ("Portal <portal@example.org>", "Reset your password")
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().replace("\r\n", "\n") == TEXT


def test_mail_to_nobody_goes_nowhere(letterbox: Letterbox) -> None:
    assert sent_with_logs(None) == []
    assert letterbox.letters == []


def test_a_refusal_is_logged_without_the_words_of_the_server(letterbox: Letterbox) -> None:
    letterbox.answer = f"554 I do not like {LINK}"
    assert sent_with_logs() == [("mail_not_sent", "SMTPDataError: the mail server answered 554")]


def test_a_server_that_is_away_is_logged(letterbox: Letterbox, settings: Any) -> None:
    settings.EMAIL_PORT = 1
    [(event, error)] = sent_with_logs()
    assert event == "mail_not_sent"
    assert error.startswith("ConnectionRefusedError")


@pytest.mark.parametrize("error", [smtplib.SMTPServerDisconnected(LINK), ValueError(LINK)])
def test_no_error_ends_the_thread_or_tells_the_text(
    letterbox: Letterbox, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", fail)
        assert sent_with_logs() == [("mail_not_sent", type(error).__name__)]
    assert sent_with_logs() == []
    assert len(letterbox.letters) == 1


def test_production_without_a_server_says_so(settings: Any, capfd: pytest.CaptureFixture[str]) -> None:
    settings.EMAIL_BACKEND = "libraries.mail.NoServer"
    settings.PORTAL_SENDS_MAIL = False
    assert not is_configured()
    assert sent_with_logs() == [("mail_not_sent", NO_SERVER)]
    assert SECRET not in "".join(capfd.readouterr())


def test_development_prints_the_link_in_one_piece(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert sent_with_logs() == []
    assert f"\n{LINK}\n" in capsys.readouterr().out


def test_a_process_keeps_a_limited_number_of_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAX_WAITING", 2)
    monkeypatch.setattr(Post, "_run", lambda self: None)
    post = Post()
    with capture_logs() as logs:
        for _ in range(3):
            post.send(django_mail.EmailMessage("x", TEXT, to=["ada@example.org"]))
    assert [line["error"] for line in logs] == ["2 mails wait for the mail server already"]


def test_a_process_that_ends_waits_only_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "ENDING_SECONDS", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(Post, "_run", lambda self: None)
        post = Post()
    with capture_logs() as logs:
        post.end()
        post.send(django_mail.EmailMessage("x", TEXT, to=["ada@example.org"]))
        post.end()
    assert [(line["error"], line["mails"]) for line in logs] == [("the process ended", 1)]
