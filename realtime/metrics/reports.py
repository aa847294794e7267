"""The numbers of all metrics of a process as a value, and the sum of the reports of several processes. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import msgspec

from realtime.metrics.instruments import Series
from realtime.metrics.names import METRICS

Report = dict[str, Series]
"""The series of metrics by their names."""
_Packed = dict[str, list[tuple[tuple[str, ...], list[float]]]]


def take_report(*, gauges: bool) -> Report:
    """The numbers of this process; gauges as they were set last."""
    return {name: metric.read() for name, metric in METRICS.items() if gauges or metric.sums}


def pack(report: Report) -> bytes:
    """The report for another process of this release."""
    packed: _Packed = {name: list(series.items()) for name, series in report.items()}
    return msgspec.msgpack.encode(packed)


def unpack(data: bytes) -> Report:
    """The report of another process; ValueError if it is none.

    While files change (`serve --reload`) a process may have other metrics than its supervisor: those are left out.
    """
    return {
        name: {labels: numbers for labels, numbers in series if METRICS[name].fits(labels, numbers)}
        for name, series in msgspec.msgpack.decode(data, type=_Packed).items()
        if name in METRICS
    }


def added(reports: Iterable[Report]) -> Report:
    """All of them together."""
    total: Report = {}
    for report in reports:
        for name, series in report.items():
            merge, into = METRICS[name].merge, total.setdefault(name, {})
            for labels, numbers in series.items():
                known = into.get(labels)
                into[labels] = list(numbers) if known is None else merge(known, numbers)
    return total


class Sums:
    """The newest reports of processes. The counts of a process that has ended stay, and its gauges go."""

    def __init__(self) -> None:
        self._reports: dict[Hashable, Report] = {}
        self._ended: Report = {}

    def hear(self, process: Hashable, report: Report) -> None:
        """Take a report of a process, perhaps without gauges: then the ones before still hold."""
        self._reports[process] = {**self._reports.get(process, {}), **report}

    def bury(self, process: Hashable) -> None:
        """A process has ended."""
        last = self._reports.pop(process, {})
        kept = {name: series for name, series in last.items() if METRICS[name].sums}
        self._ended = added([self._ended, kept])

    def total(self) -> Report:
        """The sum, in the order of the names' module."""
        found = added([self._ended, *self._reports.values()])
        return {name: found[name] for name in METRICS if name in found}
