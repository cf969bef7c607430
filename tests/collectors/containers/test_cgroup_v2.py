from __future__ import annotations

from pathlib import Path

import pytest

from collectors.containers.cgroup_reading import CgroupReading, Files
from collectors.containers.cgroup_v2 import parse_io, parse_pressure, read, shares
from tests.collectors.containers.support import SAME_IN_BOTH_VERSIONS, write_group

DEVICES = {"8:0": "/dev/sda", "259:1": "/dev/nvme0n1"}.__getitem__


def _read(root: Path, changes: dict[str, str] | None = None) -> CgroupReading:
    write_group(root, "/group", changes)
    with Files(f"{root}/sys/fs/cgroup/group") as files:
        return read(files, DEVICES)


def test_every_number_gets_the_name_that_cadvisor_has_for_it(tmp_path: Path) -> None:
    assert _read(tmp_path) == pytest.approx(
        SAME_IN_BOTH_VERSIONS
        | {
            ("container_spec_cpu_shares",): 2597,
            ("container_memory_events_high_total",): 6,
            ("container_memory_events_max_total",): 11,
            ("container_memory_file_dirty_bytes",): 81,
            ("container_memory_file_writeback_bytes",): 82,
            ("container_memory_workingset_refault_anon_total",): 83,
            ("container_memory_workingset_refault_file_total",): 84,
            ("container_memory_pgscan_total",): 85,
            ("container_memory_pgsteal_total",): 86,
            ("container_memory_failures_total", "pgfault", "container"): 123,
            ("container_memory_failures_total", "pgfault", "hierarchy"): 123,
            ("container_memory_failures_total", "pgmajfault", "container"): 4,
            ("container_memory_failures_total", "pgmajfault", "hierarchy"): 4,
            ("container_spec_memory_reservation_limit_bytes",): 12_000,
            ("container_pressure_cpu_waiting_seconds_total",): 1.5,
            ("container_pressure_cpu_stalled_seconds_total",): 0.5,
            ("container_pressure_memory_waiting_seconds_total",): 3.5,
            ("container_pressure_memory_stalled_seconds_total",): 1.25,
            ("container_pressure_io_waiting_seconds_total",): 2.5,
            ("container_pressure_io_stalled_seconds_total",): 0.75,
        }
    )


def test_a_group_without_a_quota_has_no_throttling(tmp_path: Path) -> None:
    reading = _read(tmp_path, {"cpu.max": "max 100000\n"})

    assert reading["container_spec_cpu_period",] == 100_000
    assert not {series[0] for series in reading} & {"container_spec_cpu_quota", "container_cpu_cfs_periods_total"}


def test_more_inactive_files_than_usage_leave_a_working_set_of_nothing(tmp_path: Path) -> None:
    assert _read(tmp_path, {"memory.current": "100\n"})["container_memory_working_set_bytes",] == 0


def test_a_group_without_controllers_has_the_other_numbers(tmp_path: Path) -> None:
    group = tmp_path / "group"
    group.mkdir()
    (group / "cpu.stat").write_text("usage_usec 5\nuser_usec 3\nsystem_usec 2\n")

    with Files(str(group)) as files:
        reading = read(files, DEVICES)

    assert {series[0] for series in reading} == {
        "container_cpu_usage_seconds_total",
        "container_cpu_user_seconds_total",
        "container_cpu_system_seconds_total",
    }


@pytest.mark.parametrize(("weight", "expected"), [(1, 2), (100, 2597), (10_000, 262_144)])
def test_a_weight_is_converted_to_shares(weight: int, expected: int) -> None:
    assert shares(weight) == expected


def test_io_is_counted_by_device_and_an_idle_device_has_no_counts() -> None:
    text = "259:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n8:0 \n"

    assert parse_io(text, DEVICES) == {
        ("container_fs_reads_bytes_total", "/dev/nvme0n1"): 1,
        ("container_fs_writes_bytes_total", "/dev/nvme0n1"): 2,
        ("container_fs_reads_total", "/dev/nvme0n1"): 3,
        ("container_fs_writes_total", "/dev/nvme0n1"): 4,
        ("container_blkio_device_usage_total", "/dev/nvme0n1", "259", "1", "Read"): 1,
        ("container_blkio_device_usage_total", "/dev/nvme0n1", "259", "1", "Write"): 2,
    }


def test_pressure_of_an_older_kernel_has_no_full_line() -> None:
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n"

    assert parse_pressure(text, "cpu") == {("container_pressure_cpu_waiting_seconds_total",): 1}


def test_rows_that_share_a_devices_name_are_summed() -> None:
    """A removed disk keeps its row; the one in its place may have its name."""
    text = "8:16 rbytes=1 wbytes=2 rios=3 wios=4\n8:32 rbytes=10 wbytes=20 rios=30 wios=40\n"

    reading = parse_io(text, lambda _: "/dev/sdb")

    assert reading["container_fs_reads_bytes_total", "/dev/sdb"] == 11
    assert reading["container_fs_writes_bytes_total", "/dev/sdb"] == 22
    assert reading["container_fs_reads_total", "/dev/sdb"] == 33
    assert reading["container_fs_writes_total", "/dev/sdb"] == 44
    assert reading["container_blkio_device_usage_total", "/dev/sdb", "8", "32", "Read"] == 10


def test_devices_without_counts_in_front_of_a_row_are_not_its_device() -> None:
    reading = parse_io(
        "7:1 7:0 8:0 rbytes=5 wbytes=0 rios=1 wios=0\n7:2 \n", {"8:0": "/dev/sda", "7:2": "x"}.__getitem__
    )

    assert reading["container_fs_reads_bytes_total", "/dev/sda"] == 5


def test_a_pressure_is_known_by_its_names() -> None:
    assert parse_pressure(
        "full total=2000000 avg10=0.00\nnone avg10=0.00\nsome avg10=0.00 total=1000000 new=3\n", "io"
    ) == {
        ("container_pressure_io_stalled_seconds_total",): 2,
        ("container_pressure_io_waiting_seconds_total",): 1,
    }


def test_lines_of_another_form_cost_no_others(tmp_path: Path) -> None:
    reading = _read(tmp_path, {"cpu.stat": "usage_usec 3000000\n\nnew\nuser_usec 2000000\n"})

    assert reading["container_cpu_usage_seconds_total", "total"] == 3
    assert reading["container_cpu_user_seconds_total",] == 2
