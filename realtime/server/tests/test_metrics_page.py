"""Who may read /metrics, by token and by address; everybody else's request goes on to the site."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.metrics.reports import Report
from realtime.server.metrics import page
from realtime.server.metrics.page import Metrics, NoReport

TOKEN = "a-token-of-metrics-0123456789"
SITE, OWN = 8000, 9100


@pytest.fixture(autouse=True)
def _usual(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_METRICS_TOKEN, settings.PORTAL_METRICS_ADDRESSES, settings.PORTAL_METRICS_PORT = TOKEN, [], 0

    async def source() -> Report:
        return {"portal_processes": {(): [3.0]}}

    monkeypatch.setattr(page._Process, "source", staticmethod(source))


async def ask(
    *,
    path: str = "/metrics",
    method: str = "GET",
    address: str | None = "192.0.2.1",
    token: str = "",
    port: int = SITE,
    kind: str = "http",
    root: str = "",
    site: bool = True,
) -> tuple[str, Any]:
    """`site` if the request went on to the site, otherwise the status and the body."""
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        sent.append("site")

    async def send(event: Any) -> None:
        sent.append(event)

    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    client = None if address is None else (address, 1)
    scope: dict[str, Any] = {"type": kind, "method": method, "path": root + path, "root_path": root, "headers": headers}
    scope |= {"client": client, "server": ("127.0.0.1", port)}
    await Metrics(application if site else None)(scope, None, send)
    if sent == ["site"]:
        return "site", None
    if kind == "websocket":
        return sent[0]["type"], None
    return str(sent[0]["status"]), sent[1]["body"]


async def test_the_token_opens_it() -> None:
    status, body = await ask(token=TOKEN)
    assert status == "200"
    assert b"portal_processes 3.0\n" in body
    assert (await ask(token=TOKEN, root="/portal"))[0] == "200"
    assert await ask(token=TOKEN, method="HEAD") == ("200", b"")


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"token": f"{TOKEN}x"},
        {"token": TOKEN, "method": "POST"},
        {"token": TOKEN, "path": "/metrics/"},
        {"token": TOKEN, "path": "/api/metrics"},
        {"token": TOKEN, "kind": "websocket"},
        {"address": None},
    ],
)
async def test_all_other_requests_go_on_to_the_site(request_: dict[str, Any]) -> None:
    assert await ask(**request_) == ("site", None)


async def test_without_a_token_and_addresses_nobody_may_read(settings: Any) -> None:
    settings.PORTAL_METRICS_TOKEN = ""
    assert await ask(token=TOKEN) == ("site", None)
    assert await ask(token="") == ("site", None)


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("10.0.0.5", True),
        ("10.0.0.6", False),
        ("10.1.2.3", True),
        ("::ffff:10.0.0.5", True),
        ("2001:db8::7", True),
        ("2001:db9::7", False),
        ("unix", False),
        (None, False),
    ],
)
async def test_listed_addresses_need_no_token(settings: Any, address: str | None, opens: bool) -> None:
    settings.PORTAL_METRICS_ADDRESSES = ["10.0.0.5", "10.1.0.0/16", "2001:db8::/32"]
    assert (await ask(address=address))[0] == ("200" if opens else "site")
    assert (await ask(address=address, token=TOKEN))[0] == "200"


@pytest.mark.parametrize("address", ["192.0.2.1", None])
async def test_every_address_may_be_listed(settings: Any, address: str | None) -> None:
    settings.PORTAL_METRICS_ADDRESSES = ["*"]
    assert (await ask(address=address))[0] == "200"


async def test_a_port_of_its_own_has_the_page_and_the_site_has_it_no_more(settings: Any) -> None:
    settings.PORTAL_METRICS_PORT = OWN
    assert (await ask(token=TOKEN, port=OWN))[0] == "200"
    assert (await ask(token=TOKEN, port=OWN, site=False))[0] == "200"
    assert await ask(token=TOKEN) == ("site", None)
    for site in (True, False):
        assert (await ask(port=OWN, site=site))[0] == "404"
        assert (await ask(port=OWN, path="/api/health", token=TOKEN, site=site))[0] == "404"
        assert (await ask(port=OWN, kind="websocket", token=TOKEN, site=site))[0] == "websocket.close"


async def test_without_numbers_the_answer_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    async def source() -> Report:
        raise NoReport("Nobody answers.")

    monkeypatch.setattr(page._Process, "source", staticmethod(source))
    assert await ask(token=TOKEN) == ("503", b"Nobody answers.\n")
