"""The first evening, scene by scene: what somebody does who has never seen Portal, and what everybody gets of it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import segno
from playwright.sync_api import Browser, Locator, Page, expect

from portal.tests.browsing import LAPTOP, PHONE, TELEVISION, check, give
from portal.tests.evening_screen import Viewer, screen
from portal.tests.evening_secrets import check_frames, mark, number, of_sample
from portal.tests.evening_viewers import SECONDS, Seat, quiet, seat
from portal.tests.stillness import GAP_MILLISECONDS
from testing.letters import Letterbox
from testing.stacks import Stack

WAIT = 1_000 * SECONDS
NAME, PICTURE, STATUS = ".stage-title .stage-name", ".stage-layer.is-on .stage-picture", ".stage-title .stage-status"
CODE_IS_SHOWN = "/^[2-9A-HJ-KM-NP-Z]{6}$/.test((document.querySelector('#code') || {}).textContent)"
OWNER, MEMBER = "first@example.org", "member@example.org"
PASSWORD = "a table by the sea"  # noqa: S105
WIDTHS = {"drop": 431, "paste": 433}


def one(selector: str) -> str:
    """An expression for the element, or an empty object."""
    return f"(document.querySelector('{selector}') || {{}})"


def labelled(selector: str, label: str) -> str:
    """An expression that is true if the element has that label for readers of the screen."""
    return f"Boolean(document.querySelector('{selector}[aria-label=\"{label}\"]'))"


def moved(pattern: str) -> str:
    """An expression that is true if the picture is moved by such a matrix."""
    layer = "document.querySelector('.stage-layer.is-on')"
    return f"{layer} && /^matrix\\({pattern}/.test(getComputedStyle({layer}).transform)"


@dataclass
class Evening:
    """Who is there. `site` is where the owner is, and `there` where the link leads.

    `hidden` may nobody else receive, `revealed` is what they all got. `pictures` are addresses by how they came.
    """

    stack: Stack
    site: str
    letterbox: Letterbox
    chrome: Browser
    folder: Path
    exits: ExitStack
    page: Page
    guests: list[Seat] = field(default_factory=list)
    others: list[Viewer] = field(default_factory=list)
    hidden: set[str] = field(default_factory=of_sample)
    revealed: list[str] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)
    there: str = ""

    @property
    def viewers(self) -> list[Viewer]:
        """Everybody who watches."""
        return [*self.guests, *self.others]

    # --- What everybody sees ---------------------------------------------------------------------------------

    def all_see(self, code: str, viewers: list[Viewer] | None = None) -> None:
        """An expression becomes true for all of them."""
        for viewer in self.viewers if viewers is None else viewers:
            viewer.wait_for(code)

    def all_read(self, selector: str, text: str) -> None:
        """An element has that text for all of them."""
        self.all_see(f"{one(selector)}.textContent === '{text}'")

    def reveal(self, *secrets: str) -> None:
        """Note what nobody has received until now, and everybody will."""
        check_frames(self.viewers, *secrets)
        self.revealed += secrets

    # --- The desk --------------------------------------------------------------------------------------------

    def row(self, item: str) -> Locator:
        """The row of the item with that id, or with that in its name."""
        found = self.page.locator(f'[data-item="{item}"]')
        return found.or_(self.page.locator("[data-item]").filter(has_text=item))

    def press(self, what: str, item: str) -> None:
        """A button of the item's row: Show, Reveal or Hide."""
        self.row(item).get_by_role("button", name=re.compile(f"^{what} ")).click()

    def open(self, item: str) -> Locator:
        """Open it; the editor."""
        name = self.row(item).locator(".name").first.inner_text()
        self.row(item).locator(".open").click()
        editor = self.page.locator("desk-editor")
        expect(editor.locator("[data-name]")).to_have_text(name)
        return editor

    def write(self, editor: Locator, **texts: str) -> None:
        """Fill in fields, by their labels with _ for a space, and leave them."""
        for label, text in texts.items():
            editor.get_by_label(label.replace("_", " "), exact=True).fill(text)
            self.page.keyboard.press("Tab")

    def to_the_desk(self, desk: str) -> None:
        """Open it, and wait until it is live."""
        self.page.goto(desk)
        expect(self.page.locator("desk-line")).to_contain_text("Live", timeout=WAIT)

    def sharing(self) -> Locator:
        """Open the page of sharing above the desk."""
        self.page.locator(".bar").get_by_role("link", name="Share").click()
        return self.page.get_by_role("dialog", name="Share")

    def watching(self, number_of_them: int) -> None:
        """The desk says how many watch."""
        expect(self.page.locator("desk-people")).to_contain_text(f"{number_of_them} are watching", timeout=WAIT)


