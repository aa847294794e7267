"""The REST API with every role: schemathesis makes requests of all kinds from the OpenAPI document, for a real server.

The checks: no status over 499, and no status, header or body that is not in the document. Permissions are checked
elsewhere (`libraries/tests`, the access matrix).
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fuzz import rounds
from fuzz.findings import Finding, Outcome
from fuzz.stack import Stack, Watched
from testing.people import Client, join_library
from testing.tokens import user_id_of

PART = "rest"
NOBODY = "nobody"
ROLES = ("owner", "editor", "viewer", "stranger", NOBODY)
CASES = 6
"""The cases of one operation, one after the other, with one role."""
REAL_IDS = 0.8
"""The share of ids in paths that exist."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SWEEP_EVERY = 10
SESSION_OVER = 401
ENDING = frozenset({"logout", "logout-everywhere", "refresh"})
"""Parts of paths after which the asker's session may be over: a refresh token that is used twice ends it, too."""
SPOILING = ("DELETE", "members", "accept")
"""Methods and paths after which the requested object may be gone."""


@dataclass
class Things:
    """A library with its members and a portal view that requests may destroy; made again after that."""

    people: Mapping[str, Client]
    kept: str
    ids: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def ready(self) -> dict[str, str]:
        """The ids for a path."""
        if not self.ids:
            if self.made % SWEEP_EVERY == 0:
                self._sweep()
            self._make()
            self.made += 1
        return self.ids

    def _make(self) -> None:
        owner = self.people["owner"]
        library_id = owner.post("/api/libraries", {"name": f"Fuzz {uuid4().hex[:8]}"})["id"]
        for role in ("editor", "viewer"):
            join_library(owner, self.people[role], library_id, role.upper())
        invitation = owner.post(f"/api/libraries/{library_id}/invitations", {})
        body = {"name": "Evening", "items": [{"id": "a", "hp": 3, "maxHp": 9}]}
        portal_view = owner.post(f"/api/libraries/{library_id}/portal-views", body)
        link = owner.post(f"/api/portal-views/{portal_view['id']}/share-links", {})
        self.ids = {
            "libraryId": library_id,
            "portalViewId": portal_view["id"],
            "userId": user_id_of(self.people["viewer"].access),
            "invitationId": invitation["id"],
            "linkId": link["id"],
        }

    def _sweep(self) -> None:
        """Delete everything that was made, except the library to be `kept`: quotas would count it."""
        for client in self.people.values():
            for library in client.get("/api/libraries?pageSize=100")["results"]:
                if library["role"] == "OWNER" and library["id"] != self.kept:
                    client.delete(f"/api/libraries/{library['id']}")


class Api:
    """The API of one server, tested round after round; each round is one operation, one role and some cases."""

    def __init__(self, server: Watched, people: Mapping[str, Client], kept: str, seed: int) -> None:
        self.server = server
        self.people = people
        self.things = Things(people, kept)
        self.seed = seed
        self.outcome = Outcome(PART)
        schema = schemathesis.openapi.from_dict(document())
        found: list[Any] = list(schema.get_all_operations())
        self.operations = [one.ok() for one in found]  # it is our document, and valid
        self.session = requests.Session()
        self.session.trust_env = False

    def play(self, number: int) -> None:
        """One round; findings go into the outcome."""
        rng = random.Random(f"{self.seed}:{number}")
        role, operation = ROLES[number % len(ROLES)], rng.choice(self.operations)
        strategy = operation.as_strategy(generation_mode=rng.choice(list(GenerationMode)))
        rounds.play(strategy, lambda case: self._try(case, role, number, rng), rng=rng, inputs=CASES)

    def _try(self, case: schemathesis.Case[Any], role: str, number: int, rng: random.Random) -> None:
        self._make_real(case, role, rng)
        headers = {} if role == NOBODY else {"Authorization": f"Bearer {self.people[role].access}"}
        try:
            answer = case.call(base_url=self.server.server.http, session=self.session, headers=headers)
        except (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL, UnicodeError):
            return  # no client can send this
        except requests.exceptions.RequestException as error:
            self._found(case, role, number, f"no answer: {error!r}")
            return
        self.outcome.tried[role] += 1
        if answer.status_code < 300 and any(word in (case.method, *case.path.split("/")) for word in SPOILING):
            self.things.ids = {}
        self._check(case, answer, role, number)
        if answer.status_code == SESSION_OVER or ENDING.intersection(case.path.split("/")):
            self._log_in_again(role)

    def _log_in_again(self, role: str) -> None:
        """Log the role in again, if one of its requests has ended its session."""
        person = self.people.get(role)
        if person is not None:
            try:
                person.get("/api/auth/me")
            except httpx.HTTPStatusError:
                person.log_in()

    def _check(self, case: schemathesis.Case[Any], answer: Response, role: str, number: int) -> None:
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._found(case, role, number, _sentence(failure, answer))
        except Failure as failure:
            self._found(case, role, number, _sentence(failure, answer))
        for line in self.server.bad_lines():
            self._found(case, role, number, f"the server logged: {line}")

    def _make_real(self, case: schemathesis.Case[Any], role: str, rng: random.Random) -> None:
        """Let most requests name something that exists."""
        if case.path_parameters and rng.random() < REAL_IDS:
            real = self.things.ready()
            case.path_parameters = {name: real.get(name, value) for name, value in case.path_parameters.items()}
        someone = self.people.get(role)
        if someone is not None and isinstance(case.body, dict) and rng.random() < 0.5:
            real_values = {"refresh": someone.refresh, "email": someone.person.email}
            case.body = {key: real_values.get(key, value) for key, value in case.body.items()}

    def _found(self, case: schemathesis.Case[Any], role: str, number: int, what: str) -> None:
        where = f"{case.method} {case.path} as {role}"
        if not any((finding.where, finding.what) == (where, what) for finding in self.outcome.findings):
            name = f"{PART}:{self.seed}:{number}"
            self.outcome.findings.append(Finding(where, what, case.as_curl_command(), name))


def _sentence(failure: Failure, answer: Response) -> str:
    return f"{failure.title}: {failure.message} (answered with {answer.status_code})".replace("\n", " ")


def document() -> dict[str, Any]:
    """The OpenAPI document of this code."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def run(stack: Stack, seed: int, seconds: float) -> Outcome:
    """Ask round after round until the time is over."""
    end = time.monotonic() + seconds
    with stack.serving() as server, stack.people(server.server) as people:
        api = Api(server, people, stack.cast.library_id, seed)
        number = 0
        while time.monotonic() < end:
            api.play(number)
            number += 1
    return api.outcome


def repeat(stack: Stack, name: str) -> list[Finding]:
    """Play the round of that name again."""
    _, seed, number = name.split(":")
    with stack.serving() as server, stack.people(server.server) as people:
        api = Api(server, people, stack.cast.library_id, int(seed))
        api.play(int(number))
    return api.outcome.findings
