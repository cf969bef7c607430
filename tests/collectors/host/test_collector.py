from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collectors.findings import Finding
from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig
from collectors.host.subsystems import Platform, Subsystem, linux
from collectors.metrics import Family, LabelValues, Value, gauge
from tests.collectors.host.support import Tree
from tests.support.threads import no_threads_left
from tests.support.waiting import eventually


class _Source:
    """A subsystem that a test can break and fix."""

    error: Exception | None = None

    def __call__(self) -> list[Family]:
        if self.error:
            raise self.error
        return [gauge("node_fake", "Fake.", 1)]


def _collector(*, collect_timeout: float = 2.0, **sources: Callable[[], list[Family]]) -> HostCollector:
    real = linux(Path("/"), HostConfig())
    subsystems = tuple(Subsystem(name, families) for name, families in sources.items())
    config = HostConfig(exclude=("textfile",))
    platform = Platform(subsystems, real.file_systems, real.memory)
    return HostCollector(config, platform, collect_timeout=collect_timeout)


def _samples(families: Iterable[Family]) -> dict[str, Mapping[LabelValues, Value]]:
    return {family.name: family.samples for family in families}


def _findings(collector: HostCollector, name: str) -> Sequence[Finding]:
    (check,) = [check for check in collector.checks() if check.name == name]
    return check.run()


def test_this_machine_is_measured_whole() -> None:
    found = _samples(HostCollector(HostConfig()).collect())

    succeeded = {name for (name,), success in found["node_scrape_collector_success"].items() if success}
    assert {"cpu", "diskstats", "filesystem", "meminfo", "netclass", "netdev", "stat", "time", "uname"} <= succeeded
    assert {"node_cpu_seconds_total", "node_load1", "node_memory_MemAvailable_bytes", "node_uname_info"} <= set(found)
    assert {"node_filesystem_avail_bytes", "node_network_up", "node_boot_time_seconds"} <= set(found)


def test_every_family_is_there_once_and_has_series() -> None:
    families = HostCollector(HostConfig()).collect()

    assert {
        name for name, count in Counter((family.name, family.labels) for family in families).items() if count > 1
    } == set()
    assert all(family.samples for family in families)
    assert all(len(labels) == len(family.labels) for family in families for labels in family.samples)


def test_a_subsystem_that_raises_costs_its_own_families_alone() -> None:
    broken = _Source()
    broken.error = RuntimeError("boom")

    found = _samples(_collector(broken=broken, sound=_Source()).collect())

    assert found["node_fake"] == {(): 1}
    assert found["node_scrape_collector_success"] == {("broken",): 0, ("sound",): 1}
    assert set(found["node_scrape_collector_duration_seconds"]) == {("broken",), ("sound",)}


def test_a_failure_is_logged_when_it_begins_changes_and_ends() -> None:
    source = _Source()
    collector = _collector(source=source)

    with capture_logs() as logs:
        for error in (None, ValueError("a"), ValueError("a"), ValueError("b"), None, None):
            source.error = error
            collector.collect()

    assert [(log["log_level"], log["subsystem"], log.get("error")) for log in logs] == [
        ("warning", "source", "a"),
        ("warning", "source", "b"),
        ("info", "source", None),
    ]


def test_a_subsystem_that_hangs_costs_its_own_families_alone() -> None:
    answer = threading.Event()

    def hang() -> list[Family]:
        answer.wait()
        return [gauge("node_slow", "Slow.", 1)]

    collector = _collector(hanging=hang, sound=_Source())
    try:
        first, second = _samples(collector.collect()), _samples(collector.collect())
        (finding,) = _findings(collector, "host.sources")
    finally:
        answer.set()

    for found in (first, second):
        assert found["node_fake"] == {(): 1}
        assert found["node_scrape_collector_success"] == {("hanging",): 0, ("sound",): 1}
    assert finding.detail.startswith("Reading hanging failed: no answer")
    eventually(lambda: "node_slow" in _samples(collector.collect()), "the subsystem is read again once it answers")


def test_a_subsystem_that_is_left_out_is_not_read() -> None:
    broken = _Source()
    broken.error = AssertionError("it was read")
    real = linux(Path("/"), HostConfig())
    subsystems = (Subsystem("arp", broken), Subsystem("cpu", _Source()))
    config = HostConfig(exclude=("arp", "textfile"))

    found = _samples(HostCollector(config, Platform(subsystems, real.file_systems, real.memory)).collect())

    assert found["node_scrape_collector_success"] == {("cpu",): 1}


def test_an_absent_source_is_no_error() -> None:
    source = _Source()
    source.error = FileNotFoundError(2, "No such file or directory", "/proc/absent")
    collector = _collector(source=source)

    with capture_logs() as logs:
        found = _samples(collector.collect())

    assert logs == []
    assert found["node_scrape_collector_success"] == {("source",): 0}
    assert _findings(collector, "host.sources") == []


def test_a_failing_subsystem_is_a_finding_before_any_scrape() -> None:
    source = _Source()
    source.error = PermissionError(13, "Permission denied", "/proc/secret")

    (finding,) = _findings(_collector(source=source, sound=_Source()), "host.sources")

    assert "Permission denied" in finding.detail
    assert "/proc/secret" in finding.detail


def test_an_empty_machine_raises_nothing(tmp_path: Path) -> None:
    collector = HostCollector(HostConfig(), linux(tmp_path, HostConfig()))

    found = _samples(collector.collect())

    assert found["node_scrape_collector_success"][("meminfo",)] == 0
    assert _findings(collector, "host.sources") == []


def test_the_checks_look_at_the_machine_they_were_given(tree: Tree) -> None:
    root = tree({"proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 50 kB\n"})
    collector = HostCollector(HostConfig(), linux(root, HostConfig()))

    assert [finding.code for finding in _findings(collector, "host.memory")] == ["host-memory-low"]


def test_the_checks_of_this_machine_can_be_run() -> None:
    for check in HostCollector(HostConfig()).checks():
        check.run()


def test_the_check_of_sources_uses_the_readings_of_a_scrape() -> None:
    calls = Counter[str]()

    def counted() -> list[Family]:
        calls["read"] += 1
        raise OSError("gone")

    collector = _collector(counted=counted)
    assert len(_findings(collector, "host.sources")) == 1
    collector.collect()
    for _ in range(5):
        assert len(_findings(collector, "host.sources")) == 1

    assert calls["read"] == 2


def test_a_slow_subsystem_leaves_the_others_a_part_of_a_short_timeout() -> None:
    done = threading.Event()

    def slow() -> list[Family]:
        done.wait()
        return []

    collector = _collector(collect_timeout=0.5, slow=slow, sound=_Source())
    try:
        found = _samples(collector.collect())
    finally:
        done.set()

    assert found["node_scrape_collector_success"] == {("slow",): 0, ("sound",): 1}
    assert found["node_scrape_collector_duration_seconds"]["slow",] == pytest.approx(0.3)


def test_a_machine_without_spare_threads_is_measured_all_the_same() -> None:
    with no_threads_left():
        found = {family.name for family in HostCollector(HostConfig()).collect()}

    assert {"node_load1", "node_filesystem_size_bytes", "node_cpu_seconds_total"} <= found


def test_measuring_linux_needs_no_heavy_library() -> None:
    program = (
        "import sys;"
        "from collectors.host.collector import HostCollector; from collectors.host.config import HostConfig;"
        " HostCollector(HostConfig()).collect();"
        "print(sorted({'numpy', 'psutil', 'prometheus_client', 'pyaudio'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"
