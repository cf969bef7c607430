"""The live view of the host."""

from __future__ import annotations

import pytest

from collectors.host.collector import HostCollector
from collectors.host.config import HostConfig
from collectors.host.view import host_view
from collectors.metrics import Family, counter, gauge

LABELS = ("device", "mountpoint", "fstype")
DISK, IMAGE, SAME = ("/dev/a", "/", "ext4"), ("/dev/b", "/snap", "squashfs"), ("/dev/c", "/srv", "ext4")


def families() -> list[Family]:
    modes: dict[tuple[str, ...], float] = {("0", "idle"): 100.0, ("0", "iowait"): 3.0, ("0", "user"): 50.0}
    return [
        counter("node_cpu_seconds_total", "C.", modes, ("cpu", "mode")),
        counter("node_pressure_cpu_waiting_seconds_total", "P.", 2.0),
        gauge("node_memory_MemTotal_bytes", "M.", 1000.0),
        gauge("node_memory_MemAvailable_bytes", "M.", 250.0),
        gauge("node_load1", "L.", 1.5),
        gauge("node_filesystem_size_bytes", "S.", {DISK: 100.0, IMAGE: 50.0, SAME: 100.0}, LABELS),
        gauge("node_filesystem_avail_bytes", "A.", {DISK: 30.0, IMAGE: 0.0, SAME: 60.0}, LABELS),
        gauge("node_filesystem_readonly", "R.", {DISK: 0.0, IMAGE: 1.0, SAME: 0.0}, LABELS),
    ]


def test_the_view_has_the_values_of_the_families() -> None:
    view = host_view(families())

    assert (view.cpu_seconds, view.idle_seconds, view.cpu_wait_seconds) == (153.0, 103.0, 2.0)
    assert (view.memory, view.load1) == (0.75, 1.5)
    assert view.disk == "/"
    assert view.disk_used == pytest.approx(0.7)


def test_missing_families_are_unknown() -> None:
    view = host_view([])

    assert (view.cpu_seconds, view.memory, view.io_wait_seconds, view.disk, view.disk_used) == (
        None,
        None,
        None,
        "",
        None,
    )


def test_macos_has_free_and_inactive_memory() -> None:
    memory = [
        gauge("node_memory_total_bytes", "M.", 1000.0),
        gauge("node_memory_free_bytes", "M.", 100.0),
        gauge("node_memory_inactive_bytes", "M.", 150.0),
    ]

    assert host_view(memory).memory == 0.75


def test_this_machine_has_a_view() -> None:
    view = HostCollector(HostConfig()).view()

    assert view.cpu_seconds
    assert 0 < (view.memory or 0) < 1


def test_a_name_may_have_several_families() -> None:
    failed = gauge("node_filesystem_readonly", "R.", {(*DISK, "host is down"): 0.0}, (*LABELS, "device_error"))

    assert host_view([*families(), failed]) == host_view(families())


def test_memory_without_the_available_part_is_unknown() -> None:
    """Kernels before 3.14 do not tell it."""
    assert host_view([gauge("node_memory_MemTotal_bytes", "M.", 1000.0)]).memory is None
