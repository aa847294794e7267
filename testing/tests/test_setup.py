"""The test set-up installs missing parts, explains what to do if it may not, and never skips a missing part."""

from __future__ import annotations

import json
import os

import pytest

from testing import setup
from testing.setup import NPM_LOCK, PARTS, Part, SetupFailed, ensure


def test_an_installed_part_is_not_installed_again() -> None:
    def install() -> None:
        raise AssertionError("installed for nothing")

    ensure(Part("a thing", lambda: True, install))


def test_a_missing_part_is_installed() -> None:
    installed: list[str] = []
    ensure(Part("a thing", lambda: bool(installed), lambda: installed.append("a thing")))
    assert installed == ["a thing"]


def test_a_part_that_is_missing_afterwards_is_an_error() -> None:
    with pytest.raises(SetupFailed, match="a thing was installed without an error but cannot be found"):
        ensure(Part("a thing", lambda: False, lambda: None))


def test_without_permission_the_error_names_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup, "PARTS", [Part(PARTS[0].name, lambda: False, PARTS[0].install)])
    assert setup.main() == 1
    message = "The tests need chromium: install with `sudo apt-get install chromium` and run again.\n"
    assert capsys.readouterr().err == message


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads(NPM_LOCK.read_text())["packages"]
    asked = {"@asyncapi/modelina", "@asyncapi/parser", "axe-core", "socket.io-client"}
    assert set(packages.pop("")["dependencies"]) == asked
    assert all("integrity" in package and "resolved" not in package for package in packages.values())
