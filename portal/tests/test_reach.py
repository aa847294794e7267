"""`make run HOST=0.0.0.0`, as typed: other machines reach the site by this machine's address in its network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from libraries.demo_data import LIBRARY_ID, PASSWORD, PORTAL_VIEW_ID
from portal.lan import lan_hosts
from testing.installation import ROOT, StoreKind, installation
from testing.processes import Process, ReservedPort

pytestmark = pytest.mark.server

EVERYWHERE = "0.0.0.0"  # noqa: S104
SECONDS = 60.0


@dataclass(frozen=True)
class Reached:
    """A running site: what it printed at its start, and its addresses from here and from elsewhere."""

    printed: str
    port: int
    lan: str

    @property
    def here(self) -> str:
        """The address on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def there(self) -> str:
        """The address that other machines use."""
        return f"http://{self.lan}:{self.port}"

    @property
    def password(self) -> str:
        """The printed password."""
        [found] = re.findall(r"Everybody's password is (\S+)", self.printed)
        return str(found)

    def token(self, password: str) -> httpx.Response:
        """The answer to the owner's log-in."""
        body = {"email": "owner@example.com", "password": password}
        return httpx.post(f"{self.there}/api/auth/token", json=body, trust_env=False)


@pytest.fixture(scope="module")
def site() -> Iterator[Reached]:
    """The site; its packages are installed already."""
    hosts = lan_hosts(EVERYWHERE)
    assert hosts, "This test needs a machine with an address in a network: connect it to one."
    with installation(StoreKind.SQLITE) as made, ReservedPort() as port:
        command = ["make", "-o", ".venv/.installed", "run", f"HOST={EVERYWHERE}", f"PORT={port.number}"]
        log = made.folder / "make.log"
        with Process("make run", command, log, env=made.env, cwd=ROOT) as process:
            here = f"http://127.0.0.1:{port.number}"

            def answers() -> bool:
                try:
                    return httpx.get(f"{here}/api/health", trust_env=False).is_success
                except httpx.TransportError:  # not listening yet
                    return False

            process.start(answers, SECONDS)
            yield Reached(log.read_text(), port.number, hosts[0])


def test_it_prints_the_addresses_for_phones(site: Reached) -> None:
    assert f"\nOn phones: {site.there}\n" in site.printed
    assert site.printed.count("On phones: ") == len(lan_hosts(EVERYWHERE))
    assert f"Start here   {site.here}/" in site.printed


def test_the_demo_has_one_random_password_printed_once(site: Reached) -> None:
    assert site.printed.count(site.password) == 1
    assert site.password != PASSWORD
    assert site.token(PASSWORD).status_code == 401
    assert site.token(site.password).status_code == 200


def test_pages_and_forms_work_by_the_address(site: Reached) -> None:
    with httpx.Client(base_url=site.there, trust_env=False) as browser:
        page = browser.get("/login")
        assert page.status_code == 200
        assert "Cross-Origin-Opener-Policy" not in page.headers  # browsers complain about it in the console
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
        form = {"csrfmiddlewaretoken": token, "username": "owner@example.com", "password": site.password}
        for origin, status in ((f"http://elsewhere.example.org:{site.port}", 403), (site.there, 302)):
            assert browser.post("/login", data=form, headers={"Origin": origin}).status_code == status


def test_the_address_to_type_at_a_television_is_for_other_machines(site: Reached) -> None:
    assert f"{site.lan}:{site.port}/add-screen" in httpx.get(f"{site.here}/tv", trust_env=False).text


def test_another_name_is_refused(site: Reached) -> None:
    answer = httpx.get(f"{site.there}/login", headers={"Host": f"evil.example:{site.port}"}, trust_env=False)
    assert answer.status_code == 400


def test_a_socket_opens_from_a_page_of_the_address_alone(site: Reached) -> None:
    access = site.token(site.password).json()["access"]
    address = f"ws://{site.lan}:{site.port}/ws/portal-view/{PORTAL_VIEW_ID}?token={access}"
    with connect(address, origin=Origin(site.there), proxy=None) as socket:
        assert '"connected"' in str(socket.recv(timeout=10))
    for other in (
        "http://elsewhere.example.org",
        f"http://{site.lan}:{site.port + 1}",
        f"https://{site.lan}:{site.port}",
    ):
        with connect(address, origin=Origin(other), proxy=None) as socket:
            assert '"origin-not-allowed"' in str(socket.recv(timeout=10))
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=10)


def test_a_link_that_was_made_here_is_for_other_machines(site: Reached) -> None:
    access = site.token(site.password).json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    for address in (site.here, site.there):
        made = httpx.post(
            f"{address}/api/portal-views/{PORTAL_VIEW_ID}/share-links", headers=headers, json={}, trust_env=False
        ).json()
        assert made["link"].startswith(f"{site.there}/view/")
        assert httpx.get(made["link"], trust_env=False).status_code == 200
    invited = httpx.post(
        f"{site.here}/api/libraries/{LIBRARY_ID}/invitations", headers=headers, json={"role": "VIEWER"}, trust_env=False
    ).json()
    assert invited["link"].startswith(f"{site.there}/invitation/")
