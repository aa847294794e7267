"""Glass to glass: from a press on the desk to what a guest's stage draws of it.

Run it with `make glass`; `GLASS=100` takes 100 samples of each case. Desk and stage are two contexts of one Chromium
(Debian's, without a window), which throttles neither. The server is one process on SQLite, with the default limits.
Nothing is pinned to a core.

A sample begins with the `event.timeStamp` of the input that acts on the desk: a click, or a move of the pulled
preview. Input comes from the browser's own process, as that of a mouse does. It ends in the second animation frame
after the stage's document has changed. Screens ease and fade (a picture over 250 ms, a camera over 150, a bar over
300, the curtain over 400), so a change has no single moment: it counts when it begins to be drawn. In the first frame
an ease is still at its beginning; the second is the first that shows some of it. That is checked: while the computed
style is still the one from before, the sample goes on to the next frame.

Both times are `performance.timeOrigin` plus those of the page. The clocks are compared first.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.figures import Figures, table
from bench.load import percentile
from bench.reveal import PICTURE_BYTES, noise
from testing.installation import ServerKind, StoreKind, installation
from testing.setup import chromium
from testing.stacks import Stack, running

SAMPLES = 30
REST_MILLISECONDS = (600, 900)  # longer than each ease, and never in step with the frames
PULL_PIXELS = 24
CLOCK_READINGS = 30
CLOCK_STEP_MILLISECONDS = 0.2  # twice that of a page's clock
WARM_UP = 3
DAMAGE, HEAL = "−10", "+10"  # noqa: RUF001  # the sign of the button
UNTHROTTLED = (
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
NOW = "() => performance.timeOrigin + performance.now()"
NOTE_INPUT = """type => {
    window.input = new Promise((resolve) => {
        const note = (event) => event.isTrusted && resolve(performance.timeOrigin + event.timeStamp);
        addEventListener(type, note, { capture: true, once: true });
    });
}"""
NOTE_FRAME = """() => {
    const all = (selector) => Array.from(document.querySelectorAll(selector));
    const one = (selector) => all(selector).pop();
    const style = (selector) => getComputedStyle(one(selector));
    const given = () => %s;
    const drawn = () => %s;
    const now = () => performance.timeOrigin + performance.now();
    const before = { given: given(), drawn: drawn() };
    window.frame = new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error("Nothing has changed on the stage.")), 20000);
        const observer = new MutationObserver(() => {
            if (given() === before.given) return;
            observer.disconnect();
            const changed = now();
            const look = () => (drawn() === before.drawn ? requestAnimationFrame(look) : resolve([changed, now()]));
            requestAnimationFrame(() => requestAnimationFrame(look));
        });
        observer.observe(one("#stage"), { subtree: true, childList: true, characterData: true, attributes: true });
    });
}"""
PROSE = """## Glass to glass

{samples} samples of each case, on one server on SQLite. From the `event.timeStamp` on the desk to the second animation
frame after the change on a guest's stage, both in one Chromium and on one clock (as far as can be told, the pages agree
within {clocks:.1f} ms). A picture has about 300 KB, was uploaded before, and is a new one in each sample.
"""


@dataclass(frozen=True)
class Table:
    """A portal view, its desk and a guest's stage."""

    stack: Stack
    view: str
    desk: Page
    stage: Page

    def show(self, item: str) -> None:
        """Put an item on screen, and have it open on the desk."""
        row = self.desk.locator(f'[data-item="{item}"]')
        row.locator(".show").click()
        row.locator(".open").click()
        expect(row).to_contain_text("On screen")

    def damage(self, text: str) -> None:
        """Press one of the buttons beside the health of the open item."""
        self.desk.locator("desk-editor").get_by_role("button", name=text, exact=True).click()

    def black(self) -> None:
        """Black out, or resume."""
        self.desk.locator("[data-black]").click()

    def take(self) -> None:
        """Show a picture from near, and begin to pull it on the preview: the mouse's button stays down."""
        self.show("map")
        expect(self.stage.locator(".stage-layer.is-on .stage-picture")).not_to_have_js_property("naturalWidth", 0)
        camera = {"x": 0.5, "y": 0.5, "zoom": 2}
        self.stack.controller.patch(f"/api/portal-views/{self.view}", {"camera": camera})
        expect(self.desk.locator("[data-moves]")).to_be_visible()
        self.desk.mouse.move(*self._middle())
        self.desk.mouse.down()
        self.pull(1)

    def pull(self, number: int) -> None:
        """Pull it, to and fro."""
        x, y = self._middle()
        self.desk.mouse.move(x + PULL_PIXELS * (1 + number % 2), y)

    def _middle(self) -> tuple[float, float]:
        box = self.desk.locator("desk-screen .stage-frame").bounding_box()
        assert box is not None  # noqa: S101  # it is on the page
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def reveal(self, number: int) -> None:
        """Show a hidden item with a picture, which reveals it."""
        self.desk.locator(f'[data-item="picture-{number}"] .show').click()


