"""The package works without the product around it: a copy of the folder is enough."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from testing.installation import ROOT

CLIENT = ROOT / "realtime" / "client" / "python"
CODE = """
import sys, portal_client
portal_client.PortalClient("https://portal.example.org", "view", get_credential=lambda: {"token": "t"})
ours = {"django", "channels", "msgspec", "realtime", "libraries", "portal", "msgpack"}
print(sorted(ours & {name.partition(".")[0] for name in sys.modules}))
"""


def test_a_copy_of_the_package_is_enough(tmp_path: Path) -> None:
    shutil.copytree(CLIENT / "portal_client", tmp_path / "portal_client")
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_project_names_the_package_and_its_types() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["packages"] == ["portal_client"]
    assert (CLIENT / "portal_client" / "py.typed").exists()
    assert (CLIENT / project["project"]["readme"]).exists()
