"""What the worker cannot do any more, tried from inside a process that gave it up as the worker does."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libraries.imaging import confinement
from testing.installation import ROOT

_PROGRAM = """
import json, os, sys, threading
sys.path.insert(0, sys.argv[1])
import ctypes, resource, signal, socket, subprocess
from libraries.imaging import confinement
from libraries.imaging.limits import LIMITS
place, secret = sys.argv[2:4]
folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
confinement.of_process(os.getppid(), LIMITS)
confinement.of_decoder(folder, LIMITS, may_have_threads=True)

def tried(act):
    try:
        act()
    except OSError as error:
        return error.strerror
    return "done"

def thread():
    one = threading.Thread(target=int)
    one.start()
    one.join()

def write(path):
    with open(path, "w") as file:
        file.write("a")

print(json.dumps({
    "write in the folder": tried(lambda: write(place + "/made")),
    "write outside": tried(lambda: write(place + "/../other")),
    "read a secret": tried(lambda: open(secret)),
    "read the folder": tried(lambda: open(place + "/made")),
    "list": tried(lambda: os.listdir("/")),
    "read itself": tried(lambda: open("/proc/self/environ")),
    "link": tried(lambda: os.symlink(secret, place + "/link")),
    "read python": tried(lambda: open(os.__file__)),
    "tcp": tried(lambda: socket.create_connection(("127.0.0.1", 9))),
    "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
    "fork": tried(os.fork),
    "run": tried(lambda: subprocess.run(["/bin/true"])),
    "kill": tried(lambda: os.kill(os.getppid(), 0)),
    "thread": tried(thread),
    "environment": dict(os.environ),
    "open": sorted(int(n) for n in range(100) if tried(lambda: os.fstat(n)) == "done"),
    "nice": os.nice(0),
    "limits": [resource.getrlimit(n) for n in (resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)],
    "folder": folder,
}))
"""


def has_landlock() -> bool:
    return sys.platform == "linux" and confinement.landlock_version() >= 1


def tried(place: Path) -> dict[str, Any]:
    (place / "made").mkdir()
    secret = place / "secret"
    secret.write_text("a")
    command = [sys.executable, "-I", "-c", _PROGRAM, str(ROOT), str(place / "made"), str(secret)]
    done = subprocess.run(command, capture_output=True, env={}, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
def test_files(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert found["write in the folder"] == found["read python"] == found["thread"] == "done"
    for act in ("write outside", "read a secret", "read the folder", "list", "read itself", "link"):
        assert found[act] == "Permission denied", act


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no table of this machine's calls")
def test_network_and_processes(tmp_path: Path) -> None:
    found = tried(tmp_path)
    for act in ("tcp", "udp", "unix", "fork", "run", "kill"):
        assert found[act] == "Operation not permitted", act


def test_limits(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert set(found["environment"]) <= {"LC_CTYPE"}  # Python's own
    assert found["open"] == [0, 1, 2, found["folder"]]
    assert found["nice"] >= 15
    assert found["limits"][1:] == [[0, 0], [16, 16]]
    if sys.platform == "linux":
        assert found["limits"][0] == [1024**3, 1024**3]


def test_more_time_never_exceeds_the_hard_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1, 5))
    monkeypatch.setattr(resource, "setrlimit", lambda what, both: asked.append(both))
    confinement.more_time(3600)
    assert asked == [(5, 5)]
    assert os.getpid()