@dataclass(frozen=True)
class Case:
    """A change: its limit (milliseconds, median), what is pressed, and where it is seen.

    `given` and `drawn` are expressions for the stage: what the document says, and what is drawn of it.
    """

    limit: float
    given: str
    drawn: str
    begin: Callable[[Table], None]
    press: Callable[[Table, int], None]
    restore: Callable[[Table], None] = lambda table: None
    event: str = "click"


BAR, CURTAIN, LAYER = ".stage-title .stage-fill", ".stage-curtain", ".stage-layer.is-on"
VISIBLE = 'all(".stage-layer").filter((layer) => getComputedStyle(layer).opacity > 0)'
CASES = {
    "health": Case(
        limit=50,
        given=f'one("{BAR}").style.transform',
        drawn=f'style("{BAR}").transform',
        begin=lambda table: table.show("ogre"),
        press=lambda table, number: table.damage(DAMAGE),
        restore=lambda table: table.damage(HEAL),
    ),
    "blackout": Case(
        limit=50,
        given='one("#stage").classList.contains("is-black")',
        drawn=f'style("{CURTAIN}").opacity',
        begin=lambda table: table.show("map"),
        press=lambda table, number: table.black(),
        restore=lambda table: table.black(),
    ),
    "camera": Case(
        limit=50,
        given=f'one("{LAYER}").style.transform',
        drawn=f'style("{LAYER}").transform',
        begin=lambda table: table.take(),
        press=lambda table, number: table.pull(number),
        event="pointermove",
    ),
    "reveal of a picture": Case(
        limit=250,
        given=f'one("{LAYER} img").src',
        drawn=f"{VISIBLE}.map((layer) => layer.firstChild.src).pop()",
        begin=lambda table: table.show("map"),
        press=lambda table, number: table.reveal(number),
    ),
}


def measure(table: Table, samples: int) -> Figures:
    """By case: a row for each sample, in milliseconds; the first ones warm everything up, and are left out."""
    figures: Figures = defaultdict(list)
    for name, case in CASES.items():
        case.begin(table)
        for number in range(WARM_UP + samples):
            _rest(table)
            row = _sample(table, case, number)
            if number >= WARM_UP:
                figures[name].append(row)
            _rest(table)
            case.restore(table)
        table.desk.mouse.up()
        print(f"{name}: {len(figures[name])} samples", flush=True)
    return figures


def _rest(table: Table) -> None:
    table.desk.wait_for_timeout(random.uniform(*REST_MILLISECONDS))  # noqa: S311  # no secret


def _sample(table: Table, case: Case, number: int) -> dict[str, float]:
    table.stage.evaluate(NOTE_FRAME % (case.given, case.drawn))
    table.desk.evaluate(NOTE_INPUT, case.event)
    case.press(table, number)
    began = table.desk.evaluate("() => window.input")
    changed, seen = table.stage.evaluate("() => window.frame")
    return {"changed": changed - began, "seen": seen - began}


