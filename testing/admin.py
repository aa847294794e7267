"""A person at the Django admin, or at our own pages: logs in and fills in forms, as a browser without scripts would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx

from testing.installation import Person
from testing.people import ANSWER_SECONDS


class FormRefused(Exception):
    """The admin did not accept a form; the message has the page's explanation."""


class AdminClient:
    """One member of staff, logged in; with `log_in="/login"`, anybody at our own pages."""

    def __init__(self, base_url: str, person: Person, log_in: str = "/admin/login/") -> None:
        self._http = httpx.Client(base_url=base_url, timeout=ANSWER_SECONDS, trust_env=False)
        self.submit(log_in, username=person.email, password=person.password)

    @property
    def session_key(self) -> str:
        """The key of the session, from its cookie."""
        return next(value for name, value in self._http.cookies.items() if name.endswith("sessionid"))

    def page(self, path: str) -> str:
        """The HTML of a page."""
        answer = self._http.get(path)
        answer.raise_for_status()
        return answer.text

    def submit(self, path: str, **values: str | None) -> None:
        """Fetch the page's form, fill in `values`, leave the rest as it is, and send it; raises FormRefused.

        None leaves a value out: a box without its mark.
        """
        form = _Form()
        form.feed(self.page(path))
        filled = {**form.values, **values}
        self.post(path, {name: value for name, value in filled.items() if value is not None})

    def post(self, path: str, values: Mapping[str, str]) -> None:
        """Send a form, without having loaded its page; raises FormRefused."""
        [token] = [cookie.value for cookie in self._http.cookies.jar if cookie.name.endswith("csrftoken")]
        data = {**values, "csrfmiddlewaretoken": token or ""}
        answer = self._http.post(path, data=data, headers={"Referer": f"{self._http.base_url}{path}"})
        if answer.status_code != httpx.codes.FOUND:  # a refused form is shown again, with status 200
            raise FormRefused(f"{path} was refused with {answer.status_code}: {_text_around_errors(answer.text)}")

    def close(self) -> None:
        """Close the HTTP connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Form(HTMLParser):
    """Collects the values of a page's inputs, text areas and selects."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an input's value, or the start of a text area or a select."""
        given = dict(attrs)
        name = given.get("name")
        if tag == "input" and name and given.get("type") not in {"submit", "button", "file"}:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                self.values[name] = given.get("value") or ("on" if given.get("type") == "checkbox" else "")
        elif tag == "textarea" and name:
            self._area = name
            self.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """Note that a text area or a select ends."""
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        """Keep the text of a text area."""
        if self._area is not None:
            self.values[self._area] += data


def _text_around_errors(page: str) -> str:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    found = re.search(r"(?i)\berror|\bcorrect\b", text)
    return text[found.start() : found.start() + 500] if found else text[:500]
