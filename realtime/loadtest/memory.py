"""The memory of a server's processes on this machine, from /proc (proc(5)); Linux only."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def memory_bytes(pid: int) -> int:
    """The proportional share (Pss) of a process and of all below it, in bytes; OSError if it cannot be read."""
    return sum(_pss(one) for one in _tree(pid))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended in the meantime
                found.extend(int(child) for child in children.read_text().split())
    return found


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
