"""The JavaScript client, as it is shipped, in Chromium and Firefox: on a page of another site, with a real server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from realtime.client.python.portal_client.tables import FINAL_CODES
from realtime.client.python.tests.fake import Peer, port_of
from realtime.protocol.closing import ERRORS, RECONNECT, CloseCode, Reconnect
from testing.browsers import PAGES, BrowserPage
from testing.installation import ServerKind, StoreKind, installation
from testing.stacks import STACK_ENV, Stack, running
from testing.tabs import Seen, Tab, TabClient, names, site
from testing.wires import Wire, loop_in_thread, wire

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.long]

FAST = 10
"""How many times faster the time of a client passes whose waits are long."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with site() as made:
        yield made


@pytest.fixture(scope="module")
def stack(port: int) -> Iterator[Stack]:
    """A server that lets in pages of the site by one of its names."""
    env = {**STACK_ENV, "PORTAL_ALLOWED_ORIGINS": f"http://localhost:{port}"}
    with installation(StoreKind.SQLITE, **env) as made, running(made, made.prepare(), ServerKind.SERVE) as one:
        yield one


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest) -> Iterator[BrowserPage]:
    with PAGES[request.param]() as opened:
        yield opened


@pytest.fixture
def tab(page: BrowserPage, port: int) -> Tab:
    return Tab(page, f"http://localhost:{port}/")


@pytest.fixture
def line(stack: Stack) -> Iterator[Wire]:
    with wire(stack.server.port) as made:
        yield made


@pytest.fixture
def view(stack: Stack) -> str:
    return stack.new_portal_view(items=[{"id": "ogre", "name": "Ogre", "hp": 12}, {"id": "imp", "name": "Imp"}])


def controls(stack: Stack) -> dict[str, str]:
    return {"token": stack.controller.access}


def ticket(stack: Stack, view: str) -> dict[str, str]:
    return {"ticket": stack.viewer.post("/api/auth/ws-ticket", {"portalViewId": view})["ticket"]}


def stored(stack: Stack, view: str) -> Seen:
    """The state that a controller reads over REST, as far as it is one."""
    read = stack.controller.get(f"/api/portal-views/{view}")
    return {key: value for key, value in read.items() if key not in {"warnings", "epoch", "role", "updatedAt"}}


def known(seen: Seen) -> Seen:
    """The confirmed state of a client, which knows no dates of changes."""
    return {key: value for key, value in seen["confirmed"].items() if key != "updatedAt"}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_token_a_ticket_and_a_share_see_what_is_done(tab: Tab, stack: Stack, view: str, encoding: str) -> None:
    url, share = stack.server.http, stack.controller.post(f"/api/portal-views/{view}/share-links", {})["token"]
    controller = tab.join(url, view, controls(stack), encoding=encoding)
    user = tab.join(url, view, ticket(stack, view), encoding=encoding)
    guest = tab.join(url, view, {"share": share}, encoding=encoding, name="Kim")
    viewers = [user, guest]
    assert [one.seen()["role"] for one in (controller, *viewers)] == ["controller", "viewer", "viewer"]
    assert [one.seen()["subject"]["kind"] for one in viewers] == ["user", "guest"]
    controller.until("client.presence && client.presence.counts.viewers === 2")
    assert "Kim" in names(controller.seen()["presence"]["viewers"])
    assert controller.do("updateItem", "ogre", {"hp": 9}) == {"version": 2}
    assert controller.do("update", {"name": "Night", "showHealth": True, "currentItemId": "ogre"}) == {"version": 3}
    assert controller.do("addItem", {"id": "rat", "name": "Rat"}, 0) == {"version": 4}
    assert controller.do("moveItem", "imp", 0) == {"version": 5}
    assert controller.do("removeItem", "rat") == {"version": 6}
    seen = controller.seen()
    assert known(seen) == stored(stack, view)
    assert (seen["state"], seen["version"]) == (seen["confirmed"], 6)
    for viewer in viewers:
        shown = viewer.until("client.state.items.length === 2 && client.state.currentItem === 1")["state"]
        assert (shown["name"], names(shown["items"])) == ("Night", ["Imp", "Ogre"])


def test_what_is_refused_is_rolled_back(tab: Tab, stack: Stack, view: str) -> None:
    controller = tab.join(stack.server.http, view, controls(stack))
    viewer = tab.join(stack.server.http, view, {"token": stack.viewer.access})
    before = controller.seen()["state"]
    assert controller.do("update", {"name": ""}) == {"code": "invalid-payload"}
    assert viewer.do("update", {"blackout": True}) == {"code": "forbidden"}
    assert controller.seen()["state"] == before
    assert controller.seen()["refused"] == ["invalid-payload"]