def register(page: Page, name: str, email: str) -> None:
    """Fill in the form."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()


def begin(evening: Evening) -> str:
    """Register, verify the address, and try a sample evening; the address of the desk."""
    page = evening.page
    page.goto(f"{evening.site}/")
    check(page)
    page.get_by_role("main").get_by_role("link", name="Register").click()
    check(page)
    register(page, "First", OWNER)
    expect(page.get_by_role("heading", name="Make your first table")).to_be_visible(timeout=WAIT)
    evening.stack.server.process.wait_until(lambda: bool(evening.letterbox.links_to(OWNER)))
    page.goto(evening.letterbox.links_to(OWNER)[0])
    check(page)
    page.get_by_role("button", name="Verify it").click()
    expect(page.get_by_text(f"{OWNER} is verified.")).to_be_visible()
    page.goto(f"{evening.site}/")  # the link may lead to another address of the site, where nobody is logged in
    expect(page.get_by_role("heading", name="My libraries")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Try a sample evening").click()
    expect(page.locator("desk-line")).to_contain_text("Live", timeout=WAIT)
    expect(page.locator("desk-invite .code")).to_be_visible()
    check(page)
    return page.url


def share(evening: Evening) -> None:
    """A guest comes by the QR code's link on a phone, another one by code."""
    page, chrome, exits = evening.page, evening.chrome, evening.exits
    box = evening.sharing()
    box.get_by_label("Name of the link").fill("Guests")
    box.get_by_role("button", name="Another link").click()
    expect(box.locator("li").filter(has_text="Guests")).to_be_visible()  # until then it shows the sample's link
    link = box.get_by_label("The whole link").input_value()
    expect(box.locator(".qr")).to_have_attribute(
        "src", segno.make_qr(link).svg_data_uri(border=3, light="#fff", omitsize=True)
    )
    check(page)
    phone = exits.enter_context(seat(chrome, "phone", evening.folder, viewport=PHONE, is_mobile=True, has_touch=True))
    phone.page.goto(link)
    phone.wait_for(f"{one(NAME)}.textContent === 'The coast of Saltmarrow'")
    phone.wait_for(f"{one(PICTURE)}.naturalWidth > 0")
    coder = exits.enter_context(seat(chrome, "by code", evening.folder))
    join = f"http://{box.locator('p.address').inner_text()}"
    assert join.endswith("/join")
    evening.there = join.removesuffix("/join")
    coder.page.goto(join)
    check(coder.page)
    coder.page.get_by_label("Code").fill(box.locator("p.code").inner_text())
    coder.page.get_by_label("Your name").fill("Ada")
    coder.page.get_by_role("button", name="Watch").click()
    coder.page.wait_for_url("**/view/guest/*")
    coder.wait_for(f"{one(PICTURE)}.naturalWidth > 0")
    evening.guests += [phone, coder]
    for guest in evening.guests:
        check(guest.page)
    box.get_by_role("button", name="Close").click()
    expect(page.locator("desk-people")).to_contain_text("2 are watching")


def invite(evening: Evening) -> None:
    """Somebody registers by the link of an invitation, and watches as a member."""
    page = evening.page
    page.get_by_role("link", name="Back to the library").click()
    page.get_by_role("link", name="Members").click()
    page.get_by_label("Role", exact=True).select_option("Viewer")
    page.get_by_role("button", name="Make an invitation").click()
    member = evening.exits.enter_context(seat(evening.chrome, "member", evening.folder, viewport=TELEVISION))
    member.page.goto(page.get_by_label("The whole link").input_value())
    check(member.page)
    member.page.get_by_role("main").get_by_role("link", name="Register").click()
    register(member.page, "Lin", MEMBER)
    member.page.get_by_role("button", name="Accept").click()
    expect(member.page.get_by_text("You are Viewer of")).to_be_visible(timeout=WAIT)
    check(member.page)
    member.page.get_by_role("link", name="Open the stage").click()
    member.page.wait_for_url("**/stage")
    member.wait_for(f"{one(PICTURE)}.naturalWidth > 0")
    evening.others.append(member)


