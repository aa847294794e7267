"""`make screenshots`: every page as it looks in Debian's Chromium, into docs/screenshots.

Pages are taken light and dark, on a laptop and on a phone; the stage, which is always dark, on a phone and on a
television. The desk and the stage are taken with 0, 1 and 60 items, a name of 80 characters, an upright picture, a
panorama, and text at 200 %, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from portal.tests.browsing import LAPTOP, PHONE, log_in
from portal.tests.test_stage_in_browser import upload
from testing.installation import ROOT, ServerKind, StoreKind, installation
from testing.setup import chromium
from testing.stacks import STACK_ENV, Stack, running

FOLDER = ROOT / "docs" / "screenshots"
TELEVISION: ViewportSize = {"width": 1920, "height": 1080}
SCREENS = {"laptop": LAPTOP, "phone": PHONE}
STAGES = {"phone": PHONE, "television": TELEVISION}
SCHEMES = ("light", "dark")
COLOURS = 256
SETTLE_MILLISECONDS = 1_200
OPEN = {"welcome": "", "log-in": "login", "register": "register", "reset": "reset", "join": "join"}
OF_LIBRARY = {"library": "", "pictures": "/pictures", "members": "/members", "settings": "/settings"}
LONG = "A name of eighty characters, which somebody has made to see what a page does ..."
SHOWN: dict[str, Any] = {"showHealth": True, "showAC": True, "healthDisplay": "bar"}


def take(page: Page, name: str) -> None:
    """Write what the page shows, in few colours: a screenshot has no more."""
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    with Image.open(BytesIO(page.screenshot())) as taken:
        taken.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
    print(name, flush=True)


def looks(browser: Browser, screens: dict[str, ViewportSize]) -> Iterator[tuple[str, Page]]:
    """A page without any history for each screen and scheme, with the end of its screenshots' names."""
    for screen, viewport in screens.items():
        for scheme in SCHEMES if screens is SCREENS else SCHEMES[1:]:
            is_phone = screen == "phone"
            context = browser.new_context(
                viewport=viewport,
                color_scheme=scheme,  # type: ignore[arg-type]  # one of the two
                locale="en-GB",
                has_touch=is_phone,
                is_mobile=is_phone,
            )
            yield f"{screen}-{scheme}" if screens is SCREENS else screen, context.new_page()
            context.close()


def take_pages(browser: Browser, stack: Stack) -> None:
    """The pages of people, before and after the log-in; a sample evening is what they show."""
    address = stack.server.http
    for ending, page in looks(browser, SCREENS):
        for name, path in OPEN.items():
            page.goto(f"{address}/{path}")
            take(page, f"{name}-{ending}")
        log_in(page, stack, stack.cast.stranger)
        if page.get_by_role("button", name="Try a sample evening").count():
            take(page, f"home-empty-{ending}")
            page.get_by_role("button", name="Try a sample evening").click()
            page.wait_for_url("**/desk")
            expect(page.locator("desk-line")).to_contain_text("Live", timeout=60_000)
        page.goto(f"{address}/")
        take(page, f"home-{ending}")
        page.get_by_role("link", name="The Drowned Bell").first.click()
        library = page.url
        for name, path in OF_LIBRARY.items():
            page.goto(f"{library}{path}")
            take(page, f"{name}-{ending}")
        page.goto(library)
        desk = page.locator("a[href$='/desk']").first.get_attribute("href")
        page.goto(f"{address}{desk}")
        take(page, f"desk-{ending}")
        page.goto(f"{address}{desk}".replace("/desk", "/share"))
        take(page, f"share-{ending}")
        page.goto(f"{address}/account")
        take(page, f"account-{ending}")
    for ending, page in looks(browser, {"television": TELEVISION}):
        page.goto(f"{address}/tv")
        take(page, f"add-{ending}")


def cases(stack: Stack) -> dict[str, dict[str, Any]]:
    """The states of the portal views that desk and stage are taken with."""
    sizes = {"wide": (1600, 1000), "upright": (800, 1400), "panorama": (2400, 600)}
    urls = {name: upload(stack, *size) for name, size in sizes.items()}
    coast = {"id": "coast", "name": "The coast", "image": urls["wide"], "text": "Low tide."}
    many = [{"id": f"c{n}", "name": f"Goblin number {n}", "hp": n % 31, "maxHp": 30, "ac": 12} for n in range(59)]

    def fight(*creatures: dict[str, Any]) -> dict[str, Any]:
        turns = {"round": 3, "turn": creatures[3]["id"], "order": [{"itemId": one["id"]} for one in creatures]}
        return {"items": [coast, *creatures], "currentItemId": "coast", "encounter": turns, **SHOWN}

    return {
        "0-items": {"items": []},
        "1-item": {"items": [coast], "currentItemId": "coast"},
        "60-items": fight(*many),
        "long-name": {"items": [{**coast, "name": LONG}, {**many[9], "name": LONG}], "currentItemId": "coast", **SHOWN},
        "upright": {"items": [{**coast, "image": urls["upright"]}], "currentItemId": "coast"},
        "panorama": {"items": [{**coast, "image": urls["panorama"]}], "currentItemId": "coast"},
        "text-at-200": fight(*many[:5]),
    }


def take_cases(browser: Browser, stack: Stack) -> None:
    """The desk and the stage in each case."""
    for case, state in cases(stack).items():
        view_id = stack.new_portal_view(**state)
        link = stack.controller.post(f"/api/portal-views/{view_id}/share-links", {})["link"]
        desk = f"{stack.server.http}/libraries/{stack.cast.library_id}/views/{view_id}/desk"
        for ending, page in looks(browser, STAGES):
            _open(page, str(link), case)
            take(page, f"stage-{case}-{ending}")
        for ending, page in looks(browser, SCREENS):
            log_in(page, stack, stack.cast.controller)
            _open(page, desk, case)
            take(page, f"desk-{case}-{ending}")


def _open(page: Page, address: str, case: str) -> None:
    page.goto(address)
    if case == "text-at-200":
        page.evaluate("document.documentElement.style.fontSize = '200%'")


def main() -> None:
    """Take them all anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in Path(FOLDER).glob("*.png"):
        old.unlink()
    with (
        sync_playwright() as playwright,
        installation(StoreKind.SQLITE, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE) as stack,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        take_pages(browser, stack)
        take_cases(browser, stack)
        browser.close()


if __name__ == "__main__":
    main()
