"""What a client knows after each message, and the events that tell of it."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import pytest

from realtime.client.python.portal_client import Event, Presence
from realtime.client.python.portal_client.codec import codec
from realtime.client.python.tests.fake import STATE, Fake, heard, joined, until

KINDS = ("confirmed", "state", "role", "subject", "version", "presence", "status", "message")


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_both_encodings_say_the_same_also_of_bytes(fake: Fake, encoding: Any) -> None:
    async with joined(fake, encoding=encoding) as (portal, peer):
        assert peer.socket.subprotocol == f"portal.v1.{encoding}"
        messages = heard(portal, "message")
        sound: Any = b"RIFF" if encoding == "msgpack" else {"$bytes": "UklGRg=="}
        await peer.send(type="portal-view-updated", payload={"sound": sound, "deep": [{"a": 1}]})
        await until(lambda: messages)
        assert messages[0]["payload"] == {"sound": b"RIFF", "deep": [{"a": 1}]}
        sending = asyncio.create_task(portal.send({"type": "portal-view-update", "payload": {"sound": b"RIFF"}}))
        message = await peer.receive()
        assert message["payload"] == {"sound": sound}
        await peer.ack(message, 5)
        await sending


def test_without_the_package_msgpack_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(ImportError, match=r"pip install \"portal-client\[msgpack\]\""):
        codec("msgpack")


async def test_a_change_is_told_by_the_attributes_that_it_changes(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        found: list[tuple[str, Any]] = []
        for kind in KINDS:
            portal.on(kind, lambda event: found.append((event.kind, event.data)))
        change = {"type": "portal-view-updated", "payload": {"name": "Night"}, "version": 6}
        await peer.send(**change)
        await portal.until(lambda portal: portal.version == 6)
        night = {**STATE, "name": "Night", "version": 6}
        assert found == [("message", change), ("confirmed", night), ("version", 6), ("state", night)]


async def test_a_change_of_role(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        roles, subjects = heard(portal, "role"), heard(portal, "subject")
        future = portal.update_item("ogre", hp=1)
        bo = {"kind": "user", "id": "bo", "name": "Bo"}
        await peer.send(type="presence", event="snapshot", controllers=[bo], counts={"controllers": 1, "viewers": 0})
        await portal.until(lambda portal: portal.presence.people)
        await peer.send(type="role-changed", role="viewer", subject=bo, version=2, epoch="two", state={"items": []})
        await portal.until(lambda portal: portal.role == "viewer")
        assert (roles, subjects, portal.subject) == (["viewer"], [bo], bo)
        assert portal.state == portal.confirmed == {"items": [], "version": 2}
        assert (portal.version, portal.epoch, portal.presence) == (2, "two", Presence())
        future.cancel()


async def test_presence(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        told = heard(portal, "presence")
        ada, bo = {"id": "ada", "name": "Ada"}, {"id": "bo", "name": None}
        counts = {"controllers": 1, "viewers": 1}
        await peer.send(type="presence", event="snapshot", controllers=[ada], viewers=[bo], counts=counts)
        await portal.until(lambda portal: portal.presence.counts)
        assert portal.presence.people == {"ada": ada, "bo": bo}
        cy = {"id": "cy", "name": "Cy"}
        await peer.send(type="presence", event="change", joined=[cy], left=[bo], counts=counts)
        await portal.until(lambda portal: "cy" in portal.presence.people)
        assert portal.presence.people == {"ada": ada, "cy": cy}
        assert told[-1] is portal.presence


async def test_what_it_does_not_know_is_told_as_a_message(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        messages = heard(portal, "message")
        await peer.send(type="of-the-future", answer=42)
        await until(lambda: messages == [{"type": "of-the-future", "answer": 42}])
        assert portal.state == STATE


async def test_an_iterator_and_a_function_that_stops(fake: Fake) -> None:
    async with joined(fake) as (portal, peer):
        versions: list[int] = []
        stop = portal.on("version", lambda event: versions.append(event.data))
        events = portal.events("version", "role")
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        for version in (6, 7):
            await peer.send(type="portal-view-updated", payload={}, version=version)
        assert tuple(await coming) == ("version", 6)
        assert (await anext(events)).data == 7
        stop()
        await peer.send(type="portal-view-updated", payload={}, version=8)
        assert (await anext(events)).data == 8
        assert versions == [6, 7]
        await events.aclose()


def fail(event: Event) -> None:
    raise ZeroDivisionError


async def test_a_listener_that_fails_keeps_nothing_from_the_others(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined(fake) as (portal, peer):
        portal.on("version", fail)
        versions = heard(portal, "version")
        with caplog.at_level(logging.ERROR, "portal_client"):
            await peer.send(type="portal-view-updated", payload={}, version=6)
            await until(lambda: versions == [6])
        assert "ZeroDivisionError" in caplog.text


async def test_there_are_no_other_events(fake: Fake) -> None:
    async with joined(fake) as (portal, _):
        with pytest.raises(ValueError, match="There is no event “rumour”; there are confirmed"):
            portal.on("rumour", print)