@pytest.mark.parametrize("encodings", [("json", "msgpack"), ("msgpack", "json")])
def test_commands_carry_bytes(tab: Tab, stack: Stack, view: str, encodings: tuple[str, str]) -> None:
    controller = tab.join(stack.server.http, view, controls(stack), encoding=encodings[0])
    viewer = tab.join(stack.server.http, view, {"token": stack.viewer.access}, encoding=encodings[1])
    payload = {"sound": {"bytes": [1, 2, 255]}}
    assert "version" in controller.do("send", {"type": "portal-view-update", "payload": payload})
    heard = viewer.until("own.heard.some(({ type }) => type === 'portal-view-updated')")["heard"]
    assert heard[-1]["payload"] == payload


def updated_while_lost(client: TabClient, *, comes_back: bool = False) -> None:
    """Two updates wait, and show at once; a client that `comes_back` for them may have stored them by now."""
    client.start("addItem", {"id": "rat", "name": "Rat"})
    client.start("updateItem", "ogre", {"hp": 1})
    seen = client.seen()
    assert (names(seen["state"]["items"]), seen["state"]["items"][0]["hp"]) == (["Ogre", "Imp", "Rat"], 1)
    assert comes_back or names(seen["confirmed"]["items"]) == ["Ogre", "Imp"]


def stored_once(client: TabClient, stack: Stack, view: str) -> None:
    """They are stored, once."""
    assert client.outcomes() == [{"version": 2}, {"version": 3}]
    seen, state = client.seen(), stored(stack, view)
    assert seen["state"] == seen["confirmed"]
    assert known(seen) == state
    assert (names(state["items"]), state["items"][0]["hp"]) == (["Ogre", "Imp", "Rat"], 1)


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "stopped"])
def test_updates_wait_for_a_server_that_is_started_again(tab: Tab, stack: Stack, view: str, is_killed: bool) -> None:
    controller = tab.join(stack.server.http, view, controls(stack))
    (stack.server.process.kill if is_killed else stack.server.process.stop)()
    controller.until("client.status !== 'open'")
    updated_while_lost(controller)
    stack.server.start()
    stored_once(controller, stack, view)


def test_updates_over_a_line_that_is_cut(tab: Tab, stack: Stack, view: str, line: Wire) -> None:
    controller = tab.join(line.http, view, controls(stack), encoding="msgpack")
    for count in range(20):
        controller.start("addItem", {"id": f"i{count}", "name": f"Item {count}"})
        controller.start("updateItem", f"i{count}", {"hp": count})
        if count % 5 == 0:
            line.cut()
    assert all("version" in one for one in controller.outcomes())
    seen, state = controller.seen(), stored(stack, view)
    assert (known(seen), seen["state"]) == (state, seen["confirmed"])
    assert [(item["name"], item["hp"]) for item in state["items"][2:]] == [(f"Item {n}", n) for n in range(20)]
    assert seen["asked"] > 1


def test_a_line_that_passes_nothing_on_is_found(tab: Tab, stack: Stack, view: str, line: Wire) -> None:
    controller = tab.join(line.http, view, controls(stack), speed=FAST)
    line.freeze(is_frozen=True)
    controller.until("client.status !== 'open'")
    updated_while_lost(controller)
    line.freeze(is_frozen=False)
    stored_once(controller, stack, view)


def test_a_ticket_is_good_once(tab: Tab, stack: Stack, view: str, line: Wire) -> None:
    mine, same = [ticket(stack, view), ticket(stack, view)], ticket(stack, view)
    has_two = tab.join(line.http, view, *mine)
    has_one = tab.join(line.http, view, same)
    line.cut()
    assert has_two.until("own.asked > 1 && client.status === 'open'")["code"] is None
    assert has_one.until("client.status === 'closed'")["code"] == "ticket-invalid"


def test_a_hidden_page_comes_back_if_it_has_something_to_say(tab: Tab, stack: Stack, view: str, line: Wire) -> None:
    controller = tab.join(line.http, view, controls(stack))
    viewer = tab.join(line.http, view, {"token": stack.viewer.access})
    tab.hide(is_hidden=True)
    count = line.count
    line.cut()
    for client in (controller, viewer):
        assert client.until("client.status === 'waiting'")["nextAttemptAt"] is None
    updated_while_lost(controller, comes_back=True)
    stored_once(controller, stack, view)
    assert (viewer.seen()["status"], viewer.seen()["asked"], line.count) == ("waiting", 1, count + 1)
    tab.hide(is_hidden=False)
    shown = viewer.until("client.status === 'open'")
    assert names(shown["state"]["items"]) == ["Ogre", "Imp", "Rat"]


