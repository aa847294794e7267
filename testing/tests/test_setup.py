"""The test set-up installs what is missing, says what to do when it may not, and never passes over a missing part."""

from __future__ import annotations

import json
import os

import pytest

from testing import setup
from testing.setup import NPM_LOCK, PARTS, Part, SetupFailed, ensure


def test_what_is_there_is_not_installed() -> None:
    def install() -> None:
        raise AssertionError("installed for nothing")

    ensure(Part("a thing", lambda: True, install))


def test_what_is_missing_is_installed() -> None:
    installed: list[str] = []
    ensure(Part("a thing", lambda: bool(installed), lambda: installed.append("a thing")))
    assert installed == ["a thing"]


def test_what_is_missing_afterwards_is_an_error() -> None:
    with pytest.raises(SetupFailed, match="a thing was installed without an error but cannot be found"):
        ensure(Part("a thing", lambda: False, lambda: None))


def test_who_may_not_install_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "PARTS", [Part(PARTS[0].name, lambda: False, PARTS[0].install)])
    assert setup.main() == 1
    message = "The tests need chromium: install with `sudo apt-get install chromium` and run again.\n"
    assert capsys.readouterr().err == message


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads(NPM_LOCK.read_text())["packages"]
    assert set(packages.pop("")["dependencies"]) == {"@asyncapi/modelina", "@asyncapi/parser", "socket.io-client"}
    assert all("integrity" in package and "resolved" not in package for package in packages.values())
