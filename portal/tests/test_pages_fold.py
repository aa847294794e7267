"""The module with which pages fold messages, against the examples for clients."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from django.conf import settings

from testing.setup import NODE_FOLDER

ROOT: Path = settings.BASE_DIR
FOLD = ROOT / "portal" / "pages" / "static" / "pages" / "fold.js"


def test_a_viewer_folds_every_example() -> None:
    command = ["node", str(NODE_FOLDER / "fold_check.mjs"), str(FOLD), str(ROOT / "docs" / "fold-vectors.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["checked"] > 5
