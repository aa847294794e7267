"""`python -m testing.setup`: installs what the tests need and pip does not provide.

Debian's Chromium and Firefox, proxies, promtool (of Prometheus) and gettext, node with npm, and the npm packages of
`testing/node`. A missing part is installed if that is possible without asking anybody (apt-get as root); otherwise it
is an error in one sentence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NODE_FOLDER = Path(__file__).parent / "node"
NPM_LOCK = NODE_FOLDER / "package-lock.json"
# npm writes this at the end of an install; if it is older than our lock file, the lock file has changed since.
NPM_INSTALLED = NODE_FOLDER / "node_modules" / ".package-lock.json"
INSTALL_SECONDS = 900
APT_INSTALL = ("apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "install", "-y", "--no-install-recommends")


class SetupFailed(Exception):
    """Something is missing and could not be installed; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Part:
    """One thing that the tests need: whether it is installed, and how to install it."""

    name: str
    present: Callable[[], bool]
    install: Callable[[], None]


def main() -> int:
    """Install what is missing; returns the exit status."""
    try:
        for part in PARTS:
            ensure(part)
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def ensure(part: Part) -> None:
    """Install `part` unless it is installed; raises SetupFailed if that does not help."""
    if part.present():
        return
    print(f"Installing {part.name}.", flush=True)
    part.install()
    if not part.present():
        raise SetupFailed(f"{part.name} was installed without an error but cannot be found.")


def chromium() -> str | None:
    """The path of the browser for tests, or None."""
    return shutil.which("chromium")


def firefox() -> str | None:
    """The path of the other browser for tests, or None."""
    return shutil.which("firefox-esr")


def _apt(*packages: str) -> Callable[[], None]:
    def install() -> None:
        names = " ".join(packages)
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise SetupFailed(f"The tests need {names}: install with `sudo apt-get install {names}` and run again.")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run(["apt-get", "-qq", "update"], env)
        _run([*APT_INSTALL, *packages], env)

    return install


def _npm_packages_present() -> bool:
    return NPM_INSTALLED.exists() and NPM_INSTALLED.stat().st_mtime >= NPM_LOCK.stat().st_mtime


def _install_npm_packages() -> None:
    _run(["npm", "ci", "--no-fund", "--no-audit", "--prefix", str(NODE_FOLDER)], dict(os.environ))


def _run(command: list[str], env: dict[str, str]) -> None:
    try:
        subprocess.run(command, check=True, env=env, timeout=INSTALL_SECONDS)  # noqa: S603 - our own command lines
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SetupFailed(f"`{' '.join(command)}` failed: {error}.") from error


PARTS = (
    Part("Chromium", lambda: chromium() is not None, _apt("chromium")),
    Part("Firefox", lambda: firefox() is not None, _apt("firefox-esr")),
    Part("Node.js and npm", lambda: bool(shutil.which("node") and shutil.which("npm")), _apt("nodejs", "npm")),
    Part("nginx", lambda: bool(shutil.which("nginx")), _apt("nginx-light")),
    Part("Apache", lambda: bool(shutil.which("apache2")), _apt("apache2-bin")),
    Part(
        "HAProxy and Caddy", lambda: bool(shutil.which("haproxy") and shutil.which("caddy")), _apt("haproxy", "caddy")
    ),
    Part("promtool", lambda: bool(shutil.which("promtool")), _apt("prometheus")),
    Part("gettext", lambda: bool(shutil.which("xgettext") and shutil.which("msgfmt")), _apt("gettext")),
    Part("the npm packages of the tests", _npm_packages_present, _install_npm_packages),
)

if __name__ == "__main__":
    sys.exit(main())