def clocks(one: Page, other: Page) -> float:
    """Within how many milliseconds the clocks of two pages agree; RuntimeError if they do not."""
    behind, ahead = [], []
    for _ in range(CLOCK_READINGS):
        before, between, after = (float(page.evaluate(NOW)) for page in (one, other, one))
        behind.append(before - between)
        ahead.append(after - between)
    least, most = max(behind), min(ahead)  # of the difference
    if least > CLOCK_STEP_MILLISECONDS or most < -CLOCK_STEP_MILLISECONDS:
        raise RuntimeError(
            f"The clocks of the pages differ by {least:.1f} to {most:.1f} ms: no time between them counts."
        )
    return max(abs(least), abs(most))


def _upload(stack: Stack, seed: int) -> str:
    """The address of a new picture."""
    address = f"{stack.server.http}/api/libraries/{stack.cast.library_id}/images?name=picture"
    headers = {"Authorization": f"Bearer {stack.controller.access}", "Content-Type": "image/jpeg"}
    answer = httpx.post(address, content=noise(seed), headers=headers, timeout=60, trust_env=False)
    [image] = answer.raise_for_status().json()["images"]
    if image["byteCount"] not in PICTURE_BYTES:
        raise RuntimeError(f"The picture has {image['byteCount']} bytes, and should have about 300,000.")
    return str(image["url"])


def _items(stack: Stack, pictures: int) -> list[dict[str, Any]]:
    hidden = [{"id": f"picture-{n}", "image": _upload(stack, n), "visible": False} for n in range(pictures)]
    ogre = {"id": "ogre", "name": "Ogre", "hp": 60, "maxHp": 100, "show": {"health": "bar"}}
    return [ogre, {"id": "map", "name": "The map", "image": _upload(stack, pictures)}, *hidden]


def _open(browser: Browser) -> Page:
    return browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800}).new_page()


@contextmanager
def laid(samples: int) -> Iterator[Table]:
    """A server, a desk and a guest, with a hidden picture for each sample."""
    with (
        installation(StoreKind.SQLITE, PORTAL_LOG_LEVEL="WARNING") as place,
        running(place, place.prepare(), ServerKind.SERVE) as stack,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *UNTHROTTLED]) as browser,
    ):
        view = stack.new_portal_view(items=_items(stack, WARM_UP + samples))
        link = stack.controller.post(f"/api/portal-views/{view}/share-links", {})["link"]
        desk, stage = _open(browser), _open(browser)
        person = stack.cast.controller
        desk.goto(f"{stack.server.http}/login")
        desk.get_by_label("E-mail address").fill(person.email)
        desk.get_by_label("Password").fill(person.password)
        desk.get_by_role("button", name="Log in").click()
        expect(desk.get_by_role("heading", name="My libraries")).to_be_visible()
        stage.goto(str(link))
        desk.goto(f"{stack.server.http}/libraries/{stack.cast.library_id}/views/{view}/desk")
        expect(desk.locator("desk-people")).to_contain_text("1 is watching")
        yield Table(stack, view, desk, stage)


def section(figures: Figures, differ: float) -> str:
    """The figures as Markdown."""
    rows = []
    for name, samples in figures.items():
        seen = [row["seen"] for row in samples]
        changed, middle = percentile([row["changed"] for row in samples], 0.5), percentile(seen, 0.5)
        limit = CASES[name].limit
        kept = f"{'under' if middle < limit else 'NOT under'} {limit:.0f}"
        rows.append([name, *(f"{one:.1f}" for one in (middle, percentile(seen, 0.9), max(seen), changed)), kept])
    head = ["ms", "median", "p90", "max", "median until the document changed", "limit of the median"]
    counts = {len(samples) for samples in figures.values()}
    return f"{PROSE.format(samples=min(counts), clocks=differ)}\n{table(head, rows)}"


def main(arguments: list[str]) -> None:
    """Measure, and print."""
    samples = int(arguments[0]) if arguments else SAMPLES
    with laid(samples) as place:
        differ = clocks(place.desk, place.stage)
        print(f"\n{section(measure(place, samples), differ)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
