"""The short slices of the threads of a server."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from realtime.server.process.slices import SLICE_NANOSECONDS, take_short_slices
from testing.installation import ROOT

CODE = """
import threading
from realtime.server.process.slices import take_short_slices

def slice_of(task):
    lines = open(f"/proc/self/task/{task}/sched").read().splitlines()
    return next(int(line.split(":")[1]) for line in lines if line.startswith("se.slice"))

before = slice_of(threading.get_native_id())
assert take_short_slices()
found = []
other = threading.Thread(target=lambda: found.append(slice_of(threading.get_native_id())))
other.start()
other.join()
print(before, slice_of(threading.get_native_id()), found[0])
"""


def test_the_thread_and_those_it_starts_have_short_slices() -> None:
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    if "se.slice" not in Path("/proc/self/sched").read_text():  # Linux before 6.12 takes the call, and has no slices
        assert "StopIteration" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    before, own, other = map(int, done.stdout.split())
    assert (own, other) == (SLICE_NANOSECONDS, SLICE_NANOSECONDS)
    assert before > own


@pytest.mark.parametrize(("name", "value"), [("platform", "darwin"), ("machine", "riscv64")])
def test_elsewhere_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    if name == "platform":
        monkeypatch.setattr(sys, "platform", value)
    else:
        monkeypatch.setattr(platform, "machine", lambda: value)
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(take_short_slices()))
    thread.start()
    thread.join()
    assert found == [False]
