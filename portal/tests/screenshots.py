"""`make screenshots`: every page as it looks in Debian's Chromium, into docs/screenshots.

Pages are taken light and dark, on a laptop and on a phone; the stage, which is always dark, on a phone and on a
television. The desk and the stage are taken with 0, 1 and 60 items, a name of 80 characters, an upright picture, a
panorama, and text at 200 %, too. What happens in an evening is in `moments`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from portal.tests.browsing import log_in
from portal.tests.moments import DESKS, STAGES, take_moments
from portal.tests.studio import FOLDER, Studio, painted, take
from testing.installation import ServerKind, StoreKind, installation
from testing.setup import chromium
from testing.stacks import STACK_ENV, running

SCREENS = tuple((screen, scheme) for screen in ("laptop", "phone") for scheme in ("light", "dark"))
LARGE = "text-at-200"
OPEN = {"welcome": "", "log-in": "login", "register": "register", "reset": "reset", "join": "join"}
OF_LIBRARY = {"library": "", "pictures": "/pictures", "members": "/members", "settings": "/settings"}
LONG = "A name of eighty characters, which somebody has made to see what a page does ..."
LARGE_TEXT = "--blink-settings=defaultFontSize=32"
SHOWN: dict[str, Any] = {"showEncounter": True, "showHealth": True, "showAC": True, "healthDisplay": "bar"}


def take_pages(studio: Studio) -> None:
    """The pages of people, before and after the log-in; a sample evening is what they show."""
    for screen, scheme in SCREENS:
        with studio.page(screen, scheme) as page:
            for name, path in OPEN.items():
                page.goto(f"{studio.address}/{path}")
                take(page, f"{name}-{screen}-{scheme}")
            log_in(page, studio.stack, studio.stack.cast.stranger)
            if not page.get_by_role("link", name="The Drowned Bell").count():
                take(page, f"home-empty-{screen}-{scheme}")
                page.get_by_role("button", name="Try a sample evening").click()
                expect(page.locator("desk-line")).to_contain_text("Live", timeout=60_000)
            take_sample(studio, page, f"{screen}-{scheme}")


def take_sample(studio: Studio, page: Page, ending: str) -> None:
    """The pages of somebody who has a sample evening."""
    page.goto(studio.address)
    take(page, f"home-{ending}")
    page.get_by_role("link", name="The Drowned Bell").first.click()
    page.wait_for_url("**/libraries/*")
    library = page.url
    desk = page.locator("a[href$='/desk']").first.get_attribute("href")
    for name, path in OF_LIBRARY.items():
        page.goto(f"{library}{path}")
        take(page, f"{name}-{ending}")
    page.goto(f"{studio.address}{desk}")
    take(page, f"desk-{ending}")
    page.goto(f"{studio.address}{desk}".replace("/desk", "/share"))
    take(page, f"share-{ending}")
    page.goto(f"{studio.address}/account")
    take(page, f"account-{ending}")


def cases(studio: Studio) -> dict[str, dict[str, Any]]:
    """The states of the portal views that desk and stage are taken with."""
    sizes = {"wide": (1600, 1000), "upright": (800, 1400), "panorama": (2400, 600)}
    urls = {name: studio.upload(name, painted(*size)) for name, size in sizes.items()}
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
        LARGE: fight(*many[:5]),
    }


def take_cases(studio: Studio, large: Studio) -> None:
    """The desk and the stage in each case; `large` has text of twice the usual size."""
    for case, state in cases(studio).items():
        view_id = studio.stack.new_portal_view(**{"name": "The table", **state})
        link = studio.link(view_id)["link"]
        visitor = large if case == LARGE else studio
        for screen in STAGES:
            with visitor.page(screen) as page:
                page.goto(link)
                take(page, f"stage-{case}-{screen}")
        for screen, scheme in DESKS:
            with visitor.owner(screen, scheme) as page:
                page.goto(studio.desk(view_id))
                take(page, f"desk-{case}-{screen}-{scheme}")
        if case == LARGE:
            for screen, scheme in DESKS:
                with visitor.owner(screen, scheme) as page:
                    page.goto(studio.library)
                    take(page, f"library-{case}-{screen}-{scheme}")


def main() -> None:
    """Take them all anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with (
        sync_playwright() as playwright,
        installation(StoreKind.SQLITE, **STACK_ENV) as made,
        running(made, made.prepare(), ServerKind.SERVE) as stack,
        playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]) as browser,
        playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", LARGE_TEXT]) as large,
    ):
        studio = Studio.opened(browser, stack)
        take_pages(studio)
        take_cases(studio, replace(studio, browser=large))
        take_moments(studio)


if __name__ == "__main__":
    main()
