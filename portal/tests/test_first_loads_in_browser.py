"""What a browser without any history loads for a page, in bytes as they are sent: without pictures."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Request, expect

from portal.tests.browsing import chrome, context, log_in, page
from portal.tests.desk_table import ITEMS, open_desk
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running

__all__ = ["chrome", "context", "page"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

PRODUCTION = {"PORTAL_DEBUG": "false", "PORTAL_ALLOWED_HOSTS": "127.0.0.1", "PORTAL_HTTPS": "false"}
DIGEST = re.compile(r"\.[0-9a-f]{12}(?=\.)")
SPRITE = "/static/pages/icons.svg"
KIBIBYTE = 1024


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A production server, which sends compressed files."""
    with installation(StoreKind.SQLITE, **STACK_ENV) as made:
        cast = made.prepare()
        production = replace(made, env={**made.env, **PRODUCTION})
        production.manage("collectstatic", "--noinput", "--verbosity", "0")
        with running(production, cast, ServerKind.SERVE) as one:
            yield one


def name_of(request: Request) -> str:
    """The address of a file without its digest, or that of a page or an answer."""
    path = PurePosixPath(urlsplit(request.url).path)
    return str(path.with_name(DIGEST.sub("", path.name)))


def bytes_of(request: Request) -> int:
    """The bytes of an answer's body: as they are sent, and of the page itself, which a proxy may compress, by gzip."""
    answer = request.response()
    assert answer is not None
    if request.resource_type == "document":
        return len(gzip.compress(answer.body()))
    return int(request.sizes()["responseBodySize"])


def loaded(page: Page, load: Callable[[], None]) -> Counter[str]:
    """The bytes of all that `load` loads, by its address; the sprite counts, and no other picture."""
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request))
    load()
    page.wait_for_load_state("networkidle")
    found = Counter[str]()
    for request in asked:
        name = name_of(request)
        if request.resource_type != "image" or name == SPRITE:
            found[name] += bytes_of(request)
    return found


def files(*patterns: str) -> set[str]:
    """The addresses of files of pages."""
    static = settings.BASE_DIR / "portal" / "pages" / "static"
    return {f"/static/{path.relative_to(static)}" for pattern in patterns for path in static.glob(pattern)}


def test_the_stage_is_small(page: Page, stack: Stack) -> None:
    view = stack.new_portal_view(items=ITEMS, currentItemId="letter")
    link = stack.controller.post(f"/api/portal-views/{view}/share-links", {})["link"]

    def load() -> None:
        page.goto(link)
        expect(page.locator(".stage-name")).to_have_text("A letter")

    found = loaded(page, load)
    assert files("pages/view.js", "pages/stage*.js", "pages/stage*.css", "pages/tokens.css") <= found.keys(), found
    assert 0 < sum(found.values()) < 60 * KIBIBYTE, found


def test_the_desk_is_small(page: Page, stack: Stack, chrome: Browser) -> None:
    view = stack.new_portal_view(items=ITEMS, currentItemId="letter")
    log_in(page, stack, stack.cast.controller)
    fresh = chrome.new_context(storage_state=page.context.storage_state())
    desk = fresh.new_page()
    found = loaded(desk, lambda: open_desk(desk, stack, view))
    fresh.close()
    assert files("pages/desk/*.js", "pages/stage*.js", "pages/desk.css", "pages/icons.svg") <= found.keys(), found
    assert 0 < sum(found.values()) < 150 * KIBIBYTE, found
