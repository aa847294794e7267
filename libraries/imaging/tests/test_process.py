"""Starting, hearing, stopping and losing the worker."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from libraries.imaging import process
from libraries.imaging.limits import LIMITS, Limits
from libraries.imaging.process import Conversion, Stopped
from libraries.imaging.results import Picture
from libraries.imaging.tests.made import converted, pdf, saved, scene
from libraries.rules.errors import ImageInvalid, PortalError, StorageFull, Unavailable
from libraries.rules.images import Size
from testing.installation import ROOT

SECONDS = 30


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A file that takes the worker many seconds."""
    source = tmp_path / "source"
    source.write_bytes(pdf(200))
    (tmp_path / "made").mkdir()
    return source


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        threading.Event().wait(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def worker_of(conversion: Conversion) -> int:
    assert conversion._process is not None
    return conversion._process.pid


def ended_by(source: Path, act: Callable[[Conversion], None], limits: Limits = LIMITS) -> tuple[BaseException, int]:
    """What `run` raises after `act` when the first page is made, and the worker's number."""
    conversion = Conversion(source, source.parent / "made", limits)
    pids: list[int] = []

    def tell(done: int, of: int) -> None:
        if done == 1:
            pids.append(worker_of(conversion))
            act(conversion)

    with pytest.raises((PortalError, Stopped)) as raised:
        conversion.run(tell)
    return raised.value, pids[0]


def test_stop_from_another_thread(slow: Path) -> None:
    def act(conversion: Conversion) -> None:
        threading.Thread(target=conversion.stop).start()

    error, pid = ended_by(slow, act)
    assert isinstance(error, Stopped)
    assert not is_running(pid)


def test_stop_before_and_after_the_run(tmp_path: Path) -> None:
    conversion = Conversion(tmp_path / "source", tmp_path)
    conversion.stop()
    with pytest.raises(Stopped):
        conversion.run()
    (tmp_path / "source").write_bytes(saved(scene(), "PNG"))
    done = Conversion(tmp_path / "source", tmp_path)
    assert done.run()
    done.stop()


def test_a_worker_that_is_killed(slow: Path) -> None:
    error, pid = ended_by(slow, lambda conversion: os.kill(worker_of(conversion), signal.SIGKILL))
    assert isinstance(error, Unavailable)
    assert not is_running(pid)


def test_a_worker_that_crashes(slow: Path) -> None:
    error, _ = ended_by(slow, lambda conversion: os.kill(worker_of(conversion), signal.SIGSEGV))
    assert isinstance(error, ImageInvalid)


@pytest.mark.parametrize("limits", [replace(LIMITS, file_seconds=2), replace(LIMITS, picture_seconds=0.5)])
def test_a_worker_that_is_late(slow: Path, limits: Limits) -> None:
    def act(conversion: Conversion) -> None:
        os.kill(worker_of(conversion), signal.SIGSTOP)

    try:
        error, pid = ended_by(slow, act, limits)
    except IndexError:  # the machine is so busy that not even one page was made in time
        return
    assert isinstance(error, ImageInvalid)
    assert "too long" in error.message
    assert not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_worker_ends_with_its_parent(slow: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from libraries.imaging.process import Conversion\n"
        "conversion = Conversion(Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "conversion.run(lambda done, of: print(conversion._process.pid, flush=True))\n"
    )
    command = [sys.executable, "-c", program, str(ROOT), str(slow), str(slow.parent / "made")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        parent.wait()
    wait_for(lambda: not is_running(pid))


# --- Starting ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this policy")
def test_a_worker_comes_last_from_its_start_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").write_bytes(b"a")
    conversion = Conversion(tmp_path / "source", tmp_path)
    policies: list[int] = []
    come_last = process._come_last

    def look(pid: int) -> None:
        come_last(pid)
        assert conversion._process is not None
        assert conversion._process.pid == pid
        policies.append(os.sched_getscheduler(pid))

    monkeypatch.setattr(process, "_come_last", look)
    with pytest.raises(ImageInvalid):
        conversion.run()
    assert policies == [os.SCHED_IDLE]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_a_worker_works_where_it_may_not_come_last(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    (tmp_path / "source").write_bytes(saved(scene(), "PNG"))
    assert Conversion(tmp_path / "source", tmp_path).run()


def test_a_worker_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").write_bytes(b"a")
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", program)
        with pytest.raises(Unavailable):
            Conversion(tmp_path / "source", tmp_path).run()


def test_a_source_or_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Conversion(tmp_path / "source", tmp_path).run()


# --- What it says is checked -------------------------------------------------------------------------------

_SAID: dict[str, object] = {"done": 1, "of": 1, "type": "image/png", "width": 5, "height": 5, "animated": False}
_CHANGES: list[tuple[str, object]] = [
    *[("done", 2), ("of", 201), ("of", 0), ("type", "text/html"), ("type", []), ("type", "image/webp"), ("width", 0)],
    *[("width", 1e3), ("width", True), ("height", 4097), ("animated", 1), ("page", 2), ("page", "1")],
]
_NUMBERS: list[object] = [["<b>"], {}, [1.5]]


def said_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> PortalError | list[Picture]:
    """What becomes of a text that a worker says, which also made four good files."""
    (tmp_path / "source").write_bytes(b"a")
    made = tmp_path / "made"
    made.mkdir(exist_ok=True)
    for size in Size:
        if not (made / f"1-{size}").exists():
            (made / f"1-{size}").write_bytes(saved(scene(5, 5), "PNG" if size is Size.FULL else "WEBP"))
    (tmp_path / "worker.py").write_text(f"import os\nos.write(1, {text.encode()!r})")
    monkeypatch.setattr(process, "WORKER", tmp_path / "worker.py")
    try:
        return Conversion(tmp_path / "source", made).run()
    except PortalError as error:
        return error


def test_what_a_worker_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = said_by(tmp_path, monkeypatch, json.dumps(_SAID) + "\n")
    assert isinstance(good, list)
    assert (good[0].width, good[0].files[Size.SMALL].name) == (5, "1-256")
    wrong: list[object] = [_SAID | {key: value} for key, value in _CHANGES]
    wrong += [{"fault": "pixels", "numbers": numbers} for numbers in _NUMBERS]
    wrong += [{"fault": "other"}, {"fault": []}, {"fault": None}, [], 1, "a"]
    for value in wrong:
        error = said_by(tmp_path, monkeypatch, json.dumps(value) + "\n")
        assert isinstance(error, ImageInvalid), value
    for text in ("a" * 50_000, "[" * 4000 + "\n", "\xff\n", (json.dumps(_SAID) + "\n") * 2):
        assert isinstance(said_by(tmp_path, monkeypatch, text), ImageInvalid), text[:20]


def test_the_files_of_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, secret = tmp_path / "made" / "1-full", tmp_path / "secret"
    full.parent.mkdir()
    secret.write_bytes(saved(scene(), "PNG"))

    def refused() -> None:
        assert isinstance(said_by(tmp_path, monkeypatch, json.dumps(_SAID) + "\n"), ImageInvalid)
        full.unlink()

    full.symlink_to(secret)
    refused()
    full.hardlink_to(secret)
    refused()
    os.mkfifo(full)
    refused()
    for data in (b"", b"<html>", b"RIFF0000WAVE"):
        full.write_bytes(data)
        refused()


# --- Disks -------------------------------------------------------------------------------------------------


def test_a_file_that_becomes_too_long() -> None:
    with pytest.raises(ImageInvalid, match="too long for a file"):
        converted(saved(scene(1500, 1500), "JPEG"), replace(LIMITS, file_bytes=2000))


def test_a_full_disk(tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    source.write_bytes(saved(scene(1500, 1500), "JPEG"))
    made.mkdir()
    command = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=4k", "none", str(made)]
    mount = subprocess.run(command, capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("no right to mount")
    try:
        with pytest.raises(StorageFull):
            Conversion(source, made).run()
    finally:
        subprocess.run([shutil.which("umount") or "", str(made)], check=True)
