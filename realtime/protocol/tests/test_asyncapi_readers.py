"""`docs/asyncapi.yaml` as programs read it: by @asyncapi/parser and @asyncapi/modelina from npm."""

from __future__ import annotations

import json
import subprocess

from realtime.management.commands.asyncapi import FILE, document
from testing.setup import NODE_FOLDER

SECONDS = 60


def test_the_parser_and_the_generator_accept_the_document() -> None:
    done = subprocess.run(  # noqa: S603
        ["node", "asyncapi_check.mjs", str(FILE)],  # noqa: S607
        cwd=NODE_FOLDER,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    read = json.loads(done.stdout)
    ours = document()
    assert read["errors"] == []
    assert set(read["messages"]) == set(ours["components"]["messages"])
    assert read["operations"] == len(ours["operations"])
    assert set(read["messages"]) <= set(read["models"])


def test_every_key_is_text() -> None:
    """A number as a key is not valid JSON, and parsers refuse it (spectral#955)."""

    def check(value: object) -> None:
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value), value
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(document())
