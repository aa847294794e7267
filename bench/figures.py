"""Figures of several rounds, and their summaries: medians, ratios round by round, Markdown tables."""

from __future__ import annotations

import statistics

Figures = dict[str, list[dict[str, float]]]
"""By measurement: a row for each round, with the value of each figure."""


def median(rows: list[dict[str, float]], key: str) -> float:
    """The median over the rounds."""
    return statistics.median(row[key] for row in rows)


def ratios(rows: list[dict[str, float]], peers: list[dict[str, float]], key: str) -> list[float]:
    """The pairwise ratios, round by round."""
    return [row[key] / peer[key] for row, peer in zip(rows, peers, strict=True)]


def spread(values: list[float], form: str = ".2f") -> str:
    """Median, minimum and maximum."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratio(rows: list[dict[str, float]], peers: list[dict[str, float]], key: str) -> str:
    """Median and spread of the pairwise ratios."""
    return spread(ratios(rows, peers, key))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
