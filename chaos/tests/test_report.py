"""The table that is printed and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos import report
from chaos.faults import FAULTS
from chaos.rounds import Result


def test_a_table_has_a_row_for_each_fault() -> None:
    lines = report.table([Result(fault, rounds=2, acknowledged=1234) for fault in FAULTS]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split("|")[1].strip() for line in lines[2:]] == [fault.name for fault in FAULTS]
    assert "| 1,234 |" in " ".join(lines[2].split())


def test_only_some_of_many_broken_promises_are_shown() -> None:
    many = Result(FAULTS[0], broken=[f"No. {number}" for number in range(7)])
    assert report.broken([many]).splitlines()[-1] == f"{FAULTS[0].name}: and 2 more"
    assert report.broken([Result(FAULTS[0])]) == ""


def test_a_table_is_written_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin = report.BEGIN.format(by="make soak")
    page.write_text(f"Before.\n{begin}\nold\n{report.END}\nAfter.\n")
    report.write(page, "new", "make soak")
    assert page.read_text() == f"Before.\n{begin}\n\nnew\n\n{report.END}\nAfter.\n"
    with pytest.raises(ValueError, match="has no line “<!-- written by `make chaos` -->”"):
        report.write(page, "new", "make chaos")
