"""People at the REST API: log in, and do over HTTP what a test or a measurement needs.

Synchronous and small on purpose. An unexpected status is an HTTPStatusError that shows the answer.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from testing.installation import Person
from testing.spoken import note_all

ANSWER_SECONDS = 20.0


class Client:
    """One person, logged in. `access` and `refresh` are the tokens of the log-in."""

    def __init__(self, base_url: str, person: Person) -> None:
        self.person = person
        self._http = httpx.Client(base_url=base_url, timeout=ANSWER_SECONDS, trust_env=False)
        self.access = self.refresh = ""
        self.log_in()

    def log_in(self) -> None:
        """Log in, also again: with other tokens from now on."""
        self._http.headers.pop("Authorization", None)
        tokens = self.post("/api/auth/token", {"email": self.person.email, "password": self.person.password})
        self.access, self.refresh = str(tokens["access"]), str(tokens["refresh"])
        self._http.headers["Authorization"] = f"Bearer {self.access}"

    def get(self, path: str) -> Any:
        """GET, as the decoded JSON."""
        return self._request("GET", path)

    def post(self, path: str, body: object = None) -> Any:
        """POST a JSON body, as the decoded JSON."""
        return self._request("POST", path, body)

    def patch(self, path: str, body: object) -> Any:
        """PATCH with a JSON body, as the decoded JSON."""
        return self._request("PATCH", path, body)

    def delete(self, path: str, body: object = None) -> None:
        """DELETE."""
        self._request("DELETE", path, body)

    def _request(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, path, json=body)
        note_all(body)
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path} answered {answer.status_code}: {answer.text[:2000]}",
                request=answer.request,
                response=answer,
            )
        said = answer.json() if answer.content else None
        note_all(said)
        return said

    def close(self) -> None:
        """Close the HTTP connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def join_library(owner: Client, person: Client, library_id: str, role: str) -> None:
    """Make the person a member of a library of the owner, by the link of an invitation."""
    link = owner.post(f"/api/libraries/{library_id}/invitations", {"role": role})["link"]
    person.post("/api/invitations/accept", {"token": link.rpartition("/")[2]})
