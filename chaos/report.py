"""The results of a run, as the table that is printed and that is in docs/guarantees.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chaos.rounds import BOUND_SECONDS, Result

BEGIN, END = "<!-- written by `{by}` -->", "<!-- to here -->"
COLUMNS = (
    "Fault",
    "How",
    "Rounds",
    "Acknowledged",
    "Sent again",
    "Acknowledged and lost",
    "Out of order",
    "Duplicates",
    "Last answer",
    "Slowest convergence",
)
SHOWN_BROKEN = 5


def table(results: Sequence[Result]) -> str:
    """The results as a Markdown table, its columns aligned for a terminal."""
    rows = [COLUMNS, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(
        1,
        "|"
        + "|".join("-" * (width + 2) if place < 2 else "-" * (width + 1) + ":" for place, width in enumerate(widths))
        + "|",
    )
    return "\n".join(lines)


def _cells(result: Result) -> tuple[str, ...]:
    counts = (result.rounds, result.acknowledged, result.retried, result.lost, result.out_of_order, result.duplicates)
    times = (max(0.0, result.slowest_answer), result.slowest_convergence)
    return (
        result.fault.name,
        result.fault.how,
        *(f"{count:,}" for count in counts),
        *(f"{seconds:.2f} s" for seconds in times),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"


def broken(results: Sequence[Result]) -> str:
    """The broken promises by fault; empty if there are none."""
    lines = []
    for result in results:
        lines += [f"{result.fault.name}: {sentence}" for sentence in result.broken[:SHOWN_BROKEN]]
        if len(result.broken) > SHOWN_BROKEN:
            lines.append(f"{result.fault.name}: and {len(result.broken) - SHOWN_BROKEN} more")
    return "\n".join(lines)


def write(path: Path, text: str, by: str) -> None:
    """Put the text between a page's marks for `by`, the program that writes it; ValueError if there are none."""
    before, begin, rest = path.read_text().partition(BEGIN.format(by=by))
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no line “{BEGIN.format(by=by)}”, or no “{END}” below it.")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def legend() -> str:
    """The explanation of the columns of times."""
    return (
        "Last answer: from the end of the fault until the last update was acknowledged. Slowest convergence: from the"
        " end of the fault, or the last acknowledgement if that came later, until every open connection showed what is"
        f" stored (promised: {BOUND_SECONDS:.0f} s), and for a client that came back later, from its return."
    )
