"""Who gets a picture, over real servers: every kind of credential, at every moment. All refusals are the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from realtime.protocol.encodings import SUBPROTOCOL
from testing.installation import Person, ServerKind, StoreKind, installation
from testing.people import Client
from testing.shown import make_pictures
from testing.sockets import open_socket, portal_view_path
from testing.stacks import ALLOWED_ORIGIN, STACK_ENV, Stack, running

pytestmark = [pytest.mark.server, pytest.mark.long]

LENGTH = 70_000
CONTROLLERS = ("owner", "owner by page", "editor", "editor by page", "owner and guest")
VIEWERS = (
    *("viewer", "viewer by page", "guest", "guest by cookie", "screen", "screen by cookie"),
    *("two guests by cookie", "guest with a bad token", "viewer and nobody's page"),
)
OTHERS = (
    *("nobody", "stranger", "stranger by page", "superuser", "superuser by page", "ended session", "ended page"),
    *("guest of another view", "guest of another view by cookie", "guest of another library"),
    *("guest of another library by cookie", "withdrawn guest", "withdrawn guest by cookie", "expired guest"),
    *("expired guest by cookie", "refresh token", "share link", "user in a guest's cookie", "made-up token"),
)


@dataclass
class Table:
    """A portal view with one picture, and everybody who may ask for it: headers by name."""

    stack: Stack
    view: str
    image: str
    everybody: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(
        self, who: str, image: str | None = None, query: str = "", method: str = "GET", **more: str
    ) -> httpx.Response:
        """The answer to a person."""
        address = f"{self.stack.server.http}/images/{self.image if image is None else image}{query}"
        return self.http.request(method, address, headers={**self.everybody[who], **more})

    @property
    def owner(self) -> Client:
        return self.stack.controller

    def __post_init__(self) -> None:
        self.http = httpx.Client(trust_env=False, timeout=20)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def token(stack: Stack, person: Person, *, is_over: bool = False) -> str:
    """An access token of a new session, also of one that has ended."""
    with Client(stack.server.http, person) as client:
        if is_over:
            client.post("/api/auth/logout", {})
        return client.access


def page(stack: Stack, person: Person, *, is_over: bool = False) -> dict[str, str]:
    """The cookies of a browser in which the person has logged in to the pages, and perhaps out again."""
    with httpx.Client(base_url=stack.server.http, trust_env=False, timeout=20) as browser:
        send(browser, "/login", username=person.email, password=person.password)
        found = cookies(browser)
        if is_over:
            send(browser, "/logout")
        return found


def send(browser: httpx.Client, path: str, **values: str) -> None:
    """Send the form of a page."""
    values["csrfmiddlewaretoken"] = (
        browser.get(path).text.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    )
    assert browser.post(path, data=values, headers={"Origin": str(browser.base_url).rstrip("/")}).status_code == 302


def cookies(browser: httpx.Client) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)}


def kept(stack: Stack, *guests: str) -> dict[str, str]:
    """The cookies of a browser that keeps these guests' credentials."""
    with httpx.Client(base_url=stack.server.http, trust_env=False, timeout=20) as browser:
        for guest in guests:
            assert browser.post("/api/auth/guest-cookie", json={"guest": guest}).status_code == 204
        return cookies(browser)


def seat(stack: Stack, who: Client, view: str) -> tuple[str, str]:
    """A guest's credential, and the id of the link."""
    links = f"/api/portal-views/{view}/share-links"
    link = who.post(links, {})
    code = who.post(f"{links}/{link['id']}/code")["code"]
    return str(stack.stranger.post("/api/join", {"code": code})["guest"]), str(link["id"])