def test_the_client_comes_at_once_when_the_network_is_back(tab: Tab, stack: Stack, view: str, line: Wire) -> None:
    controller = tab.join(line.http, view, controls(stack), random=100)
    tab.page.offline(True)
    line.cut()
    due = controller.until("client.status === 'waiting'")["nextAttemptAt"]
    assert tab.page.evaluate("() => tests.isOnline()") is False
    tab.page.offline(False)
    back = controller.until("client.status === 'open'")
    assert due - tab.page.evaluate("() => Date.now()") > 10_000
    assert back["asked"] == 2


def test_what_is_final_ends_it(tab: Tab, stack: Stack, view: str, port: int) -> None:
    url, links = stack.server.http, f"/api/portal-views/{view}/share-links"
    made = stack.controller.post(links, {})
    refused = [
        (tab.begin(url, view, {"token": "nonsense"}), "token-invalid"),
        (tab.begin(url, view, {"share": "nonsense"}), "share-invalid"),
        (tab.begin(url, view, {"token": stack.stranger.access}), "no-access"),
        (tab.begin(url, view, {}), "credential-missing"),
    ]
    for client, code in refused:
        assert client.connected()["outcome"] == {"code": code}
    guest, controller = tab.join(url, view, {"share": made["token"]}), tab.join(url, view, controls(stack))
    stack.controller.delete(f"{links}/{made['id']}")
    ended = guest.until("client.status === 'closed'")
    assert (ended["code"], ended["asked"]) == ("link-withdrawn", 1)
    stack.controller.delete(f"/api/portal-views/{view}")
    ended = controller.until("client.status === 'closed'")
    assert (ended["code"], ended["asked"]) == ("portal-view-deleted", 1)


def test_a_site_that_is_not_allowed_is_told_so(page: BrowserPage, stack: Stack, view: str, port: int) -> None:
    client = Tab(page, f"http://127.0.0.1:{port}/").begin(stack.server.http, view, controls(stack))
    seen = client.connected()
    assert (seen["outcome"], seen["status"], seen["asked"]) == ({"code": "origin-not-allowed"}, "closed", 1)


LOST = 1006
"""What a browser says if there was no close frame."""


async def closing(socket: ServerConnection, came: Counter[str]) -> None:
    """Close the first connection of each `<code>-<reason>` in that way, and let the second in."""
    peer = Peer(socket, 1)
    _, _, how = peer.path.rpartition("/")
    code, _, reason = how.partition("-")
    came[how] += 1
    if came[how] > 1:
        await peer.greet()
        await socket.wait_closed()
    elif int(code) == LOST:
        peer.cut()
    elif reason in ERRORS:
        await peer.refuse(reason, int(code), retryAfter=20)
    else:
        await socket.close(int(code), reason)


@pytest.fixture
def closer() -> Iterator[str]:
    """The URL of a server that does so."""
    came: Counter[str] = Counter()

    async def listening() -> SocketServer:
        names = [Subprotocol("portal.v1.json")]
        return await serve(lambda socket: closing(socket, came), "127.0.0.1", 0, subprotocols=names)

    with loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(listening(), loop).result()
        yield f"http://127.0.0.1:{port_of(server)}"
        loop.call_soon_threadsafe(server.close)


def test_every_close_is_obeyed(tab: Tab, closer: str) -> None:
    advice = {f"{ERRORS.get(reason) or CloseCode.TRY_LATER}-{reason}": how for reason, how in RECONNECT.items()}
    codes = {*FINAL_CODES, *CloseCode, LOST, 1001, 3000}
    advice |= {f"{code}-": Reconnect.NEVER if code in FINAL_CODES else Reconnect.BACK_OFF for code in codes}
    tokens = {"token": "one"}, {"token": "two"}
    has_two = {how: tab.begin(closer, how, *tokens) for how in advice}
    for how, client in has_two.items():
        is_final = advice[how] is Reconnect.NEVER
        seen = client.until("client.status === 'open' || client.status === 'closed'")
        assert (seen["status"], seen["asked"]) == (("closed", 1) if is_final else ("open", 2)), how


def test_a_refused_credential_is_not_sent_again(tab: Tab, closer: str) -> None:
    reasons = [reason for reason, how in RECONNECT.items() if how is Reconnect.NEW_CREDENTIAL]
    clients = {reason: tab.begin(closer, f"1008-{reason}", {"token": "one"}) for reason in reasons}
    for reason, client in clients.items():
        seen = client.until("client.status === 'open' || client.status === 'closed'")
        assert (seen["status"], seen["code"]) == ("closed", reason)
