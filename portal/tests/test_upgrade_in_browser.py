"""The site is upgraded under open pages: they loaded all they need at first, and go on without the old files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.tests.browsing import LAPTOP, PICTURE, chrome, give, log_in, silent
from portal.tests.desk_table import EXPECTED, ITEMS, open_desk
from testing.installation import ROOT, Installation, ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running

__all__ = ["chrome"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

PARTS = ("manage.py", "libraries", "portal", "realtime")
LEFT_OUT = shutil.ignore_patterns("tests", "__pycache__", "node_modules")
PRODUCTION = {"PORTAL_DEBUG": "false", "PORTAL_ALLOWED_HOSTS": "127.0.0.1", "PORTAL_HTTPS": "false"}
HASHED = re.compile(r"\.[0-9a-f]{12}\.")
NEWER = "\n/* Of the next release. */\n"
WAIT = 40_000
NAME = ".stage-title .stage-name"


@dataclass(frozen=True)
class Site:
    """A site in production whose working copy can be changed."""

    root: Path
    installation: Installation
    stack: Stack

    def collect(self) -> None:
        """`manage.py collectstatic` into an empty folder, as a new image of a container has it."""
        shutil.rmtree(self.installation.folder / "static", ignore_errors=True)
        self.installation.manage("collectstatic", "--noinput", "--verbosity", "0")

    def upgrade(self) -> None:
        """Every module and style gets another content; the server starts again."""
        changed = 0
        self.stack.server.process.stop()
        for path in self.root.rglob("static/**/*"):
            if path.suffix in {".js", ".css"} and not path.is_symlink():
                path.write_text(path.read_text() + NEWER)
                changed += 1
        for path in (self.root / "realtime" / "client" / "js").glob("*.min.js"):
            path.write_text(path.read_text() + NEWER)
            changed += 1
        assert changed > len(ITEMS)
        self.collect()
        self.stack.server.start()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The first release."""
    root = tmp_path / "release"
    root.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, symlinks=True, ignore=LEFT_OUT)
        else:
            shutil.copy(source, root / part)
    with installation(StoreKind.SQLITE, root, **STACK_ENV) as made:
        cast = made.prepare()
        produced = replace(made, env={**made.env, **PRODUCTION})
        produced.manage("collectstatic", "--noinput", "--verbosity", "0")
        with running(produced, cast, ServerKind.SERVE) as stack:
            yield Site(root, produced, stack)


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    """A browser without any history."""
    with silent(chrome, *EXPECTED, viewport=LAPTOP) as opened:
        yield opened


def static_of(page: Page) -> list[str]:
    """The static files that the page has loaded."""
    code = "performance.getEntriesByType('resource').map((one) => one.name)"
    return sorted(name for name in page.evaluate(code) if "/static/" in name)


def test_open_pages_go_on_and_new_ones_are_of_the_new_release(
    site: Site, context: BrowserContext, chrome: Browser
) -> None:
    stack = site.stack
    view_id = stack.new_portal_view(items=ITEMS, currentItemId="letter")
    link = str(stack.controller.post(f"/api/portal-views/{view_id}/share-links", {})["link"])
    page = context.new_page()
    log_in(page, stack, stack.cast.controller)
    open_desk(page, stack, view_id)
    with silent(chrome, *EXPECTED) as watching:
        guest = watching.new_page()
        guest.goto(link)
        expect(guest.locator(NAME)).to_have_text("A letter")
        loaded = [static_of(page), static_of(guest)]
        assert [name for name in (*loaded[0], *loaded[1]) if not HASHED.search(name)] == []
        site.upgrade()
        expect(page.locator("desk-line")).to_contain_text("Live", timeout=WAIT)
        expect(guest.locator("#line")).to_be_hidden(timeout=WAIT)  # until then the desk may show who was there before
        expect(page.locator("desk-people")).to_contain_text("1 is watching", timeout=WAIT)
        use_everything(page, guest)
        assert [static_of(page), static_of(guest)] == loaded
        newer = watching.new_page()
        newer.goto(link)
        expect(newer.locator(NAME)).to_have_text("A mill")
        assert not set(static_of(newer)) & set(loaded[1])
        open_desk(page, stack, view_id)
        assert len(static_of(page)) == len(loaded[0])
        assert not {name for name in static_of(page) if name.endswith("js")} & set(loaded[0])


def use_everything(page: Page, guest: Page) -> None:
    """What a desk does only when somebody asks for it, and what a stage shows first then."""
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Creature").click()
    page.keyboard.type("Imp")
    imp = page.locator("[data-item]").last
    expect(imp).to_contain_text("Imp")
    imp.get_by_role("button", name="Show Imp").click()
    expect(guest.locator(NAME)).to_have_text("Imp")
    page.get_by_label("Health", exact=True).check()
    expect(guest.get_by_role("img", name="Health 10/10")).to_be_visible()
    page.locator("desk-editor").get_by_role("button", name="Delete").click()
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(guest.locator(NAME)).to_have_text("Imp")
    page.keyboard.press("b")
    expect(guest.locator("#stage")).to_have_class(re.compile("is-black"))
    page.locator("desk-blackout").get_by_role("button", name="Resume").click()
    give(page, "drop")
    row = page.locator("[data-item]").filter(has_text="A mill")
    expect(row).to_contain_text("Hidden", timeout=WAIT)
    row.get_by_role("button", name="Show A mill").click()
    expect(guest.locator(NAME)).to_have_text("A mill")
    expect(guest.locator(PICTURE)).not_to_have_js_property("naturalWidth", 0)
    page.locator("desk-screen .stage-layer.is-on").hover()
    page.mouse.wheel(0, -600)
    expect(guest.locator(".stage-layer.is-on")).to_have_css("transform", re.compile(r"^matrix\(2\."))
