"""The files of the desk: checked as TypeScript by the types in their comments."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from django.conf import settings

from testing.setup import NODE_FOLDER

PAGES = Path(settings.BASE_DIR) / "portal" / "pages" / "static" / "pages"
MODULES = PAGES / "desk"
OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "noEmit": True,
    "strict": False,  # parameters without a comment may be anything
    "target": "es2023",
    "lib": ["es2023", "dom", "dom.iterable"],
    "module": "nodenext",
    "types": [],
}


def faults(folder: Path, *files: Path) -> list[str]:
    """What TypeScript says of the files that are in `folder`; the others are checked elsewhere."""
    project = {"compilerOptions": OPTIONS, "files": [str(file) for file in files]}
    (folder / "tsconfig.json").write_text(json.dumps(project))
    command = [str(NODE_FOLDER / "node_modules" / ".bin" / "tsc"), "-p", str(folder), "--pretty", "false"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    return [line for line in said.splitlines() if "pages/desk/" in line or "/faulty.js" in line]


def test_the_desk_has_no_faults_of_types(tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.js"
    faulty.write_text('/** @param {number} n */\nfunction half(n) {\n  return n / 2;\n}\nhalf("two");\n')
    found = faults(tmp_path, MODULES / "desk.js", faulty)
    assert len(found) == 1, found
    assert "faulty.js" in found[0]
