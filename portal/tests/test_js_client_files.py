"""The files of the JavaScript client: small, in old syntax, typed, and made from what they say they are made from."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

import portal
from realtime.client.python.portal_client import backoff, line, waiting
from realtime.hub.roster import RECONNECTS_PER_SECOND
from realtime.management.commands import client_tables
from realtime.protocol.closing import RECONNECT, Reconnect
from testing.setup import NODE_FOLDER

CLIENT: Path = client_tables.JAVASCRIPT.parent
MINIFIED = {"portal-client.min.js": 7 * 1024, "portal-msgpack.min.js": 2560}
"""The most bytes of each, compressed by gzip."""
SOURCES = [*CLIENT.glob("*.js"), *client_tables.JAVASCRIPT.glob("*.js")]
SECONDS = 120


def output(*command: str) -> str:
    """What a command prints; its output is that of the failure."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=NODE_FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", MINIFIED)
def test_it_is_small(name: str) -> None:
    assert len(gzip.compress((CLIENT / name).read_bytes(), 9)) <= MINIFIED[name]


def test_the_syntax_is_that_of_2018(tmp_path: Path) -> None:
    assert {CLIENT / name for name in MINIFIED} < set(SOURCES)
    newer = tmp_path / "newer.js"
    newer.write_text("a?.b;")
    wrong = json.loads(output("node", "syntax_check.mjs", *map(str, SOURCES), str(newer)))
    assert len(wrong) == 1
    assert wrong[0].startswith(str(newer))


NEWER = re.compile(
    r"\b(replaceAll|structuredClone|randomUUID|hasOwn|WeakRef|FinalizationRegistry|AggregateError|queueMicrotask)\b"
    r"|Promise\.any|\.at\(|AbortSignal\.(any|timeout)"
)
"""What Chromium 76 has not, or only over https; `queueMicrotask` is younger than some browsers of that age."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_calls_nothing_newer(path: Path) -> None:
    assert NEWER.findall(path.read_text()) == []


@pytest.mark.parametrize("name", MINIFIED)
def test_the_minified_files_are_current(name: str, tmp_path: Path) -> None:
    output("node", str(CLIENT / "build.mjs"), str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MINIFIED)
    assert (tmp_path / name).read_text() == (CLIENT / name).read_text(), "run `make client`"


def test_the_second_module_is_loaded_when_it_is_asked_for() -> None:
    code = (CLIENT / "portal-client.min.js").read_text()
    assert re.findall(r'import\("[^"]*"\)', code) == ['import("./portal-msgpack.min.js")']
    assert not re.search(r"""\bfrom\s*["']""", code)


def test_the_types() -> None:
    output("node_modules/.bin/tsc", "--project", str(CLIENT / "tests" / "tsconfig.json"))


def test_the_package_has_all_that_it_names() -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    assert package["version"] == portal.__version__
    assert "dependencies" not in package
    packed = json.loads(output("npm", "pack", "--dry-run", "--json", str(CLIENT)))[0]["files"]
    files = {one["path"] for one in packed}
    named = [path for one in package["exports"].values() for path in (one.values() if isinstance(one, dict) else [one])]
    assert {path.removeprefix("./") for path in (*named, package["unpkg"], package["types"])} <= files
    assert {path.relative_to(CLIENT).as_posix() for path in SOURCES} | {"README.md"} <= files
    assert not any(path.startswith("tests/") for path in files)


def test_a_code_is_final_if_all_its_reasons_are() -> None:
    assert client_tables.final_codes() == [1000, 1003, 1009]
    assert {Reconnect.NEVER, Reconnect.NEW_CREDENTIAL} <= set(RECONNECT.values())


def test_both_clients_and_the_protocol_have_the_same_times() -> None:
    source = (CLIENT / "src" / "line.js").read_text() + (CLIENT / "src" / "updates.js").read_text()
    found = {name: float(number) for name, number in re.findall(r"^const ([A-Z_]+) = ([\d.]+);", source, re.MULTILINE)}
    milliseconds = {
        "PING_EVERY": line.PING_SECONDS,
        "ANSWER_WITHIN": line.PONG_SECONDS,
        "LATE": line.LATE_SECONDS,
        "RECONNECT_WITHIN": backoff.WITHIN_SECONDS,
        "LONGEST_WINDOW": backoff.LONGEST_SECONDS,
        "STEADY": backoff.STEADY_SECONDS,
        "REMEMBERED": waiting.REMEMBERED_SECONDS,
    }
    assert {name: found[name] / 1000 for name in milliseconds} == milliseconds
    assert found["MORE_ROOM"] == backoff.MORE_ROOM
    protocol = " ".join((settings.BASE_DIR / "docs" / "protocol.md").read_text().split())
    assert (
        f"at least {backoff.MORE_ROOM} times `reconnectWithin`, and at most {backoff.LONGEST_SECONDS:g} s" in protocol
    )
    assert f"A connection that lived for {backoff.STEADY_SECONDS:g} s has ended the loss" in protocol
    assert f"that is {RECONNECTS_PER_SECOND} attempts a second" in protocol
