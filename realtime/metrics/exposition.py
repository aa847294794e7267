"""A report as Prometheus reads it: its text format, or OpenMetrics for a client that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from realtime.metrics.instruments import Instrument, Series
from realtime.metrics.names import METRICS
from realtime.metrics.reports import Report


def exposed(report: Report, accept: str = "") -> tuple[bytes, str]:
    """The octets of the answer and its content type, for the client's `Accept`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(report))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Given(Collector):
    """Gives `prometheus_client` numbers that were counted elsewhere."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """The families of the text."""
        for name, series in self._report.items():
            yield _family(METRICS[name], series)


def _family(metric: Instrument, series: Series) -> Metric:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help_text, labels=metric.labels)
        bounds = [*map(str, metric.bounds), "+Inf"]
        for labels, numbers in series.items():
            buckets = list(zip(bounds, accumulate(numbers[:-1]), strict=True))
            histogram.add_metric(labels, buckets, numbers[-1])
        return histogram
    made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = made(metric.name, metric.help_text, labels=metric.labels)
    for labels, numbers in series.items():
        family.add_metric(labels, numbers[0])
    return family
