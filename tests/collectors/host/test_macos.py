"""The shape of the macOS list, on psutil's numbers of this machine or of our own making; no Mac was at hand."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from collectors.host import macos, macos_commands
from collectors.host.config import HostConfig
from collectors.host.filters import Filter
from collectors.host.meminfo import Memory
from collectors.host.subsystems import darwin
from collectors.metrics import gauge
from collectors.mounts import Mount
from tests.collectors.host.support import samples_of


def test_the_list_names_node_exporters_collectors() -> None:
    assert [subsystem.name for subsystem in darwin(HostConfig()).subsystems] == [
        "boottime",
        "cpu",
        "diskstats",
        "filesystem",
        "loadavg",
        "meminfo",
        "netdev",
        "powersupplyclass",
        "thermal",
        "time",
        "uname",
    ]


def test_cpu_has_the_four_modes_of_macos() -> None:
    seconds = samples_of(macos.cpu_families(), "node_cpu_seconds_total")

    assert {mode for _, mode in seconds} == {"user", "nice", "system", "idle"}
    assert {cpu for cpu, _ in seconds} == {str(number) for number in range(psutil.cpu_count() or 0)}


def test_memory_has_macos_names_and_types(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(total=8, active=3, inactive=2, wired=1, available=4)
    swap = SimpleNamespace(total=20, used=10, sin=5, sout=6)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "swap_memory", lambda: swap)

    monkeypatch.setattr(macos_commands, "memory_families", lambda: [gauge("node_memory_free_bytes", "Free.", 7)])

    found = [(family.name, family.type, family.samples[()]) for family in macos.memory_families()]

    assert found == [
        ("node_memory_total_bytes", "gauge", 8),
        ("node_memory_active_bytes", "gauge", 3),
        ("node_memory_inactive_bytes", "gauge", 2),
        ("node_memory_wired_bytes", "gauge", 1),
        ("node_memory_swap_total_bytes", "gauge", 20),
        ("node_memory_swap_used_bytes", "gauge", 10),
        ("node_memory_swapped_in_bytes_total", "counter", 5),
        ("node_memory_swapped_out_bytes_total", "counter", 6),
        ("node_memory_free_bytes", "gauge", 7),
    ]
    assert macos.memory() == Memory(total=8, available=4)


def test_file_systems_leave_the_device_files_out(monkeypatch: pytest.MonkeyPatch) -> None:
    partitions = [
        SimpleNamespace(device="/dev/disk1s1", mountpoint="/", fstype="apfs", opts="ro,local"),
        SimpleNamespace(device="devfs", mountpoint="/dev", fstype="devfs", opts="rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: partitions)
    measured = darwin(HostConfig()).file_systems()

    assert Mount("/dev/disk1s1", "/", "apfs", read_only=True) in measured
    assert not any(mount.path == "/dev" for mount in measured)


def test_disks_are_in_bytes_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = SimpleNamespace(
        read_count=1, read_bytes=4096, read_time=1500, write_count=2, write_bytes=8192, write_time=250
    )
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: {"disk0": counts})

    found = macos.disk_families(Filter())

    assert samples_of(found, "node_disk_read_bytes_total") == {("disk0",): 4096}
    assert samples_of(found, "node_disk_read_time_seconds_total") == {("disk0",): 1.5}
    assert samples_of(found, "node_disk_write_time_seconds_total") == {("disk0",): 0.25}


def test_a_machine_without_disks_has_no_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: None)

    assert all(not family.samples for family in macos.disk_families(Filter()))


def test_traffic_is_counted_by_interface() -> None:
    assert ("lo",) in samples_of(macos.network_families(Filter()), "node_network_receive_bytes_total")


def test_load_boot_time_clock_and_name_are_read() -> None:
    exported = {
        family.name
        for subsystem in darwin(HostConfig()).subsystems
        if subsystem.name in {"boottime", "loadavg", "time", "uname"}
        for family in subsystem.families()
    }

    assert {"node_boot_time_seconds", "node_load1", "node_time_seconds", "node_uname_info"} <= exported
    assert len(os.getloadavg()) == 3
