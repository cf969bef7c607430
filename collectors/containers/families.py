"""cAdvisor's families of containers, with the names, types, labels and help of its lib/metrics/prometheus.go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from collectors.containers.cgroup_reading import CgroupReading
from collectors.metrics import Family, LabelNames, LabelValues

LABELS = ("id", "name", "image")

_Described = tuple[Literal["counter", "gauge"], str, LabelNames]

_DEVICE = ("device",)
_INTERFACE = ("interface",)

# The type, the help, and the labels of a family in addition to those of every container.
_FAMILIES: dict[str, _Described] = {
    "container_last_seen": ("gauge", "Last time a container was seen by the exporter", ()),
    "container_creation_time_seconds": ("gauge", "Container creation time since unix epoch in seconds.", ()),
    "container_start_time_seconds": ("gauge", "Start time of the container since unix epoch in seconds.", ()),
    "container_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed in seconds.", ("cpu",)),
    "container_cpu_user_seconds_total": ("counter", "Cumulative user cpu time consumed in seconds.", ()),
    "container_cpu_system_seconds_total": ("counter", "Cumulative system cpu time consumed in seconds.", ()),
    "container_cpu_cfs_periods_total": ("counter", "Number of elapsed enforcement period intervals.", ()),
    "container_cpu_cfs_throttled_periods_total": ("counter", "Number of throttled period intervals.", ()),
    "container_cpu_cfs_throttled_seconds_total": (
        "counter",
        "Total time duration the container has been throttled.",
        (),
    ),
    "container_cpu_cfs_burst_periods_total": ("counter", "Number of periods when burst occurs.", ()),
    "container_cpu_cfs_burst_seconds_total": (
        "counter",
        "Total time duration the container has been bursted.",
        (),
    ),
    "container_memory_usage_bytes": (
        "gauge",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        (),
    ),
    "container_memory_working_set_bytes": ("gauge", "Current working set in bytes.", ()),
    "container_memory_max_usage_bytes": ("gauge", "Maximum memory usage recorded in bytes", ()),
    "container_memory_rss": ("gauge", "Size of RSS in bytes.", ()),
    "container_memory_cache": ("gauge", "Number of bytes of page cache memory.", ()),
    "container_memory_swap": ("gauge", "Container swap usage in bytes.", ()),
    "container_memory_mapped_file": ("gauge", "Size of memory mapped files in bytes.", ()),
    "container_memory_kernel_usage": ("gauge", "Size of kernel memory allocated in bytes.", ()),
    "container_memory_total_active_file_bytes": ("gauge", "Current total active file in bytes.", ()),
    "container_memory_total_inactive_file_bytes": ("gauge", "Current total inactive file in bytes.", ()),
    "container_memory_failcnt": ("counter", "Number of memory usage hits limits", ()),
    "container_memory_failures_total": (
        "counter",
        "Cumulative count of memory allocation failures.",
        ("failure_type", "scope"),
    ),
    "container_memory_events_high_total": (
        "counter",
        "Cumulative count of memory.high throttle events for the container",
        (),
    ),
    "container_memory_events_max_total": (
        "counter",
        "Cumulative count of memory.max limit hit events for the container",
        (),
    ),
    "container_memory_file_dirty_bytes": (
        "gauge",
        "Number of bytes of file cache that has been modified but not yet written back to disk.",
        (),
    ),
    "container_memory_file_writeback_bytes": (
        "gauge",
        "Number of bytes of file cache that is currently being written back to disk.",
        (),
    ),
    "container_memory_pgscan_total": (
        "counter",
        "Cumulative number of pages scanned by the page reclaim algorithm.",
        (),
    ),
    "container_memory_pgsteal_total": (
        "counter",
        "Cumulative number of pages reclaimed by the page reclaim algorithm.",
        (),
    ),
    "container_memory_workingset_refault_anon_total": (
        "counter",
        "Cumulative number of refaults of previously evicted anonymous pages.",
        (),
    ),
    "container_memory_workingset_refault_file_total": (
        "counter",
        "Cumulative number of refaults of previously evicted file pages.",
        (),
    ),
    "container_oom_events_total": ("counter", "Count of out of memory events observed for the container", ()),
    "container_fs_reads_bytes_total": ("counter", "Cumulative count of bytes read", _DEVICE),
    "container_fs_reads_total": ("counter", "Cumulative count of reads completed", _DEVICE),
    "container_fs_writes_bytes_total": ("counter", "Cumulative count of bytes written", _DEVICE),
    "container_fs_writes_total": ("counter", "Cumulative count of writes completed", _DEVICE),
    "container_fs_reads_merged_total": ("counter", "Cumulative count of reads merged", _DEVICE),
    "container_fs_writes_merged_total": ("counter", "Cumulative count of writes merged", _DEVICE),
    "container_fs_sector_reads_total": ("counter", "Cumulative count of sector reads completed", _DEVICE),
    "container_fs_sector_writes_total": ("counter", "Cumulative count of sector writes completed", _DEVICE),
    "container_fs_read_seconds_total": ("counter", "Cumulative count of seconds spent reading", _DEVICE),
    "container_fs_write_seconds_total": ("counter", "Cumulative count of seconds spent writing", _DEVICE),
    "container_fs_io_current": ("gauge", "Number of I/Os currently in progress", _DEVICE),
    "container_fs_io_time_seconds_total": ("counter", "Cumulative count of seconds spent doing I/Os", _DEVICE),
    "container_fs_io_time_weighted_seconds_total": (
        "counter",
        "Cumulative weighted I/O time in seconds",
        _DEVICE,
    ),
    "container_fs_limit_bytes": (
        "gauge",
        "Number of bytes that can be consumed by the container on this filesystem.",
        _DEVICE,
    ),
    "container_fs_usage_bytes": (
        "gauge",
        "Number of bytes that are consumed by the container on this filesystem.",
        _DEVICE,
    ),
    "container_fs_inodes_total": ("gauge", "Number of Inodes", _DEVICE),
    "container_fs_inodes_free": ("gauge", "Number of available Inodes", _DEVICE),
    "container_blkio_device_usage_total": (
        "counter",
        "Blkio Device bytes usage",
        ("device", "major", "minor", "operation"),
    ),
    "container_network_receive_bytes_total": ("counter", "Cumulative count of bytes received", _INTERFACE),
    "container_network_receive_packets_total": ("counter", "Cumulative count of packets received", _INTERFACE),
    "container_network_receive_packets_dropped_total": (
        "counter",
        "Cumulative count of packets dropped while receiving",
        _INTERFACE,
    ),
    "container_network_receive_errors_total": (
        "counter",
        "Cumulative count of errors encountered while receiving",
        _INTERFACE,
    ),
    "container_network_transmit_bytes_total": ("counter", "Cumulative count of bytes transmitted", _INTERFACE),
    "container_network_transmit_packets_total": ("counter", "Cumulative count of packets transmitted", _INTERFACE),
    "container_network_transmit_packets_dropped_total": (
        "counter",
        "Cumulative count of packets dropped while transmitting",
        _INTERFACE,
    ),
    "container_network_transmit_errors_total": (
        "counter",
        "Cumulative count of errors encountered while transmitting",
        _INTERFACE,
    ),
    "container_processes": ("gauge", "Number of processes running inside the container.", ()),
    "container_tasks_state": ("gauge", "Number of tasks in given state", ("state",)),
    "container_threads": ("gauge", "Number of threads running inside the container", ()),
    "container_threads_max": (
        "gauge",
        "Maximum number of threads allowed inside the container, infinity if value is zero",
        (),
    ),
    "container_spec_cpu_period": ("gauge", "CPU period of the container.", ()),
    "container_spec_cpu_quota": ("gauge", "CPU quota of the container.", ()),
    "container_spec_cpu_shares": ("gauge", "CPU share of the container.", ()),
    "container_spec_memory_limit_bytes": ("gauge", "Memory limit for the container.", ()),
    "container_spec_memory_swap_limit_bytes": ("gauge", "Memory swap limit for the container.", ()),
    "container_spec_memory_reservation_limit_bytes": ("gauge", "Memory reservation limit for the container.", ()),
    "container_pressure_cpu_waiting_seconds_total": (
        "counter",
        "Total time duration tasks in the container have waited due to CPU congestion.",
        (),
    ),
    "container_pressure_cpu_stalled_seconds_total": (
        "counter",
        "Total time duration no tasks in the container could make progress due to CPU congestion.",
        (),
    ),
    "container_pressure_memory_waiting_seconds_total": (
        "counter",
        "Total time duration tasks in the container have waited due to memory congestion.",
        (),
    ),
    "container_pressure_memory_stalled_seconds_total": (
        "counter",
        "Total time duration no tasks in the container could make progress due to memory congestion.",
        (),
    ),
    "container_pressure_io_waiting_seconds_total": (
        "counter",
        "Total time duration tasks in the container have waited due to IO congestion.",
        (),
    ),
    "container_pressure_io_stalled_seconds_total": (
        "counter",
        "Total time duration no tasks in the container could make progress due to IO congestion.",
        (),
    ),
}


def families(measured: Iterable[tuple[LabelValues, CgroupReading]], labels: LabelNames) -> list[Family]:
    """Return the families of all control groups.

    Args:
        measured: The label values and the numbers of each control group.
        labels: The names of those labels.
    """
    samples: dict[str, dict[LabelValues, float]] = {name: {} for name in _FAMILIES}
    for values, reading in measured:
        for series, number in reading.items():
            samples[series[0]][values + series[1:]] = number
    return [_family(name, labels, of_family) for name, of_family in samples.items() if of_family]


def _family(name: str, labels: LabelNames, samples: dict[LabelValues, float]) -> Family:
    type_, help_, own = _FAMILIES[name]
    return Family(name, type_, help_, (*labels, *own), samples)
