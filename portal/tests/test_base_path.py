"""A site below a path of its host, behind nginx: each page, file, address and socket is at its stated path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from testing.admin import AdminClient
from testing.installation import StoreKind, installation
from testing.stacks import BASE_PATH, STACK_ENV, Stack, below_a_path

pytestmark = pytest.mark.server

LINK = re.compile(r"""(?:href|src|action)=["']([^"'#]+)""")
FORM = re.compile(r"""<form method="post" action="([^"]+)""")
PAGES = ["/", "/api/docs", "/admin/login/", "/login", "/register", "/reset", "/verify", "/join", "/tv"]


@pytest.fixture(scope="module", params=[False, True], ids=["passed on whole", "stripped"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A production server with static files."""
    with installation(StoreKind.SQLITE, PORTAL_BASE_PATH=BASE_PATH, **STACK_ENV) as made:
        cast = made.prepare()
        made.manage("collectstatic", "--noinput", "--verbosity", "0")
        with below_a_path(made, cast, stripped=request.param) as started:
            yield started


def get(stack: Stack, url: str) -> httpx.Response:
    """An answer, after redirects."""
    return httpx.get(urljoin(f"{stack.server.http}/", url), follow_redirects=True, trust_env=False, timeout=20)


@pytest.mark.parametrize("page", PAGES)
def test_all_links_of_a_page_work(stack: Stack, page: str) -> None:
    answer = get(stack, f"{stack.server.http}{page}")
    assert answer.status_code == 200
    assert urlsplit(str(answer.url)).path.startswith(f"{BASE_PATH}/")
    named = [link for link in LINK.findall(answer.text) if not urlsplit(link).scheme]
    assert named
    for link in named:
        target = urljoin(str(answer.url), link)
        assert urlsplit(target).path.startswith(f"{BASE_PATH}/"), link
        assert get(stack, target).status_code == (405 if link in FORM.findall(answer.text) else 200), link


def test_the_admin_works_and_its_cookies_have_the_path(stack: Stack) -> None:
    with AdminClient(stack.server.http, stack.cast.admin) as admin:
        assert {cookie.path for cookie in admin._http.cookies.jar} == {f"{BASE_PATH}/"}
        page = admin._http.get("/admin/")
        assert page.status_code == 200
        links = {link for link in LINK.findall(page.text) if "/admin/" in link}
        assert links
        assert all(link.startswith((f"{BASE_PATH}/", "?")) for link in links)
    answer = httpx.get(f"{stack.server.http}/admin/", trust_env=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (302, f"{BASE_PATH}/admin/login/")


def test_addresses_in_answers(stack: Stack) -> None:
    http = stack.controller._http
    made = http.post("/api/libraries", json={"name": "Below"})
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"{BASE_PATH}/api/libraries/")
    assert get(stack, f"{stack.server.origin}{made.headers['location']}").status_code == 401
    page = http.get("/api/libraries", params={"pageSize": 1}).json()
    assert page["next"].startswith(f"{stack.server.http}/api/libraries")
    assert get(stack, "api/schema?format=json").json()["servers"] == [{"url": BASE_PATH}]
    item = http.get(f"/api/portal-views/{stack.cast.portal_view_id}").json()["items"][0]
    assert get(stack, f"{stack.server.origin}{item['image']}").headers["content-type"] == "image/svg+xml"


def test_other_paths_have_nothing_of_this_site(stack: Stack) -> None:
    assert httpx.get(f"{stack.server.origin}/api/health", trust_env=False).status_code == 404
    assert get(stack, "api/nothing").json()["code"] == "not-found"
    page = get(stack, "nothing")
    assert page.status_code == 404
    named = LINK.findall(page.text)
    assert named
    assert all(link.startswith((f"{BASE_PATH}/", "data:")) for link in named)
    assert get(stack, "api/health/ready").status_code == 200


async def test_sockets(stack: Stack) -> None:
    view = stack.new_portal_view()
    async with stack.join_all(view, stack.controller, stack.viewer) as (controller, viewer):
        await controller.send("portal-view-update", payload={"name": "Seen"})
        assert (await viewer.receive("portal-view-updated"))["payload"]["name"] == "Seen"