def add_screen(evening: Evening, desk: str) -> None:
    """The television shows a code, as a screen of today does, and then the table."""
    page = evening.page
    with seat(evening.chrome, "newer screen", evening.folder, viewport=TELEVISION) as newer:
        newer.page.goto(f"{evening.there}/tv")
        newer.wait_for(CODE_IS_SHOWN)
        check(newer.page, least=5)
    set_ = evening.exits.enter_context(screen("television", evening.folder / "television"))
    set_.television.open(f"{evening.there}/tv")
    set_.wait_for(CODE_IS_SHOWN)
    set_.check(least=5)
    page.goto(desk.replace("/desk", "/share"))
    page.get_by_role("link", name="Add a screen").click()
    check(page)
    page.get_by_label("Code on the screen").fill(set_.ask("document.querySelector('#code').textContent"))
    page.get_by_label("Name of the screen").fill("Television")
    page.get_by_label("What it shows").select_option(index=1)
    page.get_by_role("button", name="Add the screen").click()
    expect(page.get_by_text("“Television” is added")).to_be_visible(timeout=WAIT)
    set_.wait_for(f"{one(PICTURE)}.naturalWidth > 0")
    set_.check()
    evening.others.append(set_)


def prepare(evening: Evening) -> dict[str, str]:
    """Notes, a true name, a hidden note: the marks in them by what they are."""
    marks = {what: mark() for what in ("notes", "true name", "armour", "hidden name", "hidden text", "ghoul")}
    editor = evening.open("coast")
    evening.write(editor, Private_notes=marks["notes"])
    editor = evening.open("keeper")
    evening.write(editor, Name=marks["true name"], Armour_class=marks["armour"])
    editor = evening.open("ghoul")
    evening.write(editor, Text=marks["ghoul"])
    evening.page.get_by_role("button", name="Note", exact=True).click()
    evening.write(editor, Name=marks["hidden name"], Text=marks["hidden text"])
    expect(evening.row(marks["hidden name"])).to_contain_text("Hidden")
    evening.hidden |= set(marks.values())
    return marks


def upload(evening: Evening) -> None:
    """One picture is dropped and revealed, shown, hidden and shown again; another one is pasted, and stays hidden."""
    names = {how: mark() for how in WIDTHS}
    for how, name in names.items():
        give(evening.page, how, name, WIDTHS[how])
        row = evening.row(name)
        expect(row).to_contain_text("Hidden", timeout=WAIT)
        source = row.locator("img").get_attribute("src") or ""
        evening.pictures[how] = source.partition("?")[0]
    evening.hidden |= {names["paste"], evening.pictures["paste"].rpartition("/")[2]}
    dropped = evening.pictures["drop"].rpartition("/")[2]
    evening.reveal(names["drop"], dropped)
    evening.press("Reveal", names["drop"])
    expect(evening.row(names["drop"])).not_to_contain_text("Hidden")
    for viewer in evening.viewers:
        assert not any(dropped in address for address in viewer.requested())
    evening.press("Show", names["drop"])
    evening.all_read(NAME, names["drop"])
    evening.all_see(f"{one(PICTURE)}.naturalWidth === {WIDTHS['drop']}")
    evening.press("Hide", names["drop"])
    evening.all_see("!document.querySelector('.stage-picture')")
    remembered(evening, "drop", 404)
    evening.press("Show", names["drop"])
    evening.all_see(f"{one(PICTURE)}.naturalWidth === {WIDTHS['drop']}")
    remembered(evening, "drop", 200)


def remembered(evening: Evening, how: str, status: int) -> None:
    """What viewers get who ask for the picture's address by themselves."""
    address = evening.pictures[how]
    for viewer in evening.viewers:
        path = re.sub(r"^https?://[^/]+", "", address)
        assert viewer.ask(f"fetch('{path}').then(({{ status }}) => status)") == status, (viewer.name, address)


def zoom(evening: Evening) -> None:
    """What the controller zooms on the preview is what everybody sees."""
    page = evening.page
    page.locator("desk-screen .stage-layer.is-on").hover()
    page.mouse.wheel(0, -600)
    evening.all_see(moved("2\\."))
    page.get_by_role("button", name="Whole picture").click()
    evening.all_see(moved("1, 0, 0, 1,"))


