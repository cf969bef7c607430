from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families

from clients.python.white_room_metrics import serving
from tests.clients.unix_http import page
from tests.clients.vectors import VECTORS, Metric, Vector

Samples = dict[tuple[str, frozenset[tuple[str, str]]], str]


def _add(registry: CollectorRegistry, metric: Metric, labels: dict[str, str]) -> None:
    """Set a metric. Its family is one of the registry, with as many series as the vector names."""
    known = {**metric.labels, **labels}
    found = registry._names_to_collectors.get(metric.name)  # noqa: SLF001 - the library has no public way to find one
    if metric.type == "counter":
        counter = found or Counter(metric.name, metric.help, sorted(known), registry=registry)
        assert isinstance(counter, Counter)
        (counter.labels(**known) if known else counter).inc(sum(metric.inc))
    elif metric.type == "gauge":
        gauge = found or Gauge(metric.name, metric.help, sorted(known), registry=registry)
        assert isinstance(gauge, Gauge)
        (gauge.labels(**known) if known else gauge).set(float(metric.set))
    else:
        histogram = found or Histogram(
            metric.name, metric.help, sorted(known), buckets=metric.bounds, registry=registry
        )
        assert isinstance(histogram, Histogram)
        for value in metric.observe:
            (histogram.labels(**known) if known else histogram).observe(value)


def _samples(families: Iterable[Family]) -> Samples:
    """Return the values of a page. Its NaN equals itself, and `le` is a number."""
    return {
        (sample.name, frozenset((key, str(float(it)) if key == "le" else it) for key, it in sample.labels.items())): (
            f"{sample.value:.15g}"
        )
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_samples_are_those_of_the_test_vectors(sockets: Path, vector: Vector) -> None:
    registry = CollectorRegistry()
    for metric in vector.metrics:
        _add(registry, metric, vector.labels)
    with serving("vectors", registry, sockets) as path:
        served = _samples(text_string_to_metric_families(page(path)))

    expected = _samples(text_string_to_metric_families(vector.text))
    below_zero = {it.name for it in vector.metrics if it.bounds and it.bounds[0] < 0}
    sums, counts = ({f"{name}_{part}" for name in below_zero} for part in ("sum", "count"))
    assert served == _without(sums, expected)  # a sum that may fall is no counter
    assert _samples(open_metrics_families(vector.open_metrics)) == _without(sums | counts, expected)


def _without(names: set[str], samples: Samples) -> Samples:
    return {key: value for key, value in samples.items() if key[0] not in names}
