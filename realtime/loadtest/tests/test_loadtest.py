"""`manage.py loadtest` at real servers: one of its own installation, and one that it knows by address alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from testing.installation import ServerKind, StoreKind, installation
from testing.processes import ProcessFailed
from testing.stacks import STACK_ENV, Stack, running

pytestmark = pytest.mark.server

COUNTS = "from libraries.models import *; print(Library.objects.count(), User.objects.count())"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with installation(StoreKind.SQLITE, **STACK_ENV) as made, running(made, made.prepare(), ServerKind.SERVE) as here:
        yield here


def load(stack: Stack, *options: str) -> Any:
    """The figures of a short run."""
    short = ("--viewers", "12", "--controllers", "3", "--rate", "10", "--seconds", "1.5", "--json")
    return json.loads(stack.installation.manage("loadtest", "--url", stack.server.http, *short, *options))


def is_whole(figures: Any) -> bool:
    """Whether all updates were stored, and reached everybody."""
    updates = 3 * 15
    assert (figures["sent"], figures["acknowledged"], figures["refused"]) == (updates, updates, {})
    reached = figures["deliveries"] + figures["merged"] + figures["skipped"]
    assert (reached, figures["lost"], figures["outOfOrder"]) == (updates * 12, 0, 0)
    assert 0 < figures["latency"]["p50"] <= figures["latency"]["p99"] <= figures["latency"]["max"]
    return True


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_portal_view_of_its_own_is_gone_afterwards(stack: Stack, encoding: str) -> None:
    before = stack.installation.shell(COUNTS)
    figures = load(stack, "--local", "--encoding", encoding, "--server-pid", str(stack.server.process.pid))
    assert is_whole(figures)
    assert figures["bytesPerConnection"] is not None
    assert stack.installation.shell(COUNTS) == before


@pytest.mark.parametrize("viewers", ["guests", "a member"])
def test_a_portal_view_by_its_name_has_its_items_afterwards(stack: Stack, viewers: str) -> None:
    view = stack.new_portal_view(items=[{"id": "ogre", "caption": "A hungry ogre"}])
    link = stack.controller.post(f"/api/portal-views/{view}/share-links", {"label": "Load"})["link"]
    who = ("--share", link) if viewers == "guests" else ("--viewer-token", stack.viewer.access)
    figures = load(stack, "--portal-view", view, "--token", stack.controller.access, *who)
    assert is_whole(figures)
    assert figures["bytesPerConnection"] is None
    assert [item["id"] for item in stack.controller.get(f"/api/portal-views/{view}")["items"]] == ["ogre"]


def test_a_refusal_is_told_in_a_sentence(stack: Stack) -> None:
    view = stack.new_portal_view(blackout=True)
    names = ("--portal-view", view, "--viewer-token", stack.viewer.access)
    with pytest.raises(ProcessFailed, match="blacked out"):
        load(stack, *names, "--token", stack.controller.access)
    with pytest.raises(ProcessFailed, match="needs one of an owner or editor"):
        load(stack, *names, "--token", stack.viewer.access)
    with pytest.raises(ProcessFailed, match="no-access"):
        load(stack, *names, "--token", stack.stranger.access)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Name --portal-view"),
        ({"portal_view": "x", "token": "t"}, "one of --share and --viewer-token"),
        ({"portal_view": "x", "token": "t", "share": "s", "viewer_token": "v"}, "one of --share"),
        ({"local": True, "token": "t"}, "leave out"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("loadtest", **options)


@pytest.mark.parametrize("number", ["0", "-1", "nan", "many"])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(CommandError, match="viewers"):
        call_command("loadtest", "--local", "--viewers", number)
