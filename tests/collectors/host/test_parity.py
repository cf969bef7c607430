"""Our families beside those of Debian's real node_exporter on this machine, for every subsystem that we have."""

from __future__ import annotations

import math
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.host import HostCollector, HostConfig
from collectors.host.diskstats import EXCLUDED_DEVICES
from collectors.host.filesystem import EXCLUDED_MOUNT_POINTS, EXCLUDED_TYPES
from tests.collectors.host.support import samples_of

pytestmark = pytest.mark.node_exporter

_DEADLINE_SECONDS = 60
# Gauges that node_exporter raises by being asked, and by how much at most.
_RAISED_BY_THE_SCRAPE = {"node_filefd_allocated": 100, "node_procs_running": 20}
_OWN_TIMING = "node_scrape_collector_duration_seconds"

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Exported:
    """One family as a scrape shows it."""

    type: str
    samples: dict[Labels, float]


Families = dict[str, Exported]
_View = TypeVar("_View")


def _ours(collector: HostCollector) -> Families:
    return {
        family.name: Exported(
            family.type,
            {
                frozenset(zip(family.labels, values, strict=True)): value
                for values, value in samples_of([family], family.name).items()
            },
        )
        for family in collector.collect()
    }


def _theirs(url: str) -> Families:
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    exported: Families = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("node_") and sample.name != "node_exporter_build_info":
                found = exported.setdefault(sample.name, Exported(family.type, {}))
                found.samples[frozenset(sample.labels.items())] = sample.value
    return exported


@pytest.fixture(scope="module")
def collector() -> HostCollector:
    return HostCollector(HostConfig())


@pytest.fixture(scope="module")
def node_exporter(collector: HostCollector) -> Iterator[str]:
    """The address of a real node_exporter with our subsystems and upstream's filters, which Debian changes."""
    names = sorted(labels["collector"] for labels in map(dict, _ours(collector)[_OWN_TIMING].samples))
    command = [
        "prometheus-node-exporter",
        "--web.listen-address=127.0.0.1:0",
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in names),
        "--collector.netdev.device-exclude=",
        f"--collector.diskstats.device-exclude={EXCLUDED_DEVICES}",
        f"--collector.filesystem.mount-points-exclude={EXCLUDED_MOUNT_POINTS}",
        f"--collector.filesystem.fs-types-exclude={EXCLUDED_TYPES}",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://{_address(process)}/metrics"
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    log = []
    for line in process.stderr:
        log.append(line)
        if found := re.search(r'msg="Listening on" address=(\S+)', line):
            # It must never wait for a reader of what it logs from now on.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"node_exporter did not start: {''.join(log)}")


def test_we_lack_nothing_and_add_nothing(collector: HostCollector, node_exporter: str) -> None:
    ours, theirs = _agreed(collector, node_exporter, set)

    assert len(theirs) > 100
    assert sorted(theirs - ours) == []
    assert sorted(ours - theirs) == []


def test_types_are_the_same(collector: HostCollector, node_exporter: str) -> None:
    ours, theirs = _agreed(collector, node_exporter, _types)

    assert ours == theirs


def test_series_are_the_same(collector: HostCollector, node_exporter: str) -> None:
    ours, theirs = _agreed(collector, node_exporter, _series)

    assert ours == theirs


def _types(families: Families) -> dict[str, str]:
    return {name: family.type for name, family in families.items()}


def _series(families: Families) -> dict[str, set[Labels]]:
    return {name: set(family.samples) for name, family in families.items()}


def _agreed(collector: HostCollector, url: str, view: Callable[[Families], _View]) -> tuple[_View, _View]:
    """Both sides' views, read until they agree (a mount may come or go between two readings) or time is up."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    ours, theirs = view(_ours(collector)), view(_theirs(url))
    while ours != theirs and time.monotonic() < deadline:
        ours, theirs = view(_ours(collector)), view(_theirs(url))
    return ours, theirs


def test_values_lie_between_our_readings_before_and_after(collector: HostCollector, node_exporter: str) -> None:
    """A series passes at its first reading that fits: a gauge that moves about does so sooner or later."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    unexplained = _differences(collector, node_exporter)
    while unexplained and time.monotonic() < deadline:
        now = _differences(collector, node_exporter)
        unexplained = {series: now[series] for series in unexplained.keys() & now.keys()}

    assert unexplained == {}


def _differences(collector: HostCollector, url: str) -> dict[tuple[str, Labels], tuple[float, float, float]]:
    before, theirs, after = _values(_ours(collector)), _values(_theirs(url)), _values(_ours(collector))
    readings = {
        series: (before[series], theirs[series], after[series])
        for series in before.keys() & theirs.keys() & after.keys()
        if series[0] != _OWN_TIMING
    }
    return {series: values for series, values in readings.items() if not _fits(series[0], *values)}


def _values(families: Families) -> dict[tuple[str, Labels], float]:
    return {(name, labels): value for name, family in families.items() for labels, value in family.samples.items()}


def _fits(name: str, before: float, theirs: float, after: float) -> bool:
    low, high = sorted((before, after))
    inside = low <= theirs <= high + _RAISED_BY_THE_SCRAPE.get(name, 0)
    return inside or any(math.isclose(theirs, bound, rel_tol=1e-12) for bound in (low, high))
