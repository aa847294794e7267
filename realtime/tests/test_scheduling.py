"""The slices, policy and niceness of the threads of a server."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from realtime.scheduling import NICENESS, SLICE_NANOSECONDS, let_sockets_first, take_short_slices
from testing.installation import ROOT

CODE = """
import threading
from realtime.scheduling import take_short_slices

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


def found_in_a_thread(look: Callable[[], Any]) -> Any:
    """What a new thread finds."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(look).result()


def test_other_threads_wake_up_without_ending_the_slice_of_the_loop() -> None:
    def look() -> tuple[bool, int, int, int]:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        done = let_sockets_first()
        return done, os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0) - before, found_in_a_thread(policy)

    def policy() -> int:
        return os.sched_getscheduler(0)

    assert found_in_a_thread(look) == (True, os.SCHED_BATCH, NICENESS, os.SCHED_BATCH)
    assert policy() == os.SCHED_OTHER


def test_a_process_with_a_policy_of_its_own_keeps_it() -> None:
    def look() -> tuple[bool, bool, int]:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        return let_sockets_first(), take_short_slices(), os.sched_getscheduler(0)

    assert found_in_a_thread(look) == (False, False, os.SCHED_IDLE)


def test_on_another_system_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert found_in_a_thread(lambda: (take_short_slices(), let_sockets_first())) == (False, False)


def test_on_another_processor_the_loop_comes_first_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "armv7l")
    found = found_in_a_thread(lambda: (take_short_slices(), let_sockets_first(), os.sched_getscheduler(0)))
    assert found == (False, True, os.SCHED_BATCH)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_where_it_is_refused_all_goes_on(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """EPERM is of a container's filter of system calls, EINVAL of gVisor, ENOSYS of musl."""

    def refuse(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert found_in_a_thread(let_sockets_first) is False
    monkeypatch.setattr(os, "sched_getscheduler", refuse)
    assert found_in_a_thread(lambda: (take_short_slices(), let_sockets_first())) == (False, False)


def test_a_short_slice_stays_short() -> None:
    if "se.slice" not in Path("/proc/self/sched").read_text():  # Linux before 6.12 has no slices of one's own
        return

    def look() -> int:
        assert take_short_slices()
        assert let_sockets_first()
        lines = Path(f"/proc/self/task/{threading.get_native_id()}/sched").read_text().splitlines()
        return next(int(line.split(":")[1]) for line in lines if line.startswith("se.slice"))

    assert found_in_a_thread(look) == SLICE_NANOSECONDS
