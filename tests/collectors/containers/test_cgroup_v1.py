from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from collectors.containers.cgroup_reading import CgroupReading, Files
from collectors.containers.cgroup_v1 import parse_io, read
from tests.collectors.containers.support import SAME_IN_BOTH_VERSIONS, write

TICKS = os.sysconf("SC_CLK_TCK")
DEVICES = {"8:0": "/dev/sda"}.__getitem__

# As Linux 6.1 writes them.
FILES = {
    "cpu/cpu.cfs_period_us": "100000\n",
    "cpu/cpu.cfs_quota_us": "50000\n",
    "cpu/cpu.shares": "512\n",
    "cpu/cpu.stat": "nr_periods 7\nnr_throttled 5\nthrottled_time 250000000\nnr_bursts 25\nburst_time 500000000\n",
    "cpuacct/cpuacct.usage": "3000000000\n",
    "cpuacct/cpuacct.stat": f"user {2 * TICKS}\nsystem {TICKS}\n",
    "memory/memory.failcnt": "11\n",
    "memory/memory.kmem.usage_in_bytes": "70000\n",
    "memory/memory.limit_in_bytes": "2000000\n",
    "memory/memory.max_usage_in_bytes": "1500000\n",
    "memory/memory.memsw.limit_in_bytes": "9223372036854771712\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "memory/memory.soft_limit_in_bytes": "9223372036854771712\n",
    "memory/memory.stat": (
        "cache 1\nrss 2\npgfault 120\npgmajfault 3\nhierarchical_memory_limit 2000000\ntotal_cache 300000\n"
        "total_rss 600000\ntotal_mapped_file 50000\ntotal_swap 30000\ntotal_pgfault 123\ntotal_pgmajfault 4\n"
        "total_inactive_file 200000\ntotal_active_file 90000\n"
    ),
    "memory/memory.usage_in_bytes": "1000000\n",
    "blkio/blkio.bfq.io_service_bytes_recursive": "Total 0\n",
    "blkio/blkio.bfq.io_serviced_recursive": "Total 0\n",
    "blkio/blkio.throttle.io_service_bytes_recursive": (
        "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 12288\n8:0 Async 0\n8:0 Discard 0\n8:0 Total 12288\nTotal 12288\n"
    ),
    "blkio/blkio.throttle.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
    "pids/pids.current": "9\n",
    "pids/pids.max": "max\n",
}


def _read(root: Path, changes: dict[str, str] | None = None) -> CgroupReading:
    write(root, FILES | (changes or {}))
    with ExitStack() as opened:
        trees = {tree.name: opened.enter_context(Files(str(tree))) for tree in root.iterdir()}
        return read(trees, DEVICES)


def test_every_number_gets_the_name_that_cadvisor_has_for_it(tmp_path: Path) -> None:
    assert _read(tmp_path) == pytest.approx(
        SAME_IN_BOTH_VERSIONS
        | {
            ("container_spec_cpu_shares",): 512,
            ("container_memory_failures_total", "pgfault", "container"): 120,
            ("container_memory_failures_total", "pgfault", "hierarchy"): 123,
            ("container_memory_failures_total", "pgmajfault", "container"): 3,
            ("container_memory_failures_total", "pgmajfault", "hierarchy"): 4,
            ("container_spec_memory_reservation_limit_bytes",): 0,
            ("container_blkio_device_usage_total", "/dev/sda", "8", "0", "Sync"): 12288,
            ("container_blkio_device_usage_total", "/dev/sda", "8", "0", "Async"): 0,
            ("container_blkio_device_usage_total", "/dev/sda", "8", "0", "Discard"): 0,
        }
    )


def test_a_group_without_a_quota_has_no_throttling(tmp_path: Path) -> None:
    reading = _read(tmp_path, {"cpu/cpu.cfs_quota_us": "-1\n"})

    assert not {series[0] for series in reading} & {"container_spec_cpu_quota", "container_cpu_cfs_periods_total"}


def test_the_scheduler_that_accounts_a_device_itself_is_believed(tmp_path: Path) -> None:
    reading = _read(tmp_path, {"blkio/blkio.bfq.io_service_bytes_recursive": "8:0 Read 77\n8:0 Total 77\nTotal 77\n"})

    assert reading["container_fs_reads_bytes_total", "/dev/sda"] == 77


def test_parse_io_leaves_the_sums_out() -> None:
    assert parse_io("8:0 Read 1\n8:0 Total 1\n8:16 Write 2\n8:16 Total 2\nTotal 3\n") == {
        ("8:0", "Read"): 1,
        ("8:16", "Write"): 2,
    }


def test_a_group_that_is_in_no_tree_has_no_numbers() -> None:
    assert read({}, DEVICES) == {}


def test_a_scheduler_counts_what_the_throttling_policy_does_not(tmp_path: Path) -> None:
    bfq = "blkio/blkio.bfq."
    reading = _read(
        tmp_path,
        {
            f"{bfq}io_service_bytes_recursive": "8:0 Read 512\n8:0 Total 512\nTotal 512\n",
            f"{bfq}io_serviced_recursive": "8:0 Read 1\n8:0 Total 1\nTotal 1\n",
            f"{bfq}io_merged_recursive": "8:0 Read 3\n8:0 Write 4\n8:0 Total 7\nTotal 7\n",
            f"{bfq}io_service_time_recursive": "8:0 Read 500000000\n8:0 Write 0\n8:0 Total 500000000\nTotal 5\n",
            f"{bfq}io_queued_recursive": "8:0 Read 1\n8:0 Total 2\nTotal 2\n",
        },
    )

    assert reading["container_fs_reads_merged_total", "/dev/sda"] == 3
    assert reading["container_fs_writes_merged_total", "/dev/sda"] == 4
    assert reading["container_fs_read_seconds_total", "/dev/sda"] == 0.5
    assert reading["container_fs_io_time_seconds_total", "/dev/sda"] == 0.5
    assert reading["container_fs_io_current", "/dev/sda"] == 2


def test_rows_of_one_device_are_summed() -> None:
    assert parse_io("8:0 Read 1\n8:0 Read 2\n8:0 Total 3\nTotal 3\n") == {("8:0", "Read"): 3}
