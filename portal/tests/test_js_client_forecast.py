"""What the JavaScript client shows while its updates wait: it is what the server's rules make of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.rules.errors import PortalError
from realtime.management.commands.client_tables import JAVASCRIPT
from testing.asking import any_message
from testing.conversation import as_json
from testing.table import Table, amid_a_fight, changed

Ask = Callable[..., dict[str, Any]]

SWITCHES = ("showEncounter", "showHealth", "showAC", "showActions", "showConditions", "autoResetImageState", "blackout")
COMPARED = ("name", "healthDisplay", *SWITCHES, "currentItem", "currentItemId", "encounter")
NORMALISED = {"items", "encounter"}
"""Keys that the server stores in a form of its own, and tells the sender by its `ack`."""
RECORD_KEYS = {"_id", "Id", "slug", "key"}
"""What a record of another system has its id from, which the server makes."""
MESSAGES = 12


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Send a command to the client in Node, and read its answer."""
    command = ["node", str(JAVASCRIPT.parent / "tests" / "forecast.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        commands, answers = client.stdin, client.stdout

        def asked(**command: object) -> dict[str, Any]:
            commands.write(json.dumps(command) + "\n")
            commands.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield asked


def is_plain(message: Mapping[str, Any]) -> bool:
    """Whether the server changes nothing beyond what the message says and the client can know."""
    if message["type"] == "batch":
        return all(is_plain(change) for change in message["changes"])
    payload = message.get("payload", {})
    is_record = message["type"] == "item-add" and payload.get("id") is None and bool(RECORD_KEYS & payload.keys())
    return message["type"] != "item-remove" and not NORMALISED & payload.keys() and not is_record


def shown(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared: not the whole camera and not whole items, which the server normalises."""
    ids = [str(item["id"]) for item in state["items"]]
    return {"ids": ids, "hasCamera": state["camera"] is not None, **{key: state[key] for key in COMPARED}}


def a_fight(random: Random) -> Table:
    """A fight in some round, where it may be nobody's turn."""
    state = amid_a_fight()
    encounter = state["encounter"]
    turn = random.choice([None, *(entry["itemId"] for entry in encounter["order"])])
    first = 0 if turn is None else 1
    return Table({**state, "encounter": {**encounter, "turn": turn, "round": random.randint(first, first + 1)}})


def a_message(random: Random, state: dict[str, Any]) -> dict[str, Any]:
    """Any message, and often one that ends a turn."""
    if random.random() < 0.2:
        return {"type": random.choice(["encounter-next", "encounter-previous"])}
    return dict(as_json(any_message(random, state)))


@given(st.randoms(use_true_random=False))
def test_the_forecast_is_what_the_rules_make_of_it(ask: Ask, random: Random) -> None:
    table = a_fight(random)
    before = ask(begin=as_json(table.state))["state"]
    for _ in range(MESSAGES):
        answer = ask(add=a_message(random, dict(as_json(table.state))))
        try:
            changed(table, [answer["sent"]])
        except PortalError:
            assert ask(refuse=True)["state"] == before
            continue
        if is_plain(answer["sent"]):
            before = answer["state"]
            assert shown(before) == shown(as_json(table.state)), answer["sent"]
        else:
            before = ask(begin=as_json(table.state))["state"]