def screen(stack: Stack, view: str) -> str:
    """The credential of a screen that was added."""
    shown = stack.stranger.post("/api/screens")
    stack.editor.post(f"/api/portal-views/{view}/screens", {"code": shown["code"], "label": "TV"})
    token = stack.stranger.post("/api/screens/claim", {"claim": shown["claim"]})["token"]

    async def connect() -> str:
        offered = [SUBPROTOCOL, f"share.{token}"]
        async with open_socket(stack.server.ws, portal_view_path(view), subprotocols=offered) as socket:
            return str((await socket.receive("connected"))["guest"])

    return asyncio.run(connect())


@contextmanager
def seated(store: StoreKind) -> Iterator[Table]:
    """A table on an installation of its own: other tests change the roles of people."""
    with ExitStack() as exits:
        made = exits.enter_context(installation(store, **STACK_ENV))
        stack = exits.enter_context(running(made, made.prepare(), ServerKind.SERVE))
        yield exits.enter_context(set_up(stack))


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with seated(StoreKind.SQLITE) as made:
        yield made


def seat_people(table: Table) -> None:
    """The people with accounts, by page and by token."""
    stack = table.stack
    people = {
        "owner": stack.cast.controller,
        "editor": stack.cast.editor,
        "viewer": stack.cast.viewer,
        "stranger": stack.cast.stranger,
        "superuser": stack.cast.admin,
    }
    for who, person in people.items():
        table.everybody[f"{who} by page"] = page(stack, person)
    table.everybody["superuser"] = bearer(token(stack, stack.cast.admin))
    logged_in = {"owner": stack.controller, "editor": stack.editor, "viewer": stack.viewer, "stranger": stack.stranger}
    table.everybody |= {who: bearer(client.access) for who, client in logged_in.items()}


