"""What `make screenshots` takes its pictures with: browsers of each kind, a camera, and something to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState, ViewportSize

from libraries import demo_data
from portal.tests.browsing import LAPTOP, PHONE, TELEVISION, log_in
from testing.installation import ROOT
from testing.stacks import Stack

FOLDER = ROOT / "docs" / "screenshots"
SAMPLES = ROOT / "libraries" / "samples"
SIZES: dict[str, ViewportSize] = {"laptop": LAPTOP, "phone": PHONE, "television": TELEVISION}
COLOURS = 256
PART = 3
"""Each so many pixels one is asked for the colours, as that takes long."""
SETTLE_MILLISECONDS = 1_200


@dataclass(frozen=True)
class Studio:
    """A browser, a server, and the owner of the demo's library, who is logged in with `state`."""

    browser: Browser
    stack: Stack
    state: StorageState

    @classmethod
    def opened(cls, browser: Browser, stack: Stack) -> Studio:
        """A studio whose owner has logged in."""
        with browser.new_context(locale="en-GB") as context:
            log_in(context.new_page(), stack, stack.cast.controller)
            return cls(browser, stack, context.storage_state())

    @property
    def address(self) -> str:
        """The address of the site."""
        return self.stack.server.http

    @property
    def library(self) -> str:
        """The address of the demo's library."""
        return f"{self.address}/libraries/{self.stack.cast.library_id}"

    @contextmanager
    def page(
        self, screen: str, scheme: str = "dark", locale: str = "en-GB", state: StorageState | None = None
    ) -> Iterator[Page]:
        """A page on a screen of `SIZES`, of a browser that knows what is in `state`."""
        is_phone = screen == "phone"
        with self.browser.new_context(
            viewport=SIZES[screen],
            color_scheme=scheme,  # type: ignore[arg-type]  # light or dark
            locale=locale,
            has_touch=is_phone,
            is_mobile=is_phone,
            storage_state=state,
        ) as context:
            yield context.new_page()

    @contextmanager
    def owner(self, screen: str, scheme: str = "dark", locale: str = "en-GB") -> Iterator[Page]:
        """A page of the owner's."""
        with self.page(screen, scheme, locale, self.state) as page:
            yield page

    def evening(self, **state: Any) -> str:
        """A new portal view with the demo's evening; its id."""
        return self.stack.new_portal_view(**{**demo_data.PORTAL_VIEW, **state})

    def link(self, view_id: str) -> dict[str, Any]:
        """A new link to it."""
        return dict(self.stack.controller.post(f"/api/portal-views/{view_id}/share-links", {}))

    def code(self, view_id: str) -> str:
        """A new link's code to type."""
        path = f"/api/portal-views/{view_id}/share-links/{self.link(view_id)['id']}/code"
        return str(self.stack.controller.post(path, {})["code"])

    def desk(self, view_id: str) -> str:
        """The address of its desk."""
        return f"{self.library}/views/{view_id}/desk"

    def upload(self, name: str, image: Image.Image) -> str:
        """The address of a picture in the demo's library."""
        written = BytesIO()
        image.save(written, "JPEG")
        url = f"{self.address}/api/libraries/{self.stack.cast.library_id}/images?name={name}"
        headers = {"Authorization": f"Bearer {self.stack.controller.access}", "Content-Type": "image/jpeg"}
        answer = httpx.post(url, content=written.getvalue(), headers=headers, timeout=30, trust_env=False)
        return str(answer.raise_for_status().json()["images"][0]["url"])


def painted(width: int, height: int) -> Image.Image:
    """The coast of the sample evening, cut to a size."""
    with Image.open(SAMPLES / "coast.webp") as coast:
        scale = min(coast.width / width, coast.height / height)
        wide, high = round(width * scale), round(height * scale)
        left, top = (coast.width - wide) // 2, (coast.height - high) // 2
        return coast.convert("RGB").resize((width, height), box=(left, top, left + wide, top + high))


def take(page: Page, name: str) -> None:
    """Write what the page shows in few colours, among them those of small things: a screenshot has no more."""
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    with Image.open(BytesIO(page.screenshot())) as taken:
        shot = taken.convert("RGB")
    part = shot.resize((shot.width // PART, shot.height // PART), Image.Resampling.NEAREST)
    colours = part.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1)
    shot.quantize(palette=colours, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    print(name, flush=True)
