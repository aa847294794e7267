"""README and the pages in docs/ match the code: tables, links, commands, names of modules.

A table stands between `<!-- table: name -->` and `<!-- end -->`; its sentences are written by people, its keys and
values must be the code's. `test_readme` runs README's sessions.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from libraries.api import bodies
from libraries.demo_data import PASSWORD, PEOPLE
from libraries.rules import addresses, changes, keys, networks, state, values
from libraries.rules.octets import BYTES_KEY
from libraries.rules.roles import PORTAL_ROLES, PortalRole
from realtime.limits import attempts, occupancy
from realtime.limits import rates as limits
from realtime.protocol import contents
from realtime.protocol.closing import ERRORS, RECONNECT, CloseCode
from realtime.protocol.encodings import Encoding
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.policy import ALLOWED
from realtime.rooms import connection
from realtime.server.websocket import keepalive, pace, portions
from realtime.sessions import work
from testing.installation import ROOT

DOCS = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
README = ROOT / "README.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
OPERATIONS = ROOT / "docs" / "operations.md"
SECURITY = ROOT / "docs" / "security.md"

_TABLE = re.compile(r"<!-- table: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")


def table(page: Path, name: str) -> list[list[str]]:
    """The rows of a table without its head, as cells."""
    found = dict(_TABLE.findall(page.read_text()))
    rows = found[name].strip().splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def codes(cell: str) -> list[str]:
    """The text in backticks in a cell."""
    return _CODE.findall(cell)


def column(page: Path, name: str, index: int = 0) -> list[str]:
    """The text in backticks in a column."""
    return [code for row in table(page, name) for code in codes(row[index])]


# --- Settings ----------------------------------------------------------------------------------------------


def settings_read() -> dict[str, ast.expr | None]:
    """Each variable that `portal.settings` reads, with the expression of its default, if it has one."""
    read: dict[str, ast.expr | None] = {}
    for node in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env" | "image_storage"), attr=reader),
                args=[ast.Constant(value=str(name)), *others],
            ) if reader != "refuse":
                read[name] = others[0] if others else None
    return read


def test_readme_has_every_setting_and_no_other() -> None:
    documented = column(README, "settings")
    assert len(documented) == len(set(documented))
    assert set(documented) == set(settings_read())


@pytest.mark.parametrize("row", table(README, "settings"), ids=lambda row: row[0].strip("`"))
def test_a_setting_has_the_default_of_readme(row: list[str]) -> None:
    match settings_read()[codes(row[0])[0]]:
        case ast.Constant(value=default):
            text = str(default).lower() if isinstance(default, bool) else str(default)
            assert codes(row[1]) == [text]


def test_the_pages_name_only_existing_settings() -> None:
    for page in DOCS:
        named = re.findall(r"(?<![.\w])(?:PORTAL_[A-Z_]+[A-Z]|DATABASE_URL|REDIS_URL)\b", page.read_text())
        assert {name.removesuffix("_FILE") for name in named} <= set(settings_read()), page.name


# --- The demo ----------------------------------------------------------------------------------------------


def test_readme_has_the_log_ins_of_the_demo() -> None:
    body = README.read_text().partition("Everybody's password is ")[2]
    assert body.startswith(f"`{PASSWORD}`")
    rows = re.findall(r"^\| `(\S+@\S+)` \| (.+) \|$", body, re.MULTILINE)
    assert rows == [(person.email, person.does) for person in PEOPLE]


# --- The protocol ------------------------------------------------------------------------------------------


def test_portal_roles() -> None:
    rows = [tuple(codes(" ".join(row))) for row in table(PROTOCOL, "portal roles")]
    assert rows == [(str(role), str(portal_role)) for role, portal_role in PORTAL_ROLES.items()]


def test_encodings() -> None:
    rows = {codes(row[0])[0]: row[1].rpartition(" in ")[2] for row in table(PROTOCOL, "encodings")}
    assert rows == {one.value: "text frames" if one.is_text else "binary frames" for one in Encoding}
    assert re.findall(r"`\{?\"?(\$\w+)", PROTOCOL.read_text())[0] == BYTES_KEY


def test_the_roles_that_may_send_each_message() -> None:
    rows = {codes(row[0])[0]: row[1:] for row in table(PROTOCOL, "client messages")}
    roles = (PortalRole.CONTROLLER, PortalRole.VIEWER)
    assert rows == {kind: ["yes" if role in allowed else "no" for role in roles] for kind, allowed in ALLOWED.items()}


def test_messages_of_the_server() -> None:
    rows = {codes(row[0])[0]: set(codes(row[2])) for row in table(PROTOCOL, "server messages")}
    assert rows == {kind: set(message.__struct_encode_fields__) for kind, message in SERVER_MESSAGES.items()}


def test_every_message_has_a_paragraph() -> None:
    headings = _HEADING.findall(PROTOCOL.read_text())
    documented = [codes(heading)[0] for heading in headings if heading.startswith("`")]
    assert documented == column(PROTOCOL, "client messages") + column(PROTOCOL, "server messages")


def test_the_keys_of_a_state() -> None:
    rows = {codes(row[0])[0]: "read-only" in row[1] + row[2] for row in table(PROTOCOL, "state")}
    keys = state.FIELDS.keys() | (state.READ_ONLY - {"epoch"})
    assert rows == {key: key in state.READ_ONLY for key in keys}
    assert set(codes(dict((codes(row[0])[0], row[1]) for row in table(PROTOCOL, "state"))["healthDisplay"])) == set(
        state.HEALTH_DISPLAYS
    )


def test_errors_and_their_close_codes() -> None:
    rows = [(codes(row[0])[0], row[2]) for row in table(PROTOCOL, "errors")]
    assert rows == [(code, "" if close is None else str(int(close))) for code, close in ERRORS.items()]


def test_reconnects_after_each_close() -> None:
    rows = {codes(row[0])[0]: row[3] for row in table(PROTOCOL, "errors") if row[3]}
    rows |= {codes(row[0])[0]: row[2] for row in table(PROTOCOL, "other reasons")}
    assert rows == {reason: str(advice) for reason, advice in RECONNECT.items()}


def test_close_codes() -> None:
    assert [int(row[0]) for row in table(PROTOCOL, "close codes")] == list(CloseCode)


QUOTAS = ("PORTAL_VIEWS_PER_LIBRARY", "PORTAL_LIBRARY_BYTES", "PORTAL_MEMBERS_PER_LIBRARY", "PORTAL_LIBRARIES_PER_USER")


def test_limits() -> None:
    limits = [int(row[1].replace(",", "")) for row in table(PROTOCOL, "limits")]
    defaults = dict(zip(column(README, "settings"), (row[1] for row in table(README, "settings")), strict=True))
    assert limits == [
        *(int(defaults[name].strip("`")) for name in ("PORTAL_MAX_MESSAGE_BYTES", "PORTAL_SEND_BUFFER_BYTES")),
        pace.BEHIND_SECONDS,
        connection.STALLED_SECONDS,
        *(int(defaults[name].strip("`")) for name in QUOTAS),
        state.MAX_ITEMS,
        state.MAX_STATE_BYTES,
        values.MAX_DEPTH,
        values.MAX_MESSAGE_VALUES,
        values.MAX_BODY_VALUES,
        bodies.MAX_STATE_BODY_BYTES,
        keys.MAX_KEY_CHARS,
        state.MAX_NAME_CHARS,
        state.MAX_ITEM_ID_CHARS,
        changes.MAX_CHANGES,
        contents.MAX_REF_CHARS,
        addresses.MAX_MESSAGE_IMAGE_CHARS,
        addresses.MAX_BODY_IMAGE_CHARS,
    ]


def _numbers(row: list[str], first: int, last: int) -> list[int]:
    return [int(cell.replace(",", "")) for cell in row[first:last]]


def test_rates_and_caps() -> None:
    defaults = {codes(row[0])[0]: int(row[1].strip("`")) for row in table(README, "settings") if row[1][1:-1].isdigit()}
    for name, last in (("rates", 3), ("caps", 2)):
        for row in table(PROTOCOL, name):
            assert _numbers(row, 1, last) == [defaults[setting] for setting in codes(row[-1])], row[0]


def test_prices() -> None:
    rows = [(codes(row[0]) or [limits.REFUSED], float(row[1])) for row in table(PROTOCOL, "prices")]
    assert rows == [([kind], price.credits) for kind, price in limits.PRICES.items()]


def test_limits_in_sentences() -> None:
    text = PROTOCOL.read_text()
    assert f"each whole {limits.BYTES_A_CREDIT:,} characters" in text
    assert "together may send four times what one of them may, and at once twice as much" in text
    assert (limits.CONNECTIONS_WORTH, limits.BURSTS_WORTH) == (4, 2)
    assert f"after {limits.PATIENCE_SECONDS:.0f} s without a rest" in text
    assert limits.REFUSALS == 100
    assert "four hundredth of one person" in text
    assert limits.REFUSALS * limits.CONNECTIONS_WORTH == 400
    assert f"goes on so for {portions.PATIENCE_SECONDS:.0f} s is closed" in text
    assert f"refused so within {limits.REFUSALS_SECONDS:.0f} s" in text
    assert f"While {work.MAX_WAITING} messages of a connection, or {work.MAX_WAITING_BYTES >> 20} MiB" in text
    assert (networks.IPV4_PREFIX, networks.IPV6_PREFIX) == (24, 64)
    assert f"sends a WebSocket ping every {keepalive.PING_SECONDS:.0f} s" in text
    assert f"does not answer within {keepalive.PING_SECONDS:.0f} s" in text
    assert f"Portal pings each WebSocket every {keepalive.PING_SECONDS:.0f} s" in OPERATIONS.read_text()
    assert attempts.FLOOD == 10
    assert occupancy.SHARED_FROM == 10


# --- Security ----------------------------------------------------------------------------------------------


def security_limits() -> dict[str, int]:
    """Each limit of the page on security, by the setting or constant that has it."""
    text = SECURITY.read_text()
    rows = [row for name, _ in _TABLE.findall(text) if name.startswith("limits") for row in table(SECURITY, name)]
    limits_of = {codes(row[2])[0]: int(row[1].replace(",", "")) for row in rows}
    assert len(limits_of) == len(rows)
    return limits_of


def value_of(name: str) -> object:
    """The default of a setting, or the value of a constant in a module."""
    if name.startswith("PORTAL_"):
        return next(int(codes(row[1])[0]) for row in table(README, "settings") if codes(row[0]) == [name])
    module, _, constant = name.rpartition(".")
    return getattr(import_module(module), constant)


@pytest.mark.parametrize(("name", "limit"), security_limits().items(), ids=lambda part: str(part))
def test_a_limit_has_the_value_of_the_page_on_security(name: str, limit: int) -> None:
    assert value_of(name) == limit


NO_LIMITS_OF_CLIENTS = {
    "PORTAL_ACCESS_TOKEN_MINUTES",
    "PORTAL_CLOCK_LEEWAY_SECONDS",
    "PORTAL_DATABASE_THREADS",
    "PORTAL_HSTS_SECONDS",
    "PORTAL_METRICS_PORT",
    "PORTAL_REFRESH_TOKEN_DAYS",
    "PORTAL_WORKERS",
    "libraries.api.pagination.MAX_PAGE",
    "libraries.rules.values.MAX_SAFE_INTEGER",
    "realtime.protocol.contents.MAX_REF_NUMBER",
}
"""Numbers that are settings or constants called MAX, but do not limit clients."""


def numbers_in_the_code() -> Iterator[str]:
    """Each setting that is a number, and each constant called MAX in the running code."""
    for node in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env"), attr="number"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield name
    for path in (path for app in ("libraries", "realtime", "portal") for path in (ROOT / app).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not {"tests", "testing", "migrations"} & set(parts):
            for constant in re.findall(r"^(MAX_[A-Z_]+) = ", path.read_text(), re.MULTILINE):
                yield f"{'.'.join(parts)}.{constant}"


def test_the_page_on_security_has_every_limit() -> None:
    missing = set(numbers_in_the_code()) - set(security_limits()) - NO_LIMITS_OF_CLIENTS
    assert missing == set()


def test_the_page_on_security_names_existing_tests() -> None:
    named = re.findall(r"`((?:portal|libraries|realtime)/[\w/]+\.py)", SECURITY.read_text())
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


# --- Operations --------------------------------------------------------------------------------------------


def test_the_options_of_serve() -> None:
    parser = argparse.ArgumentParser()
    load_command_class("realtime", "serve").add_arguments(parser)  # type: ignore[arg-type]  # Django's own is wider
    options = {action.option_strings[0]: action.default for action in parser._actions if action.dest != "help"}
    rows = {codes(row[0])[0]: row[1].strip("`") for row in table(OPERATIONS, "serve options")}
    assert rows == {name: "off" if default is False else str(default) for name, default in options.items()}


def events() -> Iterator[str]:
    """The events that the code logs: the first argument of `log.info(…)` and similar calls."""
    for path in (*ROOT.glob("portal/**/*.py"), *ROOT.glob("libraries/**/*.py"), *ROOT.glob("realtime/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[ast.Constant(value=str(event)), *_]):
                    yield event


def test_every_event_of_the_log_is_explained() -> None:
    assert set(column(OPERATIONS, "log events")) == set(events())


# --- Links, commands, modules ------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The possible link targets after #, as GitHub makes them from headings."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_targets(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_modules_exist(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    fenced = "\n".join(_FENCE.findall(text))
    made = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^make ([a-z-]+)", fenced, re.MULTILINE)
    assert set(made) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    for name in set(re.findall(r"`((?:portal\.testing|libraries|realtime)(?:\.\w+)+)", text)):
        assert exists(name), name


def exists(name: str) -> bool:
    """Whether there is such a module, or a module with such a name in it."""
    try:
        if find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass  # its parent is a module, not a package
    module, _, attribute = name.rpartition(".")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return False
    return re.search(rf"^(?:def |class )?{attribute}\b", Path(spec.origin).read_text(), re.MULTILINE) is not None