@contextmanager
def set_up(stack: Stack) -> Iterator[Table]:
    foreign_library = stack.stranger.post("/api/libraries", {"name": "Another"})["id"]
    view, other_view = stack.new_portal_view(), stack.new_portal_view()
    foreign = stack.stranger.post(f"/api/libraries/{foreign_library}/portal-views", {"name": "Theirs"})["id"]
    (guest, _), (elsewhere, _) = seat(stack, stack.controller, view), seat(stack, stack.controller, other_view)
    abroad, _ = seat(stack, stack.stranger, foreign)
    (withdrawn, withdrawn_link), (expired, expired_link) = (seat(stack, stack.controller, view) for _ in range(2))
    tv, link = screen(stack, view), stack.controller.post(f"/api/portal-views/{view}/share-links", {})
    past = f"""
from libraries.models import ShareLink
ShareLink.objects.filter(id={expired_link!r}).update(expires_at="2020-01-01T00:00:00Z")
"""
    [made] = make_pictures(stack.installation, [(stack.cast.library_id, LENGTH)], past)
    stack.controller.patch(f"/api/portal-views/{view}", {"items": [face(made, visible=False)]})
    stack.stranger.patch(f"/api/portal-views/{foreign}", {"items": [face(made)]})
    table = Table(stack, view, made)
    seat_people(table)
    guests = {
        **{"guest": guest, "screen": tv, "guest of another view": elsewhere, "guest of another library": abroad},
        **{"withdrawn guest": withdrawn, "expired guest": expired},
    }
    for who, credential in guests.items():
        table.everybody |= {who: bearer(credential), f"{who} by cookie": kept(stack, credential)}
    name = next(iter(kept(stack, guest).values())).partition("=")[0]
    table.everybody |= {
        "nobody": {},
        "owner and guest": {**bearer(stack.controller.access), **kept(stack, guest)},
        "two guests by cookie": kept(stack, abroad, guest, elsewhere),
        "guest with a bad token": {**bearer("made-up"), **kept(stack, guest)},
        "viewer and nobody's page": {**table.everybody["viewer"], "Cookie": f"sessionid={'a' * 32}"},
        "ended session": bearer(token(stack, stack.cast.controller, is_over=True)),
        "ended page": page(stack, stack.cast.controller, is_over=True),
        "refresh token": bearer(stack.controller.refresh),
        "share link": bearer(link["token"]),
        "user in a guest's cookie": {"Cookie": f"{name}={stack.controller.access}"},
        "made-up token": bearer("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
    }
    stack.controller.delete(f"/api/portal-views/{view}/share-links/{withdrawn_link}")
    yield table
    table.http.close()


def face(image: str, **more: Any) -> dict[str, Any]:
    return {"id": f"face-{image[:8]}", "name": "A face", "image": f"/images/{image}", **more}


def change(table: Table, **state: Any) -> None:
    table.owner.patch(f"/api/portal-views/{table.view}", state)


def same(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All of an answer but the time."""
    return answer.status_code, answer.content, [line for line in answer.headers.multi_items() if line[0] != "date"]


def check(table: Table, seen: tuple[str, ...]) -> None:
    """These people get the picture, and everybody else what nobody gets for a picture that is not there."""
    nothing = same(table.ask("nobody", str(uuid4())))
    assert nothing[0] == 404
    for who in table.everybody:
        for query in ("", "?size=256") if who in seen else ("",):
            answer = table.ask(who, query=query)
            if who in seen:
                size = query.partition("=")[2] or "full"
                assert answer.status_code == 200, (who, query)
                assert answer.content.startswith(f"{table.image} {size} ".encode()), who
                assert answer.headers["cache-control"] == (
                    "private, max-age=60" if who in CONTROLLERS else "private, no-cache"
                )
            else:
                assert same(answer) == nothing, (who, query)


MOMENTS: dict[str, tuple[Callable[[Table], None], bool]] = {
    "before": (lambda table: None, False),
    "shown": (lambda table: change(table, items=[face(table.image)]), True),
    "with another size": (lambda table: change(table, items=[thumbnail(table)]), True),
    "blackout": (lambda table: change(table, blackout=True), False),
    "after the blackout": (lambda table: change(table, blackout=False), True),
    "hidden again": (lambda table: change(table, items=[face(table.image, visible=False)]), False),
    "in public": (lambda table: change(table, items=[public(table, "portrait")]), True),
    "below a name that is no address": (lambda table: change(table, items=[public(table, "note")]), False),
    "among the secrets": (lambda table: change(table, items=[{"id": "x", "plan": face(table.image)}]), False),
    "with more in the address": (lambda table: change(table, items=[longer(table)]), False),
    "shown again": (lambda table: change(table, items=[face(table.image)]), True),
    "deleted": (
        lambda table: table.owner.delete(f"/api/portal-views/{table.view}/items/face-{table.image[:8]}"),
        False,
    ),
}
"""In this order: what happens, and whether viewers see the picture then."""


def thumbnail(table: Table) -> dict[str, Any]:
    return face(table.image) | {"image": f"https://portal.example.org/below/images/{table.image}?size=512"}


def public(table: Table, key: str) -> dict[str, Any]:
    return {"id": "x", "name": "X", "public": {"deep": [{key: f"/images/{table.image}"}]}}


def longer(table: Table) -> dict[str, Any]:
    return face(table.image) | {"image": f"/images/{table.image}?size=256&more"}


def test_everybody_is_in_the_table(table: Table) -> None:
    assert set(table.everybody) == {*CONTROLLERS, *VIEWERS, *OTHERS}


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_gets_the_picture(table: Table, moment: str) -> None:
    happens, is_shown = MOMENTS[moment]
    happens(table)
    check(table, CONTROLLERS + (VIEWERS if is_shown else ()))


def test_who_gets_the_picture_on_postgres() -> None:
    with seated(StoreKind.POSTGRES) as table:
        for moment in ("before", "shown", "blackout", "after the blackout", "deleted"):
            test_who_gets_the_picture(table, moment)


def test_what_somebody_has_is_not_sent_again_but_only_to_those_who_may_see_it(table: Table) -> None:
    change(table, items=[face(table.image)])
    tags = {}
    for query in ("", "?size=256", "?size=512", "?size=1024"):
        tags[query] = table.ask("guest by cookie", query=query).headers["etag"]
        for who in ("owner", "viewer by page", "guest by cookie", "screen"):
            given = f'"other", W/{tags[query]}'
            answer = table.ask(who, query=query, **{"If-None-Match": given})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tags[query])
    assert len(set(tags.values())) == 4
    change(table, items=[face(table.image, visible=False)])
    for given in (tags[""], "*"):
        nothing = same(table.ask("nobody", str(uuid4())))
        for who in VIEWERS + OTHERS:
            assert same(table.ask(who, **{"If-None-Match": given})) == nothing, who


def test_the_head_of_a_picture(table: Table) -> None:
    whole, head = table.ask("owner"), table.ask("owner", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert same(head)[2] == same(whole)[2]
    refused = table.ask("nobody", method="HEAD")
    assert (refused.status_code, refused.content) == (404, b"")
    assert same(refused)[2] == same(table.ask("nobody"))[2]


def test_the_headers_of_a_picture(table: Table) -> None:
    for query, kind in (("", "image/png"), ("?size=1024", "image/webp")):
        answer = table.ask("owner", query=query, Range="bytes=0-9")
        assert answer.status_code == 200
        assert len(answer.content) == LENGTH
        wanted = {
            "content-type": kind,
            "content-length": str(LENGTH),
            "content-disposition": "inline",
            "accept-ranges": "none",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "vary": "Cookie, Authorization, Origin",
        }
        assert wanted.items() <= dict(answer.headers).items()
        assert "set-cookie" not in answer.headers


def test_other_addresses_have_no_picture(table: Table) -> None:
    nothing = same(table.ask("nobody", str(uuid4())))
    image = table.image
    for bad in (
        "",
        "x",
        image.upper(),
        f"{image}/",
        f"{image}/x",
        f"{{{image}}}",
        image.replace("-", ""),
        f"%20{image}",
    ):
        assert same(table.ask("owner", bad)) == nothing, bad
    for query in ("?size=full", "?size=257", "?size=256&size=256", "?size=256&x", "?x=1", "?size=", "?SIZE=256"):
        assert same(table.ask("owner", query=query)) == nothing, query


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_picture_can_only_be_read(table: Table, method: str) -> None:
    for who in ("owner", "nobody"):
        answer = table.ask(who, method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_pages_of_allowed_origins_read_pictures_with_a_token(table: Table) -> None:
    preflight = {"Origin": ALLOWED_ORIGIN, "Access-Control-Request-Method": "GET"}
    allowed = table.ask("nobody", method="OPTIONS", **preflight)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    for who, status in (("owner", 200), ("nobody", 404)):
        answer = table.ask(who, Origin=ALLOWED_ORIGIN)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, ALLOWED_ORIGIN)
        assert "access-control-allow-origin" not in table.ask(who, Origin="https://evil.example").headers
    evil = table.ask("nobody", method="OPTIONS", **{**preflight, "Origin": "https://evil.example"})
    assert evil.status_code == 405


def test_a_request_for_another_host_gets_what_others_get(table: Table) -> None:
    assert table.ask("owner", Host="evil.example").status_code == 400


def test_another_picture_takes_the_place_and_is_deleted(table: Table) -> None:
    change(table, items=[face(table.image)])
    first = table.ask("guest").headers["etag"]
    folder = table.stack.installation.folder / "images"
    old = folder / first[1:3] / first.strip('"')
    key = uuid4().hex
    (folder / key[:2]).mkdir(exist_ok=True)
    old.rename(folder / key[:2] / key)
    table.stack.installation.shell(
        f"from libraries.models import Image; Image.objects.filter(id={table.image!r}).update(key={key!r})"
    )
    assert table.ask("guest", **{"If-None-Match": first}).headers["etag"] == f'"{key}"'
    check(table, CONTROLLERS + VIEWERS)
    table.owner.delete(f"/api/libraries/{table.stack.cast.library_id}/images/{table.image}?used=delete")
    check(table, ())
