from pathlib import Path

import pytest

from tests.clients.c_library import Metrics
from tests.clients.unix_http import page
from tests.clients.vectors import VECTORS, Metric, Vector


def _add(metrics: Metrics, metric: Metric) -> None:
    match metric.type:
        case "counter":
            metrics.add_counter(metric.name, metric.help, metric.labels, metric.inc)
        case "gauge":
            metrics.add_gauge(metric.name, metric.help, metric.labels, float(metric.set))
        case "histogram":
            metrics.add_histogram(metric.name, metric.help, metric.labels, metric.bounds, metric.observe)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_pages_are_those_of_the_test_vectors(library: Path, sockets: Path, vector: Vector) -> None:
    metrics = Metrics(library, "vectors", sockets, vector.labels)
    for metric in vector.metrics:
        _add(metrics, metric)

    assert metrics.page(open_metrics=False) == vector.text
    assert metrics.page(open_metrics=True) == vector.open_metrics
    assert page(metrics.served_at()) == vector.text
    metrics.close()