def fight(evening: Evening) -> None:
    """Damage while viewers see nothing of health, a bar, a word, and numbers."""
    page = evening.page
    evening.press("Show", "warden")
    evening.all_read(NAME, "The Bell Warden")
    health = evening.open("warden").get_by_role("group", name="Health")
    full = number()
    left = [int(full * part) for part in (0.9, 0.62, 0.21, 0.33)]
    secret = [str(one_) for one_ in (full, *left)]
    see = health.get_by_label("Viewers see")
    choose(evening, see, "nothing")
    health.get_by_label("Maximum").fill(str(full))
    page.keyboard.press("Tab")
    damage(evening, f"={left[0]}", left[0])
    expect(health).to_contain_text("They see: nothing")
    evening.all_see(f"!document.querySelector('{STATUS} .stage-bar, {STATUS} .stage-word, {STATUS} .stage-numbers')")
    choose(evening, see, "Bar")
    evening.all_see(labelled(f"{STATUS} .stage-bar", "Health 90 %"))
    damage(evening, f"-{left[0] - left[1]}", left[1])
    evening.all_see(labelled(f"{STATUS} .stage-bar", "Health 60 %"))
    choose(evening, see, "Words")
    evening.all_read(f"{STATUS} .stage-word", "wounded")
    damage(evening, f"-{left[1] - left[2]}", left[2])
    evening.all_read(f"{STATUS} .stage-word", "critical")
    evening.hidden |= set(secret[1:4])
    evening.reveal(secret[0], secret[4])
    damage(evening, f"+{left[3] - left[2]}", left[3])
    choose(evening, see, "Numbers")
    evening.all_read(f"{STATUS} .stage-numbers", f"{left[3]}/{full}")
    check(page)


def choose(evening: Evening, field: Locator, form: str) -> None:
    """Choose what viewers see of health, as a person does who looks at it first: text on a phone gives way to it."""
    evening.page.wait_for_timeout(GAP_MILLISECONDS)
    field.select_option(form)


def damage(evening: Evening, text: str, left: int) -> None:
    """Write it into the field, and see what is left."""
    health = evening.page.locator("desk-editor").get_by_role("group", name="Health")
    health.get_by_label("Change").fill(text)
    evening.page.keyboard.press("Enter")
    expect(health.locator("output")).to_have_text(str(left))


def crash(evening: Evening) -> None:
    """The screens are black while the server is killed and started again; everybody comes back by themselves."""
    page, server = evening.page, evening.stack.server
    page.locator("[data-black]").click()
    evening.all_see("document.querySelector('#stage').classList.contains('is-black')")
    evening.all_see("!document.querySelector('.stage-picture') && !document.querySelector('.stage-name').textContent")
    server.process.kill()
    expect(page.locator("desk-line")).to_contain_text("Reconnecting", timeout=WAIT)
    server.start()
    expect(page.locator("desk-line")).to_contain_text("Live", timeout=WAIT)
    evening.watching(len(evening.viewers))
    page.locator("desk-blackout").get_by_role("button", name="Resume").click()
    evening.all_read(NAME, "The Bell Warden")
    evening.all_see(f"{one(PICTURE)}.naturalWidth > 0 && document.querySelector('#line').hidden")


def withdraw(evening: Evening) -> None:
    """The guests get a quiet page, and nothing more; the others stay."""
    box = evening.sharing()
    link = box.locator("li").filter(has_text="Guests")
    expect(link).to_contain_text("2 watching by this link", timeout=WAIT)
    link.get_by_role("link", name="Withdraw").click()
    expect(box).to_contain_text("2 people watch by it now")
    check(evening.page)
    box.get_by_role("button", name="Withdraw the link").click()
    expect(link).to_have_count(0)
    box.get_by_role("button", name="Close").click()
    for guest in evening.guests:
        guest.wait_for("/This link was withdrawn/.test(document.querySelector('#end').textContent)")
        guest.wait_for("document.querySelector('#stage').hidden && !document.querySelector('.stage-picture')")
        check(guest.page, least=5)
    evening.watching(len(evening.others))
    last = mark()
    editor = evening.open("letter")
    evening.write(editor, Shown_as=last)
    evening.press("Show", "letter")
    for viewer in evening.others:
        viewer.wait_for(f"{one(NAME)}.textContent === '{last}'")
    check_frames(evening.guests, last)


def owner(chrome: Browser, exits: ExitStack) -> Page:
    """An empty page of somebody who controls."""
    return exits.enter_context(quiet(chrome, viewport=LAPTOP)).new_page()
