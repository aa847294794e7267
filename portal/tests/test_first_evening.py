"""The first evening as a whole: register, share, show, damage, a crash, the end; and nobody received what is hidden.

Once at the top of a host, from a phone at the machine's address in its network; once below a path behind nginx, in
production.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from portal.lan import lan_hosts
from portal.tests import evening as scenes
from portal.tests.browsing import chrome
from portal.tests.evening import Evening
from portal.tests.evening_secrets import check_all
from testing.installation import ServerKind, StoreKind, installation
from testing.letters import Letterbox, letterbox
from testing.stacks import BASE_PATH, STACK_ENV, Stack, below_a_path, running

__all__ = ["chrome"]

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

EVERYWHERE = "0.0.0.0"  # noqa: S104
PRODUCTION = {"PORTAL_DEBUG": "false", "PORTAL_ALLOWED_HOSTS": "127.0.0.1", "PORTAL_HTTPS": "false"}


@pytest.fixture
def letters() -> Iterator[Letterbox]:
    """Where the mails go."""
    with letterbox() as made:
        yield made


def mails(letters: Letterbox) -> dict[str, str]:
    """The settings for it."""
    return {"PORTAL_SMTP_URL": f"smtp://127.0.0.1:{letters.port}", "PORTAL_MAIL_FROM": "portal@example.org"}


@pytest.fixture(params=["at the top", "below a path"])
def stack(request: pytest.FixtureRequest, letters: Letterbox) -> Iterator[Stack]:
    """The site: as `make run HOST=0.0.0.0` serves it, and as operations.md says for production behind nginx."""
    if request.param == "at the top":
        assert lan_hosts(EVERYWHERE), "This test needs a machine with an address in a network: connect it to one."
        settings = {**STACK_ENV, **mails(letters), "PORTAL_LISTENS_ON": EVERYWHERE}
        with installation(StoreKind.SQLITE, **settings) as made:
            cast = made.prepare()
            with running(made, cast, ServerKind.SERVE, "--host", EVERYWHERE) as started:
                yield started
        return
    with installation(StoreKind.SQLITE, PORTAL_BASE_PATH=BASE_PATH, **STACK_ENV, **mails(letters)) as made:
        cast = made.prepare()
        produced = replace(made, env={**made.env, **PRODUCTION})
        produced.manage("collectstatic", "--noinput", "--verbosity", "0")
        with below_a_path(produced, cast, stripped=False) as started:
            yield started


def test_the_first_evening(stack: Stack, letters: Letterbox, chrome: Browser, tmp_path: Path) -> None:
    with ExitStack() as exits:
        page = scenes.owner(chrome, exits)
        evening = Evening(stack, stack.server.http, letters, chrome, tmp_path, exits, page)
        desk = scenes.begin(evening)
        scenes.share(evening)
        scenes.invite(evening)
        scenes.add_screen(evening, desk)
        evening.to_the_desk(desk)
        evening.watching(4)
        marks = scenes.prepare(evening)
        scenes.upload(evening)
        scenes.zoom(evening)
        scenes.fight(evening)
        scenes.crash(evening)
        scenes.remembered(evening, "paste", 404)
        scenes.withdraw(evening)
        expect(evening.open("coast").get_by_label("Private notes")).to_have_value(marks["notes"])
    for viewer in evening.viewers:
        check_all(viewer, evening.hidden, evening.revealed)
