"""The kinds of metrics. Each holds its numbers in this process until they are read. Pure.

They belong to the event loop: only its thread adds, without a lock. `Counters.add_from_thread` is for the others.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

OTHER = "other"
"""The label of everything that has no label of its own: clients must not be able to make labels."""

Series = dict[tuple[str, ...], list[float]]
"""The numbers of one metric by the values of its labels.

Counters and gauges have one number. Histograms have one for each bucket, not added up, with a last one for all that is
greater than every bound, and then the sum of all values.
"""

_threads = threading.Lock()


class Instrument:
    """A metric: its name, what it says, and the names of its labels."""

    kind: ClassVar[str]
    """The word of Prometheus' text format."""
    sums: ClassVar[bool] = True
    """Whether the numbers of a process that has ended still count."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = tuple(labels)
        self.bounds: tuple[float, ...] = ()

    def fits(self, labels: tuple[str, ...], numbers: list[float]) -> bool:
        """Whether these may be numbers of this metric."""
        width = len(self.bounds) + 2 if self.bounds else 1
        return len(labels) == len(self.labels) and len(numbers) == width

    def read(self) -> Series:
        """A copy of the numbers."""
        raise NotImplementedError

    def merge(self, one: list[float], other: list[float]) -> list[float]:
        """The numbers of two processes together."""
        return [mine + theirs for mine, theirs in zip(one, other, strict=True)]


class Counter(Instrument):
    """A count that only rises: add to `value`."""

    kind = "counter"

    def __init__(self, name: str, help_text: str) -> None:
        super().__init__(name, help_text)
        self.value: float = 0

    def read(self) -> Series:
        """The count."""
        return {(): [float(self.value)]}


class Counters(Instrument):
    """Counts by one label. Its values are known beforehand; any other one counts as `OTHER`."""

    kind = "counter"

    def __init__(self, name: str, help_text: str, label: str, values: Iterable[str]) -> None:
        super().__init__(name, help_text, (label,))
        self._counts = dict.fromkeys((*values, OTHER), 0)

    def add(self, value: str, count: int = 1) -> None:
        """Add to the count of that label."""
        try:
            self._counts[value] += count
        except KeyError:
            self._counts[OTHER] += count

    def add_from_thread(self, value: str) -> None:
        """Add one, in any thread; such a metric is not counted in the event loop, too."""
        with _threads:
            self.add(value)

    def read(self) -> Series:
        """The counts."""
        return {(value,): [float(count)] for value, count in self._counts.items()}


class Gauge(Instrument):
    """A number that rises and falls: set when it is read. The sum of all processes, or the least with `merge=min`."""

    kind = "gauge"
    sums = False

    def __init__(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str] = (),
        merge: Callable[[float, float], float] = lambda one, other: one + other,
    ) -> None:
        super().__init__(name, help_text, labels)
        self._merge = merge
        self._values: Series = {}

    def set(self, value: float, *labels: str) -> None:
        """Set the number of these labels."""
        self._values[labels] = [float(value)]

    def read(self) -> Series:
        """The numbers that were set."""
        return dict(self._values)

    def merge(self, one: list[float], other: list[float]) -> list[float]:
        """The numbers of two processes together."""
        return [self._merge(mine, theirs) for mine, theirs in zip(one, other, strict=True)]


class Histogram(Instrument):
    """How many values there were up to each bound, by labels: unlike a summary's, these can be added up."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        super().__init__(name, help_text, labels)
        self.bounds = tuple(bounds)
        self._values: Series = {}
        if not labels:
            self._values[()] = self._empty()

    def _empty(self) -> list[float]:
        return [0.0] * (len(self.bounds) + 2)

    def observe(self, value: float, *labels: str) -> None:
        """Count a value. The caller must not let clients choose labels."""
        try:
            numbers = self._values[labels]
        except KeyError:
            numbers = self._values[labels] = self._empty()
        numbers[bisect_left(self.bounds, value)] += 1
        numbers[-1] += value

    def read(self) -> Series:
        """The counts of the buckets, and the sum."""
        return {labels: list(numbers) for labels, numbers in self._values.items()}
